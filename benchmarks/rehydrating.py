"""How fast agreements come back: open ones of the three kinds, from the record alone, on an empty Temporal.

Agreements that are under way, eight weeks after their approval, are started again as `sojourn rehydrate` does
it: the stream is folded, the workflow is started, and it counts once it has folded its record itself and said
how it stands. They take turns with the limit: workflows that do nothing, started and waited for by the same
number of callers on the same server. So whatever else the machine does slows both alike.

    python -m benchmarks.rehydrating --agreements 600
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from temporalio import workflow
from temporalio.client import Client
from temporalio.worker import Worker

from activities.directory.people import Directory
from activities.event_store.event_store import EventStore
from activities.postgres.pool import open_pool
from application.concurrency import gather_limited
from application.operations.rehydrate import AT_ONCE, Outcome, Rehydration
from application.settings import load_settings
from application.temporal.client import data_converter
from benchmarks.lives import Life, play_open
from deploy.embedded import EmbeddedPostgres, EmbeddedTemporal, attribute_types
from deploy.migrate import migrate
from domain.kernel.person import Person
from domain.kernel.vocabulary import Kind
from domain.stream.messages import Append
from domain.terms import Terms
from domain.terms.requests import split
from workers.demo.examples import read_people, read_request
from workers.runtime.log_output import configure_logs
from workers.runtime.worker import hosting
from workflows.search_attributes import ALL

APPROVED_BEFORE = 56
"""Days."""
TURN = 60
"""As many of each before the other has its turn."""
_QUEUE = "nothing-to-do"


@workflow.defn(sandboxed=False)
class DoesNothing:
    """The least that a workflow can be."""

    @workflow.run
    async def run(self) -> None:
        """Ends at once."""


@dataclass(frozen=True)
class Result:
    """What was measured."""

    agreements: int
    events: int
    """In the record."""
    rehydrated_per_second: float
    """Median of the turns."""
    nothing_per_second: float
    """Workflows that do nothing, likewise."""
    ratio: float
    again_per_second: float
    """A second call, which finds everything running."""


async def measure(agreements: int) -> Result:
    """Fills a record, and brings it back."""
    async with AsyncExitStack() as opened:
        folder = Path(
            opened.enter_context(tempfile.TemporaryDirectory(prefix="sojourn-", ignore_cleanup_errors=True))
        )
        postgres = await opened.enter_async_context(EmbeddedPostgres(folder))
        await migrate(postgres.owner_dsn)
        settings = load_settings(database_url=postgres.dsn, without_keys=True, smtp_port=1, log_level="ERROR")
        configure_logs(settings)
        pool = await open_pool(postgres.dsn)
        opened.push_async_callback(pool.close)
        event_store = EventStore(pool)
        await Directory(pool).upsert(read_people())
        await _fill(event_store, [await play_open(pool, *_placement(kind)) for kind in Kind], agreements)
        events = await pool.fetchval("SELECT count(*) FROM sojourn.event")
        _tell(f"{agreements} agreements with {events} events are recorded; Temporal knows none of them.")

        temporal = await opened.enter_async_context(
            EmbeddedTemporal(folder, headless=True, in_memory=True, search_attributes=attribute_types(ALL))
        )
        client = await Client.connect(temporal.address, data_converter=data_converter(settings))
        await opened.enter_async_context(hosting(settings, client))
        await opened.enter_async_context(Worker(client, task_queue=_QUEUE, workflows=[DoesNothing]))
        rehydration = Rehydration(event_store, client, settings.task_queue, timedelta(minutes=2))
        return await _in_turns(rehydration, client, await event_store.read_models.to_be_run(), events)


async def _in_turns(rehydration: Rehydration, client: Client, ids: Sequence[str], events: int) -> Result:
    await _start_nothing(client, TURN)
    ours: list[float] = []
    limit: list[float] = []
    for first in range(0, len(ids), TURN):
        turn = ids[first : first + TURN]
        began = time.perf_counter()
        done = await rehydration.run(turn, _nothing)
        ours.append(len(turn) / (time.perf_counter() - began))
        if any(each.outcome is not Outcome.RESUMED for each in done):
            raise RuntimeError(f"not all were resumed: {[each for each in done if each.sentence]}")
        began = time.perf_counter()
        await _start_nothing(client, len(turn))
        limit.append(len(turn) / (time.perf_counter() - began))
        _tell(f"{first + len(turn)}: {ours[-1]:.1f}/s beside {limit[-1]:.1f}/s")
    began = time.perf_counter()
    again = await rehydration.run(ids, _nothing)
    took = time.perf_counter() - began
    if any(each.outcome is not Outcome.RUNNING for each in again):
        raise RuntimeError("the second call found something to do")
    return Result(
        agreements=len(ids),
        events=events,
        rehydrated_per_second=round(statistics.median(ours), 1),
        nothing_per_second=round(statistics.median(limit), 1),
        ratio=round(statistics.median(ours) / statistics.median(limit), 3),
        again_per_second=round(len(ids) / took, 1),
    )


async def _start_nothing(client: Client, number: int) -> None:
    async def one(_: int) -> None:
        handle = await client.start_workflow(DoesNothing.run, id=f"nothing-{uuid.uuid4()}", task_queue=_QUEUE)
        await handle.result()

    await gather_limited(one, range(number), at_once=AT_ONCE)


def _placement(kind: Kind) -> tuple[Terms, Sequence[Person], int]:
    request = read_request(kind, (datetime.now(UTC) - timedelta(days=APPROVED_BEFORE)).date())
    request_id = f"KEPT-{kind}-{uuid.uuid4().hex[:8]}"
    return split({**request, "request_id": request_id}).terms, read_people(), APPROVED_BEFORE


async def _fill(event_store: EventStore, lives: Sequence[Life], agreements: int) -> None:
    """Writes the lives again under other ids, until there are as many as wanted."""

    async def one(number: int) -> None:
        life = lives[number % len(lives)]
        for append in life.appends:
            text = append.model_dump_json().replace(life.request_id, f"{life.request_id}-{number}")
            await event_store.append(Append.model_validate_json(text))

    await gather_limited(one, range(len(lives), agreements))


def _nothing() -> None:
    """Nobody counts."""


def _tell(sentence: str) -> None:
    sys.stderr.write(sentence + "\n")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--agreements", type=int, default=600, help="how many come back (600)")
    parser.add_argument("--json", action="store_true", help="for programs")
    given = parser.parse_args()
    result = asyncio.run(measure(given.agreements))
    if given.json:
        sys.stdout.write(json.dumps(asdict(result), indent=2) + "\n")
        return
    sys.stdout.write("".join(f"{name:>24}  {value}\n" for name, value in asdict(result).items()))


if __name__ == "__main__":
    main()
