"""Fills a migrated database with agreements in believable proportions, by COPY.

    python -m benchmarks.loader --agreements 1000000

The same seed and instant give the same rows. Hash chains are copied with their originals and
therefore not valid: this is about reading, not about `verify`.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import time
from collections.abc import AsyncGenerator, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
from rich.console import Console

from activities.postgres.pool import open_pool
from benchmarks.copies import TABLES, Glance, Share, Sheet, shares, sheet
from benchmarks.lives import COMMAND, EVENT, HEAD, OBLIGATION, PARTY, Moment, play_all
from benchmarks.server import TRIGGER, add_data_option, database_of, fresh_database, server
from deploy.embedded import EmbeddedPostgres

SEED = 20270301

WHOLE_EVERY = 40
"""One moment in so many keeps its opening event in full, terms and calendars included."""

COHORT_OF = 150
TENANTS = 24

_COLUMNS = tuple(columns.split(", ") for columns in (EVENT, COMMAND, HEAD, PARTY, OBLIGATION))
_SETTLED = ("VACUUM ANALYZE sojourn.stall", "ANALYZE", "CHECKPOINT")
_CHUNK_BYTES = 16_000_000
_TELL_SECONDS = 15
_out = Console(stderr=True, highlight=False)


async def load(
    postgres: EmbeddedPostgres, moments: Sequence[Moment], agreements: int, *, seed: int, as_of: datetime
) -> None:
    """Creates the database of so many agreements and fills it.

    Args:
        postgres: A running server; a database of the same size is replaced.
        moments: What to copy.
        agreements: How many.
        seed: Decides everything that is drawn.
        as_of: The instant at which agreements stand as drawn: so many stalled, so many closed.
    """
    rng = random.Random(seed)  # noqa: S311  proportions, not secrets
    began = time.monotonic()
    wanted = [pair for share in shares(moments, agreements, rng) for pair in _copies(share)]
    drawn = [
        (sheet(glance, as_of, whole=number % WHOLE_EVERY == 0), copies)
        for number, (glance, copies) in enumerate(wanted)
    ]
    order = [number for number, (_, copies) in enumerate(drawn) for _ in range(copies)]
    rng.shuffle(order)
    _out.print(
        f"{len(moments)} moments of lives, {len(drawn)} of them to copy: {time.monotonic() - began:.0f} s"
    )

    dsn = await _quick_database(postgres, database_of(agreements))
    connection = await asyncpg.connect(dsn, server_settings={"timezone": "UTC"})
    await connection.execute(f"ALTER TABLE sojourn.agreement DISABLE TRIGGER {TRIGGER}")
    indexes = await _without_indexes(connection)
    await _copy_all(connection, drawn, order, rng)
    _out.print(f"{time.monotonic() - began:6.0f} s copied")
    for doing, statements in (
        ("indexed", indexes),
        ("analyzed", ["ANALYZE"]),
        ("stalls planned", ["INSERT INTO sojourn.stall SELECT * FROM sojourn.stall_planned"]),
        ("settled", [f"ALTER TABLE sojourn.agreement ENABLE TRIGGER {TRIGGER}", *_SETTLED]),
    ):
        for statement in statements:
            await connection.execute(statement)
        _out.print(f"{time.monotonic() - began:6.0f} s {doing}")
    await _report(connection, as_of)
    await connection.close()


async def _copy_all(
    connection: asyncpg.Connection,
    drawn: Sequence[tuple[Sheet, int]],
    order: Sequence[int],
    rng: random.Random,
) -> None:
    pending: list[list[bytes]] = [[] for _ in TABLES]
    size, told = 0, time.monotonic()
    for number, place in enumerate(order):
        rows = _rows(drawn[place][0], number, len(order), rng)
        for waiting, text in zip(pending, rows, strict=True):
            waiting.append(text)
            size += len(text)
        if size > _CHUNK_BYTES:
            await _copy(connection, pending)
            size = 0
        if time.monotonic() > told + _TELL_SECONDS:
            told = time.monotonic()
            _out.print(f"{number:>9,} of {len(order):,}")
    await _copy(connection, pending)


async def _played(postgres: EmbeddedPostgres) -> list[Moment]:
    pool = await open_pool(await _quick_database(postgres, "lives"), largest=1)
    try:
        return [moment async for life in play_all(pool) for moment in life.moments]
    finally:
        await pool.close()


async def _quick_database(postgres: EmbeddedPostgres, name: str) -> str:
    dsn = await fresh_database(postgres, name)
    connection = await asyncpg.connect(dsn)
    # Loading again costs less than waiting for every commit.
    await connection.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")
    await connection.close()
    return dsn


def _copies(share: Share) -> Iterator[tuple[Glance, int]]:
    each, more = divmod(share.agreements, len(share.glances))
    for number, glance in enumerate(share.glances):
        yield glance, each + (number < more)


def _rows(drawn: Sheet, number: int, agreements: int, rng: random.Random) -> Sequence[bytes]:
    cohort = rng.randrange(max(1, agreements // COHORT_OF))
    # The first tenants are much larger than the last, as customers are.
    tenant = f"tenant-{int(TENANTS * (cohort * 0.6180339887 % 1) ** 2):02d}"
    request = f"B-{number:07d}"
    values: dict[bytes, bytes] = {
        b"A": f"{tenant}.{request}".encode(),
        b"R": request.encode(),
        b"T": tenant.encode(),
        b"C": f"cohort-{cohort:05d}".encode(),
        b"E": f"{number:08x}".encode(),
    }
    for gap, shared_by in drawn.gaps.items():
        values[gap.encode()] = f"{gap}-{rng.randrange(max(1, agreements // shared_by)):07d}".encode()
    return [text % values for text in drawn.tables]


async def _without_indexes(connection: asyncpg.Connection) -> list[str]:
    """Drops what no constraint needs; returns what creates it again, sorted once and not row by row."""
    rows = await connection.fetch(
        "SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS definition FROM pg_index "
        "WHERE indrelid = ANY ($1::text[]::regclass[]) AND NOT indisprimary "
        "AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)",
        [f"sojourn.{table}" for table in (*TABLES, "stall")],
    )
    for row in rows:
        await connection.execute(f"DROP INDEX {row['name']}")
    return [row["definition"] for row in rows]


async def _copy(connection: asyncpg.Connection, pending: list[list[bytes]]) -> None:
    for table, columns, texts in zip(TABLES, _COLUMNS, pending, strict=True):
        await connection.copy_to_table(table, schema_name="sojourn", columns=columns, source=_each(texts))
        texts.clear()


async def _each(texts: list[bytes]) -> AsyncGenerator[bytes]:
    yield b"".join(texts)


async def _report(connection: asyncpg.Connection, as_of: datetime) -> None:
    rows = await connection.fetch(
        "SELECT relname, reltuples::bigint AS rows, pg_size_pretty(pg_table_size(oid)) AS stored, "
        "pg_size_pretty(pg_indexes_size(oid)) AS indexes FROM pg_class "
        "WHERE relnamespace = 'sojourn'::regnamespace AND relkind = 'r' AND reltuples > 0 "
        "ORDER BY pg_total_relation_size(oid) DESC"
    )
    for row in rows:
        _out.print(
            f"{row['relname']:16} {row['rows']:>11,} rows {row['stored']:>9} + indexes {row['indexes']:>8}"
        )
    stalled = await connection.fetchval(
        "SELECT sum(agreements)::bigint FROM sojourn.stalled_counts_v1($1)", as_of
    )
    total = await connection.fetchval("SELECT pg_size_pretty(pg_database_size(current_database()))")
    _out.print(f"{stalled:,} stalled; {total} on disk")


async def _main(data: Path, agreements: Sequence[int], seed: int, as_of: datetime) -> None:
    async with server(data) as postgres:
        moments = await _played(postgres)
        for number in agreements:
            await load(postgres, moments, number, seed=seed, as_of=as_of)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_data_option(parser)
    parser.add_argument(
        "--agreements", type=int, nargs="+", required=True, metavar="N", help="one database for each number"
    )
    parser.add_argument("--seed", type=int, default=SEED, help=f"what is drawn ({SEED})")
    parser.add_argument(
        "--as-of",
        type=datetime.fromisoformat,
        default=datetime.now(UTC),
        help="the instant at which agreements stand as drawn (now)",
    )
    return parser.parse_args()


if __name__ == "__main__":
    given = _options()
    asyncio.run(_main(given.data, given.agreements, given.seed, given.as_of))
