"""One agreement with thousands of commands: what the last ones cost beside the first ones of a young one.

The old agreement is brought to its age with ten commands in flight. Then it takes turns with young ones, one
command each, so that whatever else the machine does slows both alike. Every command goes the whole way: an
update on the Temporal server, the decision, the append to PostgreSQL, the receipt.

    python -m benchmarks.long_life --commands 5000
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
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from temporalio.client import Client

from activities.directory.people import Directory
from activities.event_store.event_store import EventStore
from activities.postgres.pool import open_pool
from application.queries.agreements import load_snapshot
from application.settings import load_settings
from application.temporal.client import data_converter
from application.temporal.starter import Starter
from application.temporal.status_query import query_workflow
from application.temporal.updates import send_update
from deploy.embedded import EmbeddedPostgres, EmbeddedTemporal, attribute_types
from deploy.migrate import migrate
from domain.agreement.commands import COMMANDS, Command
from domain.kernel.vocabulary import Kind, ObligationKind, Phase
from domain.terms import Terms
from domain.terms.requests import split
from domain.views.status import StatusView
from workers.demo.cast import answer
from workers.demo.examples import read_people, read_request
from workers.demo.mailboxes import Mailboxes
from workers.runtime.log_output import configure_logs
from workers.runtime.worker import hosting
from workflows.contract import STATUS_QUERY, agreement_id_of
from workflows.search_attributes import ALL

IN_FLIGHT = 10
"""As many updates of one workflow as a server takes at a time."""
YOUNG = range(10, 20)
"""Which commands of a young agreement are measured before the next young one takes its place."""
_LOOKS = 1200
BEGAN_BEFORE = timedelta(weeks=8)
"""How long ago the placements were approved, so that they are active once they are signed."""


@dataclass(frozen=True)
class Run:
    """One run of the old agreement's workflow, as Temporal keeps it."""

    events: int
    kilobytes: float


@dataclass(frozen=True)
class Result:
    """What was measured."""

    commands: int
    rounds: int
    young_ms: float
    """Median of a command between the tenth and the twentieth of an agreement."""
    old_ms: float
    """Median of a command after so many."""
    ratio: float
    old_slowest_ms: float
    """The slowest of those, such as one that waited while the next run folded the whole stream."""
    young_slowest_ms: float
    filled_per_second: float
    continued_as_new: int
    longest_run: int
    """Events."""
    largest_run_kilobytes: float
    stream: int
    """Events in the record."""


class Life:
    """One agreement under way."""

    def __init__(self, client: Client, event_store: EventStore, terms: Terms) -> None:
        self._client = client
        self._event_store = event_store
        self._terms = terms
        self._given = 0
        self.agreement_id = agreement_id_of(terms)

    async def begin(self, starter: Starter) -> None:
        """From the request to the first day at work."""
        await starter.start(self._terms)
        await starter.confirm(self.agreement_id, timedelta(minutes=2))
        snapshot = await load_snapshot(self._event_store, self.agreement_id)
        if snapshot is None:
            raise RuntimeError(f"{self.agreement_id} was confirmed and is not in the record")
        for owed in snapshot.agreement.obligations.values():
            command = answer(owed, self._terms) if owed.kind is ObligationKind.SIGNATURE else None
            if command is not None:
                await self._ask(command)
        # The last signature and the first day are two steps; the second one comes of itself.
        for _ in range(_LOOKS):
            if (await self._status()).phase is Phase.ACTIVE:
                return
            await asyncio.sleep(0.05)
        raise RuntimeError(f"{self.agreement_id} did not become active")

    async def give(self) -> float:
        """The next command; returns how long its receipt took, in seconds."""
        command = self._next()
        began = time.perf_counter()
        await self._ask(command)
        return time.perf_counter() - began

    async def give_many(self, count: int) -> None:
        """So many commands, some in flight at every instant."""
        left = iter(range(count))

        async def keep_giving() -> None:
            for _ in left:
                await self.give()

        await asyncio.gather(*(keep_giving() for _ in range(IN_FLIGHT)))

    async def runs(self) -> list[Run]:
        """Every run so far, the last one first."""
        found: list[Run] = []
        run_id: str | None = None
        while run_id != "":
            handle = self._client.get_workflow_handle(self.agreement_id, run_id=run_id)
            description = await handle.describe()
            history = description.raw_description.workflow_execution_info
            found.append(Run(description.history_length, history.history_size_bytes / 1024))
            first = await anext(aiter(handle.fetch_history_events(page_size=1)))
            run_id = first.workflow_execution_started_event_attributes.continued_execution_run_id
        return found

    async def version(self) -> int:
        """Of its stream."""
        return (await self._status()).version

    def _next(self) -> Command:
        """Feedback, a win or setback, a note: what people may do any number of times."""
        self._given += 1
        terms, fields = self._terms, dict[str, object](command_id=f"life/{self._given}")
        match self._given % 3:
            case 0:
                name, actor = "keep_note", terms.mentee
            case 1:
                name, actor = "record_win_or_setback", terms.mentee
            case _:
                name, actor = "give_feedback", terms.mentor
                reference = terms.success_criteria[0].criterion_id
                fields |= {
                    "receiver_id": terms.mentee,
                    "anchor": {"kind": "criterion", "reference": reference},
                }
        return COMMANDS[name].model_validate({**COMMANDS[name].example, **fields, "actor_id": actor})

    async def _ask(self, command: Command) -> None:
        await send_update(
            self._client,
            self.agreement_id,
            command.type,
            command,
            update_id=command.command_id,
            patience=timedelta(minutes=5),
        )

    async def _status(self) -> StatusView:
        return await query_workflow(
            self._client, self.agreement_id, STATUS_QUERY, StatusView, patience=timedelta(minutes=2)
        )


async def measure(commands: int, rounds: int) -> Result:
    """Brings one agreement to so many commands, then lets an old and a young one take turns."""
    async with _world() as (client, event_store, starter):
        young = [Life(client, event_store, _terms()) for _ in range(0, rounds, len(YOUNG))]
        for life in young:
            await life.begin(starter)
            for _ in range(1, YOUNG.start):
                await life.give()
        old = Life(client, event_store, _terms())
        await old.begin(starter)
        began = time.perf_counter()
        step = max(commands // 10, 1)
        for done in range(0, commands - rounds, step):
            await old.give_many(min(step, commands - rounds - done))
            _tell(f"{min(done + step, commands - rounds)} of {commands} commands")
        filled_per_second = (commands - rounds) / (time.perf_counter() - began)
        seconds_old: list[float] = []
        seconds_young: list[float] = []
        for number in range(rounds):
            seconds_young.append(await young[number % len(young)].give())
            seconds_old.append(await old.give())
        runs = await old.runs()
        young_ms, old_ms = (_median_ms(each) for each in (seconds_young, seconds_old))
        return Result(
            commands=commands,
            rounds=rounds,
            young_ms=young_ms,
            old_ms=old_ms,
            ratio=round(old_ms / young_ms, 3),
            old_slowest_ms=round(max(seconds_old) * 1000, 2),
            young_slowest_ms=round(max(seconds_young) * 1000, 2),
            filled_per_second=round(filled_per_second, 1),
            continued_as_new=len(runs) - 1,
            longest_run=max(run.events for run in runs),
            largest_run_kilobytes=round(max(run.kilobytes for run in runs), 1),
            stream=await old.version(),
        )


@asynccontextmanager
async def _world() -> AsyncGenerator[tuple[Client, EventStore, Starter]]:
    """Both servers on a fresh folder, Temporal in memory; a worker, and a mail server that takes all."""
    with tempfile.TemporaryDirectory(prefix="sojourn-", ignore_cleanup_errors=True) as folder:
        data = Path(folder)
        temporal = EmbeddedTemporal(
            data, headless=True, in_memory=True, search_attributes=attribute_types(ALL)
        )
        async with EmbeddedPostgres(data) as postgres, temporal, Mailboxes() as mailboxes:
            await migrate(postgres.owner_dsn)
            settings = load_settings(
                database_url=postgres.dsn,
                without_keys=True,
                smtp_host=mailboxes.host,
                smtp_port=mailboxes.port,
                smtp_security="none",
                log_level="ERROR",
            )
            configure_logs(settings)
            client = await Client.connect(temporal.address, data_converter=data_converter(settings))
            pool = await open_pool(postgres.dsn)
            try:
                await Directory(pool).upsert(read_people())
                async with hosting(settings, client):
                    yield client, EventStore(pool), Starter(client, settings.task_queue)
            finally:
                await pool.close()


def _terms() -> Terms:
    request = read_request(Kind.SECONDMENT, (datetime.now(UTC) - BEGAN_BEFORE).date())
    return split({**request, "request_id": f"LONG-{uuid.uuid4().hex[:8]}"}).terms


def _median_ms(seconds: Sequence[float]) -> float:
    return round(statistics.median(seconds) * 1000, 2)


def _tell(sentence: str) -> None:
    sys.stderr.write(sentence + "\n")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--commands", type=int, default=5000, help="how many the old agreement gets (5000)")
    parser.add_argument("--rounds", type=int, default=300, help="how many of each are measured (300)")
    parser.add_argument("--json", action="store_true", help="for programs")
    given = parser.parse_args()
    result = asyncio.run(measure(given.commands, given.rounds))
    if given.json:
        sys.stdout.write(json.dumps(asdict(result), indent=2) + "\n")
        return
    sys.stdout.write("".join(f"{name:>24}  {value}\n" for name, value in asdict(result).items()))


if __name__ == "__main__":
    main()
