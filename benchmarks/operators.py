"""How long operators wait: the first page of what is stalled, why one agreement is, and counts.

    python -m benchmarks.operators --agreements 10000 1000000

Every figure is a round trip of a prepared statement over a Unix socket, rows received, as asyncpg sees it;
beside it the processor time that the server spent, which does not depend on what else the machine does.
Sizes take turns within each run, so that what else it does falls on both.

Databases are used as they were loaded, as often as you like: all that is written is migrations that they
lack. The server is started for each run, with nothing in its buffers: `--warm-up 0` is what operators wait
right then.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import random
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import asyncpg

from activities.event_store.event_store import EventStore
from activities.postgres.pool import open_pool
from activities.postgres.statements import STATEMENTS
from benchmarks.server import add_data_option, brought_up_to_date, database_of, server

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

PAGE = 50
DIMENSIONS = ("kind", "reason", "waiting_on_role", "level", "tenant", "cohort", "waiting_on_id")
COUNTS = {"counts": "stalled_tally", "counts with ages": "stalled_counts"}
"""By kind, reason, role and level; the ages are for monitoring, which asks a few times a minute."""

FIRST = (datetime.min.replace(tzinfo=UTC), "")
"""Before the first row."""

Connection: TypeAlias = "asyncpg.Connection | PoolConnectionProxy[asyncpg.Record]"


@dataclass
class Subject:
    """One database, and what there is to ask it about."""

    agreements: int
    connection: Connection
    event_store: EventStore
    """The way that the product takes, with rows as values."""
    prepared: dict[str, Any] = field(default_factory=dict[str, Any])
    values: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    stalled: list[str] = field(default_factory=list[str])
    whole: list[str] = field(default_factory=list[str])
    """Stalled agreements whose opening event is in full."""

    def processor_ms(self) -> float | None:
        """What the server's process behind the connection has had; None where Linux does not say."""
        try:
            told = Path(f"/proc/{self.connection.get_server_pid()}/schedstat").read_text()
        except OSError:
            return None
        return int(told.split()[0]) / 1e6

    async def ask(self, name: str, *arguments: object) -> int:
        """Runs a statement; returns how many rows came back."""
        if name not in self.prepared:
            statement = "SELECT 1" if name == "nothing" else STATEMENTS[name]
            self.prepared[name] = await self.connection.prepare(statement)
        return len(await self.prepared[name].fetch(*arguments))


@dataclass
class Question:
    """Something that operators ask, with the bound that is promised for it."""

    name: str
    dimensions: tuple[str, ...] | None = None
    """The filters of a page; None where it is no page."""
    bound_ms: float | None = None

    async def ask(self, subject: Subject, rng: random.Random, now: datetime) -> int:
        """Asks it once, about something drawn at random; returns how many rows came back."""
        about = rng.choice(subject.whole or subject.stalled)
        if self.dimensions is not None:
            return await subject.ask("stalled_page", now, filters(self, subject, rng), *FIRST, PAGE)
        match self.name:
            case "explain":
                events = await subject.ask("stream", about, 0)
                return events + await subject.ask("obligations", about, False)
            case "record: page":
                return len(await subject.event_store.read_models.stalled_page(now, limit=PAGE))
            case "record: explain":
                read = await subject.event_store.stream(about)
                return len(read) + len(await subject.event_store.read_models.obligations(about))
            case "primary key":
                return await subject.ask("chain_head", about)
            case _:
                counted = COUNTS.get(self.name)
                return await (subject.ask(counted, now) if counted else subject.ask("nothing"))


def filters(question: Question, subject: Subject, rng: random.Random) -> str:
    """Values that occur, drawn apart from each other: pairs that match nothing are asked for too."""
    chosen = {name: [rng.choice(subject.values[name])] for name in question.dimensions or ()}
    return json.dumps(chosen)


def questions() -> list[Question]:
    """All of them."""
    pages = [(), *((each,) for each in DIMENSIONS), *itertools.combinations(DIMENSIONS, 2)]
    return [
        Question("nothing"),
        Question("primary key"),
        *(Question("page: " + (", ".join(page) or "no filter"), page, 10.0) for page in pages),
        Question("explain", bound_ms=20.0),
        *(Question(name, bound_ms=100.0) for name in COUNTS),
        Question("record: page", bound_ms=10.0),
        Question("record: explain", bound_ms=20.0),
    ]


async def subject_of(dsn: str, agreements: int, stack: AsyncExitStack) -> Subject:
    """Connects, and learns which values occur."""
    pool = await open_pool(dsn, largest=2, statement_timeout=timedelta(minutes=10))
    stack.push_async_callback(pool.close)
    connection = await stack.enter_async_context(pool.acquire())
    subject = Subject(agreements, connection, EventStore(pool))
    # As an append of the last minute would have left it.
    await connection.execute("SELECT sojourn.move_stall_mark_v1(now())")
    for name in DIMENSIONS:
        rows = await connection.fetch(
            f"SELECT DISTINCT {name}::text AS value FROM sojourn.stall "  # noqa: S608  one of ours
            f"WHERE starts_at <= now() AND ends_at > now() AND {name} IS NOT NULL ORDER BY 1"
        )
        subject.values[name] = [row["value"] for row in rows]
    rows = await connection.fetch(
        "SELECT stall.agreement_id, pg_column_size(event.data) > 6000 AS whole FROM sojourn.stall "
        "JOIN sojourn.event ON event.agreement_id = stall.agreement_id AND version = 1 "
        "WHERE starts_at <= now() AND ends_at > now() ORDER BY 1"
    )
    subject.stalled = [row["agreement_id"] for row in rows]
    subject.whole = [row["agreement_id"] for row in rows if row["whole"]]
    return subject


@dataclass
class Taken:
    """What one question took of one database, each time in milliseconds."""

    waited: list[float] = field(default_factory=list[float])
    processor: list[float] = field(default_factory=list[float])
    """Empty where it is not known, or another connection was asked."""


async def measure(
    subjects: Sequence[Subject], runs: int, warm_up: int, seed: int
) -> dict[str, dict[int, Taken]]:
    """By question and size, each asked `runs` times of each database in turn, after `warm_up` more."""
    taken: defaultdict[str, dict[int, Taken]] = defaultdict(
        lambda: {subject.agreements: Taken() for subject in subjects}
    )
    rng = random.Random(seed)  # noqa: S311  what to ask about, not a secret
    now = datetime.now(UTC)
    for run in range(warm_up + runs):
        for question in questions():
            for subject in subjects:
                before, began = subject.processor_ms(), time.perf_counter()
                await question.ask(subject, rng, now)
                ended, after = time.perf_counter(), subject.processor_ms()
                if run < warm_up:
                    continue
                found = taken[question.name][subject.agreements]
                found.waited.append((ended - began) * 1000)
                if before is not None and after is not None and not question.name.startswith("record:"):
                    found.processor.append(after - before)
    return taken


async def write_plans(subject: Subject, file: Path) -> None:
    """EXPLAIN (ANALYZE, BUFFERS) of every question, of the query inside a function where there is one."""
    now = datetime.now(UTC)
    rng = random.Random(0)  # noqa: S311  what to ask about, not a secret
    about = rng.choice(subject.whole or subject.stalled)
    with file.open("w") as plans:
        for question in questions():
            if question.bound_ms is None or question.name.startswith("record:"):
                continue
            asked: list[tuple[str, tuple[object, ...]]] = []
            if question.dimensions is not None:
                wanted = filters(question, subject, rng)
                query = "SELECT sojourn.stalled_page_query_v2($1::text::jsonb)"
                asked.append((await subject.connection.fetchval(query, wanted), (now, *FIRST, PAGE)))
                plans.write(f"== {question.name} {wanted}, {subject.agreements:,} agreements\n\n")
            elif question.name == "explain":
                asked += [(STATEMENTS["stream"], (about, 0)), (STATEMENTS["obligations"], (about, False))]
                plans.write(f"== explain, {subject.agreements:,} agreements\n\n")
            else:
                asked.append((STATEMENTS[COUNTS[question.name]], (now,)))
                plans.write(f"== {question.name}, {subject.agreements:,} agreements\n\n")
            for statement, arguments in asked:
                plans.write(
                    await _plan(subject.connection, statement, arguments, question.dimensions is not None)
                )


async def _plan(
    connection: Connection, statement: str, arguments: tuple[object, ...], of_a_page: bool
) -> str:
    async with connection.transaction():
        if of_a_page:
            await connection.execute("SET LOCAL enable_bitmapscan = off; SET LOCAL enable_seqscan = off")
        rows = await connection.fetch(f"EXPLAIN (ANALYZE, BUFFERS) {statement}", *arguments)
    return "\n".join(row[0] for row in rows) + "\n\n"


@dataclass
class Line:
    """One question's figures."""

    question: str
    bound_ms: float | None
    sizes: dict[int, dict[str, float]]
    ratio_p50: float
    ratio_p99: float


def lines(taken: Mapping[str, Mapping[int, Taken]]) -> list[Line]:
    """Percentiles, and how the largest size compares with the smallest."""
    bounds = {question.name: question.bound_ms for question in questions()}
    found: list[Line] = []
    for name, by_size in taken.items():
        sizes = {size: _percentiles(times) for size, times in by_size.items()}
        small, large = sizes[min(sizes)], sizes[max(sizes)]
        ratios = large["p50"] / small["p50"], large["p99"] / small["p99"]
        found.append(Line(name, bounds[name], sizes, *ratios))
    return found


def _percentiles(times: Taken) -> dict[str, float]:
    waited = statistics.quantiles(times.waited, n=100, method="inclusive")
    percentiles = {"p50": waited[49], "p99": waited[98]}
    if times.processor:
        processor = statistics.quantiles(times.processor, n=100, method="inclusive")
        percentiles |= {"processor_p50": processor[49], "processor_p99": processor[98]}
    return percentiles


def print_table(found: Sequence[Line]) -> None:
    """For people: milliseconds."""
    sizes = sorted(found[0].sizes)
    heads = "".join(f"{f'{size:,}':>29}" for size in sizes)
    print(f"{'':37}{heads}{'ratio':>14}")
    print(f"{'':37}{'     p50    p99 cpu50  cpu99' * len(sizes)}{'p50':>7}{'p99':>7}  bound")
    for line in found:
        figures = "".join(_figures(line.sizes[size]) for size in sizes)
        bound = "" if line.bound_ms is None else f"{line.bound_ms:g}"
        print(f"{line.question:37}{figures}{line.ratio_p50:7.2f}{line.ratio_p99:7.2f}  {bound}")


def _figures(at: Mapping[str, float]) -> str:
    waited = f"{at['p50']:8.2f}{at['p99']:7.2f}"
    if "processor_p50" not in at:
        return f"{waited}{'':14}"
    return f"{waited}{at['processor_p50']:6.2f}{at['processor_p99']:7.2f} "


async def _main(given: argparse.Namespace) -> None:
    async with server(given.data) as postgres, AsyncExitStack() as stack:
        subjects: list[Subject] = []
        for number in sorted(given.agreements):
            await brought_up_to_date(postgres, database_of(number))
            subjects.append(await subject_of(postgres.dsn_of(database_of(number)), number, stack))
        found = lines(await measure(subjects, given.runs, given.warm_up, given.seed))
        if given.plans is not None:
            await write_plans(subjects[-1], given.plans)
    if given.json:
        json.dump([vars(line) for line in found], sys.stdout, indent=2)
    else:
        print_table(found)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_data_option(parser)
    parser.add_argument(
        "--agreements", type=int, nargs="+", required=True, metavar="N", help="sizes, as loaded"
    )
    parser.add_argument("--runs", type=int, default=300, help="how often each question is asked (300)")
    parser.add_argument(
        "--warm-up", type=int, default=100, metavar="RUNS", help="how often before anything is measured (100)"
    )
    parser.add_argument("--seed", type=int, default=1, help="what is asked about (1)")
    parser.add_argument(
        "--plans", type=Path, metavar="FILE", help="write the plans of the largest size there"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser.parse_args()


if __name__ == "__main__":
    asyncio.run(_main(_options()))
