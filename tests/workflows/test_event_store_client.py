"""One workflow task for one command, and another way where the record does not answer within it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from temporalio.api.enums.v1 import EventType, PendingActivityState

from domain.agreement.commands import COMMANDS, Command
from domain.decisions.decide import decide
from domain.handling.handle import step
from domain.kernel.vocabulary import Role
from tests.interceptors import LosesAnswers

if TYPE_CHECKING:
    import asyncpg
    from temporalio.client import WorkflowHistory

    from tests.workflows.conftest import House, Placement

_APPEND = "append_events"
_NO_TASK_FAILS = {
    EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED: 0,
    EventType.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT: 0,
}


async def test_a_command_is_one_workflow_task(house: House) -> None:
    """Between the arrival of a command and its receipt there is one task and no activity of its own."""
    placement = await _settled(house)
    before = len((await placement.histories())[-1].events)
    await placement.act(placement.feedback("feedback/1"))
    (*_, history) = await placement.histories()
    types = [event.event_type for event in history.events[before:]]
    done = types.index(EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_COMPLETED)
    assert Counter(types[:done])[EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED] == 1
    assert _APPEND not in _activities(history)


async def test_a_record_that_hangs_holds_no_workflow_task(
    house: House, administrator: asyncpg.Connection
) -> None:
    """The regular activity takes over from an append that does not come back in time; it is recorded once."""
    placement = await _settled(house)
    async with _locked(administrator, placement):
        acting = asyncio.create_task(placement.act(placement.feedback("feedback/1")))
        await house.eventually(lambda: placement.under_way(_APPEND, started=True), bool)
        assert (await placement.status()).version == (await placement.agreement()).version
        assert not acting.done()
    receipt = await acting
    await _is_once_in_the_record(placement, "feedback/1")
    assert (await placement.status()).version == receipt.version
    assert _failed_tasks((await placement.histories())[-1]) == _NO_TASK_FAILS


async def test_an_append_whose_answer_is_lost_counts_once(house: House) -> None:
    """What the fast path wrote without being able to say so the durable path finds written."""
    placement = await _settled(house)
    await house.close_workers()
    loses = LosesAnswers()
    await house.open_worker(interceptors=[loses])
    receipt = await placement.act(placement.feedback("feedback/1"))
    assert loses.lost == 1
    await _is_once_in_the_record(placement, "feedback/1")
    agreement = await placement.agreement()
    assert receipt.version == agreement.version == (await placement.status()).version
    assert await placement.act(placement.feedback("feedback/1"), update_id="again") == receipt


async def test_a_run_that_is_behind_its_record_answers_as_the_record_has_it(house: House) -> None:
    """A command that a lost task has recorded gets that receipt, although the rules forbid it by now."""
    placement = await _settled(house)
    until = (await placement.now()).date() + timedelta(days=1)
    pause = COMMANDS["pause_placement"].model_validate(
        {
            "command_id": "pause/1",
            "actor_id": placement.terms.approved_by,
            "acting_as": Role.PROGRAMME_OWNER,
            "until": until,
            "shifts_dates": False,
            "reason": "Parental leave.",
        }
    )
    recorded = await _record_behind_its_back(house, placement, pause)
    known = (await placement.status()).version
    await house.skipper.fast_forward(placement.handle, timedelta(days=1))
    assert (await placement.status()).version == known < recorded
    receipt = await placement.act(pause)
    assert receipt.version == recorded
    await _is_once_in_the_record(placement, "pause/1")
    assert (await placement.status()).version == (await placement.agreement()).version


async def test_what_a_run_behind_its_record_does_not_know_counts_when_the_next_command_comes(
    house: House,
) -> None:
    """A command is decided on what the record holds, not on what a run believes."""
    placement = await _settled(house)
    recorded = await _record_behind_its_back(house, placement, placement.feedback("feedback/1"))
    receipt = await placement.act(placement.feedback("feedback/2"))
    assert receipt.version > recorded
    await _is_once_in_the_record(placement, "feedback/1")
    await _is_once_in_the_record(placement, "feedback/2")


async def _settled(house: House) -> Placement:
    """Return a placement whose first day has come, with nothing under way."""
    placement = await house.place("secondment")
    await placement.become_active()

    async def under_way() -> int:
        pending = (await placement.handle.describe()).raw_description.pending_activities
        # Notices that are due later wait in their delivery's own retries.
        return sum(each.state != PendingActivityState.PENDING_ACTIVITY_STATE_SCHEDULED for each in pending)

    await house.eventually(under_way, lambda count: count == 0)
    return placement


async def _record_behind_its_back(house: House, placement: Placement, command: Command) -> int:
    """Write a command as a task would that is lost before its end; returns the stream's version."""
    before, now = await placement.agreement(), await placement.now()
    events = decide(before, command, now)
    ids = [f"00000000-0000-4000-8000-{number:012}" for number in range(len(events))]
    appended = await house.event_store.append(step(before, command, events, ids, now).append)
    assert appended.outcome == "appended"
    return appended.version


@asynccontextmanager
async def _locked(administrator: asyncpg.Connection, placement: Placement) -> AsyncGenerator[None]:
    """Keep the agreement's head from being changed for longer than a workflow task waits."""
    async with administrator.transaction():
        await administrator.execute(
            "SELECT FROM sojourn.agreement WHERE agreement_id = $1 FOR UPDATE", placement.agreement_id
        )
        yield


async def _is_once_in_the_record(placement: Placement, command_id: str) -> None:
    stream = await placement.house.event_store.stream(placement.agreement_id)
    of_it = [event.version for event in stream if event.command_id == command_id]
    assert of_it
    assert of_it == list(range(of_it[0], of_it[0] + len(of_it)))
    assert await placement.house.event_store.verify_chain(placement.agreement_id) is None


def _activities(history: WorkflowHistory) -> list[str]:
    return [
        event.activity_task_scheduled_event_attributes.activity_type.name
        for event in history.events
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED
    ]


def _failed_tasks(history: WorkflowHistory) -> dict[EventType.ValueType, int]:
    seen = Counter(event.event_type for event in history.events)
    return {each: seen[each] for each in _NO_TASK_FAILS}
