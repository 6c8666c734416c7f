"""One run: agreements of all three kinds are played while things break, then all is mended and looked at."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from domain.vocabulary import Kind
from tests.chaos.actors import Actors
from tests.chaos.notes import Notes
from tests.chaos.observation import observe
from tests.chaos.report import ChaosReport, report_on
from tests.chaos.schedule import schedule
from tests.chaos.striking import Striker
from tests.chaos.surroundings import Surroundings, surroundings

KINDS = (Kind.SECONDMENT, Kind.SHADOWING, Kind.ROTATION)

Telling = Callable[[str], None]
"""Is told how far a run is."""


async def run_chaos(
    folder: Path,
    *,
    seed: int,
    seconds: float,
    pause: float = 4.0,
    haste: float = 0.05,
    tell: Telling = lambda _: None,
) -> ChaosReport:
    """Plays agreements of all three kinds side by side, one after another while faults are struck.

    Args:
        folder: Empty; all servers keep their data and logs in it.
        seed: What is broken when, and what people do beyond their duty, is drawn from it.
        seconds: How long faults are struck. What is open then is played to its end with all mended.
        pause: Seconds between two faults on average.
        haste: How often people let weeks pass at once.
        tell: Told how far it is.

    Raises:
        ExceptionGroup: An agreement did not get to its end.
    """
    began = datetime.now(UTC)
    notes = Notes()
    async with surroundings(folder) as around:
        striker = Striker(around, random.Random(f"victims of {seed}"))
        lives = _Lives(around, seed, notes, haste, tell)
        async with asyncio.TaskGroup() as group:
            striking = group.create_task(striker.carry_out(schedule(seed, seconds, pause=pause)))
            for kind in KINDS:
                group.create_task(lives.one_after_another(kind, striking))
        seen = await observe(around, notes, striker.struck)
        return report_on(
            seen, seed=seed, seconds=seconds, began=began, workers_started_in_vain=around.workers.gave_up
        )


class _Lives:
    """Plays agreements of each kind for as long as things are broken."""

    def __init__(self, around: Surroundings, seed: int, notes: Notes, haste: float, tell: Telling) -> None:
        self._around = around
        self._seed = seed
        self._notes = notes
        self._haste = haste
        self._tell = tell

    async def one_after_another(self, kind: Kind, striking: asyncio.Task[None]) -> None:
        """At least one, and the next while faults are still struck."""
        for number in itertools.count(1):
            request_id = f"CHAOS-{kind}-{number}".upper()
            actors = Actors(self._around, kind, request_id, self._seed, self._notes, haste=self._haste)
            await actors.play()
            self._tell(f"{actors.agreement_id} is over")
            if striking.done():
                return
