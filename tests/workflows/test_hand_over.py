"""One run after the other: what a run knows comes from the record, so nothing depends on any run's life."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowHistory

from domain.decisions.passage import next_instant
from domain.vocabulary import ObligationKind, Outcome
from workers.asking import ask
from workflows.contract import OBLIGATIONS_QUERY

if TYPE_CHECKING:
    from tests.workflows.conftest import House, Placement


async def test_the_next_run_carries_on_where_the_last_one_was(house: House) -> None:
    """Continue-as-new keeps version, obligations, what it sleeps towards and the notices still to be sent."""
    placement = await house.place("secondment")
    await _act_until_handed_over(placement)
    await _holds_what_the_record_holds(placement)
    queued = await house.record.undelivered_notices(placement.agreement_id)
    assert queued
    assert await _alarm_of(placement) == await _next_instant_of(house, placement)

    await placement.fast_forward(
        max(notice.not_before for notice in queued) - await placement.now() + timedelta(seconds=1)
    )

    async def became() -> set[str]:
        outbox = await house.record.notices(placement.agreement_id)
        states = {row.notice.notice_id: row.state for row in outbox}
        return {states[notice.notice_id] for notice in queued}

    # On a busy machine the last second of the way passes in real time while letters are being sent.
    states = await house.eventually(became, lambda states: "queued" not in states)
    assert states <= {"sent", "skipped"}
    assert "sent" in states


async def test_commands_are_accepted_once_while_runs_change(house: House) -> None:
    """Commands that keep arriving while one run hands over to the next are each accepted exactly once."""
    placement = await house.place("secondment")
    await placement.become_active()
    runs = len(await placement.histories())
    await asyncio.gather(*(_give_feedback(house, placement, sender) for sender in range(5)))
    assert len(await placement.histories()) > runs
    stream = await house.record.stream(placement.agreement_id)
    given = [event.command_id for event in stream if event.type == "feedback.given"]
    assert sorted(given) == sorted(
        f"feedback/{sender}/{number}" for sender in range(5) for number in range(8)
    )
    await _holds_what_the_record_holds(placement)


async def test_an_agreement_goes_on_from_its_record_alone(house: House) -> None:
    """A workflow that was terminated is started again by id: same version, obligations and next instant."""
    placement = await house.place("shadowing")
    owed = await placement.answer_all(ObligationKind.SIGNATURE)
    before = await placement.status()
    await placement.handle.terminate("as if the cluster were lost")

    await house.resume(placement)
    after = await placement.status()
    assert owed > 0
    assert after.model_copy(update={"as_of": before.as_of}) == before
    assert await _alarm_of(placement) == await _next_instant_of(house, placement)

    await placement.live_until(lambda _: False)
    assert await placement.outcome() == Outcome.COMPLETED
    assert await house.record.verify_chain(placement.agreement_id) is None


async def test_a_closed_agreement_that_is_resumed_ends_at_once(house: House) -> None:
    """Starting a closed agreement again changes nothing and returns its outcome."""
    placement = await house.place("secondment")
    await placement.act(
        "withdraw_agreement",
        actor_id=placement.terms.approved_by,
        acting_as="programme_owner",
        reason="The post is gone.",
    )
    assert await placement.outcome() == Outcome.WITHDRAWN
    before = await house.record.stream(placement.agreement_id)
    await house.resume(placement)
    assert await placement.outcome() == Outcome.WITHDRAWN
    assert await house.record.stream(placement.agreement_id) == before


async def _act_until_handed_over(placement: Placement) -> None:
    await placement.answer_all(ObligationKind.SIGNATURE)
    for number in range(20):
        if len(await placement.histories()) > 1:
            return
        await placement.act(
            "request_changes",
            actor_id=placement.terms.mentee,
            fields=["milestones"],
            what=f"Change {number}.",
        )
    raise AssertionError("no run was handed over")


async def _holds_what_the_record_holds(placement: Placement) -> None:
    async def both() -> tuple[int, int]:
        return (await placement.status()).version, (await placement.agreement()).version

    await placement.house.eventually(both, lambda versions: versions[0] == versions[1])
    status, folded = await placement.status(), await placement.agreement()
    owed = {each.id: (each.owner_id, each.due_at, each.stalled_at) for each in status.obligations}
    assert owed == {
        each.obligation_id: (each.owner_id, each.due_at, each.stalled_at)
        for each in folded.obligations.values()
    }
    listed = await placement.handle.query(OBLIGATIONS_QUERY)
    assert [each["id"] for each in listed] == [each.id for each in status.obligations]


async def _next_instant_of(house: House, placement: Placement) -> datetime:
    queued = await house.record.undelivered_notices(placement.agreement_id)
    ledger = next_instant(await placement.agreement(), await placement.now())
    return min([notice.not_before for notice in queued] + ([] if ledger is None else [ledger]))


async def _alarm_of(placement: Placement) -> datetime | None:
    async def last_timer() -> datetime | None:
        return _running_timer((await placement.histories())[-1])

    found = await placement.house.eventually(last_timer, lambda seen: seen is not None)
    return None if found is None else found.replace(microsecond=0)


def _running_timer(history: WorkflowHistory) -> datetime | None:
    """When the one timer of a run fires, to the second; None where none was started yet."""
    running: dict[str, datetime] = {}
    for event in history.events:
        if event.event_type == EventType.EVENT_TYPE_TIMER_STARTED:
            started = event.timer_started_event_attributes
            at = event.event_time.ToDatetime(tzinfo=UTC) + started.start_to_fire_timeout.ToTimedelta()
            running[started.timer_id] = at + timedelta(milliseconds=500)
        elif event.event_type == EventType.EVENT_TYPE_TIMER_CANCELED:
            running.pop(event.timer_canceled_event_attributes.timer_id)
        elif event.event_type == EventType.EVENT_TYPE_TIMER_FIRED:
            running.pop(event.timer_fired_event_attributes.timer_id)
    assert len(running) <= 1
    return next(iter(running.values()), None)


async def _give_feedback(house: House, placement: Placement, sender: int) -> None:
    for number in range(8):
        await ask(
            house.client,
            placement.agreement_id,
            "give_feedback",
            placement.feedback(f"feedback/{sender}/{number}"),
            update_id=f"feedback/{sender}/{number}",
        )
