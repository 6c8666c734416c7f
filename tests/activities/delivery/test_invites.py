"""Calendar entries as mail programs read them."""

from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

from icalendar import STATUS, Calendar, Event

from activities.delivery.invites import Attendee, Method, add_entry, calendar_entry
from domain.ledger.notice import Meeting

STARTS = datetime(2026, 11, 24, 9, tzinfo=UTC)
WRITTEN = datetime(2026, 11, 20, 8, tzinfo=UTC)
MIA, RAVI = Attendee("mia@example.org", "Mia Ortmann"), Attendee("ravi@example.org")


def meeting(sequence: int = 0, starts_at: datetime = STARTS) -> Meeting:
    """A check-in of half an hour."""
    return Meeting(
        uid="shadowing-7/check_in:3",
        sequence=sequence,
        starts_at=starts_at,
        minutes=30,
        attendees=("p-mia", "p-ravi"),
    )


def entry(planned: Meeting, method: Method = "REQUEST", at: datetime = WRITTEN) -> bytes:
    """The entry as it would be mailed."""
    return calendar_entry(
        planned,
        method=method,
        summary="Check-in (shadowing stint)",
        organizer="sojourn@example.org",
        attendees=(MIA, RAVI),
        at=at,
    )


def event_in(written: bytes) -> Event:
    """The one event of a calendar."""
    calendar = Calendar.from_ical(written)
    assert isinstance(calendar, Calendar)
    (event,) = calendar.events
    return event


def method_of(written: bytes) -> str | None:
    """What the message asks of a calendar."""
    calendar = Calendar.from_ical(written)
    assert isinstance(calendar, Calendar)
    return calendar.method


def test_an_invite_asks_everybody_who_meets() -> None:
    """A REQUEST carries time, organizer and attendees who are asked to answer; one name only."""
    written = entry(meeting())
    event = event_in(written)
    assert method_of(written) == "REQUEST"
    assert (event.uid, event.sequence, event.status) == ("shadowing-7/check_in:3", 0, STATUS.CONFIRMED)
    assert event.stamp == WRITTEN
    assert (event.start, event.end) == (STARTS, STARTS + timedelta(minutes=30))
    assert event.organizer == "mailto:sojourn@example.org"
    assert [str(one) for one in event.attendees] == ["mailto:mia@example.org", "mailto:ravi@example.org"]
    assert [one.params["RSVP"] for one in event.attendees] == ["TRUE", "TRUE"]
    assert [one.params.get("CN") for one in event.attendees] == ["Mia Ortmann", None]


def test_a_meetings_life_is_one_entry_with_rising_sequence() -> None:
    """Arranged, moved, called off: the UID stays, SEQUENCE rises, and the last message removes the entry."""
    later = STARTS + timedelta(days=2)
    messages = [
        entry(meeting()),
        entry(meeting(1, later), at=WRITTEN + timedelta(hours=1)),
        entry(meeting(2, later), "CANCEL", at=WRITTEN + timedelta(hours=2)),
    ]
    events = [event_in(message) for message in messages]
    assert [method_of(message) for message in messages] == ["REQUEST", "REQUEST", "CANCEL"]
    assert {event.uid for event in events} == {"shadowing-7/check_in:3"}
    assert [event.sequence for event in events] == [0, 1, 2]
    assert [event.start for event in events] == [STARTS, later, later]
    assert [event.stamp for event in events] == [WRITTEN + timedelta(hours=hours) for hours in range(3)]
    assert events[-1].status is STATUS.CANCELLED
    assert [str(one) for one in events[-1].attendees] == [
        "mailto:mia@example.org",
        "mailto:ravi@example.org",
    ]


def test_one_attendee_is_still_an_attendee() -> None:
    """Lists of one are where iCalendar libraries slip."""
    written = calendar_entry(
        meeting(), method="REQUEST", summary="x", organizer="o@example.org", attendees=(MIA,), at=WRITTEN
    )
    assert written.count(b"ATTENDEE") == 1


def test_a_mail_carries_the_entry_in_both_usual_forms() -> None:
    """The alternative part names its method, as iTIP asks, and the same entry is attached as a file."""
    message = EmailMessage()
    message.set_content("The check-in is arranged.")
    add_entry(message, entry(meeting()), "REQUEST")
    alternative, attachment = _parts(message)
    assert message.get_content_type() == "multipart/mixed"
    assert alternative.get_content_type() == "multipart/alternative"
    text, invite = _parts(alternative)
    assert text.get_content_type() == "text/plain"
    assert invite.get_content_type() == "text/calendar"
    assert (invite.get_param("method"), invite.get_param("charset")) == ("REQUEST", "utf-8")
    assert attachment.get_filename() == "invite.ics"
    assert attachment.get_payload(decode=True) == entry(meeting())
    assert event_in(invite.get_content().encode()) == event_in(entry(meeting()))


def _parts(message: EmailMessage) -> list[EmailMessage]:
    parts = list(message.iter_parts())
    assert all(isinstance(part, EmailMessage) for part in parts)
    return [part for part in parts if isinstance(part, EmailMessage)]
