"""The engine that every kind of placement runs on: one agreement, from proposal to close.

People's commands and the passage of time take the same path: decide, record, fold. The run sleeps until the
ledger next changes by itself, or a notice may be sent, and at no other instant.

Nobody's say-so in Temporal ends an agreement: a request to cancel the workflow is noted and otherwise without
effect, for an agreement ends by a command of a named party with a reason. A workflow that was terminated is
started again with `AgreementInput(agreement_id=...)` and goes on from its record.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from domain.agreement.commands import Command, ProposeAgreement
from domain.agreement.events.forming import AgreementProposed
from domain.agreement.state import Agreement
from domain.decisions.time_passing import next_instant
from domain.kernel.vocabulary import Kind
from domain.stream.messages import FIRST_VERSION
from domain.views.status import ObligationView, StatusView, status_view
from workflows import handover, user_metadata
from workflows.contract import (
    CONFIRM_UPDATE,
    NUDGE_SIGNAL,
    OBLIGATIONS_QUERY,
    STATUS_QUERY,
    AgreementInput,
    Receipt,
    proposal_of,
)
from workflows.event_store_client import EventStoreClient
from workflows.failures import as_request_refused, request_refused
from workflows.handover import CommandAdmission
from workflows.journal import Journal
from workflows.outbox import BatchOutbox, Outbox
from workflows.outbox_one_by_one import OneByOneOutbox
from workflows.patches import one_task_per_command
from workflows.requests import read_input, read_terms
from workflows.search_attributes import changes
from workflows.wakeup_timer import WakeupTimer

PAUSE_AFTER_A_FAULT = timedelta(minutes=15)
"""How long time stands still where the record refuses what it brings. People may act meanwhile."""


class AgreementRun:
    """Runs one agreement. The three workflow types are thin names over it."""

    def __init__(self, started_with: object) -> None:
        one_task = one_task_per_command()
        self._started_with = started_with
        self._outbox: Outbox = BatchOutbox() if one_task else OneByOneOutbox()
        self._journal = Journal(EventStoreClient(fast_path=one_task), self._outbox)
        self._wakeup = WakeupTimer(by_summary=not one_task)
        self._admission = CommandAdmission()
        self._began = False
        self._failed: ApplicationError | None = None
        self._cancel_noted = False

    async def live(self, kind: Kind) -> str:
        """Begin or resume, then wait for people and for time until the agreement is closed.

        Returns:
            The outcome.

        Raises:
            ApplicationError: If the request is not one that an agreement can be proposed from.
        """
        life = asyncio.create_task(self._live(kind))
        while True:
            try:
                # The life is a task of its own so that cancelling the workflow cannot tear an append.
                hand_over = await asyncio.shield(life)
                break
            except asyncio.CancelledError:
                if self._cancel_noted or workflow.cancellation_reason() is None:
                    raise
                self._note_cancel_request()
        if hand_over:
            self._continue_as_new()
        return str(self._current.outcome)

    async def _live(self, kind: Kind) -> bool:
        """Run until it is closed and everybody was told; True where the next run is to take over."""
        try:
            await self._begin(kind)
        except ApplicationError as error:
            self._failed = error
            await workflow.wait_condition(workflow.all_handlers_finished)
            raise
        while not self._current.closed:
            if handover.due():
                await self._make_ready_to_hand_over()
                return True
            # While time was looked at, somebody's command may have closed the agreement.
            if await self._let_time_pass() or self._current.closed:
                continue
            self._outbox.send_due(workflow.now())
            self._present()
            await self._sleep()
        self._present()
        self._wakeup.clear()
        # What is left is announcements and cancelled meetings; the rest is looked at again and skipped, with
        # what was put off while the agreement closed.
        while True:
            self._outbox.send_the_rest(workflow.now())
            await workflow.wait_condition(lambda: self._outbox.idle and workflow.all_handlers_finished())
            if self._outbox.empty:
                return False

    @property
    def _current(self) -> Agreement:
        agreement = self._journal.agreement
        if agreement is None:
            raise AssertionError("nothing is asked of an agreement before it was read")
        return agreement

    # What callers see.

    @workflow.update(name=CONFIRM_UPDATE, description="Wait until the proposal is in the record.")
    async def confirm_placement(self) -> Receipt:
        """Answer once the agreement exists in the record.

        Raises:
            ApplicationError: The one by which the workflow fails, where it cannot begin.
        """
        await self._until_begun()
        agreement_id = self._current.agreement_id
        return Receipt(
            agreement_id=agreement_id,
            command_id=proposal_of(agreement_id),
            version=FIRST_VERSION,
            event_types=(AgreementProposed.model_fields["type"].default,),
        )

    @confirm_placement.validator
    def _check_confirmation(self) -> None:
        self._admission.admit()

    @workflow.query(name=STATUS_QUERY, description="Phase, health, stages, and why it is stalled if it is.")
    def status(self) -> StatusView | None:
        """Return the agreement as it is now; None before it was read."""
        agreement = self._journal.agreement
        return None if agreement is None else status_view(agreement, workflow.now())

    @workflow.query(name=OBLIGATIONS_QUERY, description="Who owes what by when.")
    def obligations(self) -> tuple[ObligationView, ...] | None:
        """Return the open obligations, the one due first in front; None before they were read."""
        status = self.status()
        return None if status is None else status.obligations

    @workflow.signal(name=NUDGE_SIGNAL, description="Wake up and notice a new worker version.")
    def nudge(self) -> None:
        """Change nothing."""

    def check(self, command: Command) -> None:
        """Refuse a command early: nothing of it is written anywhere.

        Raises:
            ApplicationError: Of type `Refused`, with code and sentence as details; of type `HandingOver`
                where the next run takes it.
        """
        self._admission.admit()
        self._journal.refuse_early(command)

    async def accept(self, command: Command) -> Receipt:
        """Decide, record and fold; the same command again gets its first receipt.

        Raises:
            ApplicationError: Of type `Refused`, where another command came first.
        """
        await self._until_begun()
        return await self._journal.write(command)

    async def _until_begun(self) -> None:
        # Updates may arrive with the first task of a run, before there is anything to decide on.
        await workflow.wait_condition(lambda: self._began or self._failed is not None)
        if self._failed is not None:
            raise self._failed

    # Beginning and handing over.

    async def _begin(self, kind: Kind) -> None:
        started_with = read_input(self._started_with)
        if started_with.agreement_id is not None:
            await self._resume(started_with.agreement_id, kind)
        else:
            await self._propose(started_with, kind)
        self._began = True

    async def _resume(self, agreement_id: str, kind: Kind) -> None:
        if agreement_id != workflow.info().workflow_id:
            raise request_refused([f"agreement_id: the workflow id that resumes it is {agreement_id}"])
        await self._journal.load(agreement_id)
        agreement = self._journal.agreement
        if agreement is None:
            raise request_refused(
                [f"agreement_id: the record has no {agreement_id}; propose it with its terms"]
            )
        if agreement.kind is not kind:
            raise request_refused([f"agreement_id: {agreement_id} is a {agreement.kind}, not a {kind}"])

    async def _propose(self, started_with: AgreementInput, kind: Kind) -> None:
        terms = read_terms(started_with, kind, workflow.info().workflow_id)
        agreement_id = workflow.info().workflow_id
        propose = ProposeAgreement(
            command_id=proposal_of(agreement_id),
            actor_id=terms.approved_by,
            agreement_id=agreement_id,
            terms=terms,
            policies=started_with.policies,
        )
        try:
            await self._journal.write(propose)
        except ApplicationError as error:
            raise as_request_refused(error) from error

    async def _make_ready_to_hand_over(self) -> None:
        """Let what is under way finish. What is not finished in time is taken up by the next run."""
        self._present()
        await self._outbox.before_hand_over()
        await self._admission.drain()

    def _continue_as_new(self) -> None:
        """Begin the next run with nothing but the id: it folds the stream, as after any loss.

        It begins on the current worker version whatever the reason: a run that stayed on the old one just as
        the version changed would never be told again.
        """
        workflow.continue_as_new(
            AgreementInput(agreement_id=self._current.agreement_id),
            initial_versioning_behavior=workflow.ContinueAsNewVersioningBehavior.AUTO_UPGRADE,
        )

    def _note_cancel_request(self) -> None:
        self._cancel_noted = True
        task = asyncio.current_task()
        if task is not None:
            task.uncancel()
        workflow.logger.warning(
            "a request to cancel the workflow is without effect: %s", user_metadata.CANCEL_HAS_NO_EFFECT
        )
        if self._journal.agreement is not None:
            self._present()

    # Time.

    async def _let_time_pass(self) -> bool:
        """Tell whether time brought anything; it is asked again until it brings nothing more."""
        try:
            return await self._journal.let_time_pass()
        except ApplicationError as error:
            workflow.logger.error("what time brings cannot be recorded: %s", error.message)
        await workflow.sleep(PAUSE_AFTER_A_FAULT, summary="System fault: the record refused an append")
        return True

    async def _sleep(self) -> None:
        """Wait until the ledger changes by itself, somebody acted, or the run is to end."""
        seen, next_notice = self._current, self._outbox.next_instant()
        instant = self._next_instant(workflow.now())
        if instant is None:
            self._wakeup.clear()
        else:
            self._wakeup.set(instant, user_metadata.timer_summary(seen, instant))
        await workflow.wait_condition(
            lambda: (
                self._journal.agreement is not seen
                or self._outbox.next_instant() != next_notice
                or self._wakeup.fired
                or handover.due()
            )
        )

    def _next_instant(self, now: datetime) -> datetime | None:
        instants = (next_instant(self._current, now), self._outbox.next_instant())
        return min((instant for instant in instants if instant is not None), default=None)

    def _present(self) -> None:
        """Show the agreement in the Temporal UI as it is now."""
        now = workflow.now()
        workflow.set_current_details(
            user_metadata.current_details(self._current, now, cancel_noted=self._cancel_noted)
        )
        updates = changes(self._current, now, workflow.info().typed_search_attributes)
        if updates:
            # The SDK's annotation leaves the values' type open.
            workflow.upsert_search_attributes(updates)  # pyright: ignore[reportUnknownMemberType]
