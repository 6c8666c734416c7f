"""Read models are a function of the log: whatever becomes of them, they can be had again meanwhile."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from typing import Any, TypeAlias

import asyncpg
import pytest
from typer.testing import Result

from activities.directory.people import Directory
from activities.integrity.rebuild import rebuild_read_models
from activities.postgres.pool import DatabaseRefusedError, open_pool
from application.operations.verify import verify
from domain.agreement.state import Agreement
from domain.kernel.vocabulary import ObligationKind
from domain.ledger.obligation import Obligation

Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"
Lives = Callable[..., Coroutine[Any, Any, Agreement]]
Sojourn = Callable[..., Awaitable[Result]]

READ_MODELS = ("agreement", "agreement_party", "obligation", "stall", "agreement_ahead")
NOT_DERIVED = ("event", "command", "notice", "person")

DAMAGE = (
    "UPDATE sojourn.obligation SET due_at = due_at + interval '1 day', ladder = '[]'",
    "DELETE FROM sojourn.obligation WHERE status = 'open'",
    "UPDATE sojourn.obligation SET status = 'superseded', settled_at = now() WHERE status = 'open'",
    "DELETE FROM sojourn.agreement_party WHERE role = 'mentor'",
    "INSERT INTO sojourn.agreement_party SELECT agreement_id, 'peer', 'P-0', '' FROM sojourn.agreement",
    "UPDATE sojourn.agreement SET phase = 'closed', outcome = 'completed', held = true, cohort = 'x'",
    "UPDATE sojourn.agreement SET starts_on = starts_on - 1, next_instant = NULL, request_digest = 'x'",
    "DELETE FROM sojourn.stall",
    (
        "INSERT INTO sojourn.agreement_ahead SELECT agreement_id, '2020-01-01' FROM sojourn.agreement "
        "WHERE phase = 'closed'"
    ),
    "INSERT INTO sojourn.stall_tally VALUES ('rotation', 'silent', 'mentor', NULL, 3)",
    "TRUNCATE sojourn.agreement_party, sojourn.obligation, sojourn.stall, sojourn.agreement_ahead",
    "TRUNCATE sojourn.agreement, sojourn.agreement_party, sojourn.obligation, sojourn.stall",
)
"""What could become of read models, by hand or by a fault."""


def _is_no_check_in(owed: Obligation) -> bool:
    return owed.kind is not ObligationKind.CHECK_IN


@pytest.fixture
async def owner(owner_database: str) -> AsyncGenerator[Pool]:
    """Connections as the role that owns the schema."""
    opened = await open_pool(owner_database, largest=4)
    yield opened
    await opened.close()


async def _rows(connection: asyncpg.Connection, *tables: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for table in tables:
        every_row = f"SELECT held::text AS row FROM sojourn.{table} AS held ORDER BY 1"  # noqa: S608  its name
        found[table] = [each["row"] for each in await connection.fetch(every_row)]
    return found


async def _damage(administrator: asyncpg.Connection, statement: str) -> None:
    """As somebody does it whom no trigger stops."""
    await administrator.execute("SET session_replication_role = replica")
    async with administrator.transaction():
        # Heads first, as an append locks: rows of one agreement in another order are a deadlock with it.
        await administrator.execute("SELECT FROM sojourn.agreement FOR UPDATE")
        await administrator.execute(statement)
    await administrator.execute("RESET session_replication_role")


async def _rebuilt(owner: Pool) -> list[str]:
    return [each.agreement_id async for each in rebuild_read_models(owner) if each.rewritten]


async def test_whatever_was_done_to_read_models_is_undone(
    pool: Pool, owner: Pool, administrator: asyncpg.Connection, live: Lives
) -> None:
    """After each damage a rebuild gives the rows that were there; nothing else was touched."""
    await live("secondment", days=120, answers=_is_no_check_in)
    await live("shadowing", days=900)
    before = await _rows(administrator, *READ_MODELS, *NOT_DERIVED)
    for statement in DAMAGE:
        await _damage(administrator, statement)
        assert await verify(pool) != [], statement
        await _rebuilt(owner)
        assert await verify(pool) == [], statement
        assert await _rows(administrator, *READ_MODELS, *NOT_DERIVED) == before, statement
    assert await _rebuilt(owner) == []


async def test_appends_go_on_while_read_models_are_rebuilt(
    pool: Pool, owner: Pool, administrator: asyncpg.Connection, live: Lives
) -> None:
    """What is damaged is rebuilt while it is written to: no append fails, and all is whole in the end."""
    writers = [
        asyncio.create_task(live(kind, days=300, request_id=f"busy-{kind}-{number}"))
        for kind in ("secondment", "shadowing", "rotation")
        for number in range(2)
    ]
    rounds = 0
    while not all(writer.done() for writer in writers):
        # Nothing that the next append would stumble over, as it would over an obligation that is gone.
        await _damage(administrator, "UPDATE sojourn.obligation SET subject = 'x', sequence = 7")
        await _damage(administrator, "UPDATE sojourn.agreement SET tenant = 'x', opened_at = now()")
        await _rebuilt(owner)
        rounds += 1
    await asyncio.gather(*writers)
    await _rebuilt(owner)
    assert rounds > 0
    assert await verify(pool) == []


async def test_a_log_that_was_altered_is_not_built_upon(
    pool: Pool, owner: Pool, administrator: asyncpg.Connection, live: Lives
) -> None:
    """Events at fault are named and their read models left alone, while other agreements are rebuilt."""
    altered = await live("secondment", days=30)
    whole = await live("shadowing", days=30)
    await administrator.execute("ALTER TABLE sojourn.event DISABLE TRIGGER event_is_append_only")
    await administrator.execute(
        "UPDATE sojourn.event SET actor_id = 'P-0' WHERE agreement_id = $1 AND version = 2",
        altered.agreement_id,
    )
    await _damage(administrator, "UPDATE sojourn.agreement SET cohort = 'x'")
    results = {each.agreement_id: each async for each in rebuild_read_models(owner)}
    assert results[whole.agreement_id].rewritten
    assert not results[altered.agreement_id].rewritten
    [fault] = results[altered.agreement_id].left
    assert (fault.part, fault.where, fault.problem) == ("event", "version 2", "its content was altered")
    assert [each.agreement_id for each in await verify(pool)] == [altered.agreement_id]


async def test_the_application_cannot_rebuild(
    pool: Pool, administrator: asyncpg.Connection, live: Lives
) -> None:
    """Rewriting read models takes the owner: a worker's login is refused by PostgreSQL itself."""
    await live("shadowing", days=5)
    await _damage(administrator, "UPDATE sojourn.agreement SET cohort = 'x'")
    with pytest.raises(DatabaseRefusedError, match="permission denied"):
        await _rebuilt(pool)


async def test_the_command_tells_what_it_rewrote(
    sojourn: Sojourn, administrator: asyncpg.Connection, live: Lives, directory: Directory
) -> None:
    """One line each, JSON for programs, nothing on a second run, and an exit code for what is left."""
    assert await directory.get([]) == {}
    first, second = await live("shadowing", days=5), await live("secondment", days=5)
    await _damage(administrator, "UPDATE sojourn.agreement SET cohort = 'x'")
    behind = await sojourn("rebuild", "--after", first.agreement_id)
    assert (behind.exit_code, second.agreement_id in behind.stdout) == (
        0,
        second.agreement_id > first.agreement_id,
    )
    await sojourn("rebuild")
    assert json.loads((await sojourn("rebuild", "--json")).stdout) == {"rewritten": [], "left": []}
    assert (await sojourn("verify", "--record-only")).exit_code == 0
    await administrator.execute("ALTER TABLE sojourn.event DISABLE TRIGGER event_is_append_only")
    await administrator.execute("DELETE FROM sojourn.event WHERE version = 1")
    refused = await sojourn("rebuild", "--agreement", first.agreement_id)
    assert refused.exit_code == 3
    assert "lacks what its migrations made: trigger event_is_append_only" in refused.stderr
    await administrator.execute("ALTER TABLE sojourn.event ENABLE ALWAYS TRIGGER event_is_append_only")
    left = await sojourn("rebuild", "--agreement", first.agreement_id)
    assert left.exit_code == 1
    assert f"{first.agreement_id} event version 1: the event is missing from the stream" in left.stdout
    unknown = await sojourn("rebuild", "--agreement", "nobody.nothing")
    assert (unknown.exit_code, unknown.stderr) == (5, "The record has no agreement nobody.nothing.\n")
