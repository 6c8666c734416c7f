"""Every path an agreement can take replays: just lived, and as an older release recorded it.

Recorded lives are under `histories/`, a folder for each course that runs have taken, a file for each path.
How to record anew is said in `test_replay.py`.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType, ResetReapplyExcludeType
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest

from application.operations.upgrade import Upgrade
from application.settings import load_settings
from application.temporal.updates import send_update
from application.temporal.versions import spelled, version_of
from domain.kernel.vocabulary import ObligationKind, Outcome, Role
from tests.fixtures.histories import COURSES, path_file, record, recorded_paths, runs_in, text_of
from tests.interceptors import LosesAnswers
from workers.runtime.worker import replayer

if TYPE_CHECKING:
    from tests.workflows.conftest import House, Placement

Play = Callable[["House", "Placement"], Awaitable[Outcome | None]]

RECORDED = recorded_paths()
"""Course and name of every recorded path."""
PATHS_SINCE = {"recorded_patiently": COURSES[1]}
"""Paths that there was no way to take before a course."""
LAST_RUNS = 2
"""How many of a life's runs are kept: a path shows at its end, and how lives begin is in `test_replay.py`."""
LARGEST = 120_000
"""Bytes of one file, which is kept beside the code for ever; what is encrypted hardly shrinks."""

_TASK_COMPLETED = EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED


async def _declined(_: House, placement: Placement) -> Outcome:
    await placement.act("decline_agreement", actor_id=placement.terms.mentor, reason="No time this year.")
    return Outcome.DECLINED


async def _withdrawn(_: House, placement: Placement) -> Outcome:
    await _as_owner(placement, "withdraw_agreement", reason="The post is gone.")
    return Outcome.WITHDRAWN


async def _expired(_: House, placement: Placement) -> Outcome:
    await placement.live_until(lambda _: False, answers=lambda _: False)
    return Outcome.EXPIRED_UNSIGNED


async def _completed(_: House, placement: Placement) -> Outcome:
    await placement.live_until(lambda _: False, in_strides=True)
    return Outcome.COMPLETED


async def _closed_incomplete(_: House, placement: Placement) -> Outcome:
    await placement.become_active()
    await _as_owner(placement, "close_incomplete", reason="The mentee left the company.")
    return Outcome.CLOSED_INCOMPLETE


async def _ended_early(_: House, placement: Placement) -> Outcome:
    await placement.become_active()
    await _as_owner(placement, "end_early", by="home", reason="The home team lost two people.")
    await placement.live_until(lambda _: False, in_strides=True)
    return Outcome.ENDED_EARLY


async def _paused(_: House, placement: Placement) -> None:
    await placement.become_active()
    until = (await placement.now()).date() + timedelta(days=10)
    await _as_owner(
        placement, "pause_placement", until=until.isoformat(), shifts_dates=True, reason="Parental leave."
    )
    await placement.fast_forward(timedelta(days=12))
    again = (await placement.now()).date() + timedelta(days=30)
    await _as_owner(
        placement, "pause_placement", until=again.isoformat(), shifts_dates=False, reason="A restructuring."
    )
    await _as_owner(placement, "resume_placement")


async def _held(_: House, placement: Placement) -> None:
    await placement.become_active()
    review_on = (await placement.now()).date() + timedelta(days=20)
    await _as_owner(
        placement, "hold_placement", waits_for="The works council decides.", review_on=review_on.isoformat()
    )
    await placement.fast_forward(timedelta(days=8))
    await _as_owner(placement, "release_placement", reason="The works council agreed.")


async def _pivoted(_: House, placement: Placement) -> None:
    await placement.become_active()
    terms = placement.terms
    changed = terms.model_dump(mode="json")
    changed["success_criteria"][0]["measure"] = "Counted differently."
    await placement.act(
        "propose_pivot",
        actor_id=terms.mentee,
        pivot_id="v1",
        option="re_scope",
        reason="The programme was stopped.",
        terms=changed,
    )
    for person in (terms.mentee, terms.mentor, terms.line_manager):
        await placement.act("consent_to_pivot", actor_id=person, pivot_id="v1")
    assert (await placement.agreement()).terms_version == 2


async def _prolonged(_: House, placement: Placement) -> None:
    await placement.become_active()
    ends_on = (await placement.agreement()).ends_on
    for command, days in (("extend_placement", 14), ("shorten_placement", 7)):
        changed = (ends_on + timedelta(days=days)).isoformat()
        await _as_owner(placement, command, ends_on=changed, reason="The launch moved.")
        assert (await placement.agreement()).ends_on == ends_on + timedelta(days=days)


async def _reassigned(_: House, placement: Placement) -> None:
    await placement.become_active()
    await _as_owner(
        placement,
        "reassign_role",
        role=Role.MENTOR,
        from_person=placement.terms.mentor,
        to_person="P-4300",
        reason="The mentor left the company.",
    )


async def _neglected(_: House, placement: Placement) -> None:
    await placement.become_active()
    await placement.live_until(
        lambda agreement: any((held.reached or 0) >= 4 for held in agreement.obligations.values()),
        answers=lambda _: False,
    )


async def _leg_after_leg(house: House, placement: Placement) -> None:
    await placement.become_active()
    while "leg.started" not in {row.type for row in await house.event_store.stream(placement.agreement_id)}:
        before = (await placement.agreement()).version
        await placement.live_until(lambda agreement, seen=before: agreement.version > seen + 3)


async def _asked_to_cancel(_: House, placement: Placement) -> None:
    await placement.answer_all(ObligationKind.SIGNATURE)
    await placement.handle.cancel()
    await placement.house.eventually(placement.details, lambda seen: "cancel" in seen.lower())
    await _ask_for_changes(placement)


async def _terminated_and_resumed(house: House, placement: Placement) -> None:
    await placement.answer_all(ObligationKind.SIGNATURE)
    await placement.handle.terminate("as if the cluster were lost")
    await house.resume(placement)
    await placement.become_active()


async def _reset(house: House, placement: Placement) -> None:
    """Somebody resets the workflow in Temporal: the run that follows finds the record ahead of it."""
    await placement.answer_all(ObligationKind.SIGNATURE)
    history = (await placement.histories())[-1]
    first_task = next(event.event_id for event in history.events if event.event_type == _TASK_COMPLETED)
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
    await _ask_for_changes(placement)


async def _moved_to_another_version(house: House, placement: Placement) -> None:
    await placement.answer_all(ObligationKind.SIGNATURE)
    await house.open_worker(takes_over=True, build_id="two")
    second = version_of(house.settings.model_copy(update={"build_id": "two"}))
    upgrade = Upgrade(house.client, house.settings.task_queue, second)
    [moved] = await upgrade.move([placement.agreement_id], timedelta(seconds=60), lambda: None)
    assert moved.version == spelled(second)
    await _ask_for_changes(placement)


async def _recorded_patiently(house: House, placement: Placement) -> None:
    """The answer to an append does not come in time: the regular activity finds it written."""
    await placement.answer_all(ObligationKind.SIGNATURE)
    await house.close_workers()
    loses = LosesAnswers()
    await house.open_worker(interceptors=[loses])
    await _ask_for_changes(placement)
    assert loses.lost == 1


async def _busy(house: House, placement: Placement) -> None:
    """Ten commands in flight until runs have handed over with handlers under way."""
    await placement.become_active()
    runs = len(await placement.histories())
    for batch in range(12):
        commands = [placement.feedback(f"busy/{batch}/{number}") for number in range(10)]
        await asyncio.gather(
            *(
                send_update(house.client, placement.agreement_id, each.type, each, update_id=each.command_id)
                for each in commands
            )
        )
        if len(await placement.histories()) > runs:
            return
    raise AssertionError("no run was handed over")


async def _ask_for_changes(placement: Placement) -> None:
    await placement.act(
        "request_changes", actor_id=placement.terms.mentee, fields=["milestones"], what="One week more."
    )


async def _as_owner(placement: Placement, command: str, **fields: object) -> None:
    await placement.act(
        command,
        update_id=None,
        actor_id=placement.terms.approved_by,
        acting_as=Role.PROGRAMME_OWNER,
        **fields,
    )


PATHS: Mapping[str, tuple[str, Play]] = {
    "declined": ("rotation", _declined),
    "withdrawn": ("secondment", _withdrawn),
    "expired_unsigned": ("shadowing", _expired),
    "closed_incomplete": ("rotation", _closed_incomplete),
    "ended_early": ("shadowing", _ended_early),
    "paused": ("secondment", _paused),
    "held": ("secondment", _held),
    "pivoted": ("secondment", _pivoted),
    "prolonged": ("secondment", _prolonged),
    "reassigned": ("shadowing", _reassigned),
    "neglected": ("shadowing", _neglected),
    "leg_after_leg": ("rotation", _leg_after_leg),
    "asked_to_cancel": ("shadowing", _asked_to_cancel),
    "terminated_and_resumed": ("shadowing", _terminated_and_resumed),
    "reset": ("secondment", _reset),
    "moved_to_another_version": ("secondment", _moved_to_another_version),
    "recorded_patiently": ("secondment", _recorded_patiently),
    "busy": ("shadowing", _busy),
    "completed": ("shadowing", _completed),
}
"""What an agreement can go through besides the plain life of its kind, which is in `test_replay.py`."""


@pytest.mark.parametrize("name", PATHS)
async def test_a_path_just_taken_replays(house: House, name: str) -> None:
    """Whatever becomes of an agreement, a worker that has forgotten it does again what was done."""
    kind, play = PATHS[name]
    placement = await house.place(kind)
    outcome = await play(house, placement)
    if outcome is not None:
        assert await placement.outcome() == outcome
    histories = await placement.to_replay()
    for history in histories:
        await replayer(load_settings()).replay_workflow(history)
    if os.environ.get("RECORD_HISTORIES"):
        record(path_file(COURSES[-1], name), histories[-LAST_RUNS:])


@pytest.mark.parametrize(("course", "name"), RECORDED)
async def test_a_recorded_path_replays(course: str, name: str) -> None:
    """What this release or an older one went through replays."""
    for run in runs_in(path_file(course, name)):
        await replayer(load_settings()).replay_workflow(run)


@pytest.mark.parametrize(("course", "name"), RECORDED)
def test_a_recorded_path_is_small_and_names_nobody(
    course: str, name: str, finding_names: Callable[[str], list[str]]
) -> None:
    """Recorded histories hold no name and no address of the directory, and stay small."""
    file = path_file(course, name)
    assert file.stat().st_size < LARGEST
    assert finding_names(text_of(file)) == []


@pytest.mark.parametrize("course", COURSES)
def test_every_outcome_is_among_the_recorded(course: str) -> None:
    """No way for an agreement to end is left out, and no recorded file is forgotten."""
    assert set(Outcome) <= set(PATHS)
    later = {name for name, since in PATHS_SINCE.items() if COURSES.index(since) > COURSES.index(course)}
    assert {name for of, name in RECORDED if of == course} == set(PATHS) - later
