"""The agreement as this run knows it, and the one path by which anything is written: decide, record, fold."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

from domain.agreement.commands import Command, ProposeAgreement
from domain.agreement.commands.time import LetTimePass
from domain.agreement.events.operations import NoticesResent
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
from workflows import user_metadata as story
from workflows.contract import CONTENDED, Receipt
from workflows.failures import is_of_type, not_recorded, reason_of, refusal, reused
from workflows.outbox import Outbox

_RESENT: str = NoticesResent.model_fields["type"].default
ATTEMPTS = 5
"""How often a command is decided anew where another writer was first, as after a reset of the workflow."""


class Journal:
    """One agreement: its state, the commands that led to it, and how the next one is written.

    A command that is known by its id gets its first receipt again. Beyond the last few hundred, which are
    known by heart, the record sees to it that nothing is written twice.
    """

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._agreement: Agreement | None = None
        self._known: dict[str, KnownCommand] = {}
        self._one_at_a_time = asyncio.Lock()

    @property
    def agreement(self) -> Agreement | None:
        """As it stands; None before it was proposed or loaded. Every change makes another object."""
        return self._agreement

    def receipt_of(self, command: Command) -> Receipt | None:
        """What the same command led to before; None where it is new.

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
        """Refuses what the rules do not allow, with nothing written anywhere; what is known passes.

        Raises:
            ApplicationError: Of type `Refused`.
        """
        if self._agreement is None or self.receipt_of(command) is not None:
            return
        try:
            decide(self._agreement, command, workflow.now())
        except Refused as refused:
            raise refusal(refused) from refused

    async def write(self, command: Command) -> Receipt:
        """Decides, records and folds, one command at a time.

        Raises:
            ApplicationError: Of type `Refused`, or `NotRecorded` where the record will not take it.
        """
        async with self._one_at_a_time:
            return await self._write(command)

    async def let_time_pass(self) -> bool:
        """Writes down what has come of itself by now.

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

    async def load(self, agreement_id: str) -> None:
        """Folds the stream, as after a loss: what is known comes from the record and from nowhere else."""
        loaded = await workflow.execute_activity(
            activities.load_agreement,
            agreement_id,
            start_to_close_timeout=activities.RECORD_TIMEOUT,
            retry_policy=activities.UNTIL_IT_CAN_BE_READ,
            summary=f"Fold the record of {agreement_id}",
        )
        self._agreement = loaded.agreement
        self._known = {known.command_id: known for known in loaded.commands}
        self._outbox.add(loaded.undelivered)

    async def _write(self, command: Command) -> Receipt:
        for attempt in range(1, ATTEMPTS + 1):
            known = self.receipt_of(command)
            if known is not None:
                return known
            try:
                receipt = await self._try(command)
            except ActivityError as error:
                if is_of_type(error, activities.UNKNOWN_PERSON):
                    raise refusal(Refused(RefusalCode.UNKNOWN_REFERENCE, reason_of(error))) from error
                # What this run believes may be what is wrong: the second attempt starts from the record.
                if attempt > 1 or self._agreement is None:
                    raise not_recorded(command.command_id, error) from error
                await self.load(self._agreement.agreement_id)
                continue
            if receipt is not None:
                return receipt
        raise ApplicationError(
            f"{command.command_id}: another writer keeps changing the agreement; send it again.",
            type=CONTENDED,
        )

    async def _try(self, command: Command) -> Receipt | None:
        """Decides and records; None where the stream was ahead, which has been folded meanwhile."""
        before, now = self._agreement, workflow.now()
        calendars = await self._calendars(before, command)
        try:
            events = decide(before, command, now, calendars)
        except Refused as refused:
            raise refusal(refused) from refused
        if not events:
            return _nothing_changed(before, command)
        after, append = step(before, command, events, [str(workflow.uuid7()) for _ in events], now)
        known = KnownCommand(
            command_id=command.command_id,
            digest=append.command_digest,
            version=after.version,
            event_types=tuple(event.type for event in events),
        )
        appended = await workflow.execute_activity(
            activities.append_events,
            append,
            start_to_close_timeout=activities.RECORD_TIMEOUT,
            retry_policy=activities.UNTIL_THE_RECORD_ANSWERS,
            summary=story.append_summary(command.type, known.event_types),
        )
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
                if _RESENT in known.event_types:
                    # What the statement has queued again is known to the record alone.
                    await self.load(after.agreement_id)
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
        self._agreement = agreement
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
        """Working time of everybody whom a command brings in."""
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
        return await workflow.execute_activity(
            activities.resolve_calendars,
            CalendarsWanted(
                person_ids=tuple(sorted(people)),
                first=first,
                last=last + activities.CALENDARS_REACH_BEYOND_THE_END,
            ),
            start_to_close_timeout=activities.RECORD_TIMEOUT,
            retry_policy=activities.UNTIL_THE_RECORD_ANSWERS,
            summary=f"Snapshot {len(people)} calendars",
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
