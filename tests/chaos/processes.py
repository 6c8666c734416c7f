"""Worker processes that are killed for good and started again, as a service manager would."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from deploy.embedded.processes import ServerProcess

_PROGRAM = Path(sys.executable).with_name("sojourn")
_REST_SECONDS = 0.5
"""A worker that could not start, such as for want of PostgreSQL, is started again after this."""


class Death(NamedTuple):
    """The end of a worker process, whoever wanted it."""

    worker: int
    """Its number: the next process has the same."""
    at: datetime


class Workers:
    """Keeps a number of `sojourn worker` processes up.

    Args:
        logs: Folder for a log each.
        environment: Settings of all of them.
        own: Settings of each, in the order of their numbers; so many there are.
    """

    def __init__(self, logs: Path, environment: Mapping[str, str], own: Sequence[Mapping[str, str]]) -> None:
        self._logs = logs
        self._own = [dict(each) for each in own]
        self._leaving: set[int] = set()
        clean = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("SOJOURN_", "TEMPORAL_", "PG"))
        }
        self._environment = {**clean, **environment}
        self._running: dict[int, ServerProcess] = {}
        self._keeping: list[asyncio.Task[None]] = []
        self._held = asyncio.Event()
        self._held.set()
        self.killed = 0
        """Processes that got SIGKILL."""
        self.gave_up = 0
        """Processes that ended by themselves, as when a server that they need to start is away."""
        self.deaths: list[Death] = []
        """All of them, in their order."""

    def start(self) -> None:
        """Begins to keep them up."""
        self._keeping = [asyncio.create_task(self._keep(number)) for number in range(len(self._own))]

    async def stop(self) -> None:
        """Lets them go, with whatever they are doing."""
        for keeping in self._keeping:
            keeping.cancel()
        await asyncio.gather(*self._keeping, return_exceptions=True)
        for process in self._running.values():
            await process.stop(signal.SIGKILL, patience=5)

    def hold_back(self) -> None:
        """Starts nobody for now."""
        self._held.clear()

    def let_start(self) -> None:
        """Starts whoever is missing."""
        self._held.set()

    def kill(self, dice: random.Random, *, everybody: bool) -> int:
        """SIGKILL to one of those that run, or to all.

        Returns:
            How many there were to kill.
        """
        numbers = sorted(self._running)
        victims = numbers if everybody else dice.sample(numbers, min(1, len(numbers)))
        for number in victims:
            with suppress(ProcessLookupError):
                os.kill(self._running[number].pid, signal.SIGKILL)
        self.killed += len(victims)
        return len(victims)

    @property
    def count(self) -> int:
        """How many are kept up."""
        return len(self._own)

    def replace(self, number: int, build_id: str) -> None:
        """Lets a worker go as a service manager would, for one of another version.

        Args:
            number: Whose place it is.
            build_id: What tells its version.
        """
        self._own[number]["TEMPORAL_WORKER_BUILD_ID"] = build_id
        process = self._running.get(number)
        if process is not None:
            self._leaving.add(process.pid)
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGTERM)

    def freeze(self, dice: random.Random) -> int | None:
        """SIGSTOP to one of those that run; its process id, to be thawed by."""
        if not self._running:
            return None
        pid = self._running[dice.choice(sorted(self._running))].pid
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
        return pid

    def thaw(self, pid: int) -> None:
        """Lets a frozen process go on."""
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)

    async def _keep(self, number: int) -> None:
        while True:
            await self._held.wait()
            process = await ServerProcess.start(
                [str(_PROGRAM), "worker"],
                log=self._logs / f"worker-{number}.log",
                death_signal=signal.SIGKILL,
                environment={**self._environment, **self._own[number]},
            )
            self._running[number] = process
            status = await process.ended()
            self.deaths.append(Death(number, datetime.now(UTC)))
            del self._running[number]
            if status != -signal.SIGKILL and process.pid not in self._leaving:
                self.gave_up += 1
                await asyncio.sleep(_REST_SECONDS)
