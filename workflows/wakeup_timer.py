"""One durable timer, kept while it is set to the same instant: a new one each time is history for nothing."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from temporalio import workflow

AT_LEAST = timedelta(milliseconds=1)


class Alarm:
    """Rings at an instant."""

    def __init__(self) -> None:
        self._set_to: tuple[datetime, str] | None = None
        self._timer: asyncio.Task[None] | None = None

    @property
    def rang(self) -> bool:
        """Whether the instant that it was last set to has come."""
        return self._timer is not None and self._timer.done()

    def set(self, instant: datetime, summary: str) -> None:
        """Lets it ring at an instant, and at no other.

        Args:
            instant: When, UTC; at once where it is past.
            summary: What the Temporal UI says about the timer.
        """
        if self._set_to == (instant, summary) and not self.rang:
            return
        self.clear()
        self._set_to = (instant, summary)
        self._timer = asyncio.create_task(
            workflow.sleep(max(instant - workflow.now(), AT_LEAST), summary=summary)
        )

    def clear(self) -> None:
        """Lets it ring no more."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._set_to = None
