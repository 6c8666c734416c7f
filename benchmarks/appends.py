"""What keeping the stalled list costs an append: the same lives written with the list and without it.

    python -m benchmarks.appends

One writer, one append at a time, every commit on disk. The two take turns, life by life.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import asyncpg

from activities.database import open_pool
from activities.record import Record
from benchmarks.lives import Life, play_all
from benchmarks.server import TRIGGER, add_data_option, fresh_database, server
from domain.recording import Append


async def measure(
    pool: asyncpg.Pool[asyncpg.Record], lives: Sequence[Life], rounds: int
) -> dict[str, list[float]]:
    """Milliseconds of each append, with the list and without."""
    record = Record(pool)
    taken: dict[str, list[float]] = {"with": [], "without": []}
    for number in range(rounds):
        for life in lives:
            for name, verb in (("with", "ENABLE"), ("without", "DISABLE")):
                await pool.execute(f"ALTER TABLE sojourn.agreement {verb} TRIGGER {TRIGGER}")
                for append in life.appends:
                    copied = _copied(append, f"{name}-{number}")
                    began = time.perf_counter()
                    await record.append(copied)
                    taken[name].append((time.perf_counter() - began) * 1000)
    return taken


def _copied(append: Append, suffix: str) -> Append:
    # Years back: the list of agreements ahead of the clock belongs to demonstrations.
    head = append.head.model_copy(update={"request_id": f"{append.head.request_id}-{suffix}"})
    return append.model_copy(
        update={
            "agreement_id": f"{append.agreement_id}-{suffix}",
            "occurred_at": append.occurred_at - timedelta(days=3650),
            "head": head,
        }
    )


async def _main(data: Path, rounds: int) -> None:
    async with server(data) as postgres:
        pool = await open_pool(await fresh_database(postgres, "appends"), largest=1)
        try:
            lives = [life async for life in play_all(pool)]
            taken = await measure(pool, lives, rounds)
        finally:
            await pool.close()
    for name, times in taken.items():
        cuts = statistics.quantiles(times, n=100)
        print(f"{name:8} the list: {len(times):,} appends, p50 {cuts[49]:.2f} ms, p99 {cuts[98]:.2f} ms")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_data_option(parser)
    parser.add_argument("--rounds", type=int, default=3, help="how often every life is written (3)")
    given = parser.parse_args()
    asyncio.run(_main(given.data, given.rounds))
