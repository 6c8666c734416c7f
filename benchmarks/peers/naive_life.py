"""A placement written naively on Temporal: an activity per write and per notice, a timer per obligation.

It plays a life that was lived before: every command at its instant, with the notices that it gave reason for
and the obligations that it opened and settled. The activities do nothing, so only Temporal's share is seen.
Payloads are the events and notices as JSON, as one would pass them to such activities.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import JsonValue
from temporalio import activity, workflow

LIMIT = timedelta(seconds=10)


@dataclass(frozen=True)
class Step:
    """What one command, or the passage of time, led to."""

    events: list[dict[str, JsonValue]]
    notices: list[dict[str, JsonValue]]
    opened: dict[str, datetime]
    """Obligations put on the ledger or moved, with their due instants, UTC."""
    settled: list[str]


@activity.defn(name="write_events")
async def write_events(_events: list[dict[str, JsonValue]]) -> None:
    """Stand for the write."""


@activity.defn(name="send_notice")
async def send_notice(_notice: dict[str, JsonValue]) -> None:
    """Stand for the sending."""


@workflow.defn(name="NaiveLife", sandboxed=False)
class NaiveLife:
    """One placement."""

    def __init__(self) -> None:
        self._timers: dict[str, asyncio.Task[None]] = {}
        self._over = False

    @workflow.run
    async def run(self) -> None:
        """Wait for the end."""
        await workflow.wait_condition(lambda: self._over)
        for timer in self._timers.values():
            timer.cancel()
        await workflow.wait_condition(workflow.all_handlers_finished)

    @workflow.update
    async def take(self, step: Step) -> int:
        """Write the events, send each notice, keep a timer per obligation; return how many are open."""
        await workflow.execute_activity("write_events", step.events, start_to_close_timeout=LIMIT)
        for settled in (*step.settled, *step.opened):
            timer = self._timers.pop(settled, None)
            if timer is not None:
                timer.cancel()
        for obligation, due_at in step.opened.items():
            wait = max((due_at - workflow.now()).total_seconds(), 1.0)
            self._timers[obligation] = asyncio.create_task(asyncio.sleep(wait))
        for notice in step.notices:
            await workflow.execute_activity("send_notice", notice, start_to_close_timeout=LIMIT)
        return len(self._timers)

    @workflow.signal
    def end(self) -> None:
        """End the placement."""
        self._over = True
