"""This release can take over what older ones began: histories replay under the worker's own settings.

Recorded lives are under `histories/`, a folder for each course that runs have taken (`workflows/patches.py`):
one file per kind with the first runs of one life. A patch begins a new folder; the others stay for as long as
their patches do. What is new is recorded with

    RECORD_HISTORIES=1 .venv/bin/pytest tests/workflows/test_paths.py tests/workflows/test_replay.py
"""

from __future__ import annotations

import inspect
import itertools
import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import pytest
from temporalio import activity, workflow
from temporalio.client import WorkflowHistory

from application.settings import load_settings
from domain.kernel.vocabulary import Kind
from domain.stream.messages import Append, Appended
from tests.fixtures.histories import COURSES, life_file, record, runs_in, text_of
from workers.runtime.worker import replayer
from workflows import activity_definitions, agreement_run, user_metadata
from workflows.agreement_run import AgreementRun
from workflows.search_attributes import Update

if TYPE_CHECKING:
    from tests.workflows.conftest import House, Placement

KINDS = ("secondment", "shadowing", "rotation")
RUNS = 3
"""How many of a life's runs are kept: two of them continue as new."""
LARGEST = 400_000
"""Bytes of one file: what is kept beside the code for ever should be small."""


@pytest.mark.parametrize("kind", KINDS)
async def test_a_life_just_lived_replays(house: House, kind: str) -> None:
    """Whatever this release's workflows do, a worker that has forgotten them does again the same way."""
    placement = await _a_short_life(house, kind)
    histories = await placement.to_replay()
    assert len(histories) > 1
    await _replay(histories)
    if os.environ.get("RECORD_HISTORIES"):
        record(life_file(COURSES[-1], kind), histories[:RUNS])


@pytest.mark.parametrize("course", COURSES)
@pytest.mark.parametrize("kind", KINDS)
async def test_a_recorded_life_replays(course: str, kind: str) -> None:
    """What this release or an older one recorded replays; continue-as-new is among it."""
    runs = runs_in(life_file(course, kind))
    await _replay(runs)
    assert len(runs) > 1


@pytest.mark.parametrize("course", COURSES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_recorded_life_is_small_and_names_nobody(
    course: str, kind: str, finding_names: Callable[[str], list[str]]
) -> None:
    """Recorded histories hold no name and no address of the directory, and stay small."""
    text = text_of(life_file(course, kind))
    assert len(text.encode()) < LARGEST
    assert finding_names(text) == []


async def _another_step(_: AgreementRun, kind: Kind) -> None:
    """A step that no history has: a sleep before anything else."""
    await workflow.sleep(1)
    raise AssertionError(f"a replay of a {kind} does not come this far")


@activity.defn(name="append_event")
async def _renamed(append: Append) -> Appended:
    raise NotImplementedError(append)


def _no_changes(*_: object) -> list[Update]:
    return []


def _always() -> bool:
    return True


def _never() -> bool:
    return False


EDITS: Mapping[str, tuple[object, str, object]] = {
    "a step more": (AgreementRun, "_begin", _another_step),
    "another activity": (activity_definitions, "append_events", _renamed),
    "a step less": (agreement_run, "changes", _no_changes),
    "the new course for old runs": (agreement_run, "one_task_per_command", _always),
    "the old course for new runs": (agreement_run, "one_task_per_command", _never),
}


@pytest.mark.parametrize(
    ("course", "edit"),
    [
        *itertools.product(COURSES, ("a step more", "another activity", "a step less")),
        (COURSES[0], "the new course for old runs"),
        (COURSES[1], "the old course for new runs"),
    ],
)
async def test_an_incompatible_edit_of_the_workflow_is_found(
    course: str, edit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a deploy must not do to a running agreement fails this check, for each way of doing it."""
    first, *_ = runs_in(life_file(course, "secondment"))
    where, name, instead = EDITS[edit]
    await _replay([first])
    monkeypatch.setattr(where, name, instead)
    with pytest.raises(workflow.NondeterminismError):
        await _replay([first])


@pytest.mark.parametrize("course", COURSES)
async def test_other_texts_for_the_temporal_ui_replay(course: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Summaries and details may be worded anew at any time: no history is compared with them."""
    for name, member in list(vars(user_metadata).items()):
        if inspect.isfunction(member) and member.__module__ == user_metadata.__name__:
            monkeypatch.setattr(user_metadata, name, lambda *_, **__: "worded anew")  # pyright: ignore[reportUnknownLambdaType, reportUnknownArgumentType]
    await _replay(runs_in(life_file(course, "secondment")))


async def _a_short_life(house: House, kind: str) -> Placement:
    """Agreed, begun, something said, and some weeks of meetings and reminders."""
    placement = await house.place(kind)
    await placement.become_active()
    await placement.act(placement.feedback("feedback/1"))
    await placement.live_until(lambda agreement: agreement.version > 20)
    return placement


async def _replay(histories: list[WorkflowHistory]) -> None:
    for history in histories:
        await replayer(load_settings()).replay_workflow(history)
