"""Two ways of the same, measured in pairs right after each other: what slows the machine slows both."""

from __future__ import annotations

import math
import statistics
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple, TypeVar

Way = TypeVar("Way")


class Change(NamedTuple):
    """How much more of something there is one way than the other, over all pairs."""

    median: float
    low: float
    high: float
    """With `low`, where the median lies with 95 % certainty, by the sign test."""

    def __str__(self) -> str:
        """As people read it."""
        return f"{self.median:+.1%} (95 %: {self.low:+.1%} to {self.high:+.1%})"


def change(one: Sequence[float], other: Sequence[float]) -> Change:
    """What the one way changes: the median, which a machine that others slow down moves little."""
    ratios = sorted(mine / its - 1 for mine, its in zip(one, other, strict=True))
    within = math.floor(len(ratios) / 2 - 0.98 * math.sqrt(len(ratios)))
    cut = max(within, 0)
    return Change(statistics.median(ratios), ratios[cut], ratios[-1 - cut])


async def in_turns(
    one: Way, other: Way, turns: int, measure: Callable[[Way, int], Awaitable[float]]
) -> tuple[list[float], list[float]]:
    """Measures both ways turn by turn, each first as often as second; gives each way's figures in order."""
    found: tuple[list[float], list[float]] = ([], [])
    for number in range(turns):
        for way, figures in ((one, found[0]), (other, found[1]))[:: 1 if number % 2 else -1]:
            figures.append(await measure(way, number))
    return found
