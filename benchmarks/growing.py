"""What a record costs as it grows: appending, loading a stream, reading the global order, and verifying.

One database grows from size to size by whole copies of three placements under way, under other ids: each hash
is computed anew, so that `verify` has nothing to find. At each size the same things are measured beside a
statement that does nothing. Every commit is on disk.

    python -m benchmarks.growing --events 100000 1000000
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeAlias
from uuid import uuid4

import asyncpg

from activities.event_store.event_store import EventStore
from activities.hashing.command_chain import Accepted, command_hash
from activities.hashing.event_chain import chain_hash
from activities.hashing.framing import GENESIS
from activities.integrity.findings import differences_of
from activities.integrity.rebuild import rebuild_read_models
from activities.integrity.snapshots import all_stored_agreements
from activities.postgres.pool import open_pool
from activities.postgres.rows import Cursor
from benchmarks.lives import Life, play_open
from benchmarks.server import server
from deploy.migrate import migrate
from domain.kernel.vocabulary import Kind
from domain.stream.messages import Append
from domain.terms.requests import split
from workers.demo.examples import read_people, read_request

Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"
Rows = Mapping[str, Sequence[Mapping[str, Any]]]
"""The rows of one agreement by table."""

TABLES = ("event", "command", "agreement", "agreement_party", "obligation", "stall")
DAYS = 56
"""So long ago the placements were approved."""
_AT_A_TIME = 200
"""Agreements in one COPY."""
_PAGE = 1000
_VERIFIED = 1000
"""Agreements that are verified at each size."""
_REBUILT = 50
"""Agreements that are damaged and mended at each size."""


@dataclass(frozen=True)
class Metrics:
    """What was measured at one size."""

    events: int
    agreements: int
    gigabytes: float
    nothing_ms: float
    append_ms: float
    """One command's events; all medians."""
    stream_ms: float
    """All events of one agreement."""
    page_ms: float
    """A thousand events from anywhere in the global order."""
    verified_events_per_second: float
    verified_agreements_per_second: float
    rebuilt_agreements_per_second: float
    """Whose obligations were wrong."""
    peak_megabytes: float
    """Of this process, up to here."""


async def measure(sizes: Sequence[int], runs: int) -> list[Metrics]:
    """Grows a record and measures it at each size."""
    with tempfile.TemporaryDirectory(prefix="sojourn-", ignore_cleanup_errors=True) as folder:
        async with server(Path(folder)) as postgres:
            await migrate(postgres.owner_dsn)
            owner = await asyncpg.connect(postgres.dsn_of("sojourn"), server_settings={"timezone": "UTC"})
            pool = await open_pool(postgres.dsn)
            owning = await open_pool(postgres.owner_dsn, largest=2)
            lives = [await _life(pool, kind) for kind in Kind]
            templates = [await _rows(owner, life) for life in lives]
            growth = _Growth(owner, templates, [life.request_id for life in lives])
            found: list[Metrics] = []
            for size in sizes:
                await growth.to(size)
                found.append(await _figures(pool, owner, owning, lives, runs))
                _tell(json.dumps(asdict(found[-1])))
            for each in (pool, owning, owner):
                await each.close()
            return found


class _Growth:
    """Fills a database with copies."""

    def __init__(
        self, owner: asyncpg.Connection, templates: Sequence[Rows], request_ids: Sequence[str]
    ) -> None:
        self._owner = owner
        self._templates = templates
        self._request_ids = request_ids
        self._copies = 0

    async def to(self, events: int) -> None:
        """Until the record has so many events."""
        await self._owner.execute("ALTER TABLE sojourn.agreement DISABLE TRIGGER USER")
        await self._owner.execute("ALTER TABLE sojourn.stall DISABLE TRIGGER USER")
        have = await self._owner.fetchval("SELECT count(*) FROM sojourn.event")
        while have < events:
            several = [self._next() for _ in range(_AT_A_TIME)]
            for table in TABLES:
                rows = [tuple(row.values()) for copy in several for row in copy[table]]
                columns = list(self._templates[0][table][0])
                async with self._owner.transaction():
                    await self._owner.copy_records_to_table(
                        table, schema_name="sojourn", columns=columns, records=rows
                    )
            have += sum(len(copy["event"]) for copy in several)
        await self._owner.execute("ALTER TABLE sojourn.agreement ENABLE TRIGGER USER")
        await self._owner.execute("ALTER TABLE sojourn.stall ENABLE TRIGGER USER")
        await self._owner.execute("VACUUM ANALYZE")
        await self._owner.execute("CHECKPOINT")

    def _next(self) -> Rows:
        number = self._copies
        self._copies += 1
        which = number % len(self._templates)
        return _copied(
            self._templates[which], self._request_ids[which], f"{self._request_ids[which]}-{number}"
        )


def _copied(rows: Rows, request_id: str, anew: str) -> Rows:
    """The same agreement under another id, with its chains computed anew."""
    copy = {
        table: [{name: _said_anew(value, request_id, anew) for name, value in row.items()} for row in several]
        for table, several in rows.items()
    }
    previous = GENESIS
    for event in copy["event"]:
        fields = {name: value for name, value in event.items() if name not in {"hash", "epoch"}}
        fields["event_id"] = str(fields["event_id"])
        fields["previous_hash"] = previous
        event["previous_hash"] = bytes.fromhex(previous)
        previous = chain_hash(**fields)
        event["hash"] = bytes.fromhex(previous)
    hashes = {event["version"]: event["hash"].hex() for event in copy["event"]}
    last = GENESIS
    for command in copy["command"]:
        fields = {name: value for name, value in command.items() if name not in {"hash", "notices_hash"}}
        accepted = Accepted(
            **fields, event_hash=hashes[command["last_version"]], notices_hash=None, hash="", queued=None
        )
        last = command_hash(accepted, last)
        command["hash"] = bytes.fromhex(last)
    [head] = copy["agreement"]
    head["last_hash"], head["last_command_hash"] = bytes.fromhex(previous), bytes.fromhex(last)
    return copy


def _said_anew(value: Any, request_id: str, anew: str) -> Any:  # noqa: ANN401  whatever a column holds
    return value.replace(request_id, anew) if isinstance(value, str) else value


async def _life(pool: Pool, kind: Kind) -> Life:
    request = read_request(kind, (datetime.now(UTC) - timedelta(days=DAYS)).date())
    terms = split({**request, "request_id": f"GROWN-{kind}-{uuid4().hex[:8]}"}).terms
    return await play_open(pool, terms, read_people(), DAYS)


async def _rows(owner: asyncpg.Connection, life: Life) -> Rows:
    found: dict[str, Sequence[Mapping[str, Any]]] = {}
    for table in TABLES:
        order = {"event": "version", "command": "first_version"}.get(table, "agreement_id")
        rows = await owner.fetch(
            f"SELECT * FROM sojourn.{table} WHERE agreement_id = $1 ORDER BY {order}",  # noqa: S608  ours
            life.agreement_id,
        )
        left_out = {"tx", "position"}
        found[table] = [{name: row[name] for name in row if name not in left_out} for row in map(dict, rows)]
    return found


async def _figures(
    pool: Pool, owner: asyncpg.Connection, owning: Pool, lives: Sequence[Life], runs: int
) -> Metrics:
    event_store = EventStore(pool)
    ids = [row["agreement_id"] for row in await owner.fetch("SELECT agreement_id FROM sojourn.agreement")]
    chance = random.Random(len(ids))  # noqa: S311  no secret
    places = await owner.fetch(
        "SELECT epoch, tx::text AS tx, position FROM sojourn.event WHERE version = 1 "
        "ORDER BY random() LIMIT $1",
        runs,
    )
    cursors = iter([Cursor(**{**row, "tx": int(row["tx"])}) for row in places])
    pending = (
        _renamed(append, life, suffix)
        for suffix in (uuid4().hex[:8] for _ in range(runs))
        for life in lives
        for append in life.appends
    )
    nothing_ms = await _median(runs, lambda: owner.fetchval("SELECT 1"))
    append_ms = await _median(runs, lambda: event_store.append(next(pending)))
    stream_ms = await _median(runs, lambda: event_store.stream(chance.choice(ids)))
    page_ms = await _median(len(places), lambda: event_store.read_all(next(cursors), _PAGE))
    seen, events, took = await _verified(pool)
    return Metrics(
        events=await owner.fetchval("SELECT count(*) FROM sojourn.event"),
        agreements=len(ids),
        gigabytes=round(await owner.fetchval("SELECT pg_database_size(current_database())") / 1e9, 2),
        nothing_ms=nothing_ms,
        append_ms=append_ms,
        stream_ms=stream_ms,
        page_ms=page_ms,
        verified_events_per_second=round(events / took),
        verified_agreements_per_second=round(seen / took, 1),
        rebuilt_agreements_per_second=await _rebuilt(owner, owning, ids),
        peak_megabytes=round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000, 1),
    )


async def _median(runs: int, call: Callable[[], Awaitable[object]]) -> float:
    taken: list[float] = []
    for _ in range(runs):
        began = time.perf_counter()
        await call()
        taken.append(time.perf_counter() - began)
    return round(statistics.median(taken) * 1000, 2)


async def _verified(pool: Pool) -> tuple[int, int, float]:
    """Agreements and events that were checked, and in how many seconds."""
    seen, events, began = 0, 0, time.perf_counter()
    async for kept in all_stored_agreements(pool):
        if found := list(differences_of(kept)):
            raise RuntimeError(f"the copies are not whole: {found[0]}")
        seen, events = seen + 1, events + len(kept.stored)
        if seen == _VERIFIED:
            break
    return seen, events, time.perf_counter() - began


async def _rebuilt(owner: asyncpg.Connection, owning: Pool, ids: Sequence[str]) -> float:
    """Agreements a second whose obligations had been moved by a day."""
    damaged = list(ids[:_REBUILT])
    await owner.execute(
        "UPDATE sojourn.obligation SET due_at = due_at + interval '1 day' WHERE agreement_id = ANY ($1)",
        damaged,
    )
    began = time.perf_counter()
    done = [each async for each in rebuild_read_models(owning, agreement_ids=damaged)]
    took = time.perf_counter() - began
    if not all(each.rewritten for each in done):
        raise RuntimeError("not everything was rewritten")
    return round(len(done) / took, 1)


def _renamed(append: Append, life: Life, suffix: str) -> Append:
    text = append.model_dump_json().replace(life.request_id, f"{life.request_id}-{suffix}")
    return Append.model_validate_json(text)


def _tell(sentence: str) -> None:
    sys.stderr.write(sentence + "\n")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--events",
        type=int,
        nargs="+",
        default=[100_000, 1_000_000],
        help="sizes, ascending (100000 1000000)",
    )
    parser.add_argument("--runs", type=int, default=100, help="how often each is measured (100)")
    given = parser.parse_args()
    found = asyncio.run(measure(sorted(given.events), given.runs))
    for name in asdict(found[0]):
        values = "".join(f"{getattr(each, name):>14,}" for each in found)
        sys.stdout.write(f"{name:>32}{values}\n")


if __name__ == "__main__":
    main()
