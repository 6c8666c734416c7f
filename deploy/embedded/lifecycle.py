"""What can be started and stopped: by hand, or as an asynchronous context manager."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self


class StartedAndStopped(ABC):
    """Runs while its context lasts."""

    @abstractmethod
    async def start(self) -> object:
        """Start it, and return once it answers."""

    @abstractmethod
    async def stop(self) -> None:
        """Stop it, and return once it has ended. Safe to call twice."""

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()
