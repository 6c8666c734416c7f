"""The schema in one file for people to read is the one that the migrations make."""

from __future__ import annotations

import uuid
from collections.abc import AsyncGenerator

import asyncpg
import pytest

from deploy.embedded import EmbeddedPostgres, EmbeddedServerError
from deploy.embedded.roles import OWNER
from deploy.migrate import migrate
from deploy.schema import SCHEMA, dump_schema


@pytest.fixture
async def empty(postgres: EmbeddedPostgres) -> AsyncGenerator[str]:
    """The name of a database that nothing was ever applied to, owned as every other one."""
    name = f"schema_{uuid.uuid4().hex}"
    administrator = await asyncpg.connect(postgres.dsn_of("postgres"))
    await administrator.execute(f"CREATE DATABASE {name} OWNER {OWNER}")
    yield name
    await administrator.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await administrator.close()


async def test_the_file_is_what_the_migrations_make(postgres: EmbeddedPostgres, empty: str) -> None:
    """Whoever adds a migration writes the file anew: `make schema`."""
    await migrate(postgres.dsn_of(empty, OWNER))
    assert await dump_schema(postgres.dsn_of(empty)) == SCHEMA.read_text()


async def test_a_change_of_the_schema_changes_the_text(postgres: EmbeddedPostgres, empty: str) -> None:
    """A column more is seen, and what is no part of a schema, such as a row, is not."""
    connection = await asyncpg.connect(postgres.dsn_of(empty))
    try:
        await connection.execute("CREATE TABLE thing (number integer)")
        before = await dump_schema(postgres.dsn_of(empty))
        await connection.execute("INSERT INTO thing VALUES (1)")
        assert await dump_schema(postgres.dsn_of(empty)) == before
        await connection.execute("ALTER TABLE thing ADD COLUMN name text")
        assert await dump_schema(postgres.dsn_of(empty)) != before
    finally:
        await connection.close()


async def test_what_pg_dump_refuses_is_said(postgres: EmbeddedPostgres) -> None:
    """The error carries the reason that pg_dump gives."""
    with pytest.raises(EmbeddedServerError, match='database "nowhere" does not exist'):
        await dump_schema(postgres.dsn_of("nowhere"))
