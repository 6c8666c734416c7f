"""What is answered outside of the sandbox is what the sandbox would have answered."""

from __future__ import annotations

from typing import Any

import pytest
from temporalio.converter import ActivitySerializationContext, WorkflowSerializationContext
from temporalio.worker import Replayer

from application.settings import load_settings
from application.temporal.client import data_converter
from tests.fixtures.histories import COURSES, life_file, runs_in
from workers.runtime import sandbox
from workers.runtime.sandbox import AgreementInstance, workflow_runner
from workflows.placements import WORKFLOWS


@pytest.mark.parametrize("course", COURSES)
@pytest.mark.parametrize("kind", ["secondment", "shadowing", "rotation"])
async def test_every_payload_of_a_run_is_bound_to_its_agreement(
    course: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In whichever context the SDK would put a payload, its workflow id is the run's own."""
    activities = 0

    class AskingBoth(AgreementInstance):
        def get_serialization_context(self, command_info: Any) -> WorkflowSerializationContext:  # noqa: ANN401
            nonlocal activities
            ours, theirs = (
                each.get_serialization_context(command_info) for each in (super(), self.sandboxed)
            )
            assert isinstance(theirs, WorkflowSerializationContext | ActivitySerializationContext)
            assert isinstance(ours, WorkflowSerializationContext)
            assert (ours.namespace, ours.workflow_id) == (theirs.namespace, theirs.workflow_id)
            activities += isinstance(theirs, ActivitySerializationContext)
            return ours

        def get_external_store_context(self, command_info: Any) -> Any:  # noqa: ANN401
            ours = super().get_external_store_context(command_info)
            assert ours == self.sandboxed.get_external_store_context(command_info)
            return ours

    monkeypatch.setattr(sandbox, "AgreementInstance", AskingBoth)
    replayer = Replayer(
        workflows=WORKFLOWS,
        workflow_runner=workflow_runner(),
        data_converter=data_converter(load_settings()),
    )
    first, *_ = runs_in(life_file(course, kind))
    await replayer.replay_workflow(first)
    assert activities > 0
