"""The engine that every kind of placement runs on: one agreement, from proposal to close.

People's commands and the passage of time take the same path: decide, record, fold. The run sleeps until the
ledger next changes by itself, or a notice may be sent, and at no other instant.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

from domain.agreement import Agreement
from domain.announcing import notices_of
from domain.calendars import Calendar
from domain.commands import Command, ProposeAgreement
from domain.commands.time import LetTimePass
from domain.decide import SYSTEM_ACTOR, actor_of, decide, newcomers
from domain.decisions.forming import parties_of
from domain.decisions.passage import next_instant
from domain.digests import digest_of_model
from domain.evolve import evolve
from domain.loading import REMEMBERED_COMMANDS, CalendarsWanted, Delivery, KnownCommand, head_of
from domain.model import PersonId
from domain.notices import Notice
from domain.reading import to_new_event
from domain.recording import Append, NewEvent
from domain.refusals import RefusalCode, Refused
from domain.terms import Terms
from domain.terms.problems import RequestRefused
from domain.terms.requests import split
from domain.views import ObligationView, StatusView, status_view
from domain.vocabulary import Kind, Role
from workflows import activity_definitions as activities
from workflows import story
from workflows.contract import CONFIRM_UPDATE, NUDGE_SIGNAL, OBLIGATIONS_QUERY, STATUS_QUERY
from workflows.contract import AgreementInput, Receipt, agreement_id_of
from workflows.search_attributes import SearchAttributeValues

CALENDARS_REACH_BEYOND_THE_END = timedelta(days=730)
"""Extensions, debriefs and synthesis lie inside the snapshot."""
ATTEMPTS_AGAINST_ANOTHER_WRITER = 5
"""A run that was reset or is a leftover finds the stream ahead of it: it folds and decides again."""
PAUSE_AFTER_A_FAULT = timedelta(minutes=15)
"""How long the run waits when the record refuses what time brings, which only a release can mend."""
GRACE_FOR_DELIVERIES = timedelta(minutes=2)
"""How long continue-as-new waits for notices that are being sent."""


class AgreementRun:
    """Runs one agreement. The three workflow types are thin names over it."""

    def __init__(self, started_with: AgreementInput) -> None:
        self._started_with = started_with
        self._agreement: Agreement | None = None
        self._known: dict[str, KnownCommand] = {}
        self._writing = asyncio.Lock()
        self._outbox: dict[str, Notice] = {}
        self._sending: dict[str, asyncio.Task[None]] = {}
        self._changed = False
        self._search_attributes = SearchAttributeValues()

    async def live(self, kind: Kind) -> str:
        """The whole life: begin or resume, then wait for people and for time, until closed.

        Returns:
            The outcome.

        Raises:
            ApplicationError: If the request is not one that an agreement can be proposed from.
        """
        await self._begin(kind)
        while not self._current.closed:
            if self._should_hand_over():
                await self._hand_over()
            self._send_what_may_be_sent()
            await self._sleep()
            await self._let_time_pass()
        self._send_everything_left()
        await workflow.wait_condition(lambda: not self._sending and workflow.all_handlers_finished())
        return str(self._current.outcome)

    @property
    def _current(self) -> Agreement:
        if self._agreement is None:
            raise ApplicationError("The agreement is not loaded yet; ask again in a moment.", type="NotLoaded")
        return self._agreement

    # What callers see.

    @workflow.update(name=CONFIRM_UPDATE, description="Wait until the proposal is in the record.")
    async def confirm_placement(self) -> Receipt:
        """Answers once the agreement exists in the record."""
        await self._loaded()
        first = next(iter(self._known.values()))
        return _receipt(self._current, first)

    @workflow.query(name=STATUS_QUERY, description="Phase, health, stages, and why it is stalled if it is.")
    def status(self) -> StatusView:
        """The agreement now."""
        return status_view(self._current, workflow.now())

    @workflow.query(name=OBLIGATIONS_QUERY, description="Who owes what by when.")
    def obligations(self) -> tuple[ObligationView, ...]:
        """The open obligations, the one due first in front."""
        return status_view(self._current, workflow.now()).obligations

    @workflow.signal(name=NUDGE_SIGNAL, description="Wake up and notice a new worker version.")
    def nudge(self) -> None:
        """Changes nothing."""

    def check(self, command: Command) -> None:
        """Refuses a command early: nothing of it is written anywhere.

        Raises:
            ApplicationError: Of type `Refused`, with code and sentence as details.
        """
        if self._agreement is None or self._remembered(command) is not None:
            return
        try:
            decide(self._agreement, command, workflow.now())
        except Refused as refused:
            raise _refusal(refused) from refused

    async def accept(self, command: Command) -> Receipt:
        """Decides, records and folds; the same command again gets its first receipt.

        Raises:
            ApplicationError: Of type `Refused`, where another command came first.
        """
        await self._loaded()
        async with self._writing:
            remembered = self._remembered(command)
            if remembered is not None:
                return remembered
            return await self._commit(command)

    async def _loaded(self) -> None:
        await workflow.wait_condition(lambda: self._agreement is not None)

    def _remembered(self, command: Command) -> Receipt | None:
        known = self._known.get(command.command_id)
        if known is None or self._agreement is None:
            return None
        if known.digest != digest_of_model(command):
            raise _refusal(_reused(command))
        return _receipt(self._agreement, known)

    # Beginning and handing over.

    async def _begin(self, kind: Kind) -> None:
        if self._started_with.agreement_id is not None:
            await self._load(self._started_with.agreement_id)
            if self._agreement is None:
                raise ApplicationError(
                    f"The record has no agreement {self._started_with.agreement_id} to resume.",
                    type="UnknownAgreement",
                    non_retryable=True,
                )
            self._present()
            return
        terms = _checked_terms(self._started_with, kind)
        agreement_id = agreement_id_of(terms)
        if workflow.info().workflow_id != agreement_id:
            raise ApplicationError(
                f"The workflow id of this request is {agreement_id}, not {workflow.info().workflow_id}.",
                type="RequestRefused",
                non_retryable=True,
            )
        async with self._writing:
            await self._commit(
                ProposeAgreement(
                    command_id=f"propose/{agreement_id}",
                    actor_id=terms.approved_by,
                    agreement_id=agreement_id,
                    terms=terms,
                )
            )

    async def _load(self, agreement_id: str) -> None:
        loaded = await workflow.execute_activity(
            activities.load_agreement,
            agreement_id,
            start_to_close_timeout=activities.RECORD_TIMEOUT,
            retry_policy=activities.UNTIL_THE_RECORD_ANSWERS,
            summary=f"Fold the record of {agreement_id}",
        )
        self._agreement = loaded.agreement
        self._known = {known.command_id: known for known in loaded.commands}
        for notice in loaded.undelivered:
            self._outbox.setdefault(notice.notice_id, notice)

    def _should_hand_over(self) -> bool:
        info = workflow.info()
        return info.is_continue_as_new_suggested() or info.is_target_worker_deployment_version_changed()

    async def _hand_over(self) -> None:
        """Continues as new with nothing but the id: the next run folds the stream, as after any loss."""
        await workflow.wait_condition(workflow.all_handlers_finished)
        try:
            await workflow.wait_condition(
                lambda: not self._sending,
                timeout=GRACE_FOR_DELIVERIES,
                timeout_summary="Notices under way before continue-as-new",
            )
        except TimeoutError:
            workflow.logger.info("notices under way are taken up by the next run")
        await workflow.wait_condition(workflow.all_handlers_finished)
        upgrade = workflow.info().is_target_worker_deployment_version_changed()
        workflow.continue_as_new(
            AgreementInput(agreement_id=self._current.agreement_id),
            initial_versioning_behavior=workflow.ContinueAsNewVersioningBehavior.AUTO_UPGRADE
            if upgrade
            else None,
        )

    # Time.

    async def _sleep(self) -> None:
        """Until the ledger changes by itself, a notice may be sent, somebody acted, or the run is to end."""
        self._changed = False
        now = workflow.now()
        instant = self._next_instant(now)
        try:
            await workflow.wait_condition(
                lambda: self._changed or self._should_hand_over(),
                timeout=None if instant is None else max(instant - now, timedelta(milliseconds=1)),
                timeout_summary=None if instant is None else story.timer_summary(self._current, instant),
            )
        except TimeoutError:
            return

    def _next_instant(self, now: datetime) -> datetime | None:
        instants = [notice.not_before for key, notice in self._outbox.items() if key not in self._sending]
        ledger = next_instant(self._current, now)
        return min(instants if ledger is None else [*instants, ledger], default=None)

    async def _let_time_pass(self) -> None:
        now = workflow.now()
        async with self._writing:
            agreement = self._current
            command = LetTimePass(
                command_id=f"time/{agreement.version}/{now:%Y%m%dT%H%M%S.%f}", actor_id=SYSTEM_ACTOR
            )
            try:
                if not agreement.closed:
                    await self._commit(command)
            except ActivityError as error:
                workflow.logger.error("the record refused what time brings: %s", error.cause)
                await workflow.sleep(PAUSE_AFTER_A_FAULT, summary="System fault: the record refused an append")
        self._present()

    # The one path by which anything is written.

    async def _commit(self, command: Command) -> Receipt:
        for _ in range(ATTEMPTS_AGAINST_ANOTHER_WRITER):
            receipt = await self._try_commit(command)
            if receipt is not None:
                return receipt
        raise ApplicationError(
            f"{command.command_id}: another writer keeps changing the agreement; send it again.", type="Contended"
        )

    async def _try_commit(self, command: Command) -> Receipt | None:
        """Decides and records; None where the stream was ahead, which has been folded meanwhile."""
        before = self._agreement
        now = workflow.now()
        calendars = await self._calendars(before, command)
        try:
            events = decide(before, command, now, calendars)
            actor = Role.SYSTEM if before is None or isinstance(command, LetTimePass) else actor_of(before, command).role
        except Refused as refused:
            raise _refusal(refused) from refused
        if not events:
            return Receipt(
                agreement_id=self._current.agreement_id,
                command_id=command.command_id,
                version=self._current.version,
                event_types=(),
            )
        after = before
        recorded: list[NewEvent] = []
        notices: list[Notice] = []
        for event in events:
            event_id = str(workflow.uuid7())
            folded = evolve(after, event)
            notices.extend(notices_of(after, folded, event, event_id))
            recorded.append(to_new_event(event, event_id))
            after = folded
        if after is None:
            raise AssertionError("events fold to an agreement")
        known = KnownCommand(
            command_id=command.command_id,
            digest=digest_of_model(command),
            version=after.version,
            event_types=tuple(event.type for event in events),
        )
        append = Append(
            agreement_id=after.agreement_id,
            expected_version=0 if before is None else before.version,
            command_id=command.command_id,
            command_type=command.type,
            command_digest=known.digest,
            actor_id=command.actor_id,
            actor_role=actor,
            occurred_at=now,
            events=tuple(recorded),
            head=head_of(after, now),
            notices=tuple(notices),
        )
        appended = await workflow.execute_activity(
            activities.append_events,
            append,
            start_to_close_timeout=activities.RECORD_TIMEOUT,
            retry_policy=activities.UNTIL_THE_RECORD_ANSWERS,
            summary=story.append_summary(command.type, known.event_types),
        )
        if appended.outcome == "different_content":
            raise _refusal(_reused(command))
        if appended.outcome == "appended":
            self._take(after, known, notices)
            return _receipt(after, known)
        await self._load(after.agreement_id)
        self._changed = True
        return self._remembered(command) if appended.outcome == "duplicate" else None

    def _take(self, agreement: Agreement, known: KnownCommand, notices: list[Notice]) -> None:
        self._agreement = agreement
        self._known[known.command_id] = known
        while len(self._known) > REMEMBERED_COMMANDS:
            del self._known[next(iter(self._known))]
        self._outbox.update({notice.notice_id: notice for notice in notices})
        self._changed = True
        workflow.logger.info(
            "%s",
            ", ".join(known.event_types),
            extra={
                "agreement_id": agreement.agreement_id,
                "command_id": known.command_id,
                "version": known.version,
            },
        )
        self._present()

    async def _calendars(self, agreement: Agreement | None, command: Command) -> Mapping[PersonId, Calendar]:
        if isinstance(command, ProposeAgreement):
            people = {party.person_id for party in parties_of(command.terms)}
            first, last = command.terms.effective_from, command.terms.planned_end
            first = min(first, command.terms.approved_at.date(), workflow.now().date())
        elif agreement is not None:
            people = newcomers(agreement, command)
            first, last = workflow.now().date(), agreement.ends_on
        else:
            people, first, last = frozenset[PersonId](), workflow.now().date(), workflow.now().date()
        if not people:
            return {}
        return await workflow.execute_activity(
            activities.resolve_calendars,
            CalendarsWanted(
                person_ids=tuple(sorted(people)), first=first, last=last + CALENDARS_REACH_BEYOND_THE_END
            ),
            start_to_close_timeout=activities.RECORD_TIMEOUT,
            retry_policy=activities.UNTIL_THE_RECORD_ANSWERS,
            summary=f"Snapshot {len(people)} calendars",
        )

    # Notices.

    def _send_what_may_be_sent(self) -> None:
        now = workflow.now()
        for notice_id, notice in list(self._outbox.items()):
            if notice.not_before <= now and notice_id not in self._sending:
                self._sending[notice_id] = asyncio.create_task(self._send(notice))

    def _send_everything_left(self) -> None:
        """A closed agreement sends at once what is left; the obligations are looked at again."""
        for notice_id, notice in list(self._outbox.items()):
            if notice_id not in self._sending:
                self._sending[notice_id] = asyncio.create_task(self._send(notice))

    async def _send(self, notice: Notice) -> None:
        """Delivers beside everything else: a dead mail server delays no signature and no alarm."""
        try:
            await workflow.execute_activity(
                activities.deliver_notice,
                Delivery(notice=notice, at=workflow.now()),
                start_to_close_timeout=activities.DELIVERY_TIMEOUT,
                retry_policy=activities.OVER_A_DAY,
                summary=story.delivery_summary(notice),
            )
        except ActivityError as error:
            workflow.logger.warning(
                "a notice was given up: %s", error.cause, extra={"notice_id": notice.notice_id}
            )
        finally:
            self._outbox.pop(notice.notice_id, None)
            self._sending.pop(notice.notice_id, None)

    def _present(self) -> None:
        """Shows the agreement in the Temporal UI as it stands now."""
        now = workflow.now()
        workflow.set_current_details(story.current_details(self._current, now))
        updates = self._search_attributes.changes(self._current, now)
        if updates:
            workflow.upsert_search_attributes(updates)


def _checked_terms(started_with: AgreementInput, kind: Kind) -> Terms:
    try:
        people, terms = split(dict(started_with.terms or {}))
    except RequestRefused as refused:
        sentences = [str(problem) for problem in refused.problems]
        raise ApplicationError(
            "; ".join(sentences), *sentences, type="RequestRefused", non_retryable=True
        ) from refused
    if people:
        raise ApplicationError(
            "People are named by id here; put their details into the directory first.",
            type="RequestRefused",
            non_retryable=True,
        )
    if terms.kind is not kind:
        raise ApplicationError(
            f"kind: a {terms.kind} is started with its own workflow type.",
            type="RequestRefused",
            non_retryable=True,
        )
    return terms


def _receipt(agreement: Agreement, known: KnownCommand) -> Receipt:
    return Receipt(
        agreement_id=agreement.agreement_id,
        command_id=known.command_id,
        version=known.version,
        event_types=known.event_types,
    )


def _refusal(refused: Refused) -> ApplicationError:
    return ApplicationError(
        refused.sentence, str(refused.code), refused.sentence, type="Refused", non_retryable=True
    )


def _reused(command: Command) -> Refused:
    return Refused(
        RefusalCode.COMMAND_REUSED,
        f"command_id {command.command_id} is known with other content; give the new command an id of its own.",
    )
