"""The agreement as this run knows it, and the one path by which anything is written: decide, record, fold."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from domain.agreement.commands import Command, ProposeAgreement
from domain.agreement.commands.operations import ResendNotices
from domain.agreement.commands.time import LetTimePass
from domain.agreement.state import Agreement
from domain.decisions.areas.forming import parties_of
from domain.decisions.decide import SYSTEM_ACTOR, decide, newcomers
from domain.handling.handle import step
from domain.handling.loaded import REMEMBERED_COMMANDS, CalendarsWanted, KnownCommand
from domain.kernel.calendar import Calendar
from domain.kernel.digests import digest_of_model
from domain.kernel.errors import RefusalCode, Refused
from domain.kernel.model import PersonId
from domain.ledger.notice import Notice
from domain.stream.messages import Appended
from workflows import activity_definitions as activities
from workflows.contract import CONTENDED, Receipt, is_established_operator
from workflows.event_store_client import CallRefusedError, EventStoreClient
from workflows.failures import not_recorded, refusal, reused
from workflows.outbox import Outbox

ATTEMPTS = 5
"""How often a command is decided anew where another writer was first, as after a reset of the workflow."""


class Journal:
    """One agreement: its state, the commands that led to it, and how the next one is written.

    A command that is known by its id gets its first receipt again. Beyond the last few hundred, which are
    known by heart, the record sees to it that nothing is written twice.
    """

    def __init__(self, event_store: EventStoreClient, outbox: Outbox) -> None:
        self._event_store = event_store
        self._outbox = outbox
        self._agreement: Agreement | None = None
        self._folded_at = workflow.now()
        self._known: dict[str, KnownCommand] = {}
        self._one_at_a_time = asyncio.Lock()

    @property
    def agreement(self) -> Agreement | None:
        """The present state; None before it was proposed or loaded. Every change makes another object."""
        return self._agreement

    def receipt_of(self, command: Command) -> Receipt | None:
        """Return what the same command led to before; None where it is new.

        Raises:
            ApplicationError: Of type `Refused`, where its id is known with other content.
        """
        known = self._known.get(command.command_id)
        if known is None or self._agreement is None:
            return None
        if not known.is_of(digest_of_model(command)):
            raise reused(command.command_id)
        return _receipt(self._agreement, known)

    def refuse_early(self, command: Command) -> None:
        """Refuse what the rules do not allow, with nothing written anywhere; what is known passes.

        Raises:
            ApplicationError: Of type `Refused`.
        """
        if self._agreement is None or self.receipt_of(command) is not None:
            return
        try:
            decide(self._agreement, command, workflow.now(), is_operator=is_established_operator(command))
        except Refused as refused:
            if self._was_allowed(command):
                # A lost task may have recorded it while it was: only the record can tell.
                return
            raise refusal(refused) from refused

    def _was_allowed(self, command: Command) -> bool:
        """Tell whether the command was allowed when the agreement was last folded."""
        if not self._event_store.fast_path:
            return False
        try:
            decide(self._agreement, command, self._folded_at, is_operator=is_established_operator(command))
        except Refused:
            return False
        return True

    async def write(self, command: Command) -> Receipt:
        """Decide, record and fold, one command at a time.

        Raises:
            ApplicationError: Of type `Refused`, or `NotRecorded` where the record will not take it.
        """
        async with self._one_at_a_time:
            return await self._write(command)

    async def let_time_pass(self) -> bool:
        """Write down what has come of itself by now.

        Returns:
            Whether anything had.

        Raises:
            ApplicationError: As `write`.
        """
        async with self._one_at_a_time:
            agreement = self._agreement
            if agreement is None or agreement.closed:
                return False
            moment = f"{workflow.now():%Y%m%dT%H%M%S.%f}"
            command = LetTimePass(command_id=f"time/{agreement.version}/{moment}", actor_id=SYSTEM_ACTOR)
            return bool((await self._write(command)).event_types)

    async def load(self, agreement_id: str, *, resent: Collection[str] = ()) -> None:
        """Fold the stream, as after a loss: what is known comes from the record and from nowhere else.

        Args:
            agreement_id: Whose.
            resent: Ids of notices that were given up, and are queued anew.
        """
        loaded = await self._event_store.load(agreement_id)
        self._agreement, self._folded_at = loaded.agreement, workflow.now()
        self._known = {known.command_id: known for known in loaded.commands}
        self._outbox.add(loaded.undelivered, again=resent)

    async def _write(self, command: Command) -> Receipt:
        for attempt in range(1, ATTEMPTS + 1):
            known = self.receipt_of(command)
            if known is not None:
                return known
            try:
                receipt = await self._try(command)
            except Refused as refused:
                if attempt > 1 or self._agreement is None or not self._event_store.fast_path:
                    raise refusal(refused) from refused
                # What a task recorded that was lost before it ended is known to the record alone.
                await self.load(self._agreement.agreement_id)
                continue
            except CallRefusedError as error:
                if error.type == activities.UNKNOWN_PERSON:
                    raise refusal(Refused(RefusalCode.UNKNOWN_REFERENCE, str(error))) from error
                # What this run believes may be what is wrong: the second attempt starts from the record.
                if attempt > 1 or self._agreement is None:
                    raise not_recorded(command.command_id, str(error)) from error
                await self.load(self._agreement.agreement_id)
                continue
            if receipt is not None:
                return receipt
        raise ApplicationError(
            f"{command.command_id}: another writer keeps changing the agreement; send it again.",
            type=CONTENDED,
        )

    async def _try(self, command: Command) -> Receipt | None:
        """Decide and record; None where the stream was ahead, which has been folded meanwhile.

        Raises:
            Refused: The rules do not allow it.
        """
        before, now = self._agreement, workflow.now()
        is_operator = is_established_operator(command)
        calendars = await self._calendars(before, command)
        events = decide(before, command, now, calendars, is_operator=is_operator)
        if not events:
            return _nothing_changed(before, command)
        event_ids = [str(workflow.uuid7()) for _ in events]
        after, append = step(before, command, events, event_ids, now, is_operator=is_operator)
        known = KnownCommand(
            command_id=command.command_id,
            digest=append.command_digest,
            version=after.version,
            event_types=tuple(event.type for event in events),
        )
        appended = await self._event_store.append(append, known.event_types)
        return await self._conclude(appended, command, after, known, append.notices)

    async def _conclude(
        self,
        appended: Appended,
        command: Command,
        after: Agreement,
        known: KnownCommand,
        notices: Sequence[Notice],
    ) -> Receipt | None:
        match appended.outcome:
            case "appended":
                self._take(after, known, notices)
                if isinstance(command, ResendNotices):
                    # What the statement has queued again is known to the record alone.
                    await self.load(after.agreement_id, resent=command.notice_ids)
                return _receipt(after, known)
            case "different_content":
                raise reused(command.command_id)
            case "duplicate":
                await self.load(after.agreement_id)
                return _receipt(
                    after,
                    known.model_copy(
                        update={"version": appended.version, "event_types": appended.event_types}
                    ),
                )
            case "conflict":
                await self.load(after.agreement_id)
                return None

    def _take(self, agreement: Agreement, known: KnownCommand, notices: Sequence[Notice]) -> None:
        self._agreement, self._folded_at = agreement, workflow.now()
        self._known[known.command_id] = known
        while len(self._known) > REMEMBERED_COMMANDS:
            del self._known[next(iter(self._known))]
        self._outbox.add(notices)
        workflow.logger.info(
            "%s",
            ", ".join(known.event_types),
            extra={
                "agreement_id": agreement.agreement_id,
                "command_id": known.command_id,
                "version": known.version,
            },
        )

    async def _calendars(self, agreement: Agreement | None, command: Command) -> Mapping[PersonId, Calendar]:
        """Return the working time of everybody whom a command brings in."""
        today = workflow.now().date()
        if isinstance(command, ProposeAgreement):
            people = frozenset(party.person_id for party in parties_of(command.terms))
            first = min(command.terms.effective_from, command.terms.approved_at.date(), today)
            last = command.terms.planned_end
        elif agreement is not None:
            people, first, last = newcomers(agreement, command), today, agreement.ends_on
        else:
            return {}
        if not people:
            return {}
        return await self._event_store.calendars(
            CalendarsWanted(
                person_ids=tuple(sorted(people)),
                first=first,
                last=last + activities.CALENDARS_REACH_BEYOND_THE_END,
            )
        )


def _nothing_changed(agreement: Agreement | None, command: Command) -> Receipt:
    if agreement is None:
        raise AssertionError("a proposal leads to events")
    return Receipt(
        agreement_id=agreement.agreement_id,
        command_id=command.command_id,
        version=agreement.version,
        event_types=(),
    )


def _receipt(agreement: Agreement, known: KnownCommand) -> Receipt:
    return Receipt(
        agreement_id=agreement.agreement_id,
        command_id=known.command_id,
        version=known.version,
        event_types=known.event_types,
    )
