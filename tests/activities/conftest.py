"""The record's tests run on the real PostgreSQL, each on a fresh, migrated database."""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as modern

import asyncpg
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from activities.delivery.deliver import NoticeDelivery
from activities.delivery.mail import MailSettings
from activities.directory.people import Directory
from activities.event_store.digest_log import DigestLog
from activities.event_store.event_store import EventStore
from activities.postgres.pool import open_pool
from deploy.embedded.processes import free_port
from domain.kernel.vocabulary import Kind, ObligationKind, Phase, Role, StallReason
from domain.ledger.notice import Notice, NoticeKind
from domain.ledger.obligation import LedgerChange, Obligation, Rung
from domain.stream.messages import Append, Head, NewEvent, PartyRow
from tests.activities.people_and_mail import mail_settings, person

_MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.fixture
async def pool(database: str) -> AsyncGenerator[asyncpg.Pool[asyncpg.Record]]:
    """Connections to a fresh, migrated database."""
    opened = await open_pool(database, largest=16)
    yield opened
    await opened.close()


@dataclass
class Mailbox:
    """What an SMTP server took, and how it answers."""

    taken: list[EmailMessage] = field(default_factory=list[EmailMessage])
    answers_recipients: str = "250 OK"
    answers_data: str = "250 OK"
    pauses: threading.Event | None = None
    """Where there is one, it is waited for before a mail is answered. The server has a thread of its own."""
    asked: threading.Event = field(default_factory=threading.Event)
    """Set once a mail has come."""

    async def handle_RCPT(  # noqa: N802 - the name that aiosmtpd calls
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Answer whether mail for this address is taken."""
        if self.answers_recipients.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.answers_recipients.replace("{address}", address)

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Take a message, if so minded."""
        self.asked.set()
        if self.pauses is not None:
            await asyncio.to_thread(self.pauses.wait)
        if self.answers_data.startswith("250"):
            content = envelope.content
            assert isinstance(content, bytes)
            message = message_from_bytes(content, policy=modern)
            self.taken.append(message)
        return self.answers_data


@pytest.fixture
def mailbox() -> Mailbox:
    """A mailbox with nothing in it."""
    return Mailbox()


@pytest.fixture
async def settings(mailbox: Mailbox) -> AsyncGenerator[MailSettings]:
    """How to reach a running SMTP server that fills the mailbox."""
    controller = Controller(mailbox, hostname="127.0.0.1", port=free_port())
    controller.start()
    yield mail_settings(controller.port)
    controller.stop()


@pytest.fixture
async def directory(pool: asyncpg.Pool[asyncpg.Record]) -> Directory:
    """Mia, her mentor Ravi, and Jo, who stands in for Mia."""
    people = Directory(pool)
    await people.upsert([person("p-mia", delegate_id="p-jo"), person("p-ravi"), person("p-jo")])
    return people


@pytest.fixture
def delivery(
    event_store: EventStore, directory: Directory, settings: MailSettings, days: DigestLog
) -> NoticeDelivery:
    """Delivery into the mailbox."""
    return NoticeDelivery(event_store.notices, directory, settings, days)


@pytest.fixture
def days(pool: asyncpg.Pool[asyncpg.Record]) -> DigestLog:
    """Whose day has had its mail."""
    return DigestLog(pool)


@pytest.fixture
async def owner(owner_database: str) -> AsyncGenerator[asyncpg.Pool[asyncpg.Record]]:
    """Connections to the same database as the owner of its schema, for what the application may not do."""
    opened = await open_pool(owner_database, largest=16)
    yield opened
    await opened.close()


@pytest.fixture
def event_store(pool: asyncpg.Pool[asyncpg.Record]) -> EventStore:
    """A record with nothing in it."""
    return EventStore(pool)


@pytest.fixture
def now() -> datetime:
    """The instant at which the tests' stories begin."""
    return _MONDAY


@pytest.fixture
def make_head() -> Callable[..., Head]:
    """Makes the head of an agreement: a secondment of p-ada's, mentored by p-grace."""

    def make(**changes: object) -> Head:
        fields: dict[str, object] = {
            "kind": Kind.SECONDMENT,
            "phase": Phase.AGREEMENT,
            "outcome": None,
            "tenant": "acme",
            "request_id": "request-1",
            "request_digest": "d" * 64,
            "cohort": "spring",
            "terms_version": 1,
            "starts_on": date(2026, 4, 1),
            "ends_on": date(2026, 9, 30),
            "mentor_hours_per_month": 4.5,
            "last_activity_at": _MONDAY,
            "silent_at": None,
            "paused_until": None,
            "held": False,
            "next_instant": _MONDAY + timedelta(days=14),
            "parties": (
                PartyRow(role=Role.MENTEE, person_id="p-ada"),
                PartyRow(role=Role.MENTOR, person_id="p-grace"),
            ),
        }
        return Head.model_validate({**fields, **changes})

    return make


@pytest.fixture
def make_append(make_head: Callable[..., Head]) -> Callable[..., Append]:
    """Makes an append: by default the opening of `agreement-1`, with one event that changes no obligation.

    `ledgers` gives the LedgerChange of each event in turn; `head` the changes to the usual head.
    """

    def make(
        ledgers: Sequence[LedgerChange] = (LedgerChange(),),
        *,
        expected_version: int = 0,
        head: dict[str, object] | None = None,
        data: dict[str, object] | None = None,
        **changes: object,
    ) -> Append:
        events = tuple(
            NewEvent.model_construct(
                event_id=str(uuid.uuid4()),
                type=f"story.event_{expected_version + number}",
                schema_version=1,
                data={**(data or {}), "ledger": ledger.model_dump(mode="json")},
            )
            for number, ledger in enumerate(ledgers, start=1)
        )
        fields: dict[str, object] = {
            "agreement_id": "agreement-1",
            "expected_version": expected_version,
            "command_id": f"command-{expected_version}",
            "command_type": "sign_agreement",
            "command_digest": "c" * 64,
            "actor_id": "p-ada",
            "actor_role": Role.MENTEE,
            "occurred_at": _MONDAY + timedelta(hours=expected_version),
            "events": events,
            "head": make_head(**(head or {})),
            "notices": (),
        }
        return Append.model_validate({**fields, **changes})

    return make


@pytest.fixture
def make_obligation() -> Callable[..., Obligation]:
    """Makes an obligation of p-ada's, due a week after the story begins and stalled two weeks after."""

    def make(obligation_id: str = "milestone:map", **changes: object) -> Obligation:
        fields: dict[str, object] = {
            "obligation_id": obligation_id,
            "kind": ObligationKind.MILESTONE,
            "subject": "map",
            "owner_role": Role.MENTEE,
            "owner_id": "p-ada",
            "opened_at": _MONDAY,
            "due_at": _MONDAY + timedelta(days=7),
            "stalled_at": _MONDAY + timedelta(days=14),
            "reason": StallReason.MILESTONE_OVERDUE,
            "ladder": (
                Rung(level=0, at=_MONDAY + timedelta(days=4)),
                Rung(level=1, at=_MONDAY + timedelta(days=8)),
                Rung(level=2, at=_MONDAY + timedelta(days=11)),
                Rung(level=3, at=_MONDAY + timedelta(days=15)),
            ),
        }
        return Obligation.model_validate({**fields, **changes})

    return make


@pytest.fixture
def make_notice() -> Callable[..., Notice]:
    """Makes a notice to p-ada about her milestone."""

    def make(notice_id: str = "notice-1", **changes: object) -> Notice:
        fields: dict[str, object] = {
            "notice_id": notice_id,
            "kind": NoticeKind.OBLIGATION_OPENED,
            "agreement_id": "agreement-1",
            "agreement_kind": Kind.SECONDMENT,
            "recipient_id": "p-ada",
            "recipient_role": Role.MENTEE,
            "not_before": _MONDAY,
            "event_type": "milestone.agreed",
            "obligation_id": "milestone:map",
            "obligation_kind": ObligationKind.MILESTONE,
            "due_at": _MONDAY + timedelta(days=7),
        }
        return Notice.model_validate({**fields, **changes})

    return make
