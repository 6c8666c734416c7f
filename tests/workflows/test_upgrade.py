"""Two versions of the workers side by side: running agreements move from one to the other."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

from application.operations.upgrade import Outcome, Upgrade
from application.temporal.updates import send_update
from application.temporal.versions import make_current, spelled, version_of
from domain.agreement.commands import COMMANDS
from domain.kernel.vocabulary import Outcome as AgreementOutcome
from domain.kernel.vocabulary import Phase

if TYPE_CHECKING:
    from tests.workflows.conftest import House, Placement

PATIENCE = timedelta(seconds=60)


def _nothing() -> None:
    """Nobody counts."""


def _to_the_second_version(house: House) -> Upgrade:
    second = version_of(house.settings.model_copy(update={"build_id": "two"}))
    return Upgrade(house.client, house.settings.task_queue, second)


async def _listed(upgrade: Upgrade) -> list[str]:
    return [agreement_id async for agreement_id in upgrade.behind()]


async def test_agreements_move_to_the_version_that_becomes_current(house: House) -> None:
    """One at rest and one unsigned are woken, move, and are where they were; then the old workers may go."""
    placements = [await house.place("secondment"), await house.place("shadowing")]
    await placements[0].become_active()
    before = [(await each.status(), await each.alarm()) for each in placements]
    first, second = (
        version_of(house.settings),
        version_of(house.settings.model_copy(update={"build_id": "two"})),
    )
    await house.open_worker(build_id="two")
    await make_current(house.client, second)
    upgrade = _to_the_second_version(house)
    ids = sorted(each.agreement_id for each in placements)
    assert sorted(await house.eventually(lambda: _listed(upgrade), lambda seen: len(seen) == 2)) == ids
    # What Temporal lists of a run is behind its first task.
    await house.eventually(
        lambda: upgrade.would_move(ids), lambda seen: {each.version for each in seen} == {spelled(first)}
    )

    moved = await upgrade.move(ids, PATIENCE, _nothing)
    assert {(each.outcome, each.version) for each in moved} == {(Outcome.MOVED, spelled(second))}
    await house.eventually(lambda: _listed(upgrade), lambda seen: seen == [])
    await house.close_workers()
    await house.open_worker(build_id="two")
    for placement, (status, alarm) in zip(placements, before, strict=True):
        after = await placement.status()
        assert after.model_copy(update={"as_of": status.as_of}) == status
        assert await placement.alarm() == alarm == await placement.next_instant()
    await placements[1].live_until(lambda _: False, in_strides=True)
    assert await placements[1].outcome() == AgreementOutcome.COMPLETED


async def test_what_has_moved_or_ended_is_left_alone(house: House) -> None:
    """Repeating an upgrade wakes nobody twice for nothing, and one that closed meanwhile counts as ended."""
    placement, ended = await house.place("shadowing"), await house.place("rotation")
    upgrade = Upgrade(house.client, house.settings.task_queue, version_of(house.settings))
    await _withdraw(ended)
    moved = await upgrade.move([placement.agreement_id, ended.agreement_id], PATIENCE, _nothing)
    assert [each.outcome for each in moved] == [Outcome.MOVED, Outcome.ENDED]
    assert len(await placement.histories()) == 1
    assert await house.eventually(lambda: _listed(upgrade), lambda seen: seen == []) == []


async def test_an_agreement_whose_version_nobody_serves_goes_on_from_its_record(house: House) -> None:
    """It is told as left behind, and a run begun from the record takes its place with nothing lost."""
    placement = await house.place("shadowing")
    await placement.become_active()
    given = placement.feedback("feedback/before")
    receipt = await placement.act(given)
    before, alarm = await placement.status(), await placement.alarm()
    await house.change_worker(build_id="two")
    upgrade = _to_the_second_version(house)
    [left] = await upgrade.move([placement.agreement_id], timedelta(seconds=1), _nothing)
    assert (left.outcome, left.version) == (Outcome.BEHIND, spelled(version_of(house.settings)))

    [again] = await upgrade.start_again(house.event_store, [placement.agreement_id], _nothing)
    assert again.outcome is Outcome.STARTED_AGAIN
    # The new run lives in real time; the old one's was ahead, and every instant to come is still to come.
    after = await placement.status()
    assert (after.version, after.phase) == (before.version, Phase.ACTIVE)
    assert {each.id for each in after.obligations} == {each.id for each in before.obligations}
    assert await placement.alarm() == alarm
    assert await placement.act(given, update_id="another-attempt") == receipt
    [same] = await upgrade.start_again(house.event_store, [placement.agreement_id], _nothing)
    assert same.outcome is Outcome.MOVED


async def _withdraw(placement: Placement) -> None:
    await placement.act(
        "withdraw_agreement",
        actor_id=placement.terms.approved_by,
        acting_as="programme_owner",
        reason="The post is gone.",
    )
    await placement.outcome()


async def test_a_command_under_way_while_its_run_is_replaced_reaches_the_next_run(house: House) -> None:
    """Whoever acts just as agreements are started again from the record gets a receipt all the same."""
    placement = await house.place("shadowing")
    await house.close_workers()
    changes = COMMANDS["request_changes"].model_validate(
        {"command_id": "c1", "actor_id": placement.terms.mentee, "fields": ["milestones"], "what": "More."}
    )
    asking = asyncio.create_task(
        send_update(house.client, placement.agreement_id, changes.type, changes, update_id=changes.command_id)
    )

    async def waits_for_a_worker() -> bool:
        return (await placement.handle.describe()).raw_description.HasField("pending_workflow_task")

    await house.eventually(waits_for_a_worker, bool)
    [again] = await _to_the_second_version(house).start_again(
        house.event_store, [placement.agreement_id], _nothing
    )
    assert again.outcome is Outcome.STARTED_AGAIN
    await house.open_worker(takes_over=True, build_id="two")
    assert (await asking).event_types == ("changes.requested",)
