"""What breaks delays as little as it can, loses nothing that was accepted, and ends no agreement."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg
import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from temporalio.api.common.v1 import Payload, Priority, WorkflowExecution
from temporalio.api.enums.v1 import (
    EventType,
    PendingWorkflowTaskState,
    ResetReapplyExcludeType,
    VersioningBehavior,
    WorkflowTaskFailedCause,
)
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.workflow.v1 import WorkflowExecutionOptions
from temporalio.api.workflowservice.v1 import (
    ResetWorkflowExecutionRequest,
    UpdateWorkflowExecutionOptionsRequest,
)
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.converter import SerializationContext

from activities.encryption.payload_codec import EncryptingCodec
from deploy.embedded import EmbeddedPostgres
from deploy.migrate import migrate
from domain.agreement.state import Agreement
from domain.decisions.time_passing import next_instant
from domain.kernel.vocabulary import ObligationKind, Phase
from workers.runtime.worker import hosting
from workflows.agreement_run import PAUSE_AFTER_A_FAULT

if TYPE_CHECKING:
    from tests.workflows.conftest import House, KeepingHouse, Mailbox, Placement

A_WEEK = timedelta(days=7)
BUSY = 16
"""Agreements with commands under way when PostgreSQL goes."""
FAILED_TASKS = {
    EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED,
    EventType.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT,
}


@dataclass(frozen=True)
class HaltingCodec(EncryptingCodec):
    """Opens what a worker is to read once it may be read: until then its task is under way."""

    may_read: asyncio.Event = field(default_factory=asyncio.Event)

    def with_context(self, context: SerializationContext) -> EncryptingCodec:
        """One for an agreement's payloads, which may be read when this one's may."""
        bound = super().with_context(context)
        return HaltingCodec(bound.keys, bound.agreement_id, bound.ciphers, bound.compresses, self.may_read)

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Waits until it may."""
        await self.may_read.wait()
        return await super().decode(payloads)


async def test_a_dead_mail_server_delays_no_signature_and_no_alarm(house: House) -> None:
    """While mail is refused people sign and ladders climb; given-up notices stay visible, later ones go."""
    house.mailbox.close()
    placement = await house.place("secondment")
    placement.longest_step = timedelta(hours=8)
    await placement.fast_forward(timedelta(days=3))
    assert await placement.answer_all(ObligationKind.SIGNATURE) == 5
    agreement = await placement.live_until(_somebody_was_reminded, answers=lambda _: False)
    assert agreement.phase is Phase.ACTIVE
    assert house.mailbox.mails == []

    failed = [
        row for row in await house.event_store.notices.of(placement.agreement_id) if row.state == "failed"
    ]
    assert failed
    assert all("mail server" in (row.last_error or "") for row in failed)

    house.mailbox.open()
    await placement.fast_forward(A_WEEK)
    states = {row.state for row in await house.event_store.notices.of(placement.agreement_id)}
    assert "sent" in states
    assert len(house.mailbox.mails) > 0


async def test_a_mail_server_that_never_answers_holds_up_nobody(house: House) -> None:
    """While deliveries hang on a server that takes the connection and says nothing, people sign."""
    house.mailbox.close()
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", house.mailbox.port))
        silent.listen(64)
        await house.change_worker(smtp_timeout_seconds=2.0)
        placement = await house.place("secondment")
        await _sign_while_deliveries_hang(house, placement)


async def test_a_mail_server_that_hangs_inside_a_message_holds_up_nobody(house: House) -> None:
    """While it has whole messages and does not say so people sign, and in the end mail goes out."""
    await house.change_worker(smtp_timeout_seconds=2.0)
    placement = await house.place("secondment")
    house.mailbox.answers.clear()
    try:
        await _sign_while_deliveries_hang(house, placement)
    finally:
        house.mailbox.answers.set()
    await placement.fast_forward(A_WEEK)
    states = {row.state for row in await house.event_store.notices.of(placement.agreement_id)}
    assert "sent" in states


@pytest.fixture
async def fragile_house(
    data_folder: Path, client: Client, mailbox: Mailbox, keeping_house: KeepingHouse
) -> AsyncGenerator[tuple[House, EmbeddedPostgres]]:
    """A house over a PostgreSQL of its own, which a test may stop."""
    async with EmbeddedPostgres(data_folder, settings={"fsync": "off"}) as postgres:
        await migrate(postgres.owner_dsn)
        async with keeping_house(postgres.dsn, client, mailbox) as open_house:
            yield open_house, postgres


async def test_what_is_in_flight_while_the_record_is_away_is_recorded_once(
    fragile_house: tuple[House, EmbeddedPostgres],
) -> None:
    """A command accepted while PostgreSQL was down is in the record exactly once after it is back."""
    house, postgres = fragile_house
    placement = await house.place("secondment")
    await placement.become_active()
    before = len(await house.event_store.stream(placement.agreement_id))
    await postgres.stop(crash=True)
    acting = asyncio.create_task(placement.act(placement.feedback("feedback/1")))

    await house.eventually(partial(_waits_for_the_record, placement), bool)
    assert not acting.done()

    await postgres.start()
    receipt = await acting
    stream = await house.event_store.stream(placement.agreement_id)
    assert [event.command_id for event in stream[before:]] == ["feedback/1"] * len(receipt.event_types)
    assert (await placement.status()).version == receipt.version
    assert await placement.act(placement.feedback("feedback/1"), update_id="again") == receipt


async def test_an_outage_of_the_record_fails_no_task_of_busy_agreements(
    fragile_house: tuple[House, EmbeddedPostgres],
) -> None:
    """While PostgreSQL is gone sixteen agreements wait; once it is back each command is there, once."""
    house, postgres = fragile_house
    placements = await asyncio.gather(*(house.place("shadowing") for _ in range(BUSY)))
    await asyncio.gather(*(placement.become_active() for placement in placements))
    await asyncio.gather(*(placement.act(placement.feedback("before")) for placement in placements))
    await postgres.stop(crash=True)
    acting = [
        asyncio.gather(*(placement.act(placement.feedback(f"during/{number}")) for number in range(3)))
        for placement in placements
    ]
    for placement in placements:
        await house.eventually(partial(_waits_for_the_record, placement), bool)
    assert not any(each.done() for each in acting)

    await postgres.start()
    for placement, receipts in zip(placements, await asyncio.gather(*acting), strict=True):
        stream = await house.event_store.stream(placement.agreement_id)
        written = Counter(event.command_id for event in stream)
        for receipt in receipts:
            assert written[receipt.command_id] == len(receipt.event_types)
        assert await house.event_store.verify_chain(placement.agreement_id) is None
        assert (await placement.status()).version == len(stream)
        for history in await placement.histories():
            assert [event for event in history.events if _failed_for_a_fault(event)] == []


async def test_a_new_worker_takes_over_in_the_middle(house: House) -> None:
    """A worker that is replaced leaves nothing behind that matters: the next one replays and goes on."""
    placement = await house.place("rotation")
    await placement.answer_all(ObligationKind.SIGNATURE)
    before = await placement.status()
    await house.change_worker()
    after = await placement.status()
    assert after.model_copy(update={"as_of": before.as_of}) == before
    agreement = await placement.become_active()
    assert (await placement.status()).version == agreement.version


async def test_a_worker_that_remembers_nothing_does_the_same(house: House) -> None:
    """Agreements that push each other out of a worker's memory are replayed at each step, and agree."""
    await house.change_worker(max_cached_workflows=1)
    placements = [await house.place("shadowing") for _ in range(2)]
    owed = [list((await placement.agreement()).obligations.values()) for placement in placements]
    for number in range(len(owed[0])):
        for placement, signatures in zip(placements, owed, strict=True):
            command = await placement.cast_answer(signatures[number])
            assert command is not None
            await placement.act(command)
    for placement in placements:
        agreement = await placement.become_active()
        assert (await placement.status()).version == agreement.version


async def test_a_run_that_was_reset_finds_the_record_ahead_and_follows(house: House) -> None:
    """A run that Temporal set back to its beginning folds the record before it writes; nothing is undone."""
    placement = await house.place("secondment")
    assert await placement.answer_all(ObligationKind.SIGNATURE) == 5
    await _reset_to_the_beginning(house, placement)
    before = await house.event_store.stream(placement.agreement_id)

    await placement.act(
        "request_changes", actor_id=placement.terms.mentee, fields=["milestones"], what="One week more."
    )
    stream = await house.event_store.stream(placement.agreement_id)
    assert stream[: len(before)] == before
    assert len(stream) > len(before)
    assert (await placement.status()).version == len(stream)
    assert await house.event_store.verify_chain(placement.agreement_id) is None


async def test_options_changed_during_a_task_leave_a_run_to_the_version_it_is_pinned_to(house: House) -> None:
    """What Temporal's operators change while a task is under way makes no run unversioned.

    Temporal then asks for a task that holds nothing for a workflow's code. Completed without a versioning
    behaviour, it takes the run from its deployment: the next activity is offered, and withdrawn, without end.
    """
    placement = await house.place("secondment")
    await house.close_workers()
    codec = house.client.data_converter.payload_codec
    assert isinstance(codec, EncryptingCodec)
    halting = HaltingCodec(codec.keys)
    client = await Client.connect(
        house.client.service_client.config.target_host,
        data_converter=replace(house.client.data_converter, payload_codec=halting),
    )
    async with hosting(house.settings, client):
        halting.may_read.set()
        await placement.status()
        halting.may_read.clear()
        acting = asyncio.create_task(placement.answer_all(ObligationKind.SIGNATURE))
        await house.eventually(partial(_has_a_task_under_way, placement), bool)
        await _prioritise(house, placement)
        halting.may_read.set()
        assert await acting == 5
        await placement.fast_forward(A_WEEK)
    tasks = [
        event.workflow_task_completed_event_attributes
        for history in await placement.histories()
        for event in history.events
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED
    ]
    assert {task.versioning_behavior for task in tasks} == {VersioningBehavior.VERSIONING_BEHAVIOR_PINNED}


async def test_cancelling_the_workflow_ends_no_agreement(house: House) -> None:
    """A request to cancel is shown, without effect: an agreement ends by a person's command with a reason."""
    placement = await house.place("secondment")
    await placement.handle.cancel()
    assert "without effect" in await house.eventually(placement.details, lambda text: "cancel" in text)
    agreement = await placement.become_active()
    description = await placement.handle.describe()
    assert description.status is WorkflowExecutionStatus.RUNNING
    assert (await placement.status()).version == agreement.version


async def test_what_the_record_refused_time_to_write_is_written_once_it_takes_it(
    house: House, administrator: asyncpg.Connection
) -> None:
    """Where the record refuses what time brings, people act meanwhile, and time is caught up afterwards."""
    placement = await house.place("secondment")
    agreement = await placement.become_active()
    await _damage(administrator, placement, "superseded")
    instant = next_instant(agreement, await placement.now())
    assert instant is not None
    until_then = instant - await placement.now() + timedelta(minutes=1)
    await house.skipper.fast_forward(placement.handle, until_then)
    assert (await placement.agreement()).version == agreement.version
    receipt = await placement.act(placement.feedback("feedback/1"))

    await _damage(administrator, placement, "open")
    await placement.fast_forward(2 * PAUSE_AFTER_A_FAULT)

    async def since() -> list[str]:
        return [e.type for e in await house.event_store.stream(placement.agreement_id, receipt.version)]

    await house.eventually(since, lambda types: "obligation.escalated" in types)
    assert (await placement.status()).version == (await placement.agreement()).version


async def _sign_while_deliveries_hang(house: House, placement: Placement) -> None:
    queued = await house.event_store.notices.undelivered(placement.agreement_id)
    monday = min(notice.not_before for notice in queued) + timedelta(seconds=1)
    waiting = asyncio.create_task(placement.fast_forward(monday - await placement.now()))
    await house.eventually(
        lambda: placement.under_way("deliver_notices", started=True), lambda count: count > 0
    )
    assert await placement.answer_all(ObligationKind.SIGNATURE) == 5
    assert (await placement.status()).stage_line.startswith("agreement signed 5/5")
    await waiting


async def _waits_for_the_record(placement: Placement) -> bool:
    # A run may just have taken over: then it is the stream that is waited for.
    return bool(await placement.under_way("append_events") + await placement.under_way("load_agreement"))


async def _has_a_task_under_way(placement: Placement) -> bool:
    description = await placement.handle.describe()
    task = description.raw_description.pending_workflow_task
    return task.state == PendingWorkflowTaskState.PENDING_WORKFLOW_TASK_STATE_STARTED


async def _prioritise(house: House, placement: Placement) -> None:
    """As `temporal workflow update-options` does."""
    await house.client.workflow_service.update_workflow_execution_options(
        UpdateWorkflowExecutionOptionsRequest(
            namespace=house.client.namespace,
            workflow_execution=WorkflowExecution(workflow_id=placement.agreement_id),
            workflow_execution_options=WorkflowExecutionOptions(priority=Priority(priority_key=1)),
            update_mask=FieldMask(paths=["priority"]),
        )
    )


async def _reset_to_the_beginning(house: House, placement: Placement) -> None:
    (history,) = (await placement.histories())[-1:]
    first_task = next(
        event.event_id
        for event in history.events
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED
    )
    await house.client.workflow_service.reset_workflow_execution(
        ResetWorkflowExecutionRequest(
            namespace=house.client.namespace,
            workflow_execution=WorkflowExecution(workflow_id=placement.agreement_id),
            reason="a test",
            request_id="reset-1",
            workflow_task_finish_event_id=first_task,
            reset_reapply_exclude_types=[
                ResetReapplyExcludeType.RESET_REAPPLY_EXCLUDE_TYPE_UPDATE,
                ResetReapplyExcludeType.RESET_REAPPLY_EXCLUDE_TYPE_SIGNAL,
            ],
        )
    )


def _somebody_was_reminded(agreement: Agreement) -> bool:
    return any((held.reached or 0) >= 1 for held in agreement.obligations.values())


async def _damage(administrator: asyncpg.Connection, placement: Placement, status: str) -> None:
    """Makes the read model contradict the stream, as a hand in the database would, or mends it."""
    await administrator.execute(
        "UPDATE sojourn.obligation "
        "SET status = $2, settled_at = CASE WHEN $2 = 'open' THEN NULL ELSE now() END "
        "WHERE agreement_id = $1 AND obligation_id = 'check_in:1'",
        placement.agreement_id,
        status,
    )


def _failed_for_a_fault(event: HistoryEvent) -> bool:
    """Tell a task that failed or timed out from one that a message overtook, which runs again at once."""
    overtaken = WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND
    return event.event_type in FAILED_TASKS and event.workflow_task_failed_event_attributes.cause != overtaken
