"""A command takes effect once, however often and by whichever way it arrives."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from activities.event_store.event_store import EventStore
from domain.agreement.commands import Command
from domain.kernel.vocabulary import ObligationKind
from workflows import journal

if TYPE_CHECKING:
    from tests.workflows.conftest import House, Placement


async def test_the_same_command_gets_its_first_receipt(house: House) -> None:
    """Sent again under the same or another update id, a command changes nothing and is answered as before."""
    placement = await house.place("secondment")
    command = await _a_signature(placement)
    first = await placement.act(command)
    assert await placement.act(command) == first
    assert await placement.act(command, update_id="another-attempt") == first
    await _is_recorded_once(house, placement, command.command_id)


async def test_an_id_with_other_content_is_refused(house: House) -> None:
    """An id that is known with other content is a caller's mistake, and is told so."""
    placement = await house.place("secondment")
    command = await _a_signature(placement)
    await placement.act(command)
    other = command.model_copy(update={"actor_id": placement.terms.mentor})
    code, sentence = await house.refused(placement.act(other, update_id="another-attempt"))
    assert code == "command_reused"
    assert command.command_id in sentence
    await _is_recorded_once(house, placement, command.command_id)


async def test_a_command_is_known_to_later_runs(house: House) -> None:
    """After continue-as-new the same command still gets its first receipt."""
    placement = await house.place("secondment")
    command = await _a_signature(placement)
    first = await placement.act(command)
    await placement.become_active()
    assert len(await placement.histories()) > 1
    assert await placement.act(command) == first
    assert await placement.confirm() == await placement.confirm()
    assert (await placement.confirm()).version == 1
    await _is_recorded_once(house, placement, command.command_id)


async def test_the_record_knows_what_the_workflow_forgot(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond the commands that it knows by heart, a workflow still writes none of them twice."""
    monkeypatch.setattr(journal, "REMEMBERED_COMMANDS", 2)
    monkeypatch.setattr(EventStore.recent_commands, "__defaults__", (2,))
    placement = await house.place("secondment")
    signature = await _a_signature(placement)
    await placement.act(signature)
    await placement.become_active()
    first = await placement.act(placement.feedback("feedback/1"))
    for number in range(2, 6):
        await placement.act(placement.feedback(f"feedback/{number}"))
    before = await house.event_store.stream(placement.agreement_id)

    again = await placement.act(placement.feedback("feedback/1"), update_id="another-attempt")
    assert again == first
    # What the rules forbid a second time is refused without a look at the record.
    await house.refused(placement.act(signature, update_id="one-more-attempt"))
    assert await house.event_store.stream(placement.agreement_id) == before


async def test_ten_at_once_are_each_recorded_once(house: House) -> None:
    """Ten commands in flight are taken one after the other, none lost and none twice."""
    placement = await house.place("secondment")
    await placement.become_active()
    before = len(await house.event_store.stream(placement.agreement_id))
    receipts = await asyncio.gather(
        *(placement.act(placement.feedback(f"feedback/{number}")) for number in range(10))
    )
    assert len({receipt.version for receipt in receipts}) == 10
    stream = await house.event_store.stream(placement.agreement_id)
    assert [event.version for event in stream] == list(range(1, len(stream) + 1))
    given = [event.command_id for event in stream[before:] if event.type == "feedback.given"]
    assert sorted(given) == sorted(f"feedback/{number}" for number in range(10))
    assert (await placement.status()).version == len(stream)


async def test_two_workers_share_the_work(house: House) -> None:
    """Two workers on one queue carry several agreements, and every one is what its record says."""
    await house.open_worker()
    placements = await asyncio.gather(*(house.place("secondment") for _ in range(4)))
    await asyncio.gather(*(placement.answer_all(ObligationKind.SIGNATURE) for placement in placements))
    for placement in placements:
        folded = await placement.agreement()
        assert folded.concluded_at is not None
        assert (await placement.status()).version == folded.version


async def _a_signature(placement: Placement) -> Command:
    owed = next(
        each
        for each in (await placement.agreement()).obligations.values()
        if each.kind is ObligationKind.SIGNATURE and each.owner_id == placement.terms.mentee
    )
    command = await placement.cast_answer(owed)
    assert command is not None
    return command


async def _is_recorded_once(house: House, placement: Placement, command_id: str) -> None:
    stream = await house.event_store.stream(placement.agreement_id)
    assert sum(event.command_id == command_id and event.type == "agreement.signed" for event in stream) == 1
