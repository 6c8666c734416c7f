"""SQL as a first-class citizen: every statement has a name and says what it is for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from activities.postgres.statements import STATEMENTS, load
from deploy.embedded import EmbeddedPostgres
from deploy.embedded.roles import LOGIN, OWNER


def test_each_statement_carries_its_name_and_no_comment(tmp_path: Path) -> None:
    """A statement can be recognised in pg_stat_activity, and its explanation stays in the file."""
    path = tmp_path / "some.sql"
    path.write_text(
        "-- one --\n-- The number.\nSELECT 1\n\n-- two --\n-- Another.\n-- More on it.\nSELECT 2\n"
    )
    assert dict(load(path)) == {"one": "/* one */ SELECT 1", "two": "/* two */ SELECT 2"}


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("-- one --\nSELECT 1\n", "lacks its one-line purpose"),
        ("-- one --\n-- A.\nSELECT 1\n-- one --\n-- B.\nSELECT 2\n", "is there twice"),
        ("SELECT 1\n-- one --\n-- A.\nSELECT 1\n", "before the first"),
    ],
)
def test_a_careless_file_is_refused(tmp_path: Path, content: str, problem: str) -> None:
    """A statement without a purpose or with a taken name never gets into a release."""
    path = tmp_path / "some.sql"
    path.write_text(content)
    with pytest.raises(ValueError, match=problem):
        load(path)


@pytest.fixture(scope="module")
async def schema(
    postgres: EmbeddedPostgres, cluster: asyncpg.Connection, migrated_template: str
) -> AsyncIterator[asyncpg.Connection]:
    """One migrated database for all statements: none of them is run."""
    await cluster.execute(f"CREATE DATABASE statements OWNER {OWNER} TEMPLATE {migrated_template}")
    connection = await asyncpg.connect(postgres.dsn_of("statements", LOGIN))
    yield connection
    await connection.close()
    await cluster.execute("DROP DATABASE statements WITH (FORCE)")


@pytest.mark.parametrize("name", STATEMENTS)
async def test_every_statement_fits_the_schema(schema: asyncpg.Connection, name: str) -> None:
    """A renamed column or a changed argument type is found without running the statement."""
    prepared = await schema.prepare(STATEMENTS[name])
    assert prepared.get_parameters() is not None
