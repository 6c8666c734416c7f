"""Asking a running agreement how it stands, patiently: a run that has just begun cannot say yet."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TypeVar

from pydantic import BaseModel
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from application.errors import NoAnswerError, NotRunningError
from application.temporal.updates import raise_if_cancelled

PATIENCE = timedelta(seconds=15)
"""How long to keep asking before giving up, unless told otherwise."""

_ATTEMPT = timedelta(seconds=5)
_SHORTEST = timedelta(seconds=0.1)
_PAUSE = timedelta(seconds=0.1)
_TRY_AGAIN = frozenset(
    {
        # A new run, such as after continue-as-new, whose first task no worker has taken yet.
        RPCStatusCode.FAILED_PRECONDITION,
        # Our own limit on one attempt is reported as cancelled.
        RPCStatusCode.CANCELLED,
        RPCStatusCode.DEADLINE_EXCEEDED,
        RPCStatusCode.UNAVAILABLE,
        RPCStatusCode.RESOURCE_EXHAUSTED,
    }
)

Answer = TypeVar("Answer", bound=BaseModel)


async def query_workflow(
    client: Client, agreement_id: str, query: str, answers: type[Answer], *, patience: timedelta = PATIENCE
) -> Answer:
    """Query a workflow until it can answer.

    Args:
        client: The way to Temporal.
        agreement_id: Which workflow.
        query: Its name, such as `status`.
        answers: What it answers with.
        patience: How long to keep asking; at least one attempt is made.

    Raises:
        NotRunningError: There is no such workflow.
        NoAnswerError: Nobody answered in time: no worker runs, or the record cannot be read.
        temporalio.client.WorkflowQueryFailedError: The workflow does not know the query.
        RPCError: Temporal refuses the call itself, such as for want of permission.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + patience.total_seconds()
    while True:
        try:
            left = timedelta(seconds=max(deadline - loop.time(), _SHORTEST.total_seconds()))
            answer = await client.get_workflow_handle(agreement_id).query(
                query, rpc_timeout=min(_ATTEMPT, left)
            )
            if answer is not None:
                return answers.model_validate(answer)
        except RPCError as error:
            raise_if_cancelled()
            if error.status is RPCStatusCode.NOT_FOUND:
                raise NotRunningError(f"No workflow {agreement_id} is known.") from error
            if error.status not in _TRY_AGAIN:
                raise
        if loop.time() + _PAUSE.total_seconds() >= deadline:
            raise NoAnswerError(
                f"{agreement_id} did not say how it stands within {patience.total_seconds():g} seconds"
            )
        await asyncio.sleep(_PAUSE.total_seconds())
