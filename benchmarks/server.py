"""The server that benchmarks run on: PostgreSQL as a child process, with its data in a folder of its own."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

from deploy.embedded import EmbeddedPostgres

DATA = Path(".benchmarks")
"""Where the data is kept between runs, unless told otherwise."""

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


def add_data_option(parser: argparse.ArgumentParser) -> None:
    """Lets the user choose the folder."""
    parser.add_argument(
        "--data", type=Path, default=DATA, metavar="DIR", help=f"where the server's data is kept ({DATA})"
    )
