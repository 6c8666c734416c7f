"""How fast commands are recorded, beside a limit and beside a peer, taking turns on one server.

    python -m benchmarks.append_rate --seconds 4 --rounds 3

One append is three events of some 300 bytes that begin a stream. Ours also checks the version and the
command, chains hashes and writes the read models; all commit to disk.

- `pgbench`: the very statement of ours, sent by PostgreSQL's own load generator: what the server can do.
- `sojourn`: `Record.append` over asyncpg, one coroutine for each connection of the pool.
- `eventsourcing`: the package's `PostgresApplicationRecorder` as it comes (its global order has no gaps
  either), one thread for each connection. Only the events are written.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import statistics
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import asyncpg
from eventsourcing.persistence import StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore

from activities.event_store.event_store import EventStore
from activities.postgres.pool import open_pool
from benchmarks.server import add_data_option, fresh_database, server
from deploy.embedded import EmbeddedPostgres
from deploy.embedded.postgres_package import postgres_package
from domain.kernel.vocabulary import Kind, Phase, Role
from domain.stream.messages import Append, Head, NewEvent
from workflows.contract import proposal_of

CONNECTIONS = (1, 8, 32)
EVENTS = 3
AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
_TEXT = "What was agreed, in words that nobody needs to read. " * 5

Taken = list[float]
"""Milliseconds of each append."""


def append() -> Append:
    """A new stream of three events."""
    request = f"B-{uuid4().hex}"
    agreement_id = f"bench.{request}"
    return Append(
        agreement_id=agreement_id,
        expected_version=0,
        command_id=proposal_of(agreement_id),
        command_type="propose_agreement",
        command_digest="0" * 64,
        actor_id="P-1",
        actor_role=Role.HRBP,
        occurred_at=AT,
        events=tuple(
            NewEvent(event_id=str(uuid4()), type="note.kept", schema_version=1, data={"note": _TEXT})
            for _ in range(EVENTS)
        ),
        head=Head(
            kind=Kind.SECONDMENT,
            phase=Phase.AGREEMENT,
            outcome=None,
            tenant="bench",
            request_id=request,
            request_digest="0" * 64,
            cohort=None,
            terms_version=1,
            starts_on=date(2026, 4, 1),
            ends_on=date(2026, 10, 1),
            mentor_hours_per_month=4,
            last_activity_at=AT,
            silent_at=None,
            paused_until=None,
            held=False,
            next_instant=None,
            parties=(),
        ),
        notices=(),
    )


async def ours(dsn: str, connections: int, seconds: float) -> Taken:
    """Through the record, as a worker's activity does."""
    pool = await open_pool(dsn, smallest=connections, largest=connections)
    event_store = EventStore(pool)
    taken: Taken = []

    async def write() -> None:
        while (began := time.perf_counter()) < until:
            await event_store.append(append())
            taken.append((time.perf_counter() - began) * 1000)

    try:
        until = time.perf_counter() + seconds
        await asyncio.gather(*(write() for _ in range(connections)))
    finally:
        await pool.close()
    return taken


def peer(dsn: str, connections: int, seconds: float) -> Taken:
    """Through the recorder of the `eventsourcing` package."""
    parts = urlsplit(dsn)
    query = parse_qs(parts.query)
    datastore = PostgresDatastore(
        dbname=parts.path.strip("/"),
        host=query["host"][0],
        port=query["port"][0],
        user=parts.username or "",
        password="",
        pool_size=connections,
        max_waiting=connections,
    )
    recorder = PostgresApplicationRecorder(datastore)
    recorder.create_table()
    taken: Taken = []
    state = json.dumps({"note": _TEXT}).encode()

    def write() -> None:
        while (began := time.perf_counter()) < until:
            stream = uuid4()
            recorder.insert_events([StoredEvent(stream, n, "note.kept", state) for n in range(1, EVENTS + 1)])
            taken.append((time.perf_counter() - began) * 1000)

    try:
        threads = [threading.Thread(target=write) for _ in range(connections)]
        until = time.perf_counter() + seconds
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        datastore.close()
    return taken


async def limit(dsn: str, connections: int, seconds: float) -> Taken:
    """By pgbench: the same statement with the same values, but for the ids."""
    parts = urlsplit(dsn)
    query = parse_qs(parts.query)
    program = postgres_package().programs / "pgbench"
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "append.sql"
        script.write_text(_script())
        process = await asyncio.create_subprocess_exec(
            program,
            *("-h", query["host"][0], "-p", query["port"][0], "-U", parts.username or ""),
            *("-n", "-M", "prepared", "-f", str(script), "-c", str(connections), "-j", "2"),
            *(
                "-T",
                str(max(1, round(seconds))),
                "-l",
                "--log-prefix",
                f"{folder}/log",
                parts.path.strip("/"),
            ),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        _, errors = await process.communicate()
        if process.returncode != 0:
            raise RuntimeError(errors.decode())
        lines = await asyncio.to_thread(_logged, Path(folder))
    return [int(line.split()[2]) / 1000 for line in lines]


def _logged(folder: Path) -> list[str]:
    return [line for file in folder.glob("log*") for line in file.read_text().splitlines()]


def _script() -> str:
    sample = append()
    head = json.dumps(sample.head.model_dump(mode="json"))
    values = (
        f"{_literal('bench.')} || ids.request",
        "0",
        f"{_literal(proposal_of('bench.'))} || ids.request",
        _literal(sample.command_type),
        _literal(sample.command_digest),
        _literal(sample.actor_id),
        _literal(sample.actor_role),
        f"({_literal(AT.isoformat())})::timestamptz",
        f"ARRAY[{', '.join(['gen_random_uuid()'] * EVENTS)}]",
        f"ARRAY[{', '.join([_literal('note.kept')] * EVENTS)}]",
        f"ARRAY[{', '.join(['1'] * EVENTS)}]",
        f"ARRAY[{', '.join([_literal(json.dumps({'note': _TEXT}))] * EVENTS)}]",
        f"({_literal(head)})::jsonb || jsonb_build_object('request_id', ids.request)",
        "'[]'::jsonb",
    )
    ids = "(SELECT 'B-' || replace(gen_random_uuid()::text, '-', '') AS request OFFSET 0) AS ids"
    call = f"sojourn.append_events_v2({', '.join(values)})"
    return f"SELECT answer.* FROM {ids}, {call} AS answer;\n"  # noqa: S608  nothing but our own values


def _literal(text: str) -> str:
    # A colon before a letter or a digit is one of pgbench's variables, even within quotes.
    return "'" + re.sub(r":(?=\w)", "' || chr(58) || '", text) + "'"


async def measure(dsn: str, peer_dsn: str, seconds: float, rounds: int) -> dict[tuple[str, int], list[Taken]]:
    """Every way at every number of connections, in turns."""
    found: defaultdict[tuple[str, int], list[Taken]] = defaultdict(list)
    for _ in range(rounds):
        for connections in CONNECTIONS:
            found["pgbench", connections].append(await limit(dsn, connections, seconds))
            found["sojourn", connections].append(await ours(dsn, connections, seconds))
            found["eventsourcing", connections].append(
                await asyncio.to_thread(peer, peer_dsn, connections, seconds)
            )
    return dict(found)


def report(found: Mapping[tuple[str, int], Sequence[Taken]], seconds: float) -> list[dict[str, float | str]]:
    """The median round's rate, its percentiles, and both ratios."""
    lines: list[dict[str, float | str]] = []
    for (name, connections), rounds in found.items():
        rates = [len(taken) / seconds for taken in rounds]
        rate = statistics.median(rates)
        cuts = statistics.quantiles([each for taken in rounds for each in taken], n=100)
        against = statistics.median(
            len(taken) / len(top) for taken, top in zip(rounds, found["pgbench", connections], strict=True)
        )
        lines.append(
            {
                "by": name,
                "connections": connections,
                "appends_per_second": round(rate),
                "of_pgbench": round(against, 2),
                "p50_ms": round(cuts[49], 2),
                "p99_ms": round(cuts[98], 2),
            }
        )
    return lines


async def peers_database(postgres: EmbeddedPostgres) -> str:
    """Create an empty database for the peer in place of an earlier one; return its DSN."""
    administrator = await asyncpg.connect(postgres.dsn_of("postgres"))
    await administrator.execute("DROP DATABASE IF EXISTS append_rate_peer WITH (FORCE)")
    await administrator.execute("CREATE DATABASE append_rate_peer")
    await administrator.close()
    return postgres.dsn_of("append_rate_peer")


async def _main(data: Path, seconds: float, rounds: int, *, as_json: bool) -> None:
    async with server(data) as postgres:
        dsn = await fresh_database(postgres, "append_rate")
        peer_dsn = await peers_database(postgres)
        lines = report(await measure(dsn, peer_dsn, seconds, rounds), seconds)
    if as_json:
        json.dump(lines, sys.stdout, indent=2)
        return
    print(f"{'':16}{'connections':>12}{'appends/s':>11}{'of pgbench':>12}{'p50 ms':>9}{'p99 ms':>9}")
    for line in lines:
        print(
            "{by:16}{connections:12}{appends_per_second:11}{of_pgbench:12}{p50_ms:9}{p99_ms:9}".format(**line)
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_data_option(parser)
    parser.add_argument("--seconds", type=float, default=4.0, help="of each turn (4)")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each (3)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    given = parser.parse_args()
    asyncio.run(_main(given.data, given.seconds, given.rounds, as_json=given.json))
