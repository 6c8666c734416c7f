"""A Temporal that is lost with all it knew: the record alone brings every agreement back."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest
from temporalio.client import Client

from application.operations.rehydrate import Outcome, Rehydrated, Rehydration
from domain.kernel.vocabulary import Outcome as AgreementOutcome

if TYPE_CHECKING:
    from tests.workflows.conftest import House, KeepingHouse, Mailbox, Placement


class _Interrupted(Exception):  # noqa: N818  it stands for Ctrl-C
    """Somebody ended the call half way."""


def _nothing() -> None:
    """Nobody counts."""


def _stop() -> None:
    raise _Interrupted


async def test_everything_goes_on_where_it_was_on_an_empty_server(
    house: House, keeping_house: KeepingHouse, another_client: Client, database: str, mailbox: Mailbox
) -> None:
    """Three kinds in different places: interrupted, repeated and repeated again, each is where it was."""
    placements = await _in_different_places(house)
    known = [await _seen(each) for each in placements]
    await house.close_workers()
    letters = len(mailbox.mails)
    async with keeping_house(database, another_client, mailbox) as elsewhere:
        rehydration = _rehydration(elsewhere)
        ids = await elsewhere.event_store.read_models.to_be_run()
        assert sorted(ids) == sorted(each.agreement_id for each in placements)
        would = await rehydration.run(ids, _nothing, dry_run=True)
        assert {each.outcome for each in would} == {Outcome.WOULD_RESUME}
        with pytest.raises(_Interrupted):
            await rehydration.run(ids, _stop)
        assert _outcomes(await rehydration.run(ids, _nothing)) <= {Outcome.RESUMED, Outcome.RUNNING}
        assert _outcomes(await rehydration.run(ids, _nothing)) == {Outcome.RUNNING}

        moved = [_in(elsewhere, each) for each in placements]
        for placement, (status, alarm, now) in zip(moved, known, strict=True):
            # Its own time was ahead of the clock, and a new server begins at the clock.
            await placement.fast_forward(max(now - await placement.now(), timedelta(milliseconds=1)))
            after = await placement.status()
            assert after.model_copy(update={"as_of": status.as_of}) == status
            assert await placement.alarm() == alarm == await placement.next_instant()
        assert len(mailbox.mails) == letters
        for placement in moved[:2]:
            version = (await placement.status()).version
            assert (await placement.act(placement.feedback("feedback/after"))).version > version
            assert await elsewhere.event_store.verify_chain(placement.agreement_id) is None


async def test_letters_of_a_closed_agreement_are_still_sent(
    house: House, keeping_house: KeepingHouse, another_client: Client, database: str, mailbox: Mailbox
) -> None:
    """A cluster that is lost between the close and its last letter takes no letter with it."""
    placement = await house.place("secondment")
    mailbox.close()
    await placement.act(
        "withdraw_agreement",
        actor_id=placement.terms.approved_by,
        acting_as="programme_owner",
        reason="The post is gone.",
    )
    await house.close_workers()
    waiting = await house.event_store.notices.undelivered(placement.agreement_id)
    assert waiting
    mailbox.open()
    async with keeping_house(database, another_client, mailbox) as elsewhere:
        rehydration = _rehydration(elsewhere)
        done = await rehydration.run(await elsewhere.event_store.read_models.to_be_run(), _nothing)
        assert [each.outcome for each in done] == [Outcome.SENDS_NOTICES]
        assert await _in(elsewhere, placement).outcome() == AgreementOutcome.WITHDRAWN
        assert await elsewhere.event_store.notices.undelivered(placement.agreement_id) == []
        assert mailbox.mails
        assert await elsewhere.event_store.read_models.to_be_run() == []


async def test_what_cannot_be_folded_is_told_and_keeps_nobody_else(
    house: House,
    keeping_house: KeepingHouse,
    another_client: Client,
    database: str,
    mailbox: Mailbox,
    *,
    administrator: asyncpg.Connection,
) -> None:
    """An event of a newer release is named with its agreement; the others run again all the same."""
    newer, other = await house.place("secondment"), await house.place("shadowing")
    await house.close_workers()
    guard = "TRIGGER event_is_append_only"
    await administrator.execute(f"ALTER TABLE sojourn.event DISABLE {guard}")
    await administrator.execute(
        "UPDATE sojourn.event SET type = 'placement.teleported' WHERE agreement_id = $1 AND version = 1",
        newer.agreement_id,
    )
    await administrator.execute(f"ALTER TABLE sojourn.event ENABLE ALWAYS {guard}")
    async with keeping_house(database, another_client, mailbox) as elsewhere:
        to_be_run = await elsewhere.event_store.read_models.to_be_run()
        found = {each.agreement_id: each for each in await _rehydration(elsewhere).run(to_be_run, _nothing)}
    assert found[other.agreement_id].outcome is Outcome.RESUMED
    assert found[newer.agreement_id].outcome is Outcome.UNREADABLE
    assert "placement.teleported" in (found[newer.agreement_id].sentence or "")


async def test_without_a_worker_it_says_that_nobody_answers(
    house: House, keeping_house: KeepingHouse, another_client: Client, database: str, mailbox: Mailbox
) -> None:
    """What was started and does not answer is told apart, and it runs once there is a worker."""
    placement = await house.place("rotation")
    await house.close_workers()
    async with keeping_house(database, another_client, mailbox) as elsewhere:
        await elsewhere.close_workers()
        [found] = await _rehydration(elsewhere, seconds=1).run([placement.agreement_id], _nothing)
        assert found.outcome is Outcome.UNANSWERED
        assert found.sentence
        await elsewhere.open_worker()
        assert (await _in(elsewhere, placement).status()).version == found.version


async def _in_different_places(house: House) -> list[Placement]:
    paused, observing, unsigned = [
        await house.place(kind) for kind in ("secondment", "shadowing", "rotation")
    ]
    await paused.become_active()
    until = (await paused.now()).date() + timedelta(days=21)
    await paused.act(
        "pause_placement",
        actor_id=paused.terms.approved_by,
        acting_as="programme_owner",
        until=until.isoformat(),
        shifts_dates=True,
        reason="A restructuring.",
    )
    await observing.become_active()
    await observing.live_until(lambda agreement: agreement.version > 12)
    owed = next(iter((await unsigned.agreement()).obligations.values()))
    command = await unsigned.cast_answer(owed)
    assert command is not None
    await unsigned.act(command)
    return [paused, observing, unsigned]


async def _seen(placement: Placement) -> tuple[Any, Any, Any]:
    """Status, next timer and instant, once every letter that may be sent by now is sent."""

    async def late() -> list[str]:
        now = await placement.now()
        queued = await placement.house.event_store.notices.undelivered(placement.agreement_id)
        return [notice.notice_id for notice in queued if notice.not_before <= now]

    await placement.house.eventually(late, lambda seen: seen == [])
    return await placement.status(), await placement.alarm(), await placement.now()


def _rehydration(house: House, *, seconds: float = 60) -> Rehydration:
    """Over a client that starts workflows whose clocks can be turned."""
    return Rehydration(
        house.event_store, house.skipper.client, house.settings.task_queue, timedelta(seconds=seconds)
    )


def _in(house: House, placement: Placement) -> Placement:
    return type(placement)(house, placement.terms, house.client.get_workflow_handle(placement.agreement_id))


def _outcomes(found: list[Rehydrated]) -> set[Outcome]:
    return {each.outcome for each in found}
