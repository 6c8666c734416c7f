"""The record: appends beside the limit and a peer, and how fast it is verified.

python -m benchmarks.suite event_store
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks import append_rate
from benchmarks.growing import measure as measure_growth
from benchmarks.server import fresh_database, server
from benchmarks.suite.figures import Section

OURS, LIMIT, PEER = "sojourn", "pgbench", "eventsourcing"
BUSY = 8
"""The number of connections that the goal is about."""


async def measure(seconds: float, rounds: int, events: int) -> Section:
    """Measure appends in turns, then verify and rebuild a record of so many events."""
    section = Section(
        "event_store",
        "The record",
        f"Appends of three events: {rounds} turns of {seconds:g} s for each way at each number of "
        f"connections. "
        "`pgbench` sends the very statement; `eventsourcing` is its PostgresApplicationRecorder, which "
        "writes "
        f"the events alone. Then a record of {events:,} events is verified and mended by one process.",
    )
    with tempfile.TemporaryDirectory(prefix="sojourn-", ignore_cleanup_errors=True) as folder:
        async with server(Path(folder)) as postgres:
            dsn = await fresh_database(postgres, "append_rate")
            peer_dsn = await append_rate.peers_database(postgres)
            found = await append_rate.measure(dsn, peer_dsn, seconds, rounds)
    rates = {key: [len(taken) / seconds for taken in turns] for key, turns in found.items()}
    for (way, connections), values in rates.items():
        section.add(f"appends/s with {connections} connections", way, "1/s", values)
    section.compare("appends at 8 beside pgbench", rates[OURS, BUSY], rates[LIMIT, BUSY], "at least", 0.8)
    section.compare(
        "appends at 8 beside eventsourcing", rates[OURS, BUSY], rates[PEER, BUSY], "at least", 1.0
    )
    (grown,) = await measure_growth([events], runs=50)
    section.add("events verified a second", OURS, "1/s", [grown.verified_events_per_second])
    section.add("read models rebuilt a second", OURS, "agreements/s", [grown.rebuilt_agreements_per_second])
    section.add("stream of one agreement", OURS, "ms", [grown.stream_ms])
    section.add("bytes on disk of an event", OURS, "B", [grown.gigabytes * 1e9 / grown.events])
    return section
