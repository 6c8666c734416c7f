"""The words of a notice."""

import re
from datetime import UTC, datetime
from itertools import product
from typing import Any

import pytest

from activities.delivery.rendering import Addressee, headers_of, on_the_wall, render
from activities.delivery.wording import ANNOUNCEMENTS, OBLIGATIONS, announcement_of
from activities.directory.zones import load_zone
from domain.agreement.commands import COMMANDS
from domain.agreement.events import EVENTS
from domain.kernel.vocabulary import Kind, ObligationKind, Role
from domain.ledger.notice import Meeting, Notice, NoticeKind

BERLIN = load_zone("Europe/Berlin")
MIA = Addressee(person_id="p-mia", name="Mia Ortmann", zone=BERLIN)
OTHERS = ("p-ravi", "p-host")


def notice(kind: NoticeKind, **fields: Any) -> Notice:  # noqa: ANN401 - any field
    """A notice about a milestone in a secondment, with other fields where given."""
    known: dict[str, Any] = {
        "notice_id": "n-1",
        "kind": kind,
        "agreement_id": "secondment-4711",
        "agreement_kind": Kind.SECONDMENT,
        "recipient_id": "p-mia",
        "recipient_role": Role.MENTEE,
        "not_before": datetime(2026, 11, 20, 8, tzinfo=UTC),
        "event_type": "milestone.replanned",
        "obligation_id": "milestone:supplier-map",
        "obligation_kind": ObligationKind.MILESTONE,
        "due_at": datetime(2026, 11, 23, 16, tzinfo=UTC),
        "meeting": Meeting(
            uid="secondment-4711/milestone:supplier-map",
            sequence=0,
            starts_at=datetime(2026, 11, 24, 9, tzinfo=UTC),
            minutes=30,
            attendees=OTHERS,
        ),
    }
    return Notice.model_validate(known | fields)


def test_a_moment_is_read_the_same_by_everybody() -> None:
    """Year first, the weekday in words, the zone by name and by its offset on that day."""
    assert on_the_wall(datetime(2026, 7, 1, 15, tzinfo=UTC), BERLIN) == (
        "Wednesday 2026-07-01 17:00 (Europe/Berlin, UTC+02:00)"
    )
    assert on_the_wall(datetime(2026, 1, 4, 22, tzinfo=UTC), load_zone("Asia/Kolkata")) == (
        "Monday 2026-01-05 03:30 (Asia/Kolkata, UTC+05:30)"
    )


@pytest.mark.parametrize("kind", list(NoticeKind))
def test_every_notice_has_words(kind: NoticeKind) -> None:
    """Each kind of notice about each kind of obligation is a line of subject and a text with a next step."""
    for obligation, stands_in in product([*ObligationKind, None], [False, True]):
        told = notice(kind, obligation_kind=obligation)
        message = render(told, Addressee("p-mia", "Mia Ortmann", BERLIN, stands_in=stands_in))
        assert 0 < len(message.subject) < 150
        assert "\n" not in message.subject
        assert message.body.startswith("Hello Mia Ortmann,\n\n")
        step = re.search(r"^    sojourn (act|show) secondment-4711", message.body, re.MULTILINE)
        assert bool(step) is not stands_in, "who stands in holds no role to act or look in"
        assert not stands_in or "by the reference below" in message.body
        assert "Reference: secondment-4711 milestone:supplier-map" in message.body
        assert not any(other in message.subject + message.body for other in OTHERS)
        assert "None" not in message.body


def test_the_owner_reads_what_by_when_and_how() -> None:
    """A new obligation says what is owed, by when where the owner lives, and the command that does it."""
    message = render(notice(NoticeKind.OBLIGATION_OPENED), MIA)
    assert message.subject == "New: milestone by 2026-11-23"
    assert "due by Monday 2026-11-23 17:00 (Europe/Berlin, UTC+01:00)" in message.body
    assert "sojourn act secondment-4711 complete_milestone --as p-mia --data JSON" in message.body


@pytest.mark.parametrize("kind", [NoticeKind.COUNTERPART, NoticeKind.ESCALATION])
@pytest.mark.parametrize(
    "event", ["blocker.raised", "concern.raised", "obligation.escalated", "meeting.missed"]
)
def test_others_are_told_what_and_never_why(kind: NoticeKind, event: str) -> None:
    """Counterparts and managers learn that something is open, not what led to it."""
    told = notice(kind, event_type=event, recipient_role=Role.LINE_MANAGER, level=3)
    message = render(told, MIA)
    text = (message.subject + message.body).lower()
    assert "milestone" in text
    assert not any(
        word in text for word in ("because", "reason", "late", "failed", "missed", "concern", "blame")
    )
    assert render(told.model_copy(update={"event_type": "x.y"}), MIA) == message


def test_a_stand_in_gets_no_command_that_would_be_refused() -> None:
    """A delegate holds no role in the agreement: they are told why they read this, and whom to ask."""
    delegate = Addressee("p-deputy", "Jo", BERLIN, stands_in=True)
    body = render(notice(NoticeKind.REMINDER), delegate).body
    assert "you stand in for the mentee, who is away" in body
    assert "ask the programme owner to reassign" in body
    assert "sojourn" not in body.replace("sojourn@", "")
    assert "finds it by the reference below" in body


def test_nobody_is_sent_a_command_that_their_role_may_not_give() -> None:
    """Whoever may not complete a milestone, raise a blocker or move a meeting is shown where to look."""
    for kind in (NoticeKind.OBLIGATION_OPENED, NoticeKind.REMINDER, NoticeKind.INVITE):
        body = render(notice(kind, recipient_role=Role.PEER), MIA).body
        assert "sojourn act" not in body
        assert f"sojourn show secondment-4711 --as {MIA.person_id}" in body


def test_a_moved_meeting_says_so() -> None:
    """The first invite invites; a later one says that the meeting has moved."""
    first = notice(NoticeKind.INVITE, obligation_kind=ObligationKind.CHECK_IN)
    assert first.meeting is not None
    moved = first.model_copy(update={"meeting": first.meeting.model_copy(update={"sequence": 1})})
    assert render(first, MIA).subject == (
        "Invitation: check-in on Tuesday 2026-11-24 10:00 (Europe/Berlin, UTC+01:00)"
    )
    assert render(moved, MIA).subject.startswith("Moved: check-in on")


@pytest.mark.parametrize("level", [3, 4, 5, 6])
def test_each_rung_says_its_own_next_step(level: int) -> None:
    """Who is asked for help at each level reads something different to do."""
    bodies = {render(notice(NoticeKind.ESCALATION, level=each), MIA).body for each in (3, 4, 5, 6)}
    assert len(bodies) == 4
    assert render(notice(NoticeKind.ESCALATION, level=level), MIA).body in bodies


def test_the_headers_carry_what_tooling_acts_on() -> None:
    """A program finds agreement, obligation and kind without reading the text; no value, no header."""
    found = headers_of(notice(NoticeKind.REMINDER, level=1), "p-mia")
    assert found == {
        "X-Sojourn-Agreement": "secondment-4711",
        "X-Sojourn-Obligation": "milestone:supplier-map",
        "X-Sojourn-Obligation-Kind": "milestone",
        "X-Sojourn-Notice": "n-1",
        "X-Sojourn-Kind": "reminder",
        "X-Sojourn-Event": "milestone.replanned",
        "X-Sojourn-Person": "p-mia",
        "X-Sojourn-Role": "mentee",
        "X-Sojourn-Due": "2026-11-23T16:00:00+00:00",
        "X-Sojourn-Level": "1",
    }
    bare = notice(NoticeKind.ANNOUNCEMENT, obligation_id=None, obligation_kind=None, due_at=None)
    assert "X-Sojourn-Obligation" not in headers_of(bare, "p-mia")


def test_every_obligation_names_a_command_that_exists() -> None:
    """Nobody is sent a command line that `sojourn act` does not know."""
    assert set(OBLIGATIONS) == set(ObligationKind)
    assert {wording.command for wording in OBLIGATIONS.values()} <= COMMANDS.keys()


def test_every_announcement_is_about_an_event_that_exists() -> None:
    """No words are kept for events that never happen, and an event without words still reads well."""
    assert ANNOUNCEMENTS.keys() <= EVENTS.keys()
    assert announcement_of("sponsor_contact.logged") == "has news: sponsor contact logged"
