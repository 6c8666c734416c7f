"""Asking how an agreement stands: patient where an answer may come, plain where none can."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from temporalio.client import Client

from application.errors import NoAnswerError, NotRunningError
from application.temporal.status_query import query_workflow
from domain.kernel.vocabulary import Kind
from domain.views.status import StatusView
from workflows.contract import STATUS_QUERY, WORKFLOW_TYPES


async def test_nobody_waits_for_a_workflow_that_never_was(client: Client) -> None:
    """An unknown agreement is said to be unknown at once."""
    with pytest.raises(NotRunningError, match="No workflow acme"):
        await query_workflow(client, f"acme.{uuid.uuid4().hex}", STATUS_QUERY, StatusView)


async def test_patience_ends_where_no_worker_runs(client: Client) -> None:
    """Where nobody can answer, the caller hears so after the time that they gave."""
    handle = await client.start_workflow(
        WORKFLOW_TYPES[Kind.ROTATION],
        {},
        id=f"acme.{uuid.uuid4().hex}",
        task_queue=f"nobody-{uuid.uuid4().hex}",
    )
    with pytest.raises(NoAnswerError, match=r"within 0\.5 seconds"):
        await query_workflow(client, handle.id, STATUS_QUERY, StatusView, patience=timedelta(seconds=0.5))
    await handle.terminate("the test is over")
