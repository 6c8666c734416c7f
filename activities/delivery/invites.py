"""Calendar entries for meetings, as iTIP messages: arranged, moved, called off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import Literal

from icalendar import STATUS, Calendar, Event, vCalAddress

from domain.ledger.notice import Meeting

Method = Literal["REQUEST", "CANCEL"]


@dataclass(frozen=True, slots=True)
class Attendee:
    """Somebody who is asked to a meeting."""

    address: str
    name: str | None = None
    """Given for the recipient only: nobody learns another's name from an invite."""


def calendar_entry(
    meeting: Meeting,
    *,
    method: Method,
    summary: str,
    organizer: str,
    attendees: Sequence[Attendee],
    at: datetime,
) -> bytes:
    """Write the iTIP message that adds, moves or removes a meeting in the recipients' calendars.

    The UID stays the same over the meeting's life and SEQUENCE says which message is newer, so the order
    in which messages arrive does not matter.

    Args:
        meeting: the meeting as it now is.
        method: REQUEST to arrange or move it, CANCEL to call it off.
        summary: its title in the calendar.
        organizer: the address that replies go to.
        attendees: who is asked to come.
        at: when the message is written: its DTSTAMP.
    """
    asked = [
        vCalAddress.new(
            attendee.address,
            cn=attendee.name,
            cutype="INDIVIDUAL",
            role="REQ-PARTICIPANT",
            partstat="NEEDS-ACTION",
            rsvp=method == "REQUEST",
        )
        for attendee in attendees
    ]
    event = Event.new(
        uid=meeting.uid,
        sequence=meeting.sequence,
        stamp=at,
        start=meeting.starts_at,
        end=meeting.starts_at + timedelta(minutes=meeting.minutes),
        summary=summary,
        status=STATUS.CANCELLED if method == "CANCEL" else STATUS.CONFIRMED,
        organizer=vCalAddress.new(organizer, cn="Sojourn"),
        attendees=asked,
    )
    calendar = Calendar()
    calendar.prodid = "-//Sojourn//Placements//EN"
    calendar.version = "2.0"
    calendar.calscale = "GREGORIAN"
    # A UID of the calendar itself, which `Calendar.new` would add, is no part of an iTIP message.
    calendar.method = method
    calendar.add_component(event)
    return calendar.to_ical()


def add_entry(message: EmailMessage, entry: bytes, method: Method) -> None:
    """Put a calendar entry into a mail whose text is already set, in the forms that clients look for.

    Mail programs that speak iTIP take the alternative part; the others offer the attached file.
    """
    message.add_alternative(
        entry.decode(), subtype="calendar", params={"method": method, "component": "VEVENT"}
    )
    message.add_attachment(entry, maintype="application", subtype="ics", filename="invite.ics")
