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
    page = "SELECT * FROM sojourn.stalled_page_v1(now(), '{}', '-infinity', '', 50)"
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
