"""This release can take over what older ones began: histories replay under the worker's own settings.

Recorded lives are under `histories/`: one file per kind with the first runs of one life. After a change that
is meant to break replay (agreements move to a new deployment version at continue-as-new), record them anew:

    RECORD_HISTORIES=1 .venv/bin/pytest tests/workflows/test_replay.py
"""

from __future__ import annotations

import inspect
import json
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from temporalio import activity, workflow
from temporalio.client import WorkflowHistory

from application.settings import load_settings
from domain.kernel.vocabulary import Kind
from domain.stream.messages import Append, Appended
from tests.fixtures.paths import HISTORIES
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
        _record(kind, histories)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_recorded_life_replays(kind: str) -> None:
    """What an older release recorded replays; continue-as-new is among it."""
    recorded = json.loads((HISTORIES / f"{kind}.json").read_text())
    await _replay([WorkflowHistory.from_json(recorded["workflow_id"], run) for run in recorded["runs"]])
    assert len(recorded["runs"]) > 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_recorded_life_is_small_and_names_nobody(
    kind: str, finding_names: Callable[[str], list[str]]
) -> None:
    """Recorded histories hold no name and no address of the directory, and stay small."""
    text = (HISTORIES / f"{kind}.json").read_text()
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


@pytest.mark.parametrize(
    ("where", "name", "instead"),
    [
        (AgreementRun, "_begin", _another_step),
        (activity_definitions, "append_events", _renamed),
        (agreement_run, "changes", _no_changes),
    ],
    ids=["a step more", "another activity", "a step less"],
)
async def test_an_incompatible_edit_of_the_workflow_is_found(
    where: object, name: str, instead: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a deploy must not do to a running agreement fails this check, for each way of doing it."""
    recorded = json.loads((HISTORIES / "secondment.json").read_text())
    first = WorkflowHistory.from_json(recorded["workflow_id"], recorded["runs"][0])
    await _replay([first])
    monkeypatch.setattr(where, name, instead)
    with pytest.raises(workflow.NondeterminismError):
        await _replay([first])


async def test_other_texts_for_the_temporal_ui_replay(monkeypatch: pytest.MonkeyPatch) -> None:
    """Summaries and details may be worded anew at any time: no history is compared with them."""
    recorded = json.loads((HISTORIES / "secondment.json").read_text())
    for name, member in list(vars(user_metadata).items()):
        if inspect.isfunction(member) and member.__module__ == user_metadata.__name__:
            monkeypatch.setattr(user_metadata, name, lambda *_, **__: "worded anew")  # pyright: ignore[reportUnknownLambdaType, reportUnknownArgumentType]
    await _replay([WorkflowHistory.from_json(recorded["workflow_id"], run) for run in recorded["runs"]])


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


def _record(kind: str, histories: list[WorkflowHistory]) -> None:
    runs: list[Any] = [json.loads(history.to_json()) for history in histories[:RUNS]]
    recorded = {"workflow_id": histories[0].workflow_id, "runs": runs}
    HISTORIES.mkdir(exist_ok=True)
    (HISTORIES / f"{kind}.json").write_text(json.dumps(recorded, separators=(",", ":")) + "\n")
