"""One durable timer, kept while it is set to the same instant: a new one each time is history for nothing.

To let a timer fire where a later instant is asked for, and look again then, was measured: over the lives of
the demonstration it saves a tenth of the timers, and its tasks cost more than twice the events.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from temporalio import workflow

AT_LEAST = timedelta(milliseconds=1)


class WakeupTimer:
    """Fires at an instant.

    Args:
        by_summary: Whether a timer is replaced where only its summary has changed, as in runs that earlier
            releases began.
    """

    def __init__(self, *, by_summary: bool) -> None:
        self._by_summary = by_summary
        self._set_to: tuple[datetime, str] | None = None
        self._timer: asyncio.Task[None] | None = None

    @property
    def fired(self) -> bool:
        """Tell whether the instant that it was last set to has come."""
        return self._timer is not None and self._timer.done()

    def set(self, instant: datetime, summary: str) -> None:
        """Let it fire at an instant, and at no other.

        Args:
            instant: When, UTC; at once where it is past.
            summary: What the Temporal UI says about the timer.
        """
        known = (instant, summary if self._by_summary else "")
        if self._set_to == known and not self.fired:
            return
        self.clear()
        self._set_to = known
        self._timer = asyncio.create_task(
            workflow.sleep(max(instant - workflow.now(), AT_LEAST), summary=summary)
        )

    def clear(self) -> None:
        """Let it fire no more."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._set_to = None
