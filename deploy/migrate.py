"""Brings a database to the schema of this code: numbered SQL files, forward only, each applied once.

Each file is one transaction. A session lock lets any number of processes start at once: one migrates, the
others wait and then find nothing to do. What cannot be right (an edited file, a gap, a database newer than
the code) is refused with a sentence that says what to do, before anything is changed.

A file may say which older code works with the schema it leads to, in a line of its own:

    -- Releases from migration 0003 on work with this one.

Such code starts on, and keeps to, a database that is ahead of it: first migrate, then roll the workers out,
one by one. Without the line only code that has the file does.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import asyncpg

from deploy import inventory, privileges

MIGRATIONS = Path(__file__).parent / "migrations"
"""The folder of this code's migrations."""

_NAME = re.compile(r"(?P<number>\d{4})_(?P<name>[a-z0-9_]+)\.sql")
_WORKS_BESIDE = re.compile(r"^-- Releases from migration (\d{4}) on work with this one\.$", re.MULTILINE)
_LOCK = 0x736F6A6F75726E
"""`sojourn` in ASCII: the advisory lock that one migrating session holds."""

_FILLED_AT_ONCE = 500
"""Agreements: an append of one of them waits for a fraction of a second."""

_SETTLE_TABLE = """
CREATE SCHEMA IF NOT EXISTS sojourn;
CREATE TABLE IF NOT EXISTS sojourn.migration (
    number integer PRIMARY KEY,
    name text NOT NULL,
    sha256 text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
ALTER TABLE sojourn.migration ADD COLUMN IF NOT EXISTS works_from integer;
"""


class MigrationRefusedError(Exception):
    """The database and this code's migrations cannot be brought together; the text says what to do."""


@dataclass(frozen=True)
class Migration:
    """One numbered SQL file."""

    number: int
    name: str
    statements: str
    sha256: str
    """Of the file's bytes: an applied file never changes."""
    works_from: int
    """The oldest migration whose code works with this one."""


@dataclass(frozen=True)
class Applied:
    """A migration that a database has behind it."""

    number: int
    name: str
    sha256: str
    applied_at: datetime
    works_from: int
    """The oldest migration whose code works with it."""


def migrations(folder: Path = MIGRATIONS) -> list[Migration]:
    """Return the migrations in a folder, in order.

    Raises:
        MigrationRefusedError: A file is misnamed, a number is missing or taken twice.
    """
    found: list[Migration] = []
    for path in sorted(folder.glob("*.sql")):
        named = _NAME.fullmatch(path.name)
        if named is None:
            raise MigrationRefusedError(f"{path} is no migration: name it NNNN_what_it_does.sql.")
        content = path.read_bytes()
        number, statements = int(named["number"]), content.decode()
        beside = _WORKS_BESIDE.search(statements)
        works_from = number if beside is None else int(beside[1])
        digest = hashlib.sha256(content).hexdigest()
        found.append(Migration(number, named["name"], statements, digest, works_from))
    for expected, migration in enumerate(found, start=1):
        if migration.number != expected:
            raise MigrationRefusedError(
                f"Migration {expected:04d} is missing in {folder}: the next file is {migration.number:04d}_"
                f"{migration.name}.sql. Numbers run from 0001 without gaps, each taken once."
            )
    return found


async def migrate(
    connection_or_dsn: asyncpg.Connection | str,
    *,
    folder: Path = MIGRATIONS,
    lock_timeout_seconds: float = 4,
    statement_timeout_seconds: float = 60,
    wait_seconds: float = 120,
) -> list[Applied]:
    """Apply what the database lacks.

    Args:
        connection_or_dsn: An open connection outside any transaction, or a DSN. Its role owns the schema.
        folder: Where the numbered files are.
        lock_timeout_seconds: How long one statement waits for a table that others use, before it gives way.
        statement_timeout_seconds: How long one statement may run.
        wait_seconds: How long to wait for another process that is migrating.

    Returns:
        The migrations applied now, in order; empty when there was nothing to do.

    Raises:
        MigrationRefusedError: An applied file was changed, a number is missing, the database is newer than
            the code, another process has been migrating for too long, or a statement failed (its file is then
            rolled back).
    """
    available = migrations(folder)
    async with _connected(connection_or_dsn) as connection:
        await _take_lock(connection, wait_seconds)
        try:
            await _settle_tables(connection)
            behind = await _applied(connection)
            _refuse_mismatch(available, behind)
            now = [
                await _apply(connection, migration, lock_timeout_seconds, statement_timeout_seconds)
                for migration in available[len(behind) :]
            ]
            if await connection.fetchval("SELECT to_regproc('sojourn.begin_epoch_v1') IS NOT NULL"):
                await connection.execute("SELECT sojourn.begin_epoch_v1()")
            if len(behind) <= len(available):
                await _settle(connection, changed=bool(now))
            if now and await connection.fetchval("SELECT to_regproc('sojourn.fill_stalls_v1') IS NOT NULL"):
                await connection.execute(f"CALL sojourn.fill_stalls_v1({_FILLED_AT_ONCE})")
            return now
        finally:
            await connection.execute("SELECT pg_advisory_unlock($1::bigint)", _LOCK)


async def check_schema(connection: asyncpg.Connection, *, folder: Path = MIGRATIONS) -> None:
    """Make sure that a database is whole, at a migration that this code works with, and on its cluster.

    Raises:
        MigrationRefusedError: It is not; the text says whether to migrate or to deploy another release.
    """
    available = migrations(folder)
    exists = await connection.fetchval("SELECT to_regclass('sojourn.migration') IS NOT NULL")
    behind = await _applied(connection) if exists else []
    _refuse_mismatch(available, behind)
    if len(behind) < len(available):
        raise MigrationRefusedError(
            f"The database is at migration {len(behind):04d}, this code needs {len(available):04d}: "
            "run `sojourn migrate`."
        )
    if gone := await inventory.missing(connection):
        raise MigrationRefusedError(
            f"The database lacks what its migrations made: {inventory.shortened(gone)}. Somebody dropped it "
            "or switched it off: put it back, or restore a backup (docs/restore.md)."
        )
    moved = "SELECT known.system_identifier <> cluster.system_identifier FROM sojourn.log_epoch AS known, "
    if await connection.fetchval(moved + "pg_control_system() AS cluster"):
        raise MigrationRefusedError(
            "The database has moved to another PostgreSQL cluster, where transaction ids start again: "
            "run `sojourn migrate`, which begins a new epoch of the log's order."
        )


@asynccontextmanager
async def _connected(connection_or_dsn: asyncpg.Connection | str) -> AsyncGenerator[asyncpg.Connection]:
    if not isinstance(connection_or_dsn, str):
        yield connection_or_dsn
        return
    connection = await asyncpg.connect(
        connection_or_dsn, server_settings={"application_name": "sojourn-migrate"}
    )
    try:
        yield connection
    finally:
        await connection.close()


async def _take_lock(connection: asyncpg.Connection, wait_seconds: float) -> None:
    """Take the session's lock, in a transaction of its own for the timeout's sake."""
    try:
        async with connection.transaction():
            await _limit(connection, lock=wait_seconds, statement=wait_seconds)
            await connection.execute("SELECT pg_advisory_lock($1::bigint)", _LOCK)
    except (asyncpg.LockNotAvailableError, asyncpg.QueryCanceledError) as error:
        raise MigrationRefusedError(
            f"Another process has been migrating this database for {wait_seconds:g} s. Look at it in "
            "pg_stat_activity (application_name sojourn-migrate); run this again when it has ended."
        ) from error


async def _applied(connection: asyncpg.Connection) -> list[Applied]:
    rows = await connection.fetch(
        # Code before this one wrote no works_from; the database may still be at its schema.
        "SELECT number, name, sha256, applied_at, "
        "coalesce((to_jsonb(migration)->>'works_from')::integer, number) AS works_from "
        "FROM sojourn.migration ORDER BY number"
    )
    return [Applied(**dict(row)) for row in rows]


def _refuse_mismatch(available: Sequence[Migration], behind: Sequence[Applied]) -> None:
    for expected, applied in enumerate(behind, start=1):
        if applied.number != expected:
            raise MigrationRefusedError(
                f"Migration {expected:04d} is missing in the database, {applied.number:04d} is there. "
                "Somebody edited sojourn.migration: restore the database, or put the missing row back."
            )
    newer = behind[len(available) :]
    if any(applied.works_from > len(available) for applied in newer):
        raise MigrationRefusedError(
            f"The database is at migration {len(behind):04d}, newer than this code, which knows "
            f"{len(available):04d}. Deploy the release that wrote it; migrations do not go back."
        )
    for migration, applied in zip(available, behind, strict=False):
        if (migration.name, migration.sha256) != (applied.name, applied.sha256):
            raise MigrationRefusedError(
                f"Migration {migration.number:04d}_{migration.name}.sql is not the file that was applied as "
                f"{applied.name} on {applied.applied_at:%Y-%m-%d} (sha256 {applied.sha256[:12]}..., now "
                f"{migration.sha256[:12]}...). Put the file back as it was and write the change as a new one."
            )
        if migration.works_from != applied.works_from:
            raise MigrationRefusedError(
                f"The database says that releases from migration {applied.works_from:04d} on work with "
                f"{migration.number:04d}, its file says {migration.works_from:04d}. Somebody edited "
                "sojourn.migration: put works_from back."
            )


async def _settle_tables(connection: asyncpg.Connection) -> None:
    try:
        await connection.execute(_SETTLE_TABLE)
        await connection.execute(inventory.SETTLE_TABLE)
    except asyncpg.InsufficientPrivilegeError as error:
        role = await connection.fetchval("SELECT current_user")
        raise MigrationRefusedError(
            f"Role {role} does not own the schema ({error}). Migrate as the role that does: set "
            "SOJOURN_OWNER_DATABASE_URL, or make that role the owner of the database."
        ) from error


async def _settle(connection: asyncpg.Connection, *, changed: bool) -> None:
    """Grant what the application needs, and write down what there is."""
    try:
        await privileges.grant(connection)
    except privileges.NoApplicationRoleError as error:
        raise MigrationRefusedError(str(error)) from error
    await inventory.take(connection, anew=changed)


async def _apply(
    connection: asyncpg.Connection, migration: Migration, lock_seconds: float, statement_seconds: float
) -> Applied:
    try:
        async with connection.transaction():
            await _limit(connection, lock=lock_seconds, statement=statement_seconds)
            await connection.execute(migration.statements)
            row = await connection.fetchrow(
                "INSERT INTO sojourn.migration (number, name, sha256, works_from) VALUES ($1, $2, $3, $4) "
                "RETURNING number, name, sha256, applied_at, works_from",
                migration.number,
                migration.name,
                migration.sha256,
                migration.works_from,
            )
    except asyncpg.PostgresError as error:
        raise MigrationRefusedError(
            f"Migration {migration.number:04d}_{migration.name}.sql failed and was rolled back: {error}. "
            "The migrations before it stand. If it waited for a lock, run it again at a quieter moment."
        ) from error
    assert row is not None  # noqa: S101  RETURNING of one inserted row
    return Applied(**dict(row))


async def _limit(connection: asyncpg.Connection, *, lock: float, statement: float) -> None:
    await connection.execute(
        "SELECT set_config('lock_timeout', $1, true), set_config('statement_timeout', $2, true)",
        f"{lock * 1000:.0f}ms",
        f"{statement * 1000:.0f}ms",
    )
