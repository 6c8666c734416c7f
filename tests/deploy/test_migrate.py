"""Migrations: forward only, each once, and a clear refusal of whatever cannot be right."""

from __future__ import annotations

import asyncio
import shutil
import uuid
from collections.abc import AsyncGenerator
from pathlib import Path

import asyncpg
import pytest

from deploy.embedded import EmbeddedPostgres
from deploy.migrate import MIGRATIONS, MigrationRefusedError, check_schema, migrate, migrations


@pytest.fixture
async def empty(postgres: EmbeddedPostgres) -> AsyncGenerator[str]:
    """The DSN of a database that nothing was ever applied to."""
    name = f"empty_{uuid.uuid4().hex}"
    administrator = await asyncpg.connect(postgres.dsn_of("postgres"))
    await administrator.execute(f"CREATE DATABASE {name}")
    yield postgres.dsn_of(name)
    await administrator.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await administrator.close()


@pytest.fixture
async def connection(empty: str) -> AsyncGenerator[asyncpg.Connection]:
    """A connection to the empty database."""
    opened = await asyncpg.connect(empty)
    yield opened
    await opened.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of migrations to change: a table, then a column."""
    (tmp_path / "0001_table.sql").write_text("CREATE TABLE sojourn.thing (number integer);")
    (tmp_path / "0002_column.sql").write_text("ALTER TABLE sojourn.thing ADD COLUMN name text;")
    return tmp_path


async def test_a_fresh_database_is_brought_to_this_code(connection: asyncpg.Connection) -> None:
    """After migrating, the schema is the one that the code asks for, and doing it again does nothing."""
    with pytest.raises(MigrationRefusedError, match="run `sojourn migrate`"):
        await check_schema(connection)
    applied = await migrate(connection)
    assert [(each.number, each.sha256) for each in applied] == [
        (each.number, each.sha256) for each in migrations()
    ]
    await check_schema(connection)
    assert await migrate(connection) == []


async def test_processes_that_start_together_migrate_once(empty: str, connection: asyncpg.Connection) -> None:
    """Of many workers started at once one migrates, and all find the schema they need."""
    applied = await asyncio.gather(*(migrate(empty) for _ in range(6)))
    assert sorted(len(each) for each in applied) == [0, 0, 0, 0, 0, len(migrations())]
    await check_schema(connection)


async def test_what_is_new_is_applied_in_order(connection: asyncpg.Connection, folder: Path) -> None:
    """A database half way is brought forward by the rest only."""
    later = (folder / "0002_column.sql").rename(folder / "later")
    assert [each.name for each in await migrate(connection, folder=folder)] == ["table"]
    later.rename(folder / "0002_column.sql")
    with pytest.raises(MigrationRefusedError, match=r"at migration 0001, this code needs 0002"):
        await check_schema(connection, folder=folder)
    assert [each.name for each in await migrate(connection, folder=folder)] == ["column"]


async def test_a_changed_file_is_refused(connection: asyncpg.Connection, folder: Path) -> None:
    """What was applied is history: an edited file is named, and nothing after it is applied."""
    await migrate(connection, folder=folder)
    (folder / "0001_table.sql").write_text("CREATE TABLE sojourn.thing (number bigint);")
    (folder / "0003_more.sql").write_text("CREATE TABLE sojourn.more ();")
    for refuse in (migrate, check_schema):
        with pytest.raises(MigrationRefusedError, match=r"0001_table\.sql is not the file that was applied"):
            await refuse(connection, folder=folder)
    assert await connection.fetchval("SELECT to_regclass('sojourn.more')") is None


async def test_a_newer_database_is_refused(connection: asyncpg.Connection, folder: Path) -> None:
    """An old release does not run on, or touch, the database of a newer one."""
    await migrate(connection, folder=folder)
    (folder / "0002_column.sql").unlink()
    for refuse in (migrate, check_schema):
        with pytest.raises(MigrationRefusedError, match="newer than this code"):
            await refuse(connection, folder=folder)


async def test_a_gap_in_the_database_is_refused(connection: asyncpg.Connection, folder: Path) -> None:
    """A hand-edited list of migrations is not trusted."""
    await migrate(connection, folder=folder)
    await connection.execute("DELETE FROM sojourn.migration WHERE number = 1")
    with pytest.raises(MigrationRefusedError, match="0001 is missing in the database"):
        await migrate(connection, folder=folder)


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("0004_gap.sql", "Migration 0003 is missing"),
        ("0002_twice.sql", "Migration 0003 is missing"),
        ("third.sql", "is no migration"),
    ],
)
def test_a_misnumbered_folder_is_refused(folder: Path, name: str, problem: str) -> None:
    """A gap, a number taken twice and a misnamed file are found before any database is."""
    (folder / name).write_text("SELECT 1")
    with pytest.raises(MigrationRefusedError, match=problem):
        migrations(folder)


async def test_a_failing_file_leaves_nothing_behind(connection: asyncpg.Connection, folder: Path) -> None:
    """A file is applied whole or not at all; those before it stand, and the lock is released."""
    (folder / "0002_column.sql").write_text("CREATE TABLE sojourn.half (); SELECT 1 / 0;")
    with pytest.raises(MigrationRefusedError, match=r"0002_column\.sql failed and was rolled back: division"):
        await migrate(connection, folder=folder)
    assert await connection.fetchval("SELECT to_regclass('sojourn.half')") is None
    (folder / "0002_column.sql").write_text("SELECT 1")
    assert [each.number for each in await migrate(connection, folder=folder)] == [2]


async def test_a_migration_gives_way_to_a_busy_table(owner_database: str, tmp_path: Path) -> None:
    """A migration that cannot have its lock at once ends, instead of queueing every append behind it."""
    shutil.copytree(MIGRATIONS, tmp_path, dirs_exist_ok=True)
    number = len(migrations()) + 1
    (tmp_path / f"{number:04d}_late.sql").write_text("ALTER TABLE sojourn.notice ADD COLUMN late boolean;")
    busy = await asyncpg.connect(owner_database)
    async with busy.transaction():
        await busy.execute("LOCK TABLE sojourn.notice IN ROW EXCLUSIVE MODE")
        with pytest.raises(MigrationRefusedError, match=r"lock timeout.*run it again at a quieter moment"):
            await migrate(owner_database, folder=tmp_path, lock_timeout_seconds=0.05)
    assert [each.name for each in await migrate(owner_database, folder=tmp_path)] == ["late"]
    await busy.close()


async def test_a_second_migrator_does_not_wait_for_ever(owner_database: str) -> None:
    """Somebody else's migration that hangs is reported, with where to look."""
    hanging = await asyncpg.connect(owner_database)
    await hanging.execute(f"SELECT pg_advisory_lock({0x736F6A6F75726E})")
    with pytest.raises(MigrationRefusedError, match="pg_stat_activity"):
        await migrate(owner_database, wait_seconds=0.05)
    await hanging.close()
    assert await migrate(owner_database) == []


async def test_a_moved_database_must_be_migrated_first(connection: asyncpg.Connection) -> None:
    """After a restore into another cluster no worker writes before a new epoch has begun."""
    await migrate(connection)
    await connection.execute("UPDATE sojourn.log_epoch SET system_identifier = system_identifier + 1")
    with pytest.raises(MigrationRefusedError, match="another PostgreSQL cluster"):
        await check_schema(connection)
    assert await migrate(connection) == []
    await check_schema(connection)
    assert await connection.fetchval("SELECT epoch FROM sojourn.log_epoch") == 2


async def test_only_the_owner_of_the_schema_migrates(database: str) -> None:
    """Whoever migrates with the application's role is told which role it takes."""
    with pytest.raises(MigrationRefusedError, match=r"Role sojourn does not own.*SOJOURN_OWNER_DATABASE_URL"):
        await migrate(database)


async def test_older_code_starts_beside_a_newer_schema_that_says_so(
    owner_database: str, database: str, tmp_path: Path
) -> None:
    """Rolling deploys migrate first: the release before may still be started, where that is safe."""
    number = len(migrations())
    shutil.copytree(MIGRATIONS, tmp_path, dirs_exist_ok=True)
    beside = f"-- Releases from migration {number:04d} on work with this one.\nSELECT 1;"
    (tmp_path / f"{number + 1:04d}_beside.sql").write_text(beside)
    await migrate(owner_database, folder=tmp_path)
    application = await asyncpg.connect(database)
    await check_schema(application)
    assert await migrate(owner_database) == []
    (tmp_path / f"{number + 2:04d}_alone.sql").write_text("SELECT 1;")
    await migrate(owner_database, folder=tmp_path)
    await check_schema(application, folder=tmp_path)
    with pytest.raises(MigrationRefusedError, match=f"{number + 2:04d}, newer than this code"):
        await check_schema(application)
    await application.close()


async def test_whoever_is_said_to_work_beside_it_is_checked(
    owner_database: str, administrator: asyncpg.Connection, database: str
) -> None:
    """The mark that lets an older release start is that of the file, not what somebody wrote beside it."""
    await administrator.execute("UPDATE sojourn.migration SET works_from = 1 WHERE name = 'chained'")
    application = await asyncpg.connect(database)
    for refuses in (check_schema(application), migrate(owner_database)):
        with pytest.raises(MigrationRefusedError, match="releases from migration 0001 on work with"):
            await refuses
    await application.close()


async def test_a_missing_partition_is_named(owner_database: str, database: str, tmp_path: Path) -> None:
    """Should a table ever be cut into ranges, a lost one is refused at once, not met by an append."""
    shutil.copytree(MIGRATIONS, tmp_path, dirs_exist_ok=True)
    (tmp_path / f"{len(migrations()) + 1:04d}_ranges.sql").write_text(
        "CREATE TABLE sojourn.old_event (number integer) PARTITION BY RANGE (number);"
        "CREATE TABLE sojourn.old_event_1 PARTITION OF sojourn.old_event FOR VALUES FROM (0) TO (9);"
    )
    await migrate(owner_database, folder=tmp_path)
    application = await asyncpg.connect(database)
    await check_schema(application, folder=tmp_path)
    owner = await asyncpg.connect(owner_database)
    await owner.execute("DROP TABLE sojourn.old_event_1")
    with pytest.raises(MigrationRefusedError, match=r"lacks .*table sojourn\.old_event_1"):
        await check_schema(application, folder=tmp_path)
    for connection in (application, owner):
        await connection.close()
