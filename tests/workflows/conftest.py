"""A house where placements live: real servers, a worker of its own, people, a mailbox, a clock to turn."""

from __future__ import annotations

import asyncio
import email
import email.policy
import json
import threading
import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any, TypeVar, cast

import asyncpg
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from google.protobuf.json_format import ParseDict
from pydantic import JsonValue
from temporalio.api.common.v1 import Payload
from temporalio.api.enums.v1 import EventType, PendingActivityState
from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.client import Client, WorkflowHandle, WorkflowHistory, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

# The one way to turn the clock of a workflow whose client and worker are not the test environment's own.
from temporalio.testing._timeskipping import TimeSkipper, TimeSkippingConfig
from temporalio.worker import Interceptor

from activities.directory.people import Directory
from activities.encryption.payload_codec import EncryptingCodec, is_encrypted
from activities.event_store.event_store import EventStore
from activities.postgres.pool import open_pool
from application.config.keys import encryption_of, key_ring
from application.settings import Settings, load_settings
from application.temporal.status_query import query_workflow
from deploy.embedded.processes import free_port
from domain.agreement.commands import COMMANDS, Command
from domain.agreement.commands.time import LetTimePass
from domain.agreement.state import Agreement
from domain.decisions.decide import SYSTEM_ACTOR, decide
from domain.decisions.time_passing import next_instant
from domain.kernel.person import Person
from domain.kernel.vocabulary import Kind, ObligationKind, Phase
from domain.ledger.obligation import Obligation
from domain.stream.serialization import fold_recorded
from domain.terms import Terms
from domain.terms.requests import split
from domain.views.health import oldest_first
from domain.views.status import StatusView
from tests.fixtures.paths import EXAMPLES
from workers.demo.cast import answer
from workers.runtime.metrics_endpoints import sdk_runtime
from workers.runtime.worker import hosting
from workflows.contract import (
    CONFIRM_UPDATE,
    REFUSED,
    STATUS_QUERY,
    WORKFLOW_TYPES,
    AgreementInput,
    Receipt,
    agreement_id_of,
)
from workflows.search_attributes import at_start

JUST_BEFORE_DUE = timedelta(hours=30)
"""How long before a due instant the cast does what takes time; the rest is done once it is asked."""

DONE_WHEN_ASKED = frozenset(
    {
        ObligationKind.SIGNATURE,
        ObligationKind.ANNEX_SIGNATURE,
        ObligationKind.MILESTONE_VERIFICATION,
        ObligationKind.FEEDBACK,
        ObligationKind.SESSION_DEBRIEF,
    }
)

Answer = TypeVar("Answer")
KeepingHouse = Callable[[str, Client, "Mailbox"], AbstractAsyncContextManager["House"]]


async def eventually(
    read: Callable[[], Awaitable[Answer]], until: Callable[[Answer], bool], *, seconds: float = 15
) -> Answer:
    """Looks until it is as it should be, and returns it.

    Raises:
        AssertionError: It was not in time; the text shows what was there.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while not until(seen := await read()):
        if loop.time() > deadline:
            raise AssertionError(f"not within {seconds:g} s; last seen: {seen!r:.2000}")
        await asyncio.sleep(0.05)
    return seen


def refusal_of(failed: WorkflowUpdateFailedError) -> tuple[str, str]:
    """The code and the sentence by which a command was refused."""
    cause = failed.cause
    if not isinstance(cause, ApplicationError) or cause.type != REFUSED:
        raise AssertionError(f"not a refusal: {cause!r}")
    code, sentence = cause.details
    return code, sentence


def names_somebody(recorded: str) -> list[str]:
    """The names and addresses of the directory that a history holds, in clear or inside its payloads.

    Args:
        recorded: Histories as Temporal's JSON.
    """
    ring = key_ring(load_settings())
    assert ring is not None
    payloads = list(_payloads(json.loads(recorded), EncryptingCodec(ring)))
    assert payloads, "a history has payloads"
    texts = [recorded, *(payload.data.decode(errors="replace") for payload in payloads)]
    # Inside JSON a letter beyond ASCII may be escaped.
    written = "\n".join(text + text.encode().decode("unicode_escape", errors="replace") for text in texts)
    people = json.loads((EXAMPLES / "people.json").read_text())
    return [found for person in people for found in (person["name"], person["email"]) if found in written]


def _payloads(held: Any, codec: EncryptingCodec) -> Iterator[Payload]:  # noqa: ANN401  any JSON
    """Every payload of a message, opened."""
    if isinstance(held, list):
        for each in cast("list[Any]", held):
            yield from _payloads(each, codec)
    elif isinstance(held, dict):
        fields = cast("dict[str, Any]", held)
        if "encoding" in (fields.get("metadata") or {}):
            payload = ParseDict(fields, Payload(), ignore_unknown_fields=True)
            yield codec.decrypt(payload) if is_encrypted(payload) else payload
        else:
            for each in fields.values():
                yield from _payloads(each, codec)


class Mailbox:
    """What arrived at the mail server, which a test can close and open again."""

    def __init__(self) -> None:
        self._controller: Controller | None = None
        self._port = free_port()
        self.answers = threading.Event()
        """Cleared, it hangs once a message is there, until it is set."""
        self.answers.set()
        self.mails: list[EmailMessage] = []

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Takes a message; the name is the one that aiosmtpd calls."""
        # The server has a thread and a loop of its own.
        await asyncio.to_thread(self.answers.wait)
        content = envelope.content
        assert isinstance(content, bytes)
        self.mails.append(email.message_from_bytes(content, EmailMessage, policy=email.policy.default))  # pyright: ignore[reportArgumentType]
        return "250 OK"

    @property
    def port(self) -> int:
        """Where it listens, or would."""
        return self._port

    def open(self) -> None:
        """Takes mail from now on."""
        self._controller = Controller(self, hostname="127.0.0.1", port=self._port)
        self._controller.start()

    def close(self) -> None:
        """Refuses connections from now on."""
        if self._controller is not None:
            self._controller.stop()
        self._controller = None


@dataclass
class Placement:
    """One placement under way."""

    house: House
    terms: Terms
    handle: WorkflowHandle[Any, Any]
    folded: Agreement | None = None
    """What was read of the stream so far."""

    @property
    def agreement_id(self) -> str:
        """Its id, which is the workflow's too."""
        return self.handle.id

    async def agreement(self) -> Agreement:
        """As its stream folds."""
        known = 0 if self.folded is None else self.folded.version
        self.folded = fold_recorded(
            await self.house.event_store.stream(self.agreement_id, known), self.folded
        )
        assert self.folded is not None
        return self.folded

    async def status(self) -> StatusView:
        """What the workflow says of itself."""
        return await query_workflow(self.house.client, self.agreement_id, STATUS_QUERY, StatusView)

    async def now(self) -> datetime:
        """The instant at which the workflow lives."""
        return await self.house.skipper.get_current_time(self.handle)

    async def next_instant(self) -> datetime:
        """When, by its record, it is next to wake by itself: for the ledger and for nothing else."""
        instant = next_instant(await self.agreement(), await self.now())
        assert instant is not None
        return instant.replace(second=0, microsecond=0)

    async def alarm(self) -> datetime | None:
        """When the one timer of its run fires, to the minute: it is started once its task has appended."""

        async def last_timer() -> datetime | None:
            return _running_timer((await self.histories())[-1])

        found = await eventually(last_timer, lambda seen: seen is not None, seconds=60)
        return None if found is None else found.replace(second=0, microsecond=0)

    longest_step = timedelta.max
    """Of virtual time in one fast-forward."""

    async def fast_forward(self, duration: timedelta) -> bool:
        """Lets virtual time pass until what it brings is recorded; False where the placement ended before."""
        goes_on = True
        while goes_on and duration > timedelta():
            # The server skips 200 times in one fast-forward, and each try of a letter is one of them.
            step = min(duration, self.longest_step)
            goes_on = await self.house.skipper.fast_forward(self.handle, step)
            duration -= step
        if goes_on:
            # The server may skip to the end of a fast-forward before the first task of a run that took over.
            await self.house.eventually(self._up_to_date, bool, seconds=30)
        return goes_on

    async def _up_to_date(self) -> bool:
        """Whether all that time has brought by now is recorded, and the workflow knows it."""
        agreement = await self.agreement()
        if agreement.closed:
            return True
        time_passes = LetTimePass(command_id="time/test", actor_id=SYSTEM_ACTOR)
        due = decide(agreement, time_passes, await self.now())
        return not due and (await self.status()).version == agreement.version

    async def act(self, command: Command | str, *, update_id: str | None = None, **fields: object) -> Receipt:
        """Gives a command: a model, or its name with its fields. Without a command id it gets a fresh one."""
        if isinstance(command, str):
            fields.setdefault("command_id", f"test/{uuid.uuid4()}")
            command = COMMANDS[command].model_validate(fields)
        return await self.handle.execute_update(  # pyright: ignore[reportUnknownMemberType]  one overload of theirs
            command.type, command, id=update_id or command.command_id, result_type=Receipt
        )

    def feedback(self, command_id: str) -> Command:
        """The mentor tells the mentee something useful: a command that may be given any number of times."""
        terms = self.terms
        return COMMANDS["give_feedback"].model_validate(
            {
                "command_id": command_id,
                "actor_id": terms.mentor,
                "receiver_id": terms.mentee,
                "behaviour": "You opened with the open decisions.",
                "effect": "We settled two of them.",
                "next_step": "Send them round a day before.",
                "anchor": {"kind": "criterion", "reference": terms.success_criteria[0].criterion_id},
                "tone": "praise",
            }
        )

    async def confirm(self) -> Receipt:
        """Waits until the proposal is in the record."""
        return await self.handle.execute_update(  # pyright: ignore[reportUnknownMemberType]  likewise
            CONFIRM_UPDATE, result_type=Receipt
        )

    async def histories(self) -> list[WorkflowHistory]:
        """What Temporal holds of every run so far, the first run first."""
        found: list[WorkflowHistory] = []
        run_id: str | None = None
        while True:
            history = await self.house.client.get_workflow_handle(
                self.agreement_id, run_id=run_id
            ).fetch_history()
            found.insert(0, history)
            run_id = history.events[0].workflow_execution_started_event_attributes.continued_execution_run_id
            if not run_id:
                return found

    async def to_replay(self) -> list[WorkflowHistory]:
        """The same, once the last run has its first task: of a history of one event a replay never ends."""
        return await eventually(self.histories, lambda runs: len(runs[-1].events) > 1, seconds=30)

    async def under_way(self, activity: str, *, started: bool = False) -> int:
        """How many activities of a type Temporal waits for; where `started`, those that a worker is at."""
        description = await self.handle.describe()
        return sum(
            pending.activity_type.name == activity
            and (not started or pending.state == PendingActivityState.PENDING_ACTIVITY_STATE_STARTED)
            for pending in description.raw_description.pending_activities
        )

    async def details(self) -> str:
        """What the Temporal UI shows about it now."""
        metadata = await self.handle.query("__temporal_workflow_metadata", result_type=WorkflowMetadata)
        return metadata.current_details

    async def names_somebody(self) -> list[str]:
        """The names and addresses of the directory that Temporal holds about it."""
        return [found for history in await self.histories() for found in names_somebody(history.to_json())]

    async def outcome(self) -> str:
        """What the workflow returned, once it has ended."""
        return await self.handle.result()

    async def cast_answer(self, owed: Obligation) -> Command | None:
        """What the cast would do about an obligation."""
        agreement = await self.agreement()
        return answer(owed, self.terms, agreement.terms_version, agreement.synthesis_versions)

    async def answer_all(self, kind: ObligationKind) -> int:
        """Lets the cast fulfil every open obligation of a kind; returns how many there were."""
        owed = [each for each in (await self.agreement()).obligations.values() if each.kind is kind]
        for obligation in owed:
            command = await self.cast_answer(obligation)
            assert command is not None
            await self.act(command)
        return len(owed)

    async def become_active(self) -> Agreement:
        """Everybody signs, and the first day comes."""
        return await self.live_until(lambda agreement: agreement.phase is Phase.ACTIVE)

    async def live_until(
        self,
        reached: Callable[[Agreement], bool],
        *,
        answers: Callable[[Obligation], bool] = lambda _: True,
        each_step: Callable[[Agreement], Awaitable[None]] | None = None,
        steps: int = 400,
        in_strides: bool = False,
    ) -> Agreement:
        """Lets the cast act and time pass until the agreement is as wanted, or closed.

        Args:
            reached: Where to stop.
            answers: Which obligations the cast looks after; the others are left to time.
            each_step: Looks on before each step.
            steps: After how many of them something is wrong.
            in_strides: Passes over instants at which the ledger changes and the cast has nothing to do yet.
        """
        for _ in range(steps):
            agreement = await self.agreement()
            if each_step is not None:
                await each_step(agreement)
            if agreement.closed or reached(agreement):
                return agreement
            now = await self.now()
            if not await self._act_once(agreement, answers, now):
                instant = next_instant(agreement, now)
                assert instant is not None, f"waits on nothing at {now}: {await self.status()}"
                if in_strides:
                    instant = max([instant, *_first_to_do(agreement, answers)])
                await self.fast_forward(instant - now + timedelta(seconds=1))
        raise AssertionError(f"not reached within {steps} steps; now {await self.status()}")

    async def _act_once(
        self, agreement: Agreement, answers: Callable[[Obligation], bool], now: datetime
    ) -> bool:
        for owed in oldest_first(agreement):
            due = owed.due_at - now <= JUST_BEFORE_DUE
            if not answers(owed) or not (due or owed.kind in DONE_WHEN_ASKED):
                continue
            command = answer(owed, self.terms, agreement.terms_version, agreement.synthesis_versions)
            if command is not None and await self._accepted(command):
                return True
        return False

    async def _accepted(self, command: Command) -> bool:
        try:
            await self.act(command)
        except WorkflowUpdateFailedError as failed:
            # Some things have their turn, such as the next leg after the handover: it is tried again later.
            if refusal_of(failed)[0] != "out_of_order":
                raise
            return False
        return True


class House:
    """A worker over real servers, with the people of the examples and a mailbox."""

    def __init__(
        self, client: Client, settings: Settings, pool: asyncpg.Pool[asyncpg.Record], mailbox: Mailbox
    ) -> None:
        self.client = client
        self.settings = settings
        self.pool = pool
        encryption = encryption_of(settings, pool)
        self.event_store = EventStore(pool, encryption)
        self.directory = Directory(pool, encryption)
        self.mailbox = mailbox
        self.skipper = TimeSkipper(client, config=TimeSkippingConfig(enabled=False))
        self._workers: list[AsyncExitStack] = []

    eventually = staticmethod(eventually)

    @staticmethod
    async def refused(acting: Awaitable[object]) -> tuple[str, str]:
        """Does what is to be refused; returns the code and the sentence."""
        with pytest.raises(WorkflowUpdateFailedError) as failed:
            await acting
        return refusal_of(failed.value)

    async def open_worker(
        self, *, takes_over: bool = False, interceptors: Sequence[Interceptor] = (), **settings: object
    ) -> AsyncExitStack:
        """Starts one more worker; closing what is returned stops it.

        Args:
            takes_over: Whether its version becomes the current one.
            interceptors: For its workflows and activities.
            settings: What it is to know that the others do not.
        """
        stack = AsyncExitStack()
        own = self.settings.model_copy(update=settings)
        # Over a connection of its own, as it would be in a process of its own.
        client = await Client.connect(
            self.client.service_client.config.target_host,
            namespace=self.client.namespace,
            data_converter=self.client.data_converter,
            runtime=sdk_runtime(own),
        )
        await stack.enter_async_context(
            hosting(own, client, interceptors=interceptors, takes_over=takes_over)
        )
        self._workers.append(stack)
        return stack

    async def change_worker(self, **settings: object) -> None:
        """Stops every worker and starts a new one, which knows nothing of any workflow."""
        await self.close_workers()
        await self.open_worker(takes_over=True, interceptors=(), **settings)

    async def close_workers(self) -> None:
        """Stops every worker."""
        while self._workers:
            await self._workers.pop().aclose()

    def request(self, kind: str, **changes: object) -> dict[str, Any]:
        """An example request under an id of its own."""
        raw = json.loads((EXAMPLES / f"{kind}.json").read_text())
        return {**raw, "request_id": f"TEST-{uuid.uuid4().hex[:12]}", **changes}

    def terms(self, kind: str, **changes: object) -> dict[str, JsonValue]:
        """The terms of an example request as a workflow takes them: people by id only."""
        return split(self.request(kind, **changes)).terms.model_dump(mode="json")

    async def place(self, kind: str, **changes: object) -> Placement:
        """Starts an example placement and waits until it is in the record."""
        people, terms = split(self.request(kind, **changes))
        await self.directory.upsert(people)
        handle = await self.skipper.client.start_workflow(
            WORKFLOW_TYPES[Kind(terms.kind)],
            AgreementInput(terms=terms.model_dump(mode="json")),
            id=agreement_id_of(terms),
            task_queue=self.settings.task_queue,
            search_attributes=at_start(terms),
        )
        placement = Placement(self, terms, self.client.get_workflow_handle(handle.id))
        await placement.confirm()
        return placement

    async def resume(self, placement: Placement) -> Placement:
        """Starts the workflow of a known agreement again, from its record alone."""
        await self.skipper.client.start_workflow(
            WORKFLOW_TYPES[Kind(placement.terms.kind)],
            AgreementInput(agreement_id=placement.agreement_id),
            id=placement.agreement_id,
            task_queue=self.settings.task_queue,
        )
        return placement


@asynccontextmanager
async def _keeping_house(database: str, client: Client, mailbox: Mailbox) -> AsyncGenerator[House]:
    """A house over a migrated database, with one worker on a task queue of its own."""
    settings = load_settings(
        database_url=database,
        database_pool_size=8,
        max_concurrent_activities=8,
        task_queue=f"house-{uuid.uuid4().hex[:12]}",
        smtp_host="127.0.0.1",
        smtp_port=mailbox.port,
        smtp_security="none",
        smtp_timeout_seconds=5,
        shutdown_seconds=5,
    )
    pool = await open_pool(database, largest=8)
    house = House(client, settings, pool, mailbox)
    everybody = json.loads((EXAMPLES / "people.json").read_text())
    await house.directory.upsert([Person.model_validate(each) for each in everybody])
    try:
        await house.open_worker()
        yield house
    finally:
        await house.close_workers()
        await pool.close()


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    """A real mail server that takes everything."""
    box = Mailbox()
    box.open()
    yield box
    box.close()


@pytest.fixture
async def house(database: str, client: Client, mailbox: Mailbox) -> AsyncGenerator[House]:
    """Everything that a placement needs to live."""
    async with _keeping_house(database, client, mailbox) as open_house:
        yield open_house


@pytest.fixture
def finding_names() -> Callable[[str], list[str]]:
    """Finds the names and addresses of the directory in recorded histories."""
    return names_somebody


@pytest.fixture
def keeping_house() -> KeepingHouse:
    """Keeps a house over a database that a test brings along."""
    return _keeping_house


def _first_to_do(agreement: Agreement, answers: Callable[[Obligation], bool]) -> Iterator[datetime]:
    """When the cast next does something about what is owed; nothing where nothing is."""
    owed = [each.due_at for each in agreement.obligations.values() if answers(each)]
    if owed:
        yield min(owed) - JUST_BEFORE_DUE


def _running_timer(history: WorkflowHistory) -> datetime | None:
    """When the one timer of a run fires; None where none runs yet, or where it is about to hand over."""
    running: dict[str, datetime] = {}
    for event in history.events:
        if event.event_type == EventType.EVENT_TYPE_TIMER_STARTED:
            started = event.timer_started_event_attributes
            at = event.event_time.ToDatetime(tzinfo=UTC) + started.start_to_fire_timeout.ToTimedelta()
            running[started.timer_id] = at + timedelta(milliseconds=500)
        elif event.event_type == EventType.EVENT_TYPE_TIMER_CANCELED:
            running.pop(event.timer_canceled_event_attributes.timer_id)
        elif event.event_type == EventType.EVENT_TYPE_TIMER_FIRED:
            running.pop(event.timer_fired_event_attributes.timer_id)
    return next(iter(running.values())) if len(running) == 1 else None
