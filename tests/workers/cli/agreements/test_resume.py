"""`sojourn resume`: an agreement whose workflow was ended in Temporal goes on from its record."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from temporalio.client import Client, WorkflowExecutionStatus
from typer.testing import Result

from activities.event_store.event_store import EventStore
from application.temporal.status_query import query_workflow
from domain.agreement.state import Agreement
from domain.ledger.obligation import Obligation
from domain.views.status import StatusView
from workflows.contract import STATUS_QUERY
from workflows.search_attributes import KIND, PEOPLE, PHASE

Sojourn = Callable[..., Awaitable[Result]]
Lives = Callable[..., Awaitable[Agreement]]


def nobody(_: Obligation) -> bool:
    """Nobody does anything."""
    return False


def printed(result: Result) -> Any:  # noqa: ANN401  any JSON
    """What a successful command printed, parsed."""
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


async def placed(sojourn: Sojourn, request: dict[str, Any]) -> str:
    """The id of an agreement that was just placed."""
    [found] = printed(await sojourn("place", "-", "--json", given=json.dumps(request)))["placements"]
    return str(found["agreement_id"])


@pytest.mark.usefixtures("worker", "known")
async def test_a_terminated_agreement_goes_on_from_its_record(
    sojourn: Sojourn, request_of: Callable[..., dict[str, Any]], event_store: EventStore, client: Client
) -> None:
    """It runs again with the state and the search attributes that it had, and takes the next command."""
    request = request_of("secondment")
    agreement = await placed(sojourn, request)
    running = await sojourn("resume", agreement)
    assert running.exit_code == 0
    assert "runs already" in running.stdout
    handle = client.get_workflow_handle(agreement)
    await handle.terminate("by mistake")
    acknowledged = [item["item_id"] for item in request["compliance"]]
    data = json.dumps({"terms_version": 1, "acknowledged": acknowledged})
    sign = ("act", agreement, "sign_agreement", "--as", "P-1042", "--data", data, "--json")
    refused = await sojourn(*sign)
    assert refused.exit_code == 3
    assert f"sojourn resume {agreement}" in refused.stderr
    before = await event_store.stream(agreement)
    resumed = printed(await sojourn("resume", agreement, "--json"))
    assert resumed == {"agreement_id": agreement, "outcome": "resumed", "version": len(before)}
    assert await event_store.stream(agreement) == before
    described = await handle.describe()
    assert described.status is WorkflowExecutionStatus.RUNNING
    attributes = described.typed_search_attributes
    assert (attributes[KIND], attributes[PHASE]) == ("secondment", "agreement")
    assert "P-1042" in attributes[PEOPLE]
    view = await query_workflow(client, agreement, STATUS_QUERY, StatusView)
    assert view.agreement_id == agreement
    assert printed(await sojourn(*sign))["event_types"][0] == "agreement.signed"


@pytest.mark.usefixtures("settings")
async def test_a_closed_agreement_is_started_only_for_the_notices_that_wait(
    sojourn: Sojourn, live: Lives, event_store: EventStore, client: Client
) -> None:
    """Nothing accepted is lost: letters about the close are still sent; with none left there is no run."""
    agreement = await live("shadowing", days=60, answers=nobody)
    assert agreement.closed
    waiting = await event_store.notices.undelivered(agreement.agreement_id)
    assert waiting
    assert printed(await sojourn("resume", agreement.agreement_id, "--json"))["outcome"] == "resumed"
    await client.get_workflow_handle(agreement.agreement_id).terminate("nobody serves this queue")
    for notice in waiting:
        await event_store.notices.settle(notice.notice_id, "skipped", reason="as a test wants it")
    closed = await sojourn("resume", agreement.agreement_id, "--json")
    assert closed.exit_code == 1
    assert json.loads(closed.stdout)["outcome"] == "closed"
    assert "is closed (expired_unsigned); nothing was started" in closed.stderr
    nowhere = await sojourn("resume", "halden-grid.NOWHERE")
    assert nowhere.exit_code == 1
    assert "The record has no agreement halden-grid.NOWHERE" in nowhere.stderr


@pytest.mark.usefixtures("settings")
async def test_a_started_agreement_without_a_worker_is_told_so(
    sojourn: Sojourn, live: Lives, client: Client
) -> None:
    """Started and unread are told apart from done, and the same call again starts nothing twice."""
    agreement = await live("rotation", days=3)
    waiting = await sojourn("resume", agreement.agreement_id, "--wait", "1")
    assert waiting.exit_code == 4
    assert "Is a worker running" in waiting.stderr
    again = await sojourn("resume", agreement.agreement_id, "--wait", "1")
    assert "runs already" in again.stdout
    await client.get_workflow_handle(agreement.agreement_id).terminate("the test is over")
