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
from pathlib import Path

import asyncpg

from activities.encryption.encrypt import FieldEncryption
from activities.event_store.event_store import EventStore
from activities.keys.envelopes import subject_in
from activities.keys.ring import KeyRing
from activities.keys.subjects import SubjectKeys
from benchmarks.lives import Life
from benchmarks.rewriting import copied, lives_to_write, spread
from benchmarks.server import add_data_option


async def measure(
    pool: asyncpg.Pool[asyncpg.Record], lives: Sequence[Life], rounds: int
) -> dict[str, list[float]]:
    """Milliseconds of each append, sealed and in clear."""
    keys = SubjectKeys(pool, KeyRing("benchmark", {"benchmark": os.urandom(32)}))
    records = {"sealed": EventStore(pool, FieldEncryption(keys)), "in clear": EventStore(pool)}
    for life in lives:
        people = {party.person_id for append in life.appends for party in append.head.parties}
        people |= {append.actor_id for append in life.appends}
        for number in range(rounds):
            agreement_id = copied(life.appends[0], _suffix("sealed", number)).agreement_id
            await keys.for_encryption([subject_in(person, agreement_id) for person in people])
    taken: dict[str, list[float]] = {name: [] for name in records}
    for number in range(rounds):
        for life in lives:
            # Append by append, so that whatever else the machine does slows both alike.
            for position, append in enumerate(life.appends):
                turns = list(records.items())
                for name, event_store in turns if (number + position) % 2 else reversed(turns):
                    again = copied(append, _suffix(name, number))
                    began = time.perf_counter()
                    await event_store.append(again)
                    taken[name].append((time.perf_counter() - began) * 1000)
    return taken


def _suffix(name: str, number: int) -> str:
    return f"{name.replace(' ', '-')}-{number}"


async def _main(data: Path, rounds: int) -> None:
    async with lives_to_write(data, "sealing") as (pool, lives):
        taken = await measure(pool, lives, rounds)
    medians = {name: statistics.median(times) for name, times in taken.items()}
    for name, times in taken.items():
        print(spread(name, times))
    print(f"sealing adds {medians['sealed'] / medians['in clear'] - 1:+.1%} to the median append")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_data_option(parser)
    parser.add_argument("--rounds", type=int, default=3, help="how often every life is written (3)")
    given = parser.parse_args()
    asyncio.run(_main(given.data, given.rounds))
