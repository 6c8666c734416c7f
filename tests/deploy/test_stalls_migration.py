"""What a record already holds is on the stalled list once it is migrated."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import AsyncGenerator
from pathlib import Path

import asyncpg
import pytest

from deploy.embedded import EmbeddedPostgres
from deploy.migrate import MIGRATIONS, migrate

STALLED_AGREEMENT = """
    INSERT INTO sojourn.agreement VALUES (
        'a1', 1, sha256('x'), 'secondment', 'active', NULL, 'acme', 'r1', 'd', NULL, 1, '2026-01-01',
        '2026-12-31', 4, '2026-01-01', '2026-02-01', NULL, false, NULL, '2026-01-01', '2026-01-01',
        '2026-01-01'
    );
    INSERT INTO sojourn.agreement_party VALUES ('a1', 'mentor', 'p-grace', '');
"""


@pytest.fixture
async def older(postgres: EmbeddedPostgres, tmp_path: Path) -> AsyncGenerator[str]:
    """A database of the release before stalls were kept, with one agreement long silent."""
    shutil.copy(MIGRATIONS / "0001_record.sql", tmp_path)
    name = f"older_{uuid.uuid4().hex}"
    administrator = await asyncpg.connect(postgres.dsn_of("postgres"))
    await administrator.execute(f"CREATE DATABASE {name}")
    await migrate(postgres.dsn_of(name), folder=tmp_path)
    connection = await asyncpg.connect(postgres.dsn_of(name))
    await connection.execute(STALLED_AGREEMENT)
    await connection.close()
    yield postgres.dsn_of(name)
    await administrator.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await administrator.close()


async def test_what_was_stalled_before_is_on_the_list(older: str) -> None:
    """A migration fills the list from the read models there are; nobody has to append first."""
    await migrate(older)
    connection = await asyncpg.connect(older)
    page = "SELECT * FROM sojourn.stalled_page_v2(now(), '{}', '-infinity', '', 50)"
    [row] = await connection.fetch(page)
    assert (row["agreement_id"], row["reason"], row["waiting_on_id"]) == ("a1", "silent", "p-grace")
    await connection.execute("UPDATE sojourn.agreement SET held = true")
    assert await connection.fetch(page) == []
    await connection.close()


async def test_a_migration_waits_for_what_is_being_written(older: str) -> None:
    """An agreement whose append is under way while the list is filled is on it as that append leaves it."""
    writing = await asyncpg.connect(older)
    transaction = writing.transaction()
    await transaction.start()
    await writing.execute("UPDATE sojourn.agreement SET paused_until = '2026-06-01'")
    with pytest.raises(Exception, match="lock timeout"):
        await migrate(older, lock_timeout_seconds=0.05)
    await transaction.commit()
    await migrate(older)
    assert await writing.fetchval("SELECT count(*) FROM sojourn.stall") == 0
    await writing.close()


PAGE = """
    SELECT since, obligation_id, obligation_kind, due_at, phase, level, next_level, next_at
    FROM sojourn.%s(now(), '{}', '-infinity', '', 50)
"""
WITH_A_LADDER = """
    INSERT INTO sojourn.obligation
    SELECT
        'a1', 'o1', 'milestone', 's', 'mentee', 'p-ada', due, due, due, 'milestone_overdue',
        jsonb_build_array(
            jsonb_build_object('level', 2, 'at', due),
            jsonb_build_object('level', 3, 'at', now() + interval '2 days')
        ),
        NULL, NULL, 0, NULL, 'open', NULL, 1, NULL
    FROM CAST('2026-03-01 00:00+00' AS timestamptz) AS due;
    UPDATE sojourn.agreement SET version = 2;
"""


async def test_a_stretch_of_before_is_told_as_one_of_now(older: str, tmp_path: Path) -> None:
    """A list that was written by the release before says the same of an agreement, filled or not yet."""
    for path in sorted(MIGRATIONS.glob("000*.sql")):
        shutil.copy(path, tmp_path)
    await migrate(older, folder=tmp_path)
    connection = await asyncpg.connect(older)
    await connection.execute(WITH_A_LADDER)
    [before] = await connection.fetch(PAGE % "stalled_page_v1")
    assert (before["phase"], before["obligation_kind"], before["level"]) == ("active", "milestone", 2)
    assert before["next_level"] == 3

    await migrate(older)
    assert await connection.fetch(PAGE % "stalled_page_v2") == [before]
    assert await _shown(connection) == [("active", "milestone", 3), (None, None, None)]
    await connection.execute("UPDATE sojourn.stall SET phase = NULL, obligation_kind = NULL, due_at = NULL")
    await connection.execute("UPDATE sojourn.stall SET next_level = NULL, next_at = NULL")
    assert await connection.fetch(PAGE % "stalled_page_v2") == [before]

    await connection.execute("CALL sojourn.fill_stalls_v1(1)")
    assert await _shown(connection) == [("active", "milestone", 3), (None, None, None)]
    await connection.execute("UPDATE sojourn.agreement SET version = 3")
    assert await _shown(connection) == [("active", "milestone", 3), ("active", "milestone", None)]
    assert await connection.fetch(PAGE % "stalled_page_v2") == [before]
    await connection.close()


async def _shown(connection: asyncpg.Connection) -> list[tuple[object, ...]]:
    """What stretches from now on carry besides what they are found by."""
    shown = "SELECT phase, obligation_kind, next_level FROM sojourn.stall WHERE ends_at > now()"
    rows = await connection.fetch(f"{shown} ORDER BY starts_at")
    return [tuple(row) for row in rows]
