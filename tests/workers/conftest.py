"""What the command line's tests share: a database of their own, a way to call it, and lives already lived."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import uuid
from asyncio.subprocess import PIPE
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from pydantic import JsonValue
from temporalio.client import Client
from typer.testing import CliRunner, Result

from activities.directory.calendars import CalendarSources
from activities.directory.people import Directory
from activities.encryption.encrypt import Seals
from activities.event_store.event_store import Record
from activities.postgres.pool import open_pool
from application.config.keys import seals_of
from application.settings import Settings, load_settings
from deploy.embedded import EmbeddedTemporal
from domain.agreement.commands import COMMANDS, Command, ProposeAgreement
from domain.agreement.commands.time import LetTimePass
from domain.agreement.state import Agreement
from domain.decisions.decide import decide
from domain.decisions.time_passing import next_instant
from domain.handling.handle import step
from domain.kernel.calendar import Calendar
from domain.kernel.errors import Refused
from domain.kernel.person import Person
from domain.ledger.obligation import Obligation
from domain.terms import Terms
from domain.terms.requests import split
from workers.cli import app
from workers.demo.cast import answer
from workers.runtime.worker import hosting
from workflows.contract import agreement_id_of

EXAMPLES = Path(__file__).parents[2] / "examples"


Sojourn = Callable[..., Awaitable[Result]]
Lives = Callable[..., Awaitable[Agreement]]
Gives = Callable[..., Awaitable[Agreement]]


@pytest.fixture
async def pool(database: str) -> AsyncGenerator[asyncpg.Pool[asyncpg.Record]]:
    """Connections to a fresh, migrated database."""
    opened = await open_pool(database, largest=8)
    yield opened
    await opened.close()


@pytest.fixture
def seals(pool: asyncpg.Pool[asyncpg.Record]) -> Seals:
    """What seals and opens, with the keys that every test finds in its environment."""
    return seals_of(load_settings(), pool)


@pytest.fixture
def record(pool: asyncpg.Pool[asyncpg.Record], seals: Seals) -> Record:
    """A record with nothing in it."""
    return Record(pool, seals)


@pytest.fixture
def directory(pool: asyncpg.Pool[asyncpg.Record], seals: Seals) -> Directory:
    """A directory with nobody in it."""
    return Directory(pool, seals)


@pytest.fixture(scope="session")
def people() -> Mapping[str, Person]:
    """The people of the examples, by id."""
    everybody = json.loads((EXAMPLES / "people.json").read_text())
    return {each["person_id"]: Person.model_validate_json(json.dumps(each)) for each in everybody}


@pytest.fixture
def example() -> Callable[[str], dict[str, Any]]:
    """Gives an example request by its kind, to be changed at will."""
    return lambda kind: json.loads((EXAMPLES / f"{kind}.json").read_text())


@pytest.fixture
def sojourn(database: str, owner_database: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Sojourn:
    """The command line on this test's own database, in an empty folder; `given` is its standard input."""
    monkeypatch.setenv("SOJOURN_DATABASE_URL", database)
    monkeypatch.setenv("SOJOURN_OWNER_DATABASE_URL", owner_database)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(tmp_path)
    runner = CliRunner()

    async def call(*arguments: str, given: str | None = None) -> Result:
        # In a thread, because each command runs an event loop of its own.
        return await asyncio.to_thread(runner.invoke, app, list(arguments), input=given)

    return call


_KILLED = """
import importlib, os, signal, sys
from datetime import date

module, _, name = sys.argv[1].partition(":")
name, _, only_with = name.partition("=")
*owners, name = name.split(".")
owner = importlib.import_module(module)
for each in owners:
    owner = getattr(owner, each)
before = getattr(owner, name)

def instead(*given, **named):
    if only_with and only_with not in given:
        return before(*given, **named)
    os.kill(os.getpid(), signal.SIGKILL)

setattr(owner, name, instead)
if sys.argv[2]:
    retention = importlib.import_module("workers.cli.data_rights.retention")
    retention.today = lambda: date.fromisoformat(sys.argv[2])
importlib.import_module("workers.cli").app(sys.argv[3:])
"""


@pytest.fixture
def killed_at(sojourn: Sojourn) -> Callable[..., Awaitable[None]]:  # noqa: ARG001  it sets the database first
    """Runs a command in a process of its own that is killed (SIGKILL) when it comes to a seam.

    A seam is `module:Owner.name`, with `=argument` only where it is called with that argument.
    """

    async def run(seam: str, *arguments: str, today: date | None = None) -> None:
        day = "" if today is None else today.isoformat()
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", _KILLED, seam, day, *arguments, stdout=PIPE, stderr=PIPE
        )
        said = await process.communicate()
        assert process.returncode == -signal.SIGKILL, (seam, said)

    return run


@pytest.fixture
def settings(
    sojourn: Sojourn,  # noqa: ARG001  it sets the database first
    temporal: EmbeddedTemporal,
    monkeypatch: pytest.MonkeyPatch,
) -> Settings:
    """The settings of both sides: the command line and the worker."""
    monkeypatch.setenv("TEMPORAL_ADDRESS", temporal.address)
    monkeypatch.setenv("SOJOURN_TASK_QUEUE", f"cli-{uuid.uuid4().hex[:8]}")
    monkeypatch.setenv("SOJOURN_SMTP_PORT", "1")
    return load_settings()


@pytest.fixture
async def worker(settings: Settings, client: Client) -> AsyncGenerator[None]:
    """A worker that serves this test's task queue."""
    async with hosting(settings, client):
        yield


@pytest.fixture
async def known(directory: Directory, people: Mapping[str, Person]) -> None:
    """A directory with everybody of the examples."""
    await directory.upsert(list(people.values()))


@pytest.fixture
def request_of(example: Callable[[str], dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """Gives an example with fields changed, under a tenant that no other test uses."""
    tenant = f"t-{uuid.uuid4().hex[:8]}"

    def make(kind: str, **changes: object) -> dict[str, Any]:
        return {**example(kind), "tenant": tenant, **changes}

    return make


@pytest.fixture
def give(record: Record) -> Gives:
    """Gives an agreement one more command in somebody's name, a minute after its last event."""

    async def given(agreement: Agreement, name: str, actor_id: str, **fields: object) -> Agreement:
        command = COMMANDS[name].model_validate_json(
            json.dumps({"command_id": str(uuid.uuid4()), "actor_id": actor_id, **fields})
        )
        last = (await record.stream(agreement.agreement_id))[-1]
        after = await committed(record, agreement, command, last.occurred_at + timedelta(minutes=1))
        assert after is not None
        return after

    return given


@pytest.fixture
def live(record: Record, people: Mapping[str, Person]) -> Lives:
    """Records a life up to some days after approval, without Temporal: the same decisions, sooner.

    Each obligation that `answers` says so of is answered at once, as the demonstration's cast would.
    """

    async def lived(
        kind: str,
        *,
        days: int,
        answers: Callable[[Obligation], bool] = lambda _: True,
        request_id: str | None = None,
        **changes: JsonValue,
    ) -> Agreement:
        raw = json.loads((EXAMPLES / f"{kind}.json").read_text())
        terms = split({**raw, "request_id": request_id or raw["request_id"], **changes}).terms
        life = _Life(record, terms, _calendars(terms, people))
        await life.propose(terms.approved_at + timedelta(hours=1))
        await life.until(terms.approved_at + timedelta(days=days), answers)
        assert life.agreement is not None
        return life.agreement

    return lived


@pytest.fixture
async def closed(
    known: None,  # noqa: ARG001  the directory knows everybody first
    live: Lives,
) -> Agreement:
    """A secondment that is over, and whose people wrote a lot."""
    agreement = await live("secondment", days=900)
    assert agreement.closed
    return agreement


class _Life:
    """One agreement under way."""

    def __init__(self, record: Record, terms: Terms, calendars: Mapping[str, Calendar]) -> None:
        self._record = record
        self._terms = terms
        self._calendars = calendars
        self._now = terms.approved_at
        self._refused: set[str] = set()
        self.agreement: Agreement | None = None

    async def propose(self, at: datetime) -> None:
        self._now = at
        agreement_id = agreement_id_of(self._terms)
        await self._commit(
            ProposeAgreement(
                command_id=f"propose/{agreement_id}",
                actor_id=self._terms.approved_by,
                agreement_id=agreement_id,
                terms=self._terms,
            )
        )

    async def until(self, end: datetime, answers: Callable[[Obligation], bool]) -> None:
        while self.agreement is not None and not self.agreement.closed:
            await self._answer(answers)
            upcoming = next_instant(self.agreement, self._now)
            if upcoming is None or upcoming > end:
                return
            self._now = max(upcoming, self._now + timedelta(milliseconds=1))
            await self._commit(LetTimePass(command_id=f"time/{uuid.uuid4()}", actor_id="system"))

    async def _answer(self, answers: Callable[[Obligation], bool]) -> None:
        assert self.agreement is not None
        for owed in list(self.agreement.obligations.values()):
            command = answer(owed, self._terms) if answers(owed) else None
            if command is None or command.command_id in self._refused:
                continue
            try:
                await self._commit(command)
            except Refused:
                self._refused.add(command.command_id)

    async def _commit(self, command: Command) -> None:
        calendars = self._calendars if self.agreement is None else None
        self.agreement = await committed(self._record, self.agreement, command, self._now, calendars)


async def committed(
    record: Record,
    before: Agreement | None,
    command: Command,
    at: datetime,
    calendars: Mapping[str, Calendar] | None = None,
) -> Agreement | None:
    """What an agreement is after a command, in the record by then; unchanged where nothing follows."""
    events = decide(before, command, at, calendars or {})
    if not events:
        return before
    after, append = step(before, command, events, [str(uuid.uuid4()) for _ in events], at)
    assert (await record.append(append)).outcome == "appended"
    return after


def _calendars(terms: Terms, people: Mapping[str, Person]) -> dict[str, Calendar]:
    sources = CalendarSources()
    first, last = terms.approved_at.date(), terms.planned_end + timedelta(days=730)
    return {person_id: sources.resolve(person, first, last) for person_id, person in people.items()}
