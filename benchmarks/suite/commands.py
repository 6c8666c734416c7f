"""One command: what it takes alone, and how many a second there are at 1, 8, 16 and 64 callers.

    python -m benchmarks.suite commands

All ways share one Temporal server, which keeps its data in memory, and one PostgreSQL, each with a database,
a worker and a task queue of its own in one process. They take turns: a command each where latency is taken, a
burst each where throughput is.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import sys
import tempfile
import time
import uuid
from asyncio.subprocess import PIPE
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import asyncpg
from temporalio.client import Client
from temporalio.worker import Worker

from activities.directory.people import Directory
from activities.postgres.pool import open_pool
from application.config.keys import encryption_of
from application.settings import load_settings
from application.temporal.client import data_converter
from application.temporal.starter import Starter
from application.temporal.updates import send_update
from benchmarks.peers.bare_temporal import (
    TABLE,
    WORDS,
    Entry,
    Inserts,
    LocalActivityLife,
    RegularActivityLife,
)
from benchmarks.suite.figures import Section
from deploy.embedded import EmbeddedPostgres, EmbeddedTemporal, attribute_types
from deploy.migrate import migrate
from domain.agreement.commands import COMMANDS
from domain.kernel.vocabulary import Kind
from domain.terms import Terms
from domain.terms.requests import split
from workers.demo.examples import read_people, read_request
from workers.runtime.log_output import configure_logs
from workers.runtime.worker import hosting
from workflows.contract import agreement_id_of
from workflows.search_attributes import ALL

OURS, LOCAL, REGULAR, DBOS = (
    "Sojourn",
    "bare Temporal, local activity",
    "bare Temporal, regular activity",
    "DBOS",
)
CALLERS = (1, 8, 16, 64)
LIVES = max(CALLERS)
BUSY = 16
"""The number of callers that most goals are about."""
PATIENCE = timedelta(seconds=120)

Burst = Callable[[int, int], Awaitable[tuple[list[float], float]]]
"""Give commands with so many callers, so many each; return milliseconds of each, and seconds of all."""
Give = Callable[[int, int], Awaitable[object]]
"""Give a command: in which life, and which number it has there."""


@dataclass(frozen=True)
class Size:
    """How much is measured."""

    commands: int
    """Of each way, alone."""
    bursts: int
    """Of each way at each number of callers."""
    burst: int
    """Commands of each caller in a burst."""


FULL = Size(commands=150, bursts=8, burst=6)
QUICK = Size(commands=50, bursts=3, burst=4)


async def measure(size: Size) -> Section:
    """Measure every way in turns."""
    section = Section(
        "commands",
        "A command",
        f"{size.commands} commands of each way, one after the other, a command of each way in turn; then "
        f"{size.bursts} bursts of each way at each number of callers, {size.burst} commands a caller. Every "
        "command writes one entry of some 320 bytes. Sojourn's is decided, sealed, chained, projected and "
        "encrypted; the others insert one row. One Temporal in memory, one PostgreSQL on disk, all on one "
        "machine.",
    )
    async with _ways() as ways:
        for burst in ways.values():
            await burst(LIVES, 1)
        latencies = await _latencies(ways, size.commands)
        for way, taken in latencies.items():
            section.add("p50 with one caller", way, "ms", taken)
        medians = {figure.way: figure.median for figure in section.figures}
        section.compare("p50 beside a bare local activity", [medians[OURS]], [medians[LOCAL]], "at most", 1.2)
        section.compare("p50 beside DBOS", [medians[OURS]], [medians[DBOS]], "at most", 1.0)
        for callers in CALLERS:
            rates = await _rates(ways, callers, size)
            for way, taken in rates.items():
                section.add(f"commands/s with {callers} callers", way, "1/s", taken)
            section.compare(
                f"throughput at {callers} beside a bare regular activity",
                rates[OURS],
                rates[REGULAR],
                "at least",
                1.0,
            )
            if callers == 16:  # noqa: PLR2004  the number of callers that the goals name
                section.compare(
                    "throughput at 16 beside a bare local activity",
                    rates[OURS],
                    rates[LOCAL],
                    "at least",
                    0.9,
                )
                section.compare("throughput at 16 beside DBOS", rates[OURS], rates[DBOS], "at least", 1.5)
    return section


async def _latencies(ways: dict[str, Burst], commands: int) -> dict[str, list[float]]:
    taken: dict[str, list[float]] = {way: [] for way in ways}
    for number in range(commands):
        for way in _rotated(list(ways), number):
            milliseconds, _ = await ways[way](1, 1)
            taken[way].extend(milliseconds)
    return taken


async def _rates(ways: dict[str, Burst], callers: int, size: Size) -> dict[str, list[float]]:
    taken: dict[str, list[float]] = {way: [] for way in ways}
    for number in range(size.bursts):
        for way in _rotated(list(ways), number):
            _, seconds = await ways[way](callers, size.burst)
            taken[way].append(callers * size.burst / seconds)
    return taken


def _rotated(ways: Sequence[str], number: int) -> list[str]:
    first = number % len(ways)
    return [*ways[first:], *ways[:first]]


@asynccontextmanager
async def _ways() -> AsyncGenerator[dict[str, Burst]]:
    async with AsyncExitStack() as opened:
        folder = Path(
            opened.enter_context(tempfile.TemporaryDirectory(prefix="sojourn-", ignore_cleanup_errors=True))
        )
        temporal = EmbeddedTemporal(
            folder, headless=True, in_memory=True, search_attributes=attribute_types(ALL)
        )
        await opened.enter_async_context(temporal)
        postgres = await opened.enter_async_context(EmbeddedPostgres(folder))
        await migrate(postgres.owner_dsn)
        administrator = await asyncpg.connect(postgres.dsn_of("postgres"))
        await administrator.execute("CREATE DATABASE peers")
        await administrator.execute("CREATE DATABASE peers_dbos")
        await administrator.close()
        rows = await open_pool(postgres.dsn_of("peers"), largest=20)
        opened.push_async_callback(rows.close)
        await rows.execute(TABLE)
        ways = {OURS: _timed(await _ours(opened, temporal.address, postgres.dsn))}
        bare = await Client.connect(temporal.address)
        for way, life in ((LOCAL, LocalActivityLife), (REGULAR, RegularActivityLife)):
            ways[way] = _timed(await _bare(opened, bare, rows, life))
        ways[DBOS] = await _dbos(opened, postgres)
        yield ways


def _timed(give: Give) -> Burst:
    numbers = count(1)

    async def burst(callers: int, each: int) -> tuple[list[float], float]:
        taken: list[float] = []

        async def line(life: int) -> None:
            for _ in range(each):
                number, began = next(numbers), time.perf_counter()
                await give(life, number)
                taken.append((time.perf_counter() - began) * 1000)

        began = time.perf_counter()
        await asyncio.gather(*(line(life) for life in range(callers)))
        return taken, time.perf_counter() - began

    return burst


async def _dbos(opened: AsyncExitStack, postgres: EmbeddedPostgres) -> Burst:
    """Start the peer's process; it takes its own time, so that asking it costs it nothing."""
    system = postgres.dsn_of("peers_dbos").replace("postgresql://", "postgresql+psycopg://", 1)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.peers.dbos_commands", system, postgres.dsn_of("peers")),
        stdin=PIPE,
        stdout=PIPE,
        limit=2**24,
    )
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("a process without pipes")
    asking, answering = process.stdin, process.stdout

    async def stop() -> None:
        asking.close()
        await process.wait()

    opened.push_async_callback(stop)

    async def burst(callers: int, each: int) -> tuple[list[float], float]:
        asking.write(json.dumps({"callers": callers, "each": each}).encode() + b"\n")
        await asking.drain()
        answer = json.loads(await answering.readline())
        return answer["milliseconds"], answer["seconds"]

    return burst


async def _ours(opened: AsyncExitStack, address: str, dsn: str) -> Give:
    settings = load_settings(
        database_url=dsn,
        task_queue="sojourn-benchmark",
        smtp_port=1,
        log_level="ERROR",
        keys=f"benchmark:{base64.b64encode(os.urandom(32)).decode()}",
    )
    configure_logs(settings)
    client = await Client.connect(address, data_converter=data_converter(settings))
    pool = await open_pool(dsn)
    opened.push_async_callback(pool.close)
    await Directory(pool, encryption_of(settings, pool)).upsert(read_people())
    await opened.enter_async_context(hosting(settings, client, takes_over=True))
    starter = Starter(client, settings.task_queue)
    placed = [_terms() for _ in range(LIVES)]
    for terms in placed:
        await starter.start(terms)
        await starter.confirm(agreement_id_of(terms), PATIENCE)

    async def give(life: int, number: int) -> None:
        command = COMMANDS["keep_note"].model_validate(
            {"command_id": f"note/{number}", "actor_id": placed[life].mentee, "note": WORDS}
        )
        await send_update(
            client,
            agreement_id_of(placed[life]),
            command.type,
            command,
            update_id=command.command_id,
            patience=PATIENCE,
        )

    return give


async def _bare(
    opened: AsyncExitStack,
    client: Client,
    pool: asyncpg.Pool[asyncpg.Record],
    life: type[LocalActivityLife | RegularActivityLife],
) -> Give:
    queue = life.__name__
    await opened.enter_async_context(
        Worker(client, task_queue=queue, workflows=[life], activities=[Inserts(pool).insert])
    )
    handles = [
        await client.start_workflow(life.run, id=f"{queue}-{number}", task_queue=queue)
        for number in range(LIVES)
    ]

    async def give(number_of_life: int, number: int) -> None:
        entry = Entry(queue + str(number_of_life), f"command-{number}", WORDS)
        await handles[number_of_life].execute_update(  # pyright: ignore[reportUnknownMemberType]  one overload of theirs
            "give", entry, id=f"command-{number}"
        )

    return give


def _terms() -> Terms:
    request = read_request(Kind.SECONDMENT, datetime.now(UTC).date())
    return split({**request, "request_id": f"BENCH-{uuid.uuid4().hex[:8]}"}).terms
