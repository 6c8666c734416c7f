"""Start the workflow of an agreement, once: of a new request, or again from its record."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from pydantic import ValidationError
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from application.temporal.updates import Waiting, send_update
from domain.agreement.state import Agreement
from domain.kernel.vocabulary import Kind
from domain.policy.policy_set import PolicySet
from domain.terms import Terms, digest, parse_terms
from workflows.contract import CONFIRM_UPDATE, WORKFLOW_TYPES, AgreementInput, Receipt, agreement_id_of
from workflows.search_attributes import all_of, at_start
from workflows.user_metadata import static_details, static_summary


class PlacedBefore(NamedTuple):
    """A request that was placed before."""

    agreement_id: str
    digest: str | None
    """Of its terms; empty where they cannot be read any more, None where words of them are erased."""


class Starter:
    """Starts agreements over a Temporal client, on one task queue."""

    def __init__(self, client: Client, task_queue: str) -> None:
        self._client = client
        self._task_queue = task_queue

    async def running(self, agreement_id: str) -> PlacedBefore | None:
        """Return what Temporal knows of a workflow that the record may not have yet; None for nothing.

        A workflow that failed recorded nothing, so its request may be placed again.

        Raises:
            RPCError: Temporal cannot be asked.
        """
        handle = self._client.get_workflow_handle(agreement_id)
        history = handle.fetch_history_events(page_size=1)
        try:
            if (await handle.describe()).status is WorkflowExecutionStatus.FAILED:
                return None
            first = await anext(aiter(history), None)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return None
            raise
        if first is None or first.event_type != EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED:
            return None
        payloads = first.workflow_execution_started_event_attributes.input.payloads
        (given,) = await self._client.data_converter.decode(payloads, [AgreementInput])
        try:
            return PlacedBefore(agreement_id, digest(parse_terms(given.terms)))
        except ValidationError:
            return PlacedBefore(agreement_id, "")

    async def start(self, terms: Terms, policies: PolicySet | None = None) -> bool:
        """Start the agreement of a request.

        Args:
            terms: Of the request.
            policies: The set that they name, where it is none that comes with the product.

        Returns:
            Whether it is new; False where it was started before.

        Raises:
            RPCError: Temporal does not take it.
        """
        try:
            await self._client.start_workflow(
                WORKFLOW_TYPES[Kind(terms.kind)],
                AgreementInput(terms=terms.model_dump(mode="json"), policies=policies),
                id=agreement_id_of(terms),
                task_queue=self._task_queue,
                id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
                search_attributes=at_start(terms),
                static_summary=static_summary(terms),
                static_details=static_details(terms),
            )
        except WorkflowAlreadyStartedError:
            return False
        return True

    async def resume(self, agreement: Agreement, at: datetime, *, instead_of_a_run: bool = False) -> bool:
        """Start an agreement again from its record, as after its workflow was terminated or Temporal lost.

        Whether it is to run at all is for the caller to say: a closed one has nothing left to do but to send
        the notices that were not delivered.

        Args:
            agreement: As its stream folds.
            at: The instant at which it is shown in Temporal's lists until the workflow sees to that itself.
            instead_of_a_run: End the run that there is, as where no worker serves its version any more.

        Returns:
            Whether it was started; False where its workflow runs already and is to go on.

        Raises:
            RPCError: Temporal does not take it.
        """
        try:
            await self._client.start_workflow(
                WORKFLOW_TYPES[agreement.kind],
                AgreementInput(agreement_id=agreement.agreement_id),
                id=agreement.agreement_id,
                task_queue=self._task_queue,
                # The record says that it is to run, however an earlier workflow may have ended.
                id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
                id_conflict_policy=(
                    WorkflowIDConflictPolicy.TERMINATE_EXISTING
                    if instead_of_a_run
                    else WorkflowIDConflictPolicy.FAIL
                ),
                search_attributes=all_of(agreement, at),
                static_summary=static_summary(agreement.terms),
                static_details=static_details(agreement.terms),
            )
        except WorkflowAlreadyStartedError:
            return False
        return True

    async def confirm(
        self, agreement_id: str, patience: timedelta, waiting: Waiting | None = None
    ) -> Receipt:
        """Wait until an agreement is in the record.

        Raises:
            AskedInVainError: It refused the request, has ended, or did not answer in time.
        """
        return await send_update(
            self._client,
            agreement_id,
            CONFIRM_UPDATE,
            update_id=f"confirm/{agreement_id}",
            patience=patience,
            waiting=waiting,
        )
