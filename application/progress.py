"""Tell whoever waits how far a long use case has come."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Where progress is told: a bar on a terminal, a log, a status page."""

    def start(self, total: int | None) -> None:
        """Tell how many there are to do; None where that is not known."""
        ...

    def advance(self, count: int = 1, /) -> None:
        """Tell that so many more are done."""
        ...

    def describe(self, doing: str) -> None:
        """Tell what is being done now."""
        ...


class NoProgress:
    """Tell nobody."""

    def start(self, total: int | None) -> None:
        """Take no note."""

    def advance(self, count: int = 1, /) -> None:
        """Take no note."""

    def describe(self, doing: str) -> None:
        """Take no note."""


NO_PROGRESS = NoProgress()
