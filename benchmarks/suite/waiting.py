"""Waiting: what an agreement costs while nothing happens, and what it takes to wake one.

    python -m benchmarks.suite waiting

The worker is a process of its own, whose memory and processor time are the operating system's account.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
from temporalio.client import Client

from activities.directory.people import Directory
from activities.postgres.pool import open_pool
from application.settings import load_settings
from application.temporal.client import data_converter
from application.temporal.starter import Starter
from benchmarks.rehydrating import measure as measure_rehydration
from benchmarks.suite.figures import Section
from deploy.embedded import EmbeddedPostgres, EmbeddedTemporal, attribute_types
from deploy.migrate import migrate
from domain.kernel.vocabulary import Kind
from domain.terms.requests import split
from workers.demo.examples import read_people, read_request
from workflows.contract import STATUS_QUERY, agreement_id_of
from workflows.search_attributes import ALL

OURS = "Sojourn"
PATIENCE = timedelta(minutes=2)
SETTLED = 5.0
"""Seconds after the last agreement began before the worker is looked at."""
AT_ONCE = 16


async def measure(agreements: int, seconds: float, rehydrated: int) -> Section:
    """Measure memory and processor time of a worker with so many agreements, and how they wake."""
    section = Section(
        "waiting",
        "Waiting",
        f"A worker process holds {agreements} secondments that have just begun: its resident memory "
        f"beside that "
        f"with none, its processor time over {seconds:g} s in which nothing happens, and how long each "
        f"of them "
        f"takes to say how it stands when a new worker knows none. Then {rehydrated} agreements come "
        f"back on an "
        "empty Temporal, in turns with workflows that do nothing.",
    )
    async with _stack() as (address, environment, starter):
        async with _worker(environment) as empty:
            await asyncio.sleep(SETTLED)
            without = empty.memory_info().rss
        async with _worker(environment) as worker:
            ids = await _placed(starter, agreements)
            await asyncio.sleep(SETTLED)
            kilobytes = (worker.memory_info().rss - without) / agreements / 1000
            section.add("memory of a cached agreement", OURS, "kB", [kilobytes])
            before, began = sum(worker.cpu_times()[:2]), time.perf_counter()
            await asyncio.sleep(seconds)
            used = (sum(worker.cpu_times()[:2]) - before) / (time.perf_counter() - began)
            section.add("processor time while all sleep", OURS, "% of a core", [used * 100])
        async with _worker(environment):
            await asyncio.sleep(SETTLED)
            section.add("cold agreement answers", OURS, "ms", await _woken(address, environment, ids[:50]))
    section.compare("memory of a cached agreement (kB)", [kilobytes], [1.0], "at most", 150.0)
    section.remarks.append(
        "The agreements that answer cold have just begun; a record of 100 events is not measured yet."
    )
    back = await measure_rehydration(rehydrated)
    section.add("rehydrated a second", OURS, "1/s", [back.rehydrated_per_second])
    section.add("rehydrated a second", "workflows that do nothing", "1/s", [back.nothing_per_second])
    section.compare("rehydration beside no-ops", [back.ratio], [1.0], "at least", 0.5)
    return section


@asynccontextmanager
async def _stack() -> AsyncGenerator[tuple[str, dict[str, str], Starter]]:
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
        environment = {
            **os.environ,
            "SOJOURN_DATABASE_URL": postgres.dsn,
            "SOJOURN_WITHOUT_KEYS": "true",
            "SOJOURN_SMTP_PORT": "1",
            "SOJOURN_LOG_LEVEL": "ERROR",
            "TEMPORAL_ADDRESS": temporal.address,
        }
        pool = await open_pool(postgres.dsn)
        opened.push_async_callback(pool.close)
        await Directory(pool).upsert(read_people())
        settings = load_settings(database_url=postgres.dsn, without_keys=True)
        client = await Client.connect(temporal.address, data_converter=data_converter(settings))
        yield temporal.address, environment, Starter(client, settings.task_queue)


@asynccontextmanager
async def _worker(environment: dict[str, str]) -> AsyncGenerator[psutil.Process]:
    process = await asyncio.create_subprocess_exec(
        *(str(Path(sys.executable).with_name("sojourn")), "worker"),
        env=environment,
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        await process.wait()


async def _placed(starter: Starter, agreements: int) -> list[str]:
    limit = asyncio.Semaphore(AT_ONCE)

    async def one() -> str:
        request = read_request(Kind.SECONDMENT, datetime.now(UTC).date())
        terms = split({**request, "request_id": f"WAITING-{uuid.uuid4().hex[:8]}"}).terms
        async with limit:
            await starter.start(terms)
            await starter.confirm(agreement_id_of(terms), PATIENCE)
        return agreement_id_of(terms)

    return list(await asyncio.gather(*(one() for _ in range(agreements))))


async def _woken(address: str, environment: dict[str, str], ids: list[str]) -> list[float]:
    settings = load_settings(database_url=environment["SOJOURN_DATABASE_URL"], without_keys=True)
    client = await Client.connect(address, data_converter=data_converter(settings))
    taken: list[float] = []
    for agreement_id in ids:
        began = time.perf_counter()
        await client.get_workflow_handle(agreement_id).query(STATUS_QUERY)
        taken.append((time.perf_counter() - began) * 1000)
    return taken[1:]
