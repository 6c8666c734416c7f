"""Attempts at a notice: how many there are in its whole life, how far apart, and who makes them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

_NO_PAUSE = timedelta()


MOST_TRIES = 12
"""How often a notice is tried before it is given up and shown as failed."""
FIRST_PAUSE, PAUSE_FACTOR, LONGEST_PAUSE = timedelta(seconds=5), 3, timedelta(hours=4)
"""Between tries: a mail server that is down for a night delays a notice and nothing else."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt at a notice, as whoever schedules its delivery knows it.

    The tries themselves are counted by the record, for a delivery ends with the run of a workflow that asked
    for it, and the next run asks again.
    """

    delivery_id: str
    """The attempts of one delivery follow each other. Two deliveries may overlap, as those of a run that has
    handed over and of the next."""
    longest: timedelta = timedelta(seconds=90)
    """After which the attempt is dead, and another one may be made."""
    most_tries: int = 1
    """How often the notice may be tried in its whole life; 0: without end."""
    another_follows: bool = False
    """Whether this delivery is attempted again where this attempt fails."""
    first_pause: timedelta = _NO_PAUSE
    factor: float = 1
    longest_pause: timedelta = _NO_PAUSE

    def is_last(self, tries: int) -> bool:
        """Tell whether a notice that was tried so often, this attempt included, is given up."""
        return not self.another_follows or 0 < self.most_tries <= tries

    def pause_after(self, tries: int) -> timedelta:
        """Return how long to wait after so many tries."""
        pause = self.first_pause
        for _ in range(1, tries):
            # Step by step: a power of hundreds is beyond what can be multiplied with a timedelta.
            if pause >= self.longest_pause:
                break
            pause *= self.factor
        return min(pause, self.longest_pause)


def attempt_at_a_batch(delivery_id: str, longest: timedelta) -> Attempt:
    """Return an attempt that another one follows until each notice is settled or was tried often enough."""
    return Attempt(
        delivery_id=delivery_id,
        longest=longest,
        most_tries=MOST_TRIES,
        another_follows=True,
        first_pause=FIRST_PAUSE,
        factor=PAUSE_FACTOR,
        longest_pause=LONGEST_PAUSE,
    )
