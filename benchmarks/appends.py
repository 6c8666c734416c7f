"""What keeping the stalled list costs an append: the same lives written with the list and without it.

    python -m benchmarks.appends

One writer, one append at a time, every commit on disk. The two take turns, life by life.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

import asyncpg

from activities.event_store.event_store import EventStore
from benchmarks.lives import Life
from benchmarks.rewriting import copied, lives_to_write, spread
from benchmarks.server import TRIGGER, add_data_option


async def measure(
    pool: asyncpg.Pool[asyncpg.Record], lives: Sequence[Life], rounds: int
) -> dict[str, list[float]]:
    """Milliseconds of each append, with the list and without."""
    event_store = EventStore(pool)
    taken: dict[str, list[float]] = {"with": [], "without": []}
    for number in range(rounds):
        for life in lives:
            for name, verb in (("with", "ENABLE"), ("without", "DISABLE")):
                await pool.execute(f"ALTER TABLE sojourn.agreement {verb} TRIGGER {TRIGGER}")
                for append in life.appends:
                    again = copied(append, f"{name}-{number}")
                    began = time.perf_counter()
                    await event_store.append(again)
                    taken[name].append((time.perf_counter() - began) * 1000)
    return taken


async def _main(data: Path, rounds: int) -> None:
    async with lives_to_write(data, "appends") as (pool, lives):
        taken = await measure(pool, lives, rounds)
    for name, times in taken.items():
        print(spread(f"{name} the list:", times))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_data_option(parser)
    parser.add_argument("--rounds", type=int, default=3, help="how often every life is written (3)")
    given = parser.parse_args()
    asyncio.run(_main(given.data, given.rounds))
