"""One run after the other: what a run knows comes from the record, so nothing depends on any run's life."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from application.temporal.updates import send_update
from domain.kernel.vocabulary import ObligationKind, Outcome
from workflows import activity_definitions, handover
from workflows.contract import NUDGE_SIGNAL, OBLIGATIONS_QUERY

if TYPE_CHECKING:
    from tests.workflows.conftest import House, Placement

A_FEW_RUNS = 2


async def test_the_next_run_carries_on_where_the_last_one_was(house: House) -> None:
    """Continue-as-new keeps version, obligations, what it sleeps towards and the notices still to be sent."""
    placement = await house.place("secondment")
    await _act_until_handed_over(placement)
    await _holds_what_the_record_holds(placement)
    queued = await house.event_store.notices.undelivered(placement.agreement_id)
    assert queued
    assert await placement.alarm() == await placement.next_instant()

    await placement.fast_forward(
        max(notice.not_before for notice in queued) - await placement.now() + timedelta(seconds=1)
    )

    async def became() -> set[str]:
        outbox = await house.event_store.notices.of(placement.agreement_id)
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
    stream = await house.event_store.stream(placement.agreement_id)
    given = [event.command_id for event in stream if event.type == "feedback.given"]
    assert sorted(given) == sorted(
        f"feedback/{sender}/{number}" for sender in range(5) for number in range(8)
    )
    await _holds_what_the_record_holds(placement)


async def test_callers_who_leave_no_gap_do_not_keep_a_run_alive(house: House) -> None:
    """With ten commands in flight at every instant, one run after the other still hands over in time."""
    placement = await house.place("secondment")
    await placement.become_active()
    runs, enough = len(await placement.histories()), asyncio.Event()

    async def keep_sending(sender: int) -> list[str]:
        sent: list[str] = []
        while not enough.is_set():
            await _feedback(house, placement, f"gapless/{sender}/{len(sent)}")
            sent.append(f"gapless/{sender}/{len(sent)}")
        return sent

    senders = [asyncio.create_task(keep_sending(sender)) for sender in range(10)]
    try:
        await house.eventually(placement.histories, lambda seen: len(seen) >= runs + 3, seconds=120)
    finally:
        enough.set()
    sent = [command_id for commands in await asyncio.gather(*senders) for command_id in commands]
    stream = await house.event_store.stream(placement.agreement_id)
    given = [event.command_id for event in stream if event.type == "feedback.given"]
    assert sorted(given) == sorted(sent)
    await _holds_what_the_record_holds(placement)


async def test_a_command_keeps_its_first_receipt_over_the_hand_over(house: House) -> None:
    """The next run, which was told nothing but the id, answers a command that an earlier one accepted."""
    placement = await house.place("secondment")
    command = placement.feedback("feedback/before")
    await placement.become_active()
    first = await placement.act(command)
    runs = len(await placement.histories())
    for number in range(40):
        await placement.act(placement.feedback(f"feedback/{number}"))
        if len(await placement.histories()) > runs:
            break
    assert len(await placement.histories()) > runs
    assert await placement.act(command, update_id="another-attempt") == first
    stream = await house.event_store.stream(placement.agreement_id)
    assert [event.command_id for event in stream].count(command.command_id) == len(first.event_types)


async def test_a_run_that_took_over_sees_which_words_of_the_terms_change(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the terms are recognised by is sealed in the record, and open to whoever decides."""
    monkeypatch.setattr(handover, "LONGEST_HISTORY", 24)
    placement = await house.place("secondment")
    await placement.become_active()
    assert len(await placement.histories()) > 1
    terms = placement.terms.model_dump(mode="json")
    terms["rationale"] = "Another reason, which the mentee and both managers agreed upon."
    await placement.act("amend_terms", actor_id=placement.terms.hrbp, terms=terms, reason="It was too vague.")
    amended = (await house.event_store.stream(placement.agreement_id))[-1]
    assert (amended.type, amended.data["changed"]) == ("terms.amended", ["rationale"])


async def test_a_run_that_has_grown_long_hands_over_by_itself(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server whose own suggestion is far away does not make histories grow without end."""
    monkeypatch.setattr(handover, "LONGEST_HISTORY", 24)
    placement = await house.place("secondment")
    await placement.answer_all(ObligationKind.SIGNATURE)
    first, second, *_ = await placement.histories()
    assert len(first.events) < 50
    assert second.events[0].workflow_execution_started_event_attributes.continued_execution_run_id


async def test_tries_at_a_notice_go_on_over_the_hand_over(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dead mail server is tried twelve times in the life of a notice, however many runs that takes."""
    house.mailbox.close()
    placement = await house.place("secondment")
    waiting = await house.event_store.notices.undelivered(placement.agreement_id)
    first = waiting[0].not_before
    queued = [notice for notice in waiting if notice.not_before == first]
    await placement.fast_forward(first - await placement.now() + timedelta(minutes=1))
    monkeypatch.setattr(handover, "LONGEST_HISTORY", 20)
    for _ in range(3):
        for _ in range(6):
            await placement.handle.signal(NUDGE_SIGNAL)
        await placement.fast_forward(timedelta(minutes=10))
    assert len(await placement.histories()) > A_FEW_RUNS
    rows = {row.notice.notice_id: row for row in await house.event_store.notices.of(placement.agreement_id)}
    tried = [rows[notice.notice_id] for notice in queued]
    assert {row.state for row in tried} == {"queued"}
    assert {row.attempts for row in tried} <= set(range(4, 9)), "six pauses make half an hour"

    monkeypatch.undo()
    placement.longest_step = timedelta(hours=8)
    await placement.fast_forward(timedelta(days=1))
    rows = {row.notice.notice_id: row for row in await house.event_store.notices.of(placement.agreement_id)}
    assert {(rows[notice.notice_id].state, rows[notice.notice_id].attempts) for notice in queued} == {
        ("failed", activity_definitions.DELIVERY_ATTEMPTS)
    }


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
    assert await placement.alarm() == await placement.next_instant()

    await placement.live_until(lambda _: False, in_strides=True)
    assert await placement.outcome() == Outcome.COMPLETED
    assert await house.event_store.verify_chain(placement.agreement_id) is None


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
    before = await house.event_store.stream(placement.agreement_id)
    await house.resume(placement)
    assert await placement.outcome() == Outcome.WITHDRAWN
    assert await house.event_store.stream(placement.agreement_id) == before


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


async def _give_feedback(house: House, placement: Placement, sender: int) -> None:
    for number in range(8):
        await _feedback(house, placement, f"feedback/{sender}/{number}")


async def _feedback(house: House, placement: Placement, command_id: str) -> None:
    command = placement.feedback(command_id)
    await send_update(house.client, placement.agreement_id, command.type, command, update_id=command_id)
