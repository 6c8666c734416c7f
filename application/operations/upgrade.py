"""Bring running agreements to the current worker version, and telling which have come.

A run ends on the version that began it. An agreement that sleeps for weeks would notice a newer version only
when it next wakes, so it is woken by a signal that changes nothing, hands over to its next run, and that one
begins on the current version. Where nobody serves the old version any more, it can be started again from its
record, which needs nothing of the old run.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from datetime import timedelta
from enum import StrEnum
from typing import NamedTuple

from temporalio.client import Client, WorkflowExecutionDescription, WorkflowExecutionStatus
from temporalio.common import WorkerDeploymentVersion
from temporalio.service import RPCError, RPCStatusCode

from activities.event_store.event_store import EventStore
from application.concurrency import gather_limited
from application.container import Container
from application.errors import NothingMatchedError
from application.identity.principal import Principal, require_machine
from application.progress import NO_PROGRESS, Progress
from application.queries.agreements import load_snapshot
from application.temporal.starter import Starter
from application.temporal.versions import current_version, make_current, spelled, version_of
from domain.kernel.model import Frozen
from workflows.contract import NUDGE_SIGNAL, WORKFLOW_TYPES

AT_ONCE = 32
"""How many agreements are on their way at a time: each costs the workers two tasks and a fold."""

_UNTIL_CURRENT = timedelta(seconds=10)
_FIRST_PAUSE = 0.05
_LONGEST_PAUSE = 1.0
_UNTIL_THE_NEXT_NUDGE = 5.0
"""A version that has just become current takes a moment to be known to the task queue: who is woken before
that sees no newer version, and has to be woken again."""


class Outcome(StrEnum):
    """Where one agreement is after an upgrade."""

    MOVED = "moved"
    """It runs on the current version."""
    STARTED_AGAIN = "started_again"
    """Likewise, by a run that was begun from the record in place of the old one."""
    WOULD_MOVE = "would_move"
    """In a dry run."""
    ENDED = "ended"
    """It has closed meanwhile."""
    BEHIND = "behind"
    """It was not on the current version in time. It may still come: the old run keeps the signal."""


class Upgraded(Frozen):
    """What became of one agreement."""

    agreement_id: str
    outcome: Outcome
    version: str | None
    """The worker version it runs on now; None where no worker has had it yet, or an unversioned one."""


class UpgradeOutcome(NamedTuple):
    """What an upgrade led to."""

    current: WorkerDeploymentVersion
    """The version that agreements were to move to."""
    agreements: list[Upgraded]
    """Those that were on another version."""


async def upgrade(
    container: Container,
    principal: Principal,
    *,
    to_build: str | None = None,
    patience: timedelta,
    from_record: bool = False,
    dry_run: bool = False,
    progress: Progress = NO_PROGRESS,
) -> UpgradeOutcome:
    """Bring running agreements to the current worker version.

    Args:
        container: What it takes.
        principal: Whoever has a machine of the installation.
        to_build: Make this build id current first; None moves to the version that is.
        patience: How long to wait for each agreement.
        from_record: Start what does not come in time again from its record.
        dry_run: Only tell where each is.
        progress: Told of each agreement that is done.

    Raises:
        NotPermittedError: The principal has no machine of the installation.
        NothingMatchedError: No worker of the deployment has run yet.
        VersionNotMadeCurrentError: Temporal does not make the version current.
    """
    require_machine(principal)
    client = await container.temporal()
    current = await _version_to_move_to(container, client, to_build, dry_run=dry_run)
    change = Upgrade(client, container.settings.task_queue, current)
    behind = [agreement_id async for agreement_id in change.behind()]
    if dry_run:
        return UpgradeOutcome(current, await change.would_move(behind))
    progress.describe(f"moving to {spelled(current)}")
    progress.start(len(behind))
    items = await change.move(behind, patience, progress.advance)
    left = [item.agreement_id for item in items if item.outcome is Outcome.BEHIND]
    if from_record and left:
        progress.describe("starting again from the record")
        again = await change.start_again(await container.event_store(), left, progress.advance)
        items = [item for item in items if item.outcome is not Outcome.BEHIND] + again
    return UpgradeOutcome(current, items)


async def _version_to_move_to(
    container: Container, client: Client, to_build: str | None, *, dry_run: bool
) -> WorkerDeploymentVersion:
    """Return the version that is current, or make it so where a build is named."""
    deployment = version_of(container.settings).deployment_name
    if to_build is not None:
        wanted = WorkerDeploymentVersion(deployment, to_build)
        if not dry_run:
            await make_current(client, wanted, patience=_UNTIL_CURRENT)
        return wanted
    current = await current_version(client, deployment)
    if current is None:
        raise NothingMatchedError(
            f"No worker of deployment {deployment} has run in namespace {client.namespace} yet: start one "
            "with `sojourn worker`, or set TEMPORAL_DEPLOYMENT_NAME or SOJOURN_TASK_QUEUE as the workers "
            "have it."
        )
    return current


class Upgrade:
    """Moves what runs on one task queue to a version that is current.

    Args:
        client: The way to Temporal.
        task_queue: Of the agreements.
        version: The current one.
    """

    def __init__(self, client: Client, task_queue: str, version: WorkerDeploymentVersion) -> None:
        self._client = client
        self._task_queue = task_queue
        self._version = version

    async def behind(self) -> AsyncGenerator[str]:
        """Yield the ids of running agreements that are not on the version, as Temporal lists them.

        Its list may be some moments old: what has begun or moved just now may be missing, or be there still.

        Raises:
            RPCError: Temporal cannot be asked.
        """
        types = ", ".join(f"'{name}'" for name in WORKFLOW_TYPES.values())
        attribute, here = "TemporalWorkerDeploymentVersion", spelled(self._version)
        query = (
            f"WorkflowType IN ({types}) AND TaskQueue = '{self._task_queue}' AND ExecutionStatus = 'Running' "
            f"AND ({attribute} IS NULL OR {attribute} != '{here}')"
        )
        async for found in self._client.list_workflows(query):
            yield found.id

    async def would_move(self, agreement_ids: Sequence[str]) -> list[Upgraded]:
        """Return where each is now, with nothing sent."""

        async def one(agreement_id: str) -> Upgraded:
            return await self._found(agreement_id, Outcome.WOULD_MOVE)

        return await gather_limited(one, agreement_ids, at_once=AT_ONCE)

    async def move(
        self, agreement_ids: Sequence[str], patience: timedelta, one_more: Callable[[], None]
    ) -> list[Upgraded]:
        """Wake each and wait until it runs on the version.

        Args:
            agreement_ids: Which.
            patience: How long to wait for each.
            one_more: Called after each.

        Raises:
            RPCError: Temporal does not take the signal, other than because the agreement has ended.
        """

        async def one(agreement_id: str) -> Upgraded:
            upgraded = await self._move(agreement_id, patience)
            one_more()
            return upgraded

        return await gather_limited(one, agreement_ids, at_once=AT_ONCE)

    async def start_again(
        self, event_store: EventStore, agreement_ids: Sequence[str], one_more: Callable[[], None]
    ) -> list[Upgraded]:
        """Begin a new run of each from its record, in place of the one that runs.

        What the old run had accepted is in the record; what it had not finished was not acknowledged, and its
        sender sends it again.

        Args:
            event_store: Where the agreements are.
            agreement_ids: Which.
            one_more: Called after each.

        Raises:
            RPCError: Temporal does not take it.
        """
        starter = Starter(self._client, self._task_queue)

        async def one(agreement_id: str) -> Upgraded:
            upgraded = await self._found(agreement_id, Outcome.BEHIND)
            snapshot = await load_snapshot(event_store, agreement_id)
            # A workflow that has recorded nothing yet has no record to begin from.
            if upgraded.outcome is Outcome.BEHIND and snapshot is not None:
                await starter.resume(snapshot.agreement, snapshot.at, instead_of_a_run=True)
                upgraded = Upgraded(
                    agreement_id=agreement_id,
                    outcome=Outcome.STARTED_AGAIN,
                    version=spelled(self._version),
                )
            one_more()
            return upgraded

        return await gather_limited(one, agreement_ids, at_once=AT_ONCE)

    async def _move(self, agreement_id: str, patience: timedelta) -> Upgraded:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + patience.total_seconds()
        pause, nudge_again_at = _FIRST_PAUSE, loop.time()
        while True:
            if loop.time() >= nudge_again_at:
                await self._nudge(agreement_id)
                nudge_again_at = loop.time() + _UNTIL_THE_NEXT_NUDGE
            upgraded = await self._found(agreement_id, Outcome.BEHIND)
            if upgraded.outcome is not Outcome.BEHIND or loop.time() + pause > deadline:
                return upgraded
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def _nudge(self, agreement_id: str) -> None:
        try:
            await self._client.get_workflow_handle(agreement_id).signal(NUDGE_SIGNAL)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise

    async def _found(self, agreement_id: str, unless_moved: Outcome) -> Upgraded:
        description = await self._client.get_workflow_handle(agreement_id).describe()
        version, outcome = _version_of(description), unless_moved
        if description.status is not WorkflowExecutionStatus.RUNNING:
            outcome = Outcome.ENDED
        elif version == self._version:
            outcome = Outcome.MOVED
        return Upgraded(
            agreement_id=agreement_id,
            outcome=outcome,
            version=None if version is None else spelled(version),
        )


def _version_of(description: WorkflowExecutionDescription) -> WorkerDeploymentVersion | None:
    """Return the version whose worker completed the last task of a run."""
    versioning = description.raw_description.workflow_execution_info.versioning_info
    if not versioning.HasField("deployment_version"):
        return None
    found = versioning.deployment_version
    return WorkerDeploymentVersion(found.deployment_name, found.build_id)
