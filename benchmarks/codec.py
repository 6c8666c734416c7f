"""What encryption costs a command: the same commands with keys and without, turn by turn, on real servers.

    python -m benchmarks.codec

With keys, Temporal's payloads pass the codec and people's words are sealed in the record; without, both are
in clear. Each way has a PostgreSQL and a worker of its own, over one Temporal that keeps its data in memory.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import os
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from temporalio.client import Client

from activities.directory.people import Directory
from activities.postgres.pool import open_pool
from application.config.keys import encryption_of
from application.settings import load_settings
from application.temporal.client import data_converter
from application.temporal.starter import Starter
from application.temporal.updates import send_update
from benchmarks.pairs import change, in_turns
from deploy.embedded import EmbeddedPostgres, EmbeddedTemporal, attribute_types
from deploy.migrate import migrate
from domain.agreement.commands import COMMANDS, Command
from domain.kernel.vocabulary import Kind
from domain.terms import Terms
from domain.terms.requests import split
from workers.demo.examples import read_people, read_request
from workers.runtime.log_output import configure_logs
from workers.runtime.worker import hosting
from workflows.contract import agreement_id_of
from workflows.search_attributes import ALL

WITH, WITHOUT = "with keys", "without"
PATIENCE = timedelta(seconds=60)


class Way:
    """One way of running: its client and the agreements that live by it."""

    def __init__(self, client: Client, agreements: Sequence[str], author: str) -> None:
        self._client = client
        self._agreements = agreements
        self._author = author

    async def command(self, number: int) -> float:
        """Gives one command; milliseconds until its receipt."""
        command = self._note(number)
        agreement = self._agreements[number % len(self._agreements)]
        began = time.perf_counter()
        await send_update(self._client, agreement, command.type, command, update_id=command.command_id)
        return (time.perf_counter() - began) * 1000

    async def burst(self, first: int, count: int) -> float:
        """Gives many commands, one at a time in each agreement; commands a second."""

        async def line(start: int) -> None:
            for number in range(first + start, first + count, len(self._agreements)):
                await self.command(number)

        began = time.perf_counter()
        await asyncio.gather(*(line(start) for start in range(len(self._agreements))))
        return count / (time.perf_counter() - began)

    def _note(self, number: int) -> Command:
        words = "What I would do otherwise: ask who decides before the meeting, and not in it. " * 4
        given = {"command_id": f"note/{number}", "actor_id": self._author, "note": words}
        return COMMANDS["keep_note"].model_validate(given)


@asynccontextmanager
async def ways(agreements: int) -> AsyncGenerator[dict[str, Way]]:
    """Both ways over the same servers, with so many agreements each."""
    key = f"benchmark:{base64.b64encode(os.urandom(32)).decode()}"
    async with AsyncExitStack() as opened:
        folder = opened.enter_context(
            tempfile.TemporaryDirectory(prefix="sojourn-", ignore_cleanup_errors=True)
        )
        temporal = EmbeddedTemporal(
            Path(folder), headless=True, in_memory=True, search_attributes=attribute_types(ALL)
        )
        await opened.enter_async_context(temporal)
        found: dict[str, Way] = {}
        for name, keys in ((WITH, {"keys": key}), (WITHOUT, {"without_keys": True})):
            postgres = EmbeddedPostgres(Path(folder) / name.replace(" ", "-"))
            await opened.enter_async_context(postgres)
            await migrate(postgres.owner_dsn)
            queue = f"benchmark-{name.replace(' ', '-')}"
            settings = load_settings(
                database_url=postgres.dsn, task_queue=queue, smtp_port=1, log_level="ERROR", **keys
            )
            configure_logs(settings)
            client = await Client.connect(temporal.address, data_converter=data_converter(settings))
            pool = await open_pool(postgres.dsn)
            opened.push_async_callback(pool.close)
            await Directory(pool, encryption_of(settings, pool)).upsert(read_people())
            await opened.enter_async_context(hosting(settings, client, takes_over=True))
            starter = Starter(client, queue)
            placed = [_terms() for _ in range(agreements)]
            for terms in placed:
                await starter.start(terms)
                await starter.confirm(agreement_id_of(terms), PATIENCE)
            found[name] = Way(client, [agreement_id_of(terms) for terms in placed], placed[0].mentee)
        yield found


def _terms() -> Terms:
    request = read_request(Kind.SECONDMENT, datetime.now(UTC).date())
    return split({**request, "request_id": f"CODEC-{uuid.uuid4().hex[:8]}"}).terms


async def _main(commands: int, bursts: int, agreements: int) -> None:
    size = 5 * agreements
    async with ways(agreements) as both:
        for way in both.values():
            await way.burst(0, 2 * size)

        async def one(way: Way, number: int) -> float:
            return await way.command(2 * size + number)

        async def burst(way: Way, number: int) -> float:
            return await way.burst(2 * size + commands + number * size, size)

        latencies = await in_turns(both[WITH], both[WITHOUT], commands, one)
        rates = await in_turns(both[WITH], both[WITHOUT], bursts, burst)
    for name, latency, rate in zip((WITH, WITHOUT), latencies, rates, strict=True):
        _tell(
            f"{name:<10} command p50 {statistics.median(latency):6.1f} ms, "
            f"{statistics.median(rate):6.1f} commands/s at {agreements} agreements"
        )
    _tell(f"keys change a command's latency by {change(*latencies)}")
    _tell(f"keys change throughput by          {change(*rates)}")


def _tell(sentence: str) -> None:
    sys.stdout.write(sentence + "\n")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--commands", type=int, default=200, help="how many of each are timed alone (200)")
    parser.add_argument("--bursts", type=int, default=60, help="how often throughput is measured (60)")
    parser.add_argument("--agreements", type=int, default=16, help="how many are busy at once then (16)")
    given = parser.parse_args()
    asyncio.run(_main(given.commands, given.bursts, given.agreements))


if __name__ == "__main__":
    main()
