"""Lives that were played, written again and again: what benchmarks of an append have in common."""

from __future__ import annotations

import statistics
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import asyncpg

from activities.postgres.pool import open_pool
from benchmarks.lives import Life, play_all
from benchmarks.server import fresh_database, server
from domain.stream.messages import Append


@asynccontextmanager
async def lives_to_write(
    data: Path, database: str
) -> AsyncGenerator[tuple[asyncpg.Pool[asyncpg.Record], Sequence[Life]]]:
    """Every life there is, and one connection to a fresh database that holds them."""
    async with server(data) as postgres:
        pool = await open_pool(await fresh_database(postgres, database), largest=1)
        try:
            yield pool, [life async for life in play_all(pool)]
        finally:
            await pool.close()


def copied(append: Append, suffix: str) -> Append:
    """The same append to another agreement."""
    # Years back: the list of agreements ahead of the clock belongs to demonstrations.
    head = append.head.model_copy(update={"request_id": f"{append.head.request_id}-{suffix}"})
    return append.model_copy(
        update={
            "agreement_id": f"{append.agreement_id}-{suffix}",
            "occurred_at": append.occurred_at - timedelta(days=3650),
            "head": head,
        }
    )


def spread(name: str, milliseconds: Sequence[float]) -> str:
    """A line of figures about what appends took."""
    cuts = statistics.quantiles(milliseconds, n=100)
    return (
        f"{name} {len(milliseconds):,} appends, mean {statistics.fmean(milliseconds):.2f} ms, "
        f"p50 {cuts[49]:.2f} ms, p99 {cuts[98]:.2f} ms"
    )
