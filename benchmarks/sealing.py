"""What sealing costs an append: the same lives written with keys and without, turn by turn.

    python -m benchmarks.sealing

One writer, one append at a time, every commit on disk. People's keys are made beforehand: in a life of
months the first append with something of a person's is one among hundreds.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import asyncpg

from activities.database import open_pool
from activities.keys.envelopes import subject_in
from activities.keys.ring import KeyRing
from activities.keys.subjects import SubjectKeys
from activities.record import Record
from activities.seals import Seals
from benchmarks.lives import Life, play_all
from benchmarks.server import add_data_option, fresh_database, server
from domain.recording import Append


async def measure(
    pool: asyncpg.Pool[asyncpg.Record], lives: Sequence[Life], rounds: int
) -> dict[str, list[float]]:
    """Milliseconds of each append, sealed and in clear."""
    keys = SubjectKeys(pool, KeyRing("benchmark", {"benchmark": os.urandom(32)}))
    records = {"sealed": Record(pool, Seals(keys)), "in clear": Record(pool)}
    for life in lives:
        people = {party.person_id for append in life.appends for party in append.head.parties}
        people |= {append.actor_id for append in life.appends}
        for number in range(rounds):
            agreement_id = _copied(life.appends[0], _suffix("sealed", number)).agreement_id
            await keys.for_sealing([subject_in(person, agreement_id) for person in people])
    taken: dict[str, list[float]] = {name: [] for name in records}
    for number in range(rounds):
        for life in lives:
            # Append by append, so that whatever else the machine does slows both alike.
            for position, append in enumerate(life.appends):
                turns = list(records.items())
                for name, record in turns if (number + position) % 2 else reversed(turns):
                    copied = _copied(append, _suffix(name, number))
                    began = time.perf_counter()
                    await record.append(copied)
                    taken[name].append((time.perf_counter() - began) * 1000)
    return taken


def _suffix(name: str, number: int) -> str:
    return f"{name.replace(' ', '-')}-{number}"


def _copied(append: Append, suffix: str) -> Append:
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
        pool = await open_pool(await fresh_database(postgres, "sealing"), largest=1)
        try:
            lives = [life async for life in play_all(pool)]
            taken = await measure(pool, lives, rounds)
        finally:
            await pool.close()
    medians = {name: statistics.median(times) for name, times in taken.items()}
    for name, times in taken.items():
        cuts = statistics.quantiles(times, n=100)
        print(
            f"{name:9} {len(times):,} appends, mean {statistics.fmean(times):.2f} ms, p50 {cuts[49]:.2f} ms, "
            f"p99 {cuts[98]:.2f} ms"
        )
    print(f"sealing adds {medians['sealed'] / medians['in clear'] - 1:+.1%} to the median append")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_data_option(parser)
    parser.add_argument("--rounds", type=int, default=3, help="how often every life is written (3)")
    given = parser.parse_args()
    asyncio.run(_main(given.data, given.rounds))
