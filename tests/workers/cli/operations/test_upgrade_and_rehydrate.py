"""`sojourn upgrade` and `sojourn rehydrate`: what operators read, and what scripts can tell apart."""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

import pytest
from temporalio.client import Client
from typer.testing import Result

from application.settings import Settings
from application.temporal.versions import spelled, version_of
from workers.runtime.worker import hosting

Sojourn = Callable[..., Awaitable[Result]]
Requests = Callable[..., dict[str, Any]]


@pytest.fixture
async def agreement(
    settings: Settings, client: Client, sojourn: Sojourn, request_of: Requests, known: None
) -> str:
    """An agreement that was begun by a version whose workers have gone."""
    assert known is None
    async with hosting(settings.model_copy(update={"build_id": "old"}), client):
        result = await sojourn("place", "-", "--json", given=json.dumps(request_of("shadowing")))
        assert result.exit_code == 0, result.stderr
        [placed] = json.loads(result.stdout)["placements"]
        return placed["agreement_id"]


@pytest.fixture
async def new_worker(settings: Settings, client: Client, agreement: str) -> AsyncGenerator[str]:
    """A worker of the next version, current; gives the version as Temporal spells it."""
    assert agreement
    new = settings.model_copy(update={"build_id": "new"})
    async with hosting(new, client, takes_over=True):
        yield spelled(version_of(new))


async def _until_listed(sojourn: Sojourn, agreement: str) -> dict[str, Any]:
    """What a dry run tells, once Temporal's list has the agreement."""
    for _ in range(200):
        result = await sojourn("upgrade", "--dry-run", "--json")
        assert result.exit_code == 0, result.stderr
        told = json.loads(result.stdout)
        if [each["agreement_id"] for each in told["agreements"]] == [agreement]:
            return told
    raise AssertionError("never listed")


async def test_upgrade_says_who_is_left_and_moves_them_from_the_record(
    sojourn: Sojourn, agreement: str, new_worker: str, settings: Settings
) -> None:
    """A dry run sends nothing; who stays behind is told with exit status 4; --from-record brings them."""
    old = spelled(version_of(settings.model_copy(update={"build_id": "old"})))
    told = await _until_listed(sojourn, agreement)
    assert (told["current"], told["left_on"]) == (new_worker, {old: 1})
    assert told["counts"]["would_move"] == 1

    left = await sojourn("upgrade", "--wait", "1")
    assert left.exit_code == 4
    assert "behind" in left.stdout
    assert f"Still on another version: {old} (1)." in left.stderr
    assert "--from-record" in left.stderr

    moved = await sojourn("upgrade", "--wait", "1", "--from-record", "--json")
    assert moved.exit_code == 0, moved.stderr
    found = json.loads(moved.stdout)
    assert found["left_on"] == {}
    assert found["agreements"] == [
        {"agreement_id": agreement, "outcome": "started_again", "version": new_worker}
    ]


async def test_upgrade_makes_a_version_current_first(
    sojourn: Sojourn, client: Client, settings: Settings, worker: None
) -> None:
    """--to names the build that new agreements begin on; one without workers is refused."""
    assert worker is None
    new = settings.model_copy(update={"build_id": "new"})
    async with hosting(new, client):
        result = await sojourn("upgrade", "--to", "new", "--json")
        assert result.exit_code == 0, result.stderr
        assert json.loads(result.stdout)["current"] == spelled(version_of(new))
    nobodys = await sojourn("upgrade", "--to", "nobodys", "--json")
    assert nobodys.exit_code == 3
    assert "Start a worker of it" in nobodys.stderr


@pytest.mark.usefixtures("settings")
async def test_upgrade_without_any_worker_says_what_to_do(sojourn: Sojourn) -> None:
    """Where no worker has ever run there is nothing to move to."""
    result = await sojourn("upgrade")
    assert result.exit_code == 5
    assert "sojourn worker" in result.stderr


async def test_rehydrate_tells_each_agreement_and_can_be_repeated(
    sojourn: Sojourn, agreement: str, new_worker: str, client: Client
) -> None:
    """A dry run starts nothing, the first call resumes, the second finds it running; others match none."""
    assert new_worker
    await client.get_workflow_handle(agreement).terminate("as if the cluster were lost")
    would = json.loads((await sojourn("rehydrate", "--dry-run", "--json")).stdout)
    assert [each["outcome"] for each in would["agreements"]] == ["would_resume"]
    first = await sojourn("rehydrate", "--json")
    assert first.exit_code == 0, first.stderr
    told = json.loads(first.stdout)
    assert told["counts"]["resumed"] == 1
    assert told["agreements"][0]["version"] == would["agreements"][0]["version"]
    again = await sojourn("rehydrate")
    assert again.exit_code == 0, again.stderr
    assert again.stderr == "1 running.\n"
    nobody = await sojourn("rehydrate", "--agreement", f"acme.{uuid.uuid4().hex}")
    assert nobody.exit_code == 5
    assert "Nothing was started" in nobody.stderr


@pytest.mark.usefixtures("worker", "pool")
async def test_rehydrate_of_an_empty_record_is_done_at_once(sojourn: Sojourn) -> None:
    """Nothing to start is no failure."""
    result = await sojourn("rehydrate")
    assert result.exit_code == 0, result.stderr
    assert result.stderr == "No open agreement is in the record.\n"


async def test_rehydrate_without_a_worker_ends_with_what_to_do(
    sojourn: Sojourn, agreement: str, client: Client
) -> None:
    """Started and unanswered is exit status 4, which means: repeat the same call."""
    await client.get_workflow_handle(agreement).terminate("as if the cluster were lost")
    result = await sojourn("rehydrate", "--wait", "1")
    assert result.exit_code == 4
    assert "unanswered" in result.stdout
    assert "sojourn worker" in result.stderr
