"""Bringing running agreements to the current worker version, and telling which have come.

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

from temporalio.client import Client, WorkflowExecutionDescription, WorkflowExecutionStatus
from temporalio.common import WorkerDeploymentVersion
from temporalio.service import RPCError, RPCStatusCode

from activities.event_store.event_store import EventStore
from application.concurrency import few_at_once
from application.queries.agreements import standing
from application.temporal.starter import Starter
from application.temporal.versions import spelled
from domain.kernel.model import Frozen
from workflows.contract import NUDGE_SIGNAL, WORKFLOW_TYPES

AT_ONCE = 32
"""How many agreements are on their way at a time: each costs the workers two tasks and a fold."""

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
        """Ids of running agreements that are not on the version, as Temporal lists them.

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
        """Where each is now, with nothing sent."""

        async def one(agreement_id: str) -> Upgraded:
            return await self._found(agreement_id, Outcome.WOULD_MOVE)

        return await few_at_once(one, agreement_ids, at_once=AT_ONCE)

    async def move(
        self, agreement_ids: Sequence[str], patience: timedelta, one_more: Callable[[], None]
    ) -> list[Upgraded]:
        """Wakes each and waits until it runs on the version.

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

        return await few_at_once(one, agreement_ids, at_once=AT_ONCE)

    async def start_again(
        self, event_store: EventStore, agreement_ids: Sequence[str], one_more: Callable[[], None]
    ) -> list[Upgraded]:
        """Begins a new run of each from its record, in place of the one that runs.

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
            stands = await standing(event_store, agreement_id)
            # A workflow that has recorded nothing yet has no record to begin from.
            if upgraded.outcome is Outcome.BEHIND and stands is not None:
                await starter.resume(stands.agreement, stands.at, instead_of_a_run=True)
                upgraded = Upgraded(
                    agreement_id=agreement_id,
                    outcome=Outcome.STARTED_AGAIN,
                    version=spelled(self._version),
                )
            one_more()
            return upgraded

        return await few_at_once(one, agreement_ids, at_once=AT_ONCE)

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
    """The version whose worker completed the last task of a run."""
    versioning = description.raw_description.workflow_execution_info.versioning_info
    if not versioning.HasField("deployment_version"):
        return None
    found = versioning.deployment_version
    return WorkerDeploymentVersion(found.deployment_name, found.build_id)
