"""The server that benchmarks run on: PostgreSQL as a child process, with its data in a folder of its own."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

import asyncpg

from deploy.embedded import EmbeddedPostgres
from deploy.embedded.roles import OWNER
from deploy.migrate import migrate

DATA = Path(".benchmarks")
"""Where the data is kept between runs, unless told otherwise."""

TRIGGER = "agreement_plans_its_stall"
"""Keeps the stalled list; off while rows are copied, and to see what it costs."""

_MIGRATION_SECONDS = 1800.0
"""One statement, on a machine with much else to do."""

SETTINGS: Mapping[str, str] = {
    "shared_buffers": "4GB",
    "effective_cache_size": "12GB",
    "maintenance_work_mem": "512MB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "30min",
    "wal_compression": "on",
    "random_page_cost": "1.1",
}
"""What an administrator would set for a record of this size; everything else is PostgreSQL's default."""


def server(data: Path) -> EmbeddedPostgres:
    """The server on a folder, not yet started."""
    return EmbeddedPostgres(data, settings=SETTINGS)


def database_of(agreements: int) -> str:
    """The name of the database that holds so many agreements."""
    return f"agreements_{agreements}"


async def fresh_database(postgres: EmbeddedPostgres, name: str) -> str:
    """Creates a migrated, empty database in place of one of the same name; returns its DSN."""
    administrator = await asyncpg.connect(postgres.dsn_of("postgres"))
    await administrator.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    await administrator.execute(f"CREATE DATABASE {name} OWNER {OWNER}")
    await administrator.close()
    await migrate(postgres.dsn_of(name, OWNER))
    return postgres.dsn_of(name)


async def brought_up_to_date(postgres: EmbeddedPostgres, name: str) -> None:
    """Applies migrations that a database lacks which an older release has loaded; as whoever owns it.

    Raises:
        SystemExit: There is no such database.
    """
    try:
        administrator = await asyncpg.connect(postgres.dsn_of(name))
    except asyncpg.InvalidCatalogNameError:
        raise SystemExit(
            f"There is no database {name} here: fill it first, with python -m benchmarks.loader."
        ) from None
    owner = "SELECT tableowner FROM pg_tables WHERE schemaname = 'sojourn' AND tablename = 'migration'"
    dsn = postgres.dsn_of(name, await administrator.fetchval(owner))
    if await migrate(dsn, statement_timeout_seconds=_MIGRATION_SECONDS):
        await administrator.execute("VACUUM ANALYZE sojourn.stall")
    await administrator.close()


def add_data_option(parser: argparse.ArgumentParser) -> None:
    """Lets the user choose the folder."""
    parser.add_argument(
        "--data", type=Path, default=DATA, metavar="DIR", help=f"where the server's data is kept ({DATA})"
    )
