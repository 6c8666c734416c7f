"""The cast's mailboxes take real mail and understand it as its readers' tooling would."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

import aiosmtplib
import pytest

from activities.delivery.digest import add_items
from activities.delivery.invites import Attendee, add_entry, calendar_entry
from activities.delivery.mail import MailSettings, compose, send
from activities.delivery.rendering import headers_of
from domain.kernel.vocabulary import Kind, ObligationKind, Role, StallReason
from domain.ledger.notice import Meeting, Notice, NoticeKind
from domain.ledger.obligation import Obligation
from workers.demo.mailboxes import Letter, Mailboxes, read_letters

SENT_AT = datetime(2027, 3, 1, 9, 30, tzinfo=UTC)
MENTOR, DELEGATE = "P-1", "P-2"
LONG = "01a3be71-6710-78e0-96a8-2b5b0e2f8afe:reminder:signature:line_manager:v1"
"""Ids that mail programs fold, as those of notices are."""


def notice_of(kind: NoticeKind, meeting: Meeting | None = None) -> Notice:
    """A notice about the mentor's third check-in."""
    return Notice(
        notice_id=f"e1:{kind}",
        kind=kind,
        agreement_id="acme.R-1",
        agreement_kind=Kind.SECONDMENT,
        recipient_id=MENTOR,
        recipient_role=Role.MENTOR,
        not_before=SENT_AT,
        event_type="check_in.held",
        obligation_id="check_in:3",
        obligation_kind=ObligationKind.CHECK_IN,
        due_at=SENT_AT + timedelta(days=3),
        meeting=meeting,
    )


CHECK_IN = Obligation(
    obligation_id="check_in:3",
    kind=ObligationKind.CHECK_IN,
    subject="3",
    owner_role=Role.MENTOR,
    owner_id=MENTOR,
    opened_at=SENT_AT,
    due_at=SENT_AT + timedelta(days=3),
    stalled_at=SENT_AT + timedelta(days=9),
    reason=StallReason.CHECKINS_MISSED,
    ladder=(),
)


async def sent(mailboxes: Mailboxes, notice: Notice, reader: str) -> Letter:
    """What arrives of a notice that is sent as Sojourn sends it."""
    settings = MailSettings(
        host=mailboxes.host, port=mailboxes.port, sender="sojourn@example.org", security="none"
    )
    message: EmailMessage = compose(
        settings,
        recipient="reader@example.org",
        subject="Check-in, für Žofie",
        body="Grüße",
        headers=headers_of(notice, reader),
        at=SENT_AT,
    )
    if notice.meeting is not None:
        attendee = Attendee("reader@example.org", "Žofie")
        entry = calendar_entry(
            notice.meeting,
            method="REQUEST",
            summary="Check-in",
            organizer="sojourn@example.org",
            attendees=[attendee],
            at=SENT_AT,
        )
        add_entry(message, entry, "REQUEST")
    await send(message, settings)
    return mailboxes.letters(notice.agreement_id)[-1]


async def test_a_letter_says_what_its_headers_say() -> None:
    """Agreement, obligation, reader and moment are read off the mail, in the agreement's own time."""
    async with Mailboxes() as mailboxes:
        letter = await sent(mailboxes, notice_of(NoticeKind.HEADS_UP), MENTOR)
    assert letter == Letter(
        "acme.R-1", "e1:heads_up", NoticeKind.HEADS_UP, "check_in:3", MENTOR, Role.MENTOR, SENT_AT, None
    )


@pytest.mark.parametrize("length", [20, 62, 70, 120])
async def test_an_id_of_any_length_is_read_as_it_was_written(length: int) -> None:
    """A header that does not fit its line travels on a line of its own, or encoded, and is the same id."""
    notice_id = ("01a27a00-c33b-7abc-a240-d7eec68a6c01:heads_up:" + "milestone_verification:" * 4)[:length]
    notice = notice_of(NoticeKind.HEADS_UP).model_copy(update={"notice_id": notice_id})
    async with Mailboxes() as mailboxes:
        assert (await sent(mailboxes, notice, MENTOR)).notice_id == notice_id


async def test_an_invite_says_how_often_its_meeting_was_moved() -> None:
    """The calendar entry's sequence is what tells a moved meeting from a new one."""
    meeting = Meeting(
        uid="acme.R-1/check_in:3", sequence=2, starts_at=SENT_AT, minutes=30, attendees=(MENTOR,)
    )
    async with Mailboxes() as mailboxes:
        assert (await sent(mailboxes, notice_of(NoticeKind.INVITE, meeting), MENTOR)).moves == 2


@pytest.mark.parametrize(
    ("kind", "reader", "readers", "knows"),
    [
        (NoticeKind.HEADS_UP, MENTOR, [MENTOR], True),
        (NoticeKind.HEADS_UP, DELEGATE, [MENTOR, DELEGATE], True),
        (NoticeKind.HEADS_UP, DELEGATE, [MENTOR], False),
        (NoticeKind.COUNTERPART, MENTOR, [MENTOR], False),
    ],
)
async def test_only_who_was_asked_knows(
    kind: NoticeKind, reader: str, readers: list[str], knows: bool
) -> None:
    """A letter reaches its owner directly or through a delegate; word to a counterpart asks nothing."""
    async with Mailboxes() as mailboxes:
        await sent(mailboxes, notice_of(kind), reader)
    assert (mailboxes.asked_at("acme.R-1", CHECK_IN, readers) is not None) is knows


async def test_a_letter_that_never_comes_is_not_waited_for_for_ever() -> None:
    """Whoever waits for a letter hears that it did not come."""
    async with Mailboxes() as mailboxes:
        assert not await mailboxes.until_asked("acme.R-1", CHECK_IN, [MENTOR], patience=0.05)


async def test_closed_mailboxes_take_nothing() -> None:
    """Nothing listens any more once the demonstration is over."""
    async with Mailboxes() as mailboxes:
        port = mailboxes.port
    with pytest.raises(aiosmtplib.SMTPConnectError):
        await aiosmtplib.SMTP(hostname="127.0.0.1", port=port, timeout=2).connect()


async def test_a_mail_of_several_nudges_is_a_letter_for_each() -> None:
    """What one mail of a day asks for in two agreements reaches the cast of both."""
    notices = [
        notice_of(NoticeKind.REMINDER).model_copy(
            update={"agreement_id": each, "notice_id": f"{LONG}:{each}"}
        )
        for each in ("acme.R-1", "acme.R-2")
    ]
    message = EmailMessage()
    message["Date"] = format_datetime(SENT_AT)
    add_items(message, notices, DELEGATE)
    message.set_content("Two things.")
    letters = read_letters(message.as_bytes(policy=SMTP))
    assert [(letter.agreement_id, letter.notice_id) for letter in letters] == [
        ("acme.R-1", f"{LONG}:acme.R-1"),
        ("acme.R-2", f"{LONG}:acme.R-2"),
    ]
    assert {(letter.person_id, letter.role, letter.sent_at) for letter in letters} == {
        (DELEGATE, Role.MENTOR, SENT_AT)
    }
