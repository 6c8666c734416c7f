"""Breaks things as scheduled and mends them again, and notes when they were broken."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tests.chaos.operating import bring_back, roll_out
from tests.chaos.post import Manners
from tests.chaos.schedule import TARGETS, Fault, Stroke, Target
from tests.chaos.surroundings import Surroundings

_MANNERS = {
    Fault.MAIL_REFUSES: Manners.REFUSES,
    Fault.MAIL_SILENT: Manners.SILENT,
    Fault.MAIL_SWALLOWS: Manners.SWALLOWS,
}


@dataclass(frozen=True)
class Struck:
    """One fault that was."""

    fault: Fault
    began: datetime
    ended: datetime
    """When it was mended: the server answers again, the workers may start."""
    processes: int = 0
    """How many were killed, stopped or frozen by it."""


@dataclass
class Striker:
    """Carries out a schedule on the surroundings."""

    around: Surroundings
    dice: random.Random
    struck: list[Struck] = field(default_factory=list[Struck])
    _releases: int = 0
    _one_at_a_time: defaultdict[Target, asyncio.Lock] = field(
        default_factory=lambda: defaultdict[Target, asyncio.Lock](asyncio.Lock)
    )

    async def carry_out(self, strokes: Sequence[Stroke]) -> None:
        """Strikes every stroke at its time; returns once all is mended."""
        async with asyncio.TaskGroup() as group:
            for stroke in strokes:
                group.create_task(self._at_its_time(stroke))

    async def _at_its_time(self, stroke: Stroke) -> None:
        await asyncio.sleep(stroke.at)
        async with self._one_at_a_time[TARGETS[stroke.fault]]:
            began = datetime.now(UTC)
            processes = await self._strike(stroke)
            self.struck.append(Struck(stroke.fault, began, datetime.now(UTC), processes))

    async def _strike(self, stroke: Stroke) -> int:
        match TARGETS[stroke.fault]:
            case Target.WORKERS if stroke.fault is Fault.WORKER_FROZEN:
                return await self._freeze_worker(stroke)
            case Target.WORKERS:
                return await self._kill_workers(stroke)
            case Target.POSTGRES:
                await self.around.postgres.stop(crash=stroke.fault is Fault.POSTGRES_CRASHED)
                await asyncio.sleep(stroke.lasts)
                await self.around.postgres.start()
                return 1
            case Target.TEMPORAL:
                return await self._move_temporal(stroke)
            case Target.MAIL:
                await self.around.post.behave(_MANNERS[stroke.fault])
                await asyncio.sleep(stroke.lasts)
                await self.around.post.behave(Manners.OPEN)
                return 0

    async def _move_temporal(self, stroke: Stroke) -> int:
        if stroke.fault is Fault.TEMPORAL_LOST:
            return await self._lose_temporal(stroke)
        if stroke.fault is Fault.NEW_RELEASE:
            self._releases += 1
            await roll_out(self.around, f"release-{self._releases}")
            return self.around.workers.count
        await self.around.temporal.stop(crash=stroke.fault is Fault.TEMPORAL_CRASHED)
        await asyncio.sleep(stroke.lasts)
        await self.around.temporal.start()
        return 1

    async def _lose_temporal(self, stroke: Stroke) -> int:
        """The server and all it knew are gone. Workers that start on an empty one make it theirs."""
        async with self._one_at_a_time[Target.WORKERS]:
            self.around.workers.hold_back()
            killed = self.around.workers.kill(self.dice, everybody=True)
            await self.around.temporal.stop(crash=True)
            self.around.lost_temporal += 1
            for path in self.around.folder.glob("temporal.db*"):
                path.unlink()
            await asyncio.sleep(stroke.lasts)
            await self.around.temporal.start()
            self.around.workers.let_start()
        await bring_back(self.around)
        return killed + 1

    async def _freeze_worker(self, stroke: Stroke) -> int:
        frozen = self.around.workers.freeze(self.dice)
        if frozen is None:
            return 0
        await asyncio.sleep(stroke.lasts)
        self.around.workers.thaw(frozen)
        return 1

    async def _kill_workers(self, stroke: Stroke) -> int:
        everybody = stroke.fault is Fault.EVERY_WORKER_KILLED
        if everybody:
            self.around.workers.hold_back()
        killed = self.around.workers.kill(self.dice, everybody=everybody)
        await asyncio.sleep(stroke.lasts)
        self.around.workers.let_start()
        return killed
