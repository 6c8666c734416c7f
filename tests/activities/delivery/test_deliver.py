"""Notices, from the outbox in the real PostgreSQL to a real SMTP server."""

from __future__ import annotations

import asyncio
import logging
import uuid
from datetime import UTC, date, datetime, timedelta
from email.message import EmailMessage
from typing import TYPE_CHECKING, Any

import pytest
from icalendar import Calendar

from activities.delivery.attempts import Attempt
from activities.delivery.channels import post
from activities.delivery.deliver import NoticeDelivery
from activities.delivery.failures import TemporaryDeliveryError
from activities.delivery.mail import MailSettings
from activities.directory.people import Directory
from activities.event_store.digest_log import DigestLog
from activities.event_store.event_store import EventStore
from activities.postgres.rows import NoticeRow
from deploy.embedded.processes import free_port
from domain.kernel.calendar import Leave
from domain.kernel.person import Person
from domain.kernel.vocabulary import Kind, ObligationKind, ObligationStatus, Outcome, Phase, Role, StallReason
from domain.ledger.notice import Meeting, Notice, NoticeKind
from domain.ledger.obligation import LedgerChange, Obligation, Settlement
from domain.stream.messages import Append, Head, NewEvent, PartyRow
from tests.activities.people_and_mail import mail_settings, person

if TYPE_CHECKING:
    from tests.activities.conftest import Mailbox

RETRIED = Attempt("run/1", most_tries=12, another_follows=True)
AT = datetime(2026, 11, 20, 9, tzinfo=UTC)
AGREEMENT = "shadowing-7"
OBLIGATION = "check_in:3"


def _notice(kind: NoticeKind = NoticeKind.REMINDER, **fields: Any) -> Notice:  # noqa: ANN401 - any field
    known: dict[str, Any] = {
        "notice_id": f"{AGREEMENT}:{uuid.uuid4()}",
        "kind": kind,
        "agreement_id": AGREEMENT,
        "agreement_kind": Kind.SHADOWING,
        "recipient_id": "p-mia",
        "recipient_role": Role.MENTEE,
        "not_before": AT,
        "event_type": "obligation.escalated",
        "obligation_id": OBLIGATION,
        "obligation_kind": ObligationKind.CHECK_IN,
        "due_at": AT - timedelta(days=1),
        "level": 1,
    }
    return Notice.model_validate(known | fields)


def _meeting(sequence: int = 0, starts_at: datetime = AT + timedelta(days=4)) -> Meeting:
    return Meeting(
        uid=f"{AGREEMENT}/{OBLIGATION}",
        sequence=sequence,
        starts_at=starts_at,
        minutes=30,
        attendees=("p-mia", "p-ravi"),
    )


async def _write(
    event_store: EventStore,
    *notices: Notice,
    ledger: LedgerChange | None = None,
    phase: Phase = Phase.ACTIVE,
    outcome: Outcome | None = None,
) -> None:
    """Append one event with these notices."""
    known = await event_store.read_models.agreement(AGREEMENT)
    command_id = str(uuid.uuid4())
    appended = await event_store.append(
        Append(
            agreement_id=AGREEMENT,
            expected_version=0 if known is None else known.version,
            command_id=command_id,
            command_type="let_time_pass",
            command_digest="0" * 64,
            actor_id="system",
            actor_role=Role.SYSTEM,
            occurred_at=AT,
            events=(
                NewEvent(
                    event_id=str(uuid.uuid4()),
                    type="obligation.escalated",
                    schema_version=1,
                    data={"ledger": (ledger or LedgerChange()).model_dump(mode="json")},
                ),
            ),
            head=Head(
                kind=Kind.SHADOWING,
                phase=phase,
                outcome=outcome,
                tenant="acme",
                request_id="request-7",
                request_digest="0" * 64,
                cohort=None,
                terms_version=1,
                starts_on=date(2026, 11, 2),
                ends_on=date(2026, 12, 11),
                mentor_hours_per_month=4,
                last_activity_at=AT,
                silent_at=None,
                paused_until=None,
                held=False,
                next_instant=None if phase is Phase.CLOSED else AT + timedelta(days=1),
                parties=(PartyRow(role=Role.MENTEE, person_id="p-mia"),),
            ),
            notices=notices,
        )
    )
    assert appended.outcome == "appended"


async def _queue(
    event_store: EventStore,
    *notices: Notice,
    kind: ObligationKind = ObligationKind.CHECK_IN,
    subject: str = "3",
) -> None:
    """An agreement whose check-in is owed, or something else, with these notices in its outbox."""
    obligation = Obligation(
        obligation_id=f"{kind}:{subject}",
        kind=kind,
        subject=subject,
        owner_role=Role.MENTEE,
        owner_id="p-mia",
        opened_at=AT - timedelta(days=7),
        due_at=AT - timedelta(days=1),
        stalled_at=AT + timedelta(days=2),
        reason=StallReason.CHECKINS_MISSED,
        ladder=(),
    )
    await _write(event_store, *notices, ledger=LedgerChange(opened=(obligation,)))


async def _outbox(event_store: EventStore) -> NoticeRow:
    (row,) = await event_store.notices.of(AGREEMENT)
    return row


async def test_a_notice_arrives_with_its_headers_and_is_noted_as_sent(
    delivery: NoticeDelivery, event_store: EventStore, mailbox: Mailbox
) -> None:
    """The mail names agreement and obligation for tooling, and the outbox knows when it went out."""
    notice = _notice()
    await _queue(event_store, notice)
    result = await delivery.deliver(notice, AT)
    assert (result.outcome, result.delivered_to) == ("sent", "p-mia")
    (mail,) = mailbox.taken
    assert mail["To"] == "mia@example.org"
    assert mail["From"] == "Sojourn <sojourn@example.org>"
    assert mail["Subject"] == "Still open: check-in"
    assert (mail["X-Sojourn-Agreement"], mail["X-Sojourn-Obligation"]) == (AGREEMENT, OBLIGATION)
    assert (mail["X-Sojourn-Notice"], mail["X-Sojourn-Kind"]) == (notice.notice_id, "reminder")
    assert mail["Auto-Submitted"] == "auto-generated"
    row = await _outbox(event_store)
    assert (row.state, row.sent_at, row.last_error) == ("sent", AT, None)


async def test_a_settled_notice_is_not_sent_again(
    delivery: NoticeDelivery, event_store: EventStore, mailbox: Mailbox
) -> None:
    """Delivering the same notice twice, as a retried activity does, sends one mail."""
    notice = _notice()
    await _queue(event_store, notice)
    await delivery.deliver(notice, AT)
    again = await delivery.deliver(notice, AT)
    assert (again.outcome, again.detail) == ("skipped", "this notice is settled already: sent")
    assert len(mailbox.taken) == 1
    assert (await _outbox(event_store)).state == "sent"


async def test_a_fulfilled_obligation_is_not_reminded_of(
    delivery: NoticeDelivery, event_store: EventStore, mailbox: Mailbox
) -> None:
    """The obligation is looked at again: fulfilled since the notice was queued means not sent."""
    notice = _notice()
    await _queue(event_store, notice)
    settled = Settlement(obligation_id=OBLIGATION, status=ObligationStatus.FULFILLED)
    await _write(event_store, ledger=LedgerChange(settled=(settled,)))
    result = await delivery.deliver(notice, AT)
    assert (result.outcome, result.detail) == ("skipped", "the obligation is settled")
    assert mailbox.taken == []
    row = await _outbox(event_store)
    assert (row.state, row.reason) == ("skipped", "the obligation is settled")


@pytest.mark.parametrize(
    ("kind", "outcome"),
    [
        (NoticeKind.OBLIGATION_OPENED, "skipped"),
        (NoticeKind.HEADS_UP, "skipped"),
        (NoticeKind.REMINDER, "skipped"),
        (NoticeKind.COUNTERPART, "skipped"),
        (NoticeKind.ESCALATION, "skipped"),
        (NoticeKind.INVITE, "skipped"),
        (NoticeKind.INVITE_CANCELLED, "sent"),
        (NoticeKind.ANNOUNCEMENT, "sent"),
    ],
)
async def test_after_close_only_cancellations_and_announcements_go_out(
    delivery: NoticeDelivery, event_store: EventStore, mailbox: Mailbox, kind: NoticeKind, outcome: str
) -> None:
    """Nobody is nudged about a closed agreement, and no meeting of it stays in a calendar."""
    notice = _notice(kind, meeting=_meeting())
    await _queue(event_store, notice)
    await _write(event_store, phase=Phase.CLOSED, outcome=Outcome.CLOSED_INCOMPLETE)
    assert (await delivery.deliver(notice, AT)).outcome == outcome
    assert len(mailbox.taken) == (outcome == "sent")


async def test_a_dead_mail_server_is_told_apart_and_left_visible(
    event_store: EventStore, directory: Directory, settings: MailSettings, mailbox: Mailbox, days: DigestLog
) -> None:
    """No server at the port: the error stands in the outbox, and a later attempt still gets through."""
    notice = _notice()
    await _queue(event_store, notice)
    dead = NoticeDelivery(event_store.notices, directory, mail_settings(free_port()), days)
    with pytest.raises(TemporaryDeliveryError, match="mail server"):
        await dead.deliver(notice, AT, RETRIED)
    row = await _outbox(event_store)
    assert row.state == "queued"
    assert "mail server" in (row.last_error or "")
    assert (await dead.deliver(notice, AT)).outcome == "failed"
    row = await _outbox(event_store)
    assert (row.state, row.attempts) == ("failed", 2)
    alive = NoticeDelivery(event_store.notices, directory, settings, days)
    assert (await alive.deliver(notice, AT)).outcome == "sent"
    assert len(mailbox.taken) == 1
    assert (await _outbox(event_store)).state == "sent"


@pytest.mark.parametrize("where", ["answers_recipients", "answers_data"])
async def test_a_permanent_refusal_is_final_and_names_no_address(
    delivery: NoticeDelivery, event_store: EventStore, mailbox: Mailbox, where: str
) -> None:
    """550 fails the notice once and for all; the error that is kept and logged holds no address."""
    setattr(mailbox, where, "550 5.1.1 <mia@example.org>: no such mailbox")
    notice = _notice()
    await _queue(event_store, notice)
    result = await delivery.deliver(notice, AT, RETRIED)
    assert result.outcome == "failed"
    assert "answered 550" in result.detail
    assert "mia@" not in result.detail
    row = await _outbox(event_store)
    assert (row.state, row.last_error) == ("failed", result.detail)


@pytest.mark.parametrize("where", ["answers_recipients", "answers_data"])
async def test_a_temporary_refusal_may_be_repeated(
    delivery: NoticeDelivery, event_store: EventStore, mailbox: Mailbox, where: str
) -> None:
    """451 asks to come back later, and later the notice goes out."""
    setattr(mailbox, where, "451 4.7.1 greylisted, mia@example.org")
    notice = _notice()
    await _queue(event_store, notice)
    with pytest.raises(TemporaryDeliveryError, match="answered 451") as raised:
        await delivery.deliver(notice, AT, RETRIED)
    assert raised.value.__cause__ is None
    assert "mia@" not in str(raised.value)
    setattr(mailbox, where, "250 OK")
    assert (await delivery.deliver(notice, AT, RETRIED)).outcome == "sent"


async def test_the_delegate_reads_it_while_the_recipient_is_away(
    delivery: NoticeDelivery, directory: Directory, event_store: EventStore, mailbox: Mailbox
) -> None:
    """Leave entered after the notice was queued counts: who is there is decided when it is sent."""
    away = Leave(first=date(2026, 11, 20), last=date(2026, 11, 27))
    notice = _notice()
    await _queue(event_store, notice)
    await directory.upsert([person("p-mia", delegate_id="p-jo", leave=(away,))])
    result = await delivery.deliver(notice, AT)
    assert (result.outcome, result.delivered_to) == ("sent", "p-jo")
    (mail,) = mailbox.taken
    assert (mail["To"], mail["X-Sojourn-Person"]) == ("jo@example.org", "p-jo")
    assert "you stand in for the mentee" in mail.get_content()


@pytest.mark.parametrize(
    ("people", "reader"),
    [
        ([person("p-mia", left_on=date(2026, 11, 19), delegate_id="p-jo")], "p-jo"),
        ([person("p-mia", left_on=date(2026, 11, 20), delegate_id="p-jo")], "p-mia"),
        (
            [
                person("p-mia", left_on=date(2026, 11, 19), delegate_id="p-jo"),
                person("p-jo", leave=(Leave(first=AT.date(), last=AT.date()),), delegate_id="p-ravi"),
            ],
            "p-ravi",
        ),
        (
            [
                person("p-mia", leave=(Leave(first=AT.date(), last=AT.date()),), delegate_id="p-jo"),
                person("p-jo", leave=(Leave(first=AT.date(), last=AT.date()),), delegate_id="p-mia"),
            ],
            "p-mia",
        ),
        ([person("p-mia", leave=(Leave(first=AT.date(), last=AT.date()),))], "p-mia"),
    ],
)
async def test_somebody_always_reads_it(
    delivery: NoticeDelivery, directory: Directory, event_store: EventStore, people: list[Person], reader: str
) -> None:
    """A leaver's delegate, a delegate's delegate, and where everybody is away the person themselves."""
    notice = _notice(NoticeKind.OBLIGATION_OPENED)
    await _queue(event_store, notice)
    await directory.upsert(people)
    assert (await delivery.deliver(notice, AT)).delivered_to == reader


@pytest.mark.parametrize("kind", [ObligationKind.CONCERN, ObligationKind.BREACH])
async def test_what_was_raised_in_confidence_is_read_by_no_delegate(
    delivery: NoticeDelivery,
    directory: Directory,
    event_store: EventStore,
    mailbox: Mailbox,
    kind: ObligationKind,
) -> None:
    """It may be about the delegate: it goes to the one it is for; where they have left, it fails visibly."""
    about = {"obligation_id": f"{kind}:c1", "obligation_kind": kind, "recipient_role": Role.MENTOR}
    asked, asked_later = (_notice(NoticeKind.OBLIGATION_OPENED, **about) for _ in range(2))
    await _queue(event_store, asked, asked_later, kind=kind, subject="c1")
    away = Leave(first=date(2026, 11, 20), last=date(2026, 11, 27))
    await directory.upsert([person("p-mia", delegate_id="p-jo", leave=(away,))])
    assert (await delivery.deliver(asked, AT)).delivered_to == "p-mia"
    await directory.upsert([person("p-mia", delegate_id="p-jo", left_on=date(2026, 11, 19))])
    assert (await delivery.deliver(asked_later, AT)).outcome == "failed"
    assert [mail["To"] for mail in mailbox.taken] == ["mia@example.org"]


@pytest.mark.parametrize(
    ("mia", "sentence"),
    [
        (person("p-mia", left_on=date(2026, 11, 19)), "p-mia has left and no delegate is there"),
        (person("p-mia", email=None), "neither a mail address nor a channel"),
    ],
)
async def test_a_notice_that_nobody_can_read_fails_visibly(
    delivery: NoticeDelivery, directory: Directory, event_store: EventStore, mia: Person, sentence: str
) -> None:
    """Somebody who left, or cannot be reached, shows in the outbox with what to do about it."""
    notice = _notice()
    await _queue(event_store, notice)
    await directory.upsert([mia])
    assert (await delivery.deliver(notice, AT)).outcome == "failed"
    row = await _outbox(event_store)
    assert row.state == "failed"
    assert sentence in (row.last_error or "")


async def test_a_recipient_whom_the_directory_does_not_know_fails_visibly(
    delivery: NoticeDelivery, event_store: EventStore
) -> None:
    """An unknown person id is an error that says to add them, not a mail to nobody."""
    notice = _notice(NoticeKind.OBLIGATION_OPENED, recipient_id="p-nobody")
    await _queue(event_store, notice)
    assert "add them with `sojourn people`" in (await delivery.deliver(notice, AT)).detail


async def test_a_notice_that_was_never_queued_is_not_sent(delivery: NoticeDelivery, mailbox: Mailbox) -> None:
    """No mail without a row that says what became of it."""
    assert (await delivery.deliver(_notice(), AT)).outcome == "failed"
    assert mailbox.taken == []


async def test_a_meeting_is_arranged_moved_and_called_off_in_the_calendar(
    delivery: NoticeDelivery, event_store: EventStore, mailbox: Mailbox
) -> None:
    """REQUEST, moved with SEQUENCE 1, CANCEL: one UID from first to last, as a mail program reads it."""
    later = AT + timedelta(days=6)
    notices = [
        _notice(NoticeKind.INVITE, meeting=_meeting(), event_type="meeting.rescheduled"),
        _notice(NoticeKind.INVITE, meeting=_meeting(1, later), event_type="meeting.rescheduled"),
        _notice(NoticeKind.INVITE_CANCELLED, meeting=_meeting(2, later), event_type="meeting.excused"),
    ]
    await _queue(event_store, *notices)
    for hours, notice in enumerate(notices):
        assert (await delivery.deliver(notice, AT + timedelta(hours=hours))).outcome == "sent"
    calendars = [_calendar_in(mail) for mail in mailbox.taken]
    events = [calendar.events[0] for calendar in calendars]
    assert [calendar.method for calendar in calendars] == ["REQUEST", "REQUEST", "CANCEL"]
    assert [(event.uid, event.sequence) for event in events] == [
        (f"{AGREEMENT}/{OBLIGATION}", sequence) for sequence in range(3)
    ]
    assert [event.start for event in events] == [AT + timedelta(days=4), later, later]
    assert {str(one) for one in events[0].attendees} == {"mailto:mia@example.org", "mailto:ravi@example.org"}


async def test_a_meeting_is_for_those_who_are_there_on_its_day(
    delivery: NoticeDelivery, directory: Directory, event_store: EventStore, mailbox: Mailbox
) -> None:
    """Away today but back for the meeting: the person is invited. Away on the day: the delegate is."""
    today = Leave(first=AT.date(), last=AT.date())
    on_the_day = Leave(first=date(2026, 11, 24), last=date(2026, 11, 24))
    first, second = (_notice(NoticeKind.INVITE, meeting=_meeting()) for _ in range(2))
    await _queue(event_store, first, second)
    await directory.upsert([person("p-mia", delegate_id="p-jo", leave=(today,))])
    assert (await delivery.deliver(first, AT)).delivered_to == "p-mia"
    await directory.upsert([person("p-mia", delegate_id="p-jo", leave=(on_the_day,))])
    assert (await delivery.deliver(second, AT)).delivered_to == "p-jo"
    attendees = [str(one) for one in _calendar_in(mailbox.taken[1]).events[0].attendees]
    assert attendees == ["mailto:jo@example.org", "mailto:ravi@example.org"]


async def test_further_channels_are_told_too(
    delivery: NoticeDelivery, directory: Directory, event_store: EventStore, mailbox: Mailbox
) -> None:
    """A channel that is down neither stops the mail nor goes unnoticed; its secret is not kept."""
    notice = _notice()
    await _queue(event_store, notice)
    hook = f"json://token-4711@127.0.0.1:{free_port()}/hook"
    await directory.upsert([person("p-mia", channels=(hook,))])
    result = await delivery.deliver(notice, AT)
    assert (result.outcome, result.detail) == ("sent", "not taken by: json")
    assert len(mailbox.taken) == 1
    row = await _outbox(event_store)
    assert (row.state, row.last_error) == ("sent", "not taken by: json")


async def test_no_address_of_a_channel_is_logged_whatever_becomes_of_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Nor its secrets, nor the message: not by what posts either, at whatever level a process logs."""
    channels = ("json://name-4711.invalid/secret-4711", "slack://secret-4711", "unknown://secret-4711")
    caplog.set_level(logging.DEBUG)
    failed = await post(channels, subject="s", body="message-4711", timeout_seconds=3)
    assert failed == ["json", "slack", "unknown"]
    assert "channel_refused" in caplog.text
    assert "4711" not in caplog.text


async def test_a_person_without_mail_is_told_on_their_channel(
    delivery: NoticeDelivery, directory: Directory, event_store: EventStore
) -> None:
    """Chat alone is enough; a chat that is down may be tried again, as nothing was taken yet."""
    notice = _notice()
    await _queue(event_store, notice)
    received: list[bytes] = []
    port = free_port()
    await directory.upsert([person("p-mia", email=None, channels=(f"json://127.0.0.1:{port}/hook",))])
    with pytest.raises(TemporaryDeliveryError, match="no channel took the notice: json"):
        await delivery.deliver(notice, AT, RETRIED)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received.append(await reader.readuntil(b"}"))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", port):
        assert (await delivery.deliver(notice, AT, RETRIED)).outcome == "sent"
    assert b"Still open: check-in" in received[0]


def _calendar_in(mail: EmailMessage) -> Calendar:
    (invite,) = [part for part in mail.walk() if part.get_content_type() == "text/calendar"]
    payload = invite.get_payload(decode=True)
    assert isinstance(payload, bytes)
    calendar = Calendar.from_ical(payload)
    assert isinstance(calendar, Calendar)
    assert invite.get_param("method") == calendar.method
    return calendar
