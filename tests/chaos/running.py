"""One run: agreements of all three kinds are played while things break, then all is mended and looked at."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from domain.kernel.vocabulary import Kind
from tests.chaos.actors import Actors
from tests.chaos.notes import Notes
from tests.chaos.observation import observe
from tests.chaos.report import ChaosReport, report_on
from tests.chaos.schedule import Plan, schedule
from tests.chaos.striking import Striker
from tests.chaos.surroundings import surroundings

KINDS = (Kind.SECONDMENT, Kind.SHADOWING, Kind.ROTATION)

Telling = Callable[[str], None]
"""Is told how far a run is."""


async def run_chaos(folder: Path, plan: Plan, tell: Telling = lambda _: None) -> ChaosReport:
    """Plays agreements of all three kinds side by side, one after another while faults are struck.

    Args:
        folder: Empty; all servers keep their data and logs in it.
        plan: What is broken, and for how long.
        tell: Told how far it is.

    Raises:
        ExceptionGroup: An agreement did not get to its end.
    """
    began = datetime.now(UTC)
    notes = Notes()
    async with surroundings(folder) as around:
        striker = Striker(around, random.Random(f"victims of {plan.seed}"))

        async def play(kind: Kind, striking: asyncio.Task[None]) -> None:
            """At least one agreement, and the next while faults are still struck."""
            for number in itertools.count(1):
                actors = Actors(around, kind, f"CHAOS-{kind}-{number}".upper(), plan, notes)
                await actors.play()
                tell(f"{actors.agreement_id} is over")
                if striking.done():
                    return

        async with asyncio.TaskGroup() as group:
            striking = group.create_task(striker.carry_out(schedule(plan)))
            for kind in KINDS:
                group.create_task(play(kind, striking))
        seen = await observe(around, notes, striker.struck)
        return report_on(seen, plan, began=began, workers_started_in_vain=around.workers.gave_up)
