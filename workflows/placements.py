"""The workflow types that HR tooling starts: one per kind of placement, thin names over one engine.

Each takes an `AgreementInput`, read as plain JSON: what the payload converter refuses would leave the
workflow hanging, where it should fail with a sentence for each field.

Each is pinned: a run ends on the worker version that began it, and the next run begins on the current one.
"""

from __future__ import annotations

from typing import Any

from temporalio import workflow
from temporalio.common import VersioningBehavior

with workflow.unsafe.imports_passed_through():
    from domain.kernel.vocabulary import Kind
    from workflows.agreement_run import AgreementRun
    from workflows.command_updates import with_command_updates
    from workflows.contract import WORKFLOW_TYPES


@workflow.defn(name=WORKFLOW_TYPES[Kind.SECONDMENT], versioning_behavior=VersioningBehavior.PINNED)
@with_command_updates
class SecondmentWorkflow(AgreementRun):
    """A post with a host, and the way back."""

    @workflow.init
    def __init__(self, started_with: Any = None) -> None:  # noqa: ANN401  as said above
        super().__init__(started_with)

    @workflow.run
    async def run(self, started_with: Any = None) -> str:  # noqa: ANN401, ARG002  taken by __init__
        """Run from approval to close; return the outcome."""
        return await self.live(Kind.SECONDMENT)


@workflow.defn(name=WORKFLOW_TYPES[Kind.SHADOWING], versioning_behavior=VersioningBehavior.PINNED)
@with_command_updates
class ShadowingWorkflow(AgreementRun):
    """Observe, practise, debrief beside an expert."""

    @workflow.init
    def __init__(self, started_with: Any = None) -> None:  # noqa: ANN401  as said above
        super().__init__(started_with)

    @workflow.run
    async def run(self, started_with: Any = None) -> str:  # noqa: ANN401, ARG002  taken by __init__
        """Run from approval to close; return the outcome."""
        return await self.live(Kind.SHADOWING)


@workflow.defn(name=WORKFLOW_TYPES[Kind.ROTATION], versioning_behavior=VersioningBehavior.PINNED)
@with_command_updates
class RotationWorkflow(AgreementRun):
    """Several posts in a row, each with a challenge of its own."""

    @workflow.init
    def __init__(self, started_with: Any = None) -> None:  # noqa: ANN401  as said above
        super().__init__(started_with)

    @workflow.run
    async def run(self, started_with: Any = None) -> str:  # noqa: ANN401, ARG002  taken by __init__
        """Run from approval to close; return the outcome."""
        return await self.live(Kind.ROTATION)


WORKFLOWS = (SecondmentWorkflow, ShadowingWorkflow, RotationWorkflow)
"""Every workflow type that a worker hosts."""
