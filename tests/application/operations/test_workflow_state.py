"""Each open agreement has a workflow that stands where the record does, or verify names it."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, TypeAlias

import asyncpg
import pytest
from temporalio.client import Client
from typer.testing import Result

from activities.integrity.findings import Difference
from application.operations.workflow_state import workflow_differences
from application.settings import Settings
from domain.agreement.state import Agreement

Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"
Sojourn = Callable[..., Awaitable[Result]]
Requests = Callable[..., dict[str, Any]]
Lives = Callable[..., Awaitable[Agreement]]
Verified = Callable[[], Awaitable[list[Difference]]]


@pytest.fixture
def found(pool: Pool, client: Client, settings: Settings) -> Verified:
    """What differs between the record and the workflows of this test's task queue."""

    async def look() -> list[Difference]:
        several = workflow_differences(pool, client, settings.task_queue, patience=timedelta(seconds=1))
        return [each async for each in several]

    return look


@pytest.fixture
async def placed(
    sojourn: Sojourn,
    request_of: Requests,
    worker: None,  # noqa: ARG001  it has to serve
    known: None,  # noqa: ARG001  people have to be in the directory
) -> str:
    """A placement whose workflow runs, by its id."""
    result = await sojourn("place", "-", "--json", given=json.dumps(request_of("secondment")))
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)["placements"][0]["agreement_id"]


async def test_a_workflow_that_stands_where_the_record_does_is_no_difference(
    placed: str, found: Verified, sojourn: Sojourn
) -> None:
    """All is well, and the command says how much it has looked at."""
    assert await found() == []
    whole = await sojourn("verify", "--agreement", placed)
    assert (whole.exit_code, whole.stdout) == (0, "")
    assert "1 agreement verified: nothing differs." in whole.stderr


async def test_an_open_agreement_without_a_workflow_is_named(
    placed: str, found: Verified, client: Client, live: Lives, sojourn: Sojourn
) -> None:
    """Terminated or never started: what is open has to run, and what to do is said."""
    never = await live("rotation", days=5, request_id=f"never-{placed[2:10]}")
    await client.get_workflow_handle(placed).terminate()
    lost = {each.agreement_id: each.problem for each in await found()}
    assert lost == {
        placed: "the agreement is open and its workflow is terminated",
        never.agreement_id: "the agreement is open and its workflow does not exist",
    }
    told = await sojourn("verify", "--agreement", placed, "--json")
    assert told.exit_code == 1
    [difference] = json.loads(told.stdout)
    assert difference["part"] == "workflow"
    assert "sojourn resume" in difference["remedy"]


async def test_a_closed_agreement_needs_no_workflow(
    found: Verified,
    live: Lives,
    worker: None,  # noqa: ARG001  it has to serve
) -> None:
    """Whoever has ended is asked nothing."""
    assert (await live("shadowing", days=900)).closed
    assert await found() == []


async def test_a_workflow_behind_the_record_is_named(
    placed: str, found: Verified, administrator: asyncpg.Connection
) -> None:
    """A record that went on without its workflow is a difference, once the workflow had time to catch up."""
    await administrator.execute("UPDATE sojourn.agreement SET version = version + 1")
    [behind] = await found()
    assert (behind.agreement_id, behind.where) == (placed, "version 1")
    assert behind.problem == "the record is at version 2"


async def test_a_record_that_lost_events_is_named(
    placed: str, found: Verified, administrator: asyncpg.Connection
) -> None:
    """A record older than its workflows, as after restoring an old backup, is told from slowness."""
    await administrator.execute("UPDATE sojourn.agreement SET version = 0")
    [ahead] = await found()
    assert (ahead.agreement_id, ahead.where) == (placed, "version 1")
    assert "it lost events that the workflow knows" in ahead.problem


async def test_a_workflow_without_a_record_is_named(
    placed: str, found: Verified, administrator: asyncpg.Connection
) -> None:
    """What runs and was never recorded, or is recorded elsewhere, is found."""
    await administrator.execute("DELETE FROM sojourn.agreement")
    [stray] = await found()
    assert (stray.agreement_id, stray.problem) == (
        placed,
        "it is running and the record has no such agreement",
    )


async def test_without_a_worker_it_says_so_once(found: Verified, live: Lives) -> None:
    """Nobody waits for workflows that nobody serves."""
    lived = await live("rotation", days=5)
    told = await found()
    assert "no worker serves task queue" in told[0].problem
    assert [each.agreement_id for each in told] == [None, lived.agreement_id]
