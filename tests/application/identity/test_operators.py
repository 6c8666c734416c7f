"""Who makes somebody an operator is noted for ever, and where tokens are checked it takes an operator."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from typer.testing import Result

from activities.data_rights.log import RightsLog
from activities.directory.people import Directory
from application.identity.tokens import issue
from domain.kernel.person import Person
from workers.terminal.failures import ExitCode

Sojourn = Callable[..., Awaitable[Result]]

SECRET = "a-secret-of-more-than-thirty-two-bytes"
FIRST, SECOND, NOBODY_YET = "P-9001", "P-9002", "P-1042"


@pytest.fixture
def write(sojourn: Sojourn, people: Mapping[str, Person]) -> Callable[..., Awaitable[Result]]:
    """Writes some people of the examples, with fields changed, by the command."""

    async def written(*person_ids: str, by: str | None = None, **changes: object) -> Result:
        given = [
            {**json.loads(people[each].model_dump_json()), "delegate_id": None, **changes}
            for each in person_ids
        ]
        named = () if by is None else ("--as", by)
        return await sojourn("people", "-", *named, given=json.dumps(given))

    return written


async def _noted(pool: asyncpg.Pool[asyncpg.Record], person_id: str) -> list[tuple[str, str]]:
    return [(each.type, each.actor_id) for each in await RightsLog(pool).events(person_id)]


async def test_each_change_is_noted_with_who_made_it(
    write: Callable[..., Awaitable[Result]], pool: asyncpg.Pool[asyncpg.Record]
) -> None:
    """The installation where nobody is named, else the operator; what changes nothing is no change."""
    assert (await write(FIRST, SECOND, NOBODY_YET)).exit_code == ExitCode.OK
    assert (await write(FIRST, SECOND, NOBODY_YET)).exit_code == ExitCode.OK
    assert await _noted(pool, SECOND) == [("operator.made", "installation")]
    assert await _noted(pool, NOBODY_YET) == []
    assert (await write(SECOND, by=FIRST, is_operator=False)).exit_code == ExitCode.OK
    assert await _noted(pool, SECOND) == [("operator.made", "installation"), ("operator.unmade", FIRST)]
    stranger = await write(NOBODY_YET, by=NOBODY_YET, is_operator=True)
    assert stranger.exit_code == ExitCode.REFUSED
    assert "is no operator" in stranger.stderr
    assert await _noted(pool, NOBODY_YET) == []


async def test_where_tokens_are_checked_only_an_operator_makes_another(
    write: Callable[..., Awaitable[Result]],
    directory: Directory,
    pool: asyncpg.Pool[asyncpg.Record],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The first is made by whoever installs; from then on it takes an operator's token."""
    monkeypatch.setenv("SOJOURN_TOKEN_SECRET", SECRET)
    monkeypatch.delenv("SOJOURN_TOKEN", raising=False)
    assert (await write(FIRST)).exit_code == ExitCode.OK
    refused = await write(SECOND, NOBODY_YET)
    assert refused.exit_code == ExitCode.REFUSED
    assert f"is_operator of {SECOND} would change" in refused.stderr
    assert (await directory.get([SECOND, NOBODY_YET])) == {}
    assert (await write(FIRST, NOBODY_YET)).exit_code == ExitCode.OK, "HR's daily import changes no operator"
    assert (await write(SECOND, by=FIRST)).stderr.startswith("Refused (no_token)")
    monkeypatch.setenv("SOJOURN_TOKEN", issue(SECRET, FIRST, lasts=timedelta(hours=1)))
    assert (await write(SECOND, by=FIRST)).exit_code == ExitCode.OK
    assert await _noted(pool, SECOND) == [("operator.made", FIRST)]


@pytest.mark.usefixtures("worker", "known")
async def test_a_request_makes_nobody_an_operator_and_unmakes_none(
    sojourn: Sojourn,
    directory: Directory,
    people: Mapping[str, Person],
    request_of: Callable[..., dict[str, Any]],
) -> None:
    """Whoever may place a placement cannot give themselves more; an operator described in one stays one."""
    request = request_of("shadowing")
    described = json.loads(people[request["mentee"]["person_id"]].model_dump_json())
    named = {**request, "mentee": {**described, "is_operator": True}}
    refused = await sojourn("place", "-", given=json.dumps(named))
    assert refused.exit_code == ExitCode.REFUSED
    assert "a request makes nobody an operator" in refused.stderr
    assert not (await directory.get([described["person_id"]]))[described["person_id"]].is_operator
    operator = json.loads(people[FIRST].model_dump_json())
    fine = {**request, "mentee": {**operator, "is_operator": False}}
    placed = await sojourn("place", "-", given=json.dumps(fine))
    assert placed.exit_code == ExitCode.OK, placed.output
    assert (await directory.get([FIRST]))[FIRST].is_operator
