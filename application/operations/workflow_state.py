"""Whether every open agreement has its workflow, and whether the workflow stands where the record does.

A workflow takes over a state only once the record has it: so it is never ahead of the record, and behind it
for no longer than an append takes to be answered. Writers need not stop: a workflow that is behind is asked
again until it has reached the version that the record had at first.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from datetime import timedelta

import asyncpg
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowQueryFailedError
from temporalio.service import RPCError, RPCStatusCode

from activities.event_store.event_store import EventStore
from activities.integrity.findings import Difference
from application.concurrency import gather_limited
from application.errors import NoAnswerError
from application.queries.agreements import PAGE, agreements
from application.temporal.status_query import query_workflow
from domain.kernel.vocabulary import Phase
from domain.views.status import StatusView
from workflows.contract import STATUS_QUERY, WORKFLOW_TYPES

PATIENCE = timedelta(seconds=15)
"""How long a workflow may take to answer, and to catch up with the record."""

SILENT_AT_MOST = 16
"""After so many workflows without an answer the others are not asked: each would cost as long."""

UNTIL_NAMED = timedelta(seconds=5)
"""How long Temporal may take to name a worker that has just begun to ask for work."""

_PAUSE_SECONDS = 0.2
_START_AGAIN = "start it again from its record: `sojourn resume`"
_LOOK_AT_IT = "look at its task failures in the Temporal UI"
_ASK_AGAIN = "see that workers are up, and run this again"


async def workflow_differences(
    pool: asyncpg.Pool[asyncpg.Record],
    client: Client,
    task_queue: str,
    agreement_ids: Sequence[str] | None = None,
    *,
    patience: timedelta = PATIENCE,
) -> AsyncGenerator[Difference]:
    """Open agreements without their workflow or with one that stands elsewhere; workflows without a record.

    Args:
        pool: Connections to the record.
        client: The way to Temporal.
        task_queue: That of this installation: another one may share the namespace.
        agreement_ids: Only these; None for all.
        patience: How long a workflow may take to answer and to catch up.

    Raises:
        RPCError: Temporal refuses to be asked.
    """
    comparison = _Comparison(EventStore(pool), client, patience)
    if not await _is_served(client, task_queue, min(patience, UNTIL_NAMED)):
        yield _difference(
            None,
            "",
            f"no worker serves task queue {task_queue}, so no workflow can say how it stands",
            _ASK_AGAIN,
        )
        comparison.silent = SILENT_AT_MOST
    async for page in _open_agreements(EventStore(pool), agreement_ids):
        for found in await gather_limited(comparison.of, page):
            if found is not None:
                yield found
    if comparison.unasked:
        yield _difference(
            None, "", f"{comparison.unasked} workflows were not asked for their version", _ASK_AGAIN
        )
    if agreement_ids is None:
        async for found in _without_a_record(EventStore(pool), client, task_queue, patience):
            yield found


class _Comparison:
    """Compares one agreement after another, and counts those that do not answer."""

    def __init__(self, event_store: EventStore, client: Client, patience: timedelta) -> None:
        self._event_store = event_store
        self._client = client
        self._patience = patience
        self.silent = 0
        self.unasked = 0

    async def of(self, agreement_id: str) -> Difference | None:
        """Return where the workflow of an open agreement differs; None where it does not."""
        status = await _execution(self._client, agreement_id)
        if status is not WorkflowExecutionStatus.RUNNING:
            return await self._unless_closed(agreement_id, status)
        if self.silent >= SILENT_AT_MOST:
            self.unasked += 1
            return None
        try:
            return await self._snapshot_of(agreement_id)
        except NoAnswerError:
            self.silent += 1
            problem = "it does not say how it stands"
        except WorkflowQueryFailedError as failed:
            problem = f"it cannot say how it stands: {failed.message}"
        return _difference(agreement_id, "", problem, _LOOK_AT_IT)

    async def _unless_closed(
        self, agreement_id: str, status: WorkflowExecutionStatus | None
    ) -> Difference | None:
        if await self._version(agreement_id) is None:
            return None
        words = "does not exist" if status is None else f"is {status.name.lower().replace('_', ' ')}"
        problem = f"the agreement is open and its workflow {words}"
        return _difference(agreement_id, "", problem, _START_AGAIN)

    async def _snapshot_of(self, agreement_id: str) -> Difference | None:
        recorded = await self._version(agreement_id)
        if recorded is None:
            return None
        deadline = asyncio.get_running_loop().time() + self._patience.total_seconds()
        while True:
            view = await query_workflow(
                self._client, agreement_id, STATUS_QUERY, StatusView, patience=self._patience
            )
            if view.version >= recorded or asyncio.get_running_loop().time() > deadline:
                break
            await asyncio.sleep(_PAUSE_SECONDS)
        if view.version < recorded:
            return _difference(
                agreement_id, f"version {view.version}", f"the record is at version {recorded}", _LOOK_AT_IT
            )
        now_recorded = await self._version(agreement_id)
        if now_recorded is not None and view.version > now_recorded:
            return _difference(
                agreement_id,
                f"version {view.version}",
                f"the record is at version {now_recorded}: it lost events that the workflow knows",
                "restore a later backup, or terminate the workflow and " + _START_AGAIN,
            )
        return None

    async def _version(self, agreement_id: str) -> int | None:
        """Return the version that the record has; None where the agreement is closed by now."""
        row = await self._event_store.read_models.agreement(agreement_id)
        return None if row is None or row.head.phase is Phase.CLOSED else row.version


async def _open_agreements(
    event_store: EventStore, agreement_ids: Sequence[str] | None
) -> AsyncGenerator[list[str]]:
    if agreement_ids is not None:
        rows = await event_store.read_models.agreements(
            agreement_ids=agreement_ids, only_open=True, limit=len(agreement_ids)
        )
        yield [row.agreement_id for row in rows]
        return
    page: list[str] = []
    async for row in agreements(event_store, only_open=True):
        page.append(row.agreement_id)
        if len(page) == PAGE:
            yield page
            page = []
    yield page


async def _without_a_record(
    event_store: EventStore, client: Client, task_queue: str, patience: timedelta
) -> AsyncGenerator[Difference]:
    """Yield workflows that run and were never recorded. One that has only just begun is waited for."""
    types = ", ".join(f"'{name}'" for name in WORKFLOW_TYPES.values())
    running = f"ExecutionStatus = 'Running' AND TaskQueue = '{task_queue}' AND WorkflowType IN ({types})"
    deadline = asyncio.get_running_loop().time() + patience.total_seconds()
    async for execution in client.list_workflows(running):
        while await event_store.read_models.agreement(execution.id) is None:
            if await _execution(client, execution.id) is not WorkflowExecutionStatus.RUNNING:
                break
            if asyncio.get_running_loop().time() > deadline:
                yield _difference(
                    execution.id,
                    "",
                    "it is running and the record has no such agreement",
                    "see why its proposal is not recorded, or restore the record that has it",
                )
                break
            await asyncio.sleep(_PAUSE_SECONDS)


async def _execution(client: Client, agreement_id: str) -> WorkflowExecutionStatus | None:
    try:
        return (await client.get_workflow_handle(agreement_id).describe()).status
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return None
        raise


async def _is_served(client: Client, task_queue: str, patience: timedelta) -> bool:
    """Tell whether a worker has asked for work lately."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + patience.total_seconds()
    while not await _has_pollers(client, task_queue):
        if loop.time() > deadline:
            return False
        await asyncio.sleep(_PAUSE_SECONDS)
    return True


async def _has_pollers(client: Client, task_queue: str) -> bool:
    answer = await client.workflow_service.describe_task_queue(
        DescribeTaskQueueRequest(
            namespace=client.namespace,
            task_queue=TaskQueue(name=task_queue),
            task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
        )
    )
    return bool(answer.pollers)


def _difference(agreement_id: str | None, where: str, problem: str, remedy: str) -> Difference:
    return Difference(agreement_id=agreement_id, part="workflow", where=where, problem=problem, remedy=remedy)
