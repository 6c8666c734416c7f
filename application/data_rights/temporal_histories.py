"""Remove what Temporal keeps of an agreement: its histories hold payloads that no person's key seals."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import DeleteWorkflowExecutionRequest
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from activities.data_rights.log import RightsLog
from activities.event_store.event_store import EventStore
from application.queries.agreements import load_snapshot
from application.temporal.starter import Starter
from domain.kernel.model import PersonId


class HistoryRemoval:
    """Has Temporal delete the histories of agreements, as often as it takes, and knows of every time.

    Args:
        record: From which an agreement that still runs goes on.
        rights: Where it is noted which histories go, before they do.
        client: Temporal.
        task_queue: Where agreements go on.
    """

    def __init__(self, event_store: EventStore, rights: RightsLog, client: Client, task_queue: str) -> None:
        self._event_store = event_store
        self._rights = rights
        self._client = client
        self._starter = Starter(client, task_queue)

    async def remove(
        self,
        agreement_id: str,
        *,
        of: Collection[PersonId],
        by: PersonId,
        on_account_of: PersonId | None = None,
    ) -> list[str]:
        """Remove every history of an agreement; one that still ran goes on from the record.

        Args:
            agreement_id: Whose histories.
            of: The people of whom it is noted.
            by: Who does it.
            on_account_of: Whose legal hold forbids it; None: that of anybody in the agreement.

        Returns:
            The run ids whose deletion Temporal was asked for.

        Raises:
            OnHoldError: A legal hold keeps them; nothing was removed.
        """
        described = await self._current(agreement_id)
        runs: set[str] = set() if described is None else {described[0]}
        async for run in self._client.list_workflows(f"WorkflowId = '{agreement_id}'"):
            if run.status is not WorkflowExecutionStatus.RUNNING:
                runs.add(run.run_id)
        if runs:
            await self._rights.note_removal(
                agreement_id, sorted(runs), of=of, on_account_of=on_account_of, by=by
            )
        if described is not None and described[1]:
            await self._terminate(agreement_id, described[0])
        for run_id in runs:
            await self._delete(agreement_id, run_id)
        # Also where an earlier attempt was cut off between the deletion and this.
        snapshot = await load_snapshot(self._event_store, agreement_id)
        if snapshot is not None and not snapshot.agreement.closed:
            await self._starter.resume(snapshot.agreement, snapshot.at)
        return sorted(runs)

    async def removed_runs(self, person_id: PersonId) -> dict[str, list[str]]:
        """Return every run ever removed on a person's account, by agreement."""
        found: dict[str, set[str]] = {}
        for event in await self._rights.events(person_id):
            runs = event.data.get("runs")
            if event.type == "histories.removed" and isinstance(runs, list):
                found.setdefault(str(event.data.get("agreement_id")), set()).update(map(str, runs))
        return {agreement_id: sorted(runs) for agreement_id, runs in found.items()}

    async def _current(self, agreement_id: str) -> tuple[str, bool] | None:
        """Return the latest run and whether it runs; None where Temporal knows none."""
        try:
            described = await self._client.get_workflow_handle(agreement_id).describe()
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            return None
        return described.run_id, described.status is WorkflowExecutionStatus.RUNNING

    async def _terminate(self, agreement_id: str, run_id: str) -> None:
        handle = self._client.get_workflow_handle(agreement_id, run_id=run_id)
        try:
            await handle.terminate(reason="erasure: goes on from the record")
        except RPCError as error:
            # It ended by itself meanwhile.
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise

    async def _delete(self, agreement_id: str, run_id: str) -> None:
        try:
            await self._client.workflow_service.delete_workflow_execution(
                DeleteWorkflowExecutionRequest(
                    namespace=self._client.namespace,
                    workflow_execution=WorkflowExecution(workflow_id=agreement_id, run_id=run_id),
                ),
                timeout=timedelta(seconds=10),
            )
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
