"""Where workflow code runs: Temporal's sandbox, told once whose payloads a run has."""

from __future__ import annotations

from temporalio.bridge.proto.workflow_activation import WorkflowActivation
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion
from temporalio.converter import (
    SerializationContext,
    StorageDriverStoreContext,
    StorageDriverWorkflowInfo,
    WorkflowSerializationContext,
)
from temporalio.worker import WorkflowInstance, WorkflowInstanceDetails
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions
from temporalio.workflow import Info

PASSED_THROUGH = ("domain", "workflows", "pydantic", "annotated_types", "structlog")
"""Pure modules that every sandbox shares: importing them once per run would cost ten times the replay."""


class AgreementRunner(SandboxedWorkflowRunner):
    """Runs agreements in the sandbox, and answers outside of it what does not depend on their code.

    For every payload of a task the SDK asks several times in which context it stands, and the sandbox runs
    code to find out: together a sixth of what a replay takes (`python -m benchmarks.contexts`).
    """

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        """One run of one agreement; called by the SDK."""
        return AgreementInstance(super().create_instance(det), det.info)


class AgreementInstance(WorkflowInstance):
    """A run whose payloads are all its own: an agreement starts no other workflow and signals none.

    What it gives its activities and gets from them is bound to its workflow id, as all the rest: the payload
    codec looks at nothing else.
    """

    def __init__(self, sandboxed: WorkflowInstance, info: Info) -> None:
        self.sandboxed = sandboxed
        self._payloads = WorkflowSerializationContext(namespace=info.namespace, workflow_id=info.workflow_id)
        self._storage = StorageDriverStoreContext(
            target=StorageDriverWorkflowInfo(
                namespace=info.namespace,
                id=info.workflow_id,
                run_id=info.run_id,
                type=info.workflow_type,
            )
        )

    def activate(self, act: WorkflowActivation) -> WorkflowActivationCompletion:
        """Runs the workflow's code on a task, in the sandbox."""
        return self.sandboxed.activate(act)

    def get_serialization_context(
        self,
        command_info: object,  # noqa: ARG002  all of a run's payloads are bound alike
    ) -> SerializationContext:
        """Whose a payload is."""
        return self._payloads

    def get_external_store_context(
        self,
        command_info: object,  # noqa: ARG002
    ) -> StorageDriverStoreContext:
        """Whose a payload is, for whoever keeps large ones outside of Temporal."""
        return self._storage

    def get_info(self) -> Info:
        """What Temporal tells about the run."""
        return self.sandboxed.get_info()

    def get_thread_id(self) -> int | None:
        """Where its code runs at the moment."""
        return self.sandboxed.get_thread_id()


def workflow_runner() -> AgreementRunner:
    """How workflow code is run and replayed: in the sandbox, with the pure modules shared."""
    return AgreementRunner(SandboxRestrictions.default.with_passthrough_modules(*PASSED_THROUGH))
