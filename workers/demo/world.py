"""A placement as it really runs: commands as updates, time on the server, letters in the mailboxes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from temporalio.client import Client
from temporalio.testing import TimeSkipper

from activities.event_store.event_store import EventStore
from application.temporal.updates import send_update
from domain.agreement.commands import Command
from domain.ledger.obligation import Obligation
from domain.stream.messages import RecordedEvent
from workers.demo.mailboxes import Mailboxes

LETTERS_TAKE = 3.0
"""Seconds that a letter may be on its way before its reader is thought not to get it."""


class RunningWorld:
    """One running agreement.

    Args:
        agreement_id: Its workflow.
        client: The way to Temporal.
        record: Where its events are.
        mailboxes: Where its letters arrive.
    """

    def __init__(
        self, agreement_id: str, client: Client, event_store: EventStore, mailboxes: Mailboxes
    ) -> None:
        self._agreement_id = agreement_id
        self._client = client
        self._skipper = TimeSkipper(client)
        self._handle = client.get_workflow_handle(agreement_id)
        self._event_store = event_store
        self._mailboxes = mailboxes
        self._ahead = timedelta()

    async def now(self) -> datetime:
        """The agreement's own time, a moment early: between skips it runs with the clock on the wall."""
        return datetime.now(UTC) + self._ahead

    async def pass_time(self, until: datetime) -> None:
        """Fast-forwards this workflow; what came due last may be recorded a moment after the return."""
        by = until - await self.now()
        if by > timedelta():
            await self._skipper.fast_forward(self._handle, by)
            self._is_at_least(until)

    async def give(self, command: Command) -> None:
        """Sends the command as the update of its name, as anybody would.

        Raises:
            UpdateRefusedError: A rule forbids it.
        """
        await send_update(
            self._client, self._agreement_id, command.type, command, update_id=command.command_id
        )

    async def events_after(self, version: int) -> Sequence[RecordedEvent]:
        """What the record holds since a version."""
        events = await self._event_store.stream(self._agreement_id, version)
        if events:
            self._is_at_least(events[-1].occurred_at)
        return events

    def asked_at(self, owed: Obligation, readers: Sequence[str]) -> datetime | None:
        """When a letter that asks for it came to one of its readers."""
        return self._mailboxes.asked_at(self._agreement_id, owed, readers)

    async def until_asked(self, owed: Obligation, readers: Sequence[str]) -> bool:
        """Waits for the letter; whether it came."""
        return await self._mailboxes.until_asked(self._agreement_id, owed, readers, patience=LETTERS_TAKE)

    async def until_over(self) -> None:
        """Waits for the end of the workflow, which comes after its last letters."""
        await self._handle.result()

    def _is_at_least(self, instant: datetime) -> None:
        self._ahead = max(self._ahead, instant - datetime.now(UTC))
