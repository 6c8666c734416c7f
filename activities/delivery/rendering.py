"""Subject and text of a notice: what is owed, by when on the recipient's wall, and the next step.

A message names nobody but its recipient; others appear by their role. It never says why something is
late, because the reason belongs to those it concerns.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from activities.delivery.wording import KINDS, OBLIGATIONS, announcement_of, role_name
from domain.agreement.commands import COMMANDS
from domain.ledger.notice import Notice, NoticeKind

_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, slots=True)
class Addressee:
    """Who a message goes to, as far as its text needs to know."""

    person_id: str
    name: str
    zone: ZoneInfo
    stands_in: bool = False
    """Whether they get it as the delegate of somebody who is away."""


@dataclass(frozen=True, slots=True)
class Message:
    """A notice in words."""

    subject: str
    body: str
    """Plain text."""


def render(notice: Notice, addressee: Addressee) -> Message:
    """Put a notice into words for one person."""
    subject, paragraphs = paragraphs_of(notice, addressee)
    greeting = f"Hello {addressee.name},"
    return Message(subject, "\n\n".join([greeting, *paragraphs, f"-- \n{reference_of(notice)}"]) + "\n")


def paragraphs_of(notice: Notice, addressee: Addressee) -> tuple[str, list[str]]:
    """Return a notice as its subject and what is said, without greeting and reference."""
    subject, paragraphs = _PARAGRAPHS[notice.kind](notice, addressee)
    if addressee.stands_in:
        why = f"You get this because you stand in for the {role_name(notice.recipient_role)}, who is away."
        return subject, [why, *paragraphs]
    return subject, paragraphs


def reference_of(notice: Notice) -> str:
    """Return what a reader quotes when they ask about a notice."""
    about = f"{notice.agreement_id} {notice.obligation_id}" if notice.obligation_id else notice.agreement_id
    return f"Reference: {about}"


def headers_of(notice: Notice, person_id: str) -> dict[str, str]:
    """Return what tooling needs to act on a message without reading its text.

    Args:
        notice: the notice that is sent.
        person_id: who it goes to, which is the delegate while the recipient is away.
    """
    found = {
        "X-Sojourn-Agreement": notice.agreement_id,
        "X-Sojourn-Obligation": notice.obligation_id,
        "X-Sojourn-Obligation-Kind": notice.obligation_kind,
        "X-Sojourn-Notice": notice.notice_id,
        "X-Sojourn-Kind": notice.kind,
        "X-Sojourn-Event": notice.event_type,
        "X-Sojourn-Person": person_id,
        "X-Sojourn-Role": notice.recipient_role,
        "X-Sojourn-Due": notice.due_at and notice.due_at.isoformat(),
        "X-Sojourn-Level": None if notice.level is None else str(notice.level),
    }
    return {name: str(value) for name, value in found.items() if value is not None}


def on_the_wall(instant: datetime, zone: ZoneInfo) -> str:
    """Write a moment as a person reads it where they are, in the one format that nobody reads two ways.

    As in `Monday 2026-11-23 17:00 (Europe/Berlin, UTC+01:00)`.
    """
    local = instant.astimezone(zone)
    offset = local.strftime("%z")
    return f"{_WEEKDAYS[local.weekday()]} {local:%Y-%m-%d %H:%M} ({zone.key}, UTC{offset[:3]}:{offset[3:5]})"


def _opened(notice: Notice, addressee: Addressee) -> tuple[str, list[str]]:
    return f"New: {_noun(notice)}{_by(notice, addressee)}", [
        f"New in this {_kind(notice)}, for {_whose(notice, addressee)} attention: {_noun(notice)}.",
        _asks(notice),
        f"It is due by {_due(notice, addressee)}.",
        _how(notice, addressee),
    ]


def _heads_up(notice: Notice, addressee: Addressee) -> tuple[str, list[str]]:
    owed = f"{_whose(notice, addressee).capitalize()} {_noun(notice)}"
    return f"Coming up: {_noun(notice)}{_by(notice, addressee)}", [
        f"{owed} in this {_kind(notice)} is due soon: by {_due(notice, addressee)}.",
        _asks(notice),
        _how(notice, addressee),
    ]


def _reminder(notice: Notice, addressee: Addressee) -> tuple[str, list[str]]:
    owed = f"{_whose(notice, addressee).capitalize()} {_noun(notice)}"
    paragraphs = [
        f"{owed} in this {_kind(notice)} is still open.",
        f"It was due by {_due(notice, addressee)}.",
        _asks(notice),
        _how(notice, addressee),
    ]
    if _may_give("raise_blocker", notice, addressee):
        paragraphs += [
            "If something is in the way, say so, and help is asked for:",
            _act(notice, addressee, "raise_blocker"),
        ]
    return f"Still open: {_noun(notice)}", paragraphs


def _counterpart(notice: Notice, addressee: Addressee) -> tuple[str, list[str]]:
    return f"For your information: {_noun(notice)} is still open", [
        f"In your {_kind(notice)} this is still open: {_noun(notice)}, due by {_due(notice, addressee)}.",
        "Nothing is asked of you. If it would help, offer a hand.",
        _look(notice, addressee),
    ]


def _escalation(notice: Notice, addressee: Addressee) -> tuple[str, list[str]]:
    return f"Your help is needed: {_noun(notice)} is still open", [
        f"You accompany a {_kind(notice)} as {_role(notice)}. In it this is still open: {_noun(notice)}.",
        f"It was due by {_due(notice, addressee)}.",
        _STEPS[notice.level or 3],
        _look(notice, addressee),
    ]


_REASSIGN = (
    "What usually helps: reassign the role (open work moves, done work stays), re-plan the day, or waive "
    "what is no longer needed. "
)
_STEPS: dict[int, str] = {
    0: "Please help to get it done.",
    1: "Please help to get it done.",
    2: "Please help to get it done.",
    3: "Please help to get it done: ask its owner what is needed, and clear the way where you can.",
    4: _REASSIGN + "Left as it is, it goes on to the sponsor and HR.",
    5: _REASSIGN + "Left as it is, a way forward has to be chosen next.",
    6: "A way forward has to be chosen now: reassign a role, re-plan, pause, pivot, or end with a debrief.",
}


def _invite(notice: Notice, addressee: Addressee) -> tuple[str, list[str]]:
    moved = notice.meeting is not None and notice.meeting.sequence > 0
    word = "has moved" if moved else "is arranged"
    paragraphs = [
        f"The {_noun(notice)} of this {_kind(notice)} {word}: {_meeting(notice, addressee)}.",
        "The calendar entry comes with this message.",
    ]
    if _may_give("reschedule_meeting", notice, addressee):
        paragraphs += [
            "Where the time does not suit, move it:",
            _act(notice, addressee, "reschedule_meeting"),
        ]
    else:
        paragraphs.append(_look(notice, addressee))
    subject = f"{'Moved' if moved else 'Invitation'}: {_noun(notice)} on {_meeting(notice, addressee)}"
    return subject, paragraphs


def _invite_cancelled(notice: Notice, addressee: Addressee) -> tuple[str, list[str]]:
    return f"Cancelled: {_noun(notice)} on {_meeting(notice, addressee)}", [
        f"The {_noun(notice)} of your {_kind(notice)} does not take place: {_meeting(notice, addressee)}.",
        "With this message it leaves your calendar.",
        _look(notice, addressee),
    ]


def _announcement(notice: Notice, addressee: Addressee) -> tuple[str, list[str]]:
    happened = announcement_of(notice.event_type)
    paragraphs = [f"The {_kind(notice)} in which you are {_role(notice)} {happened}."]
    if notice.obligation_kind is not None and notice.due_at is not None:
        paragraphs.append(f"It concerns: {_noun(notice)}, due by {_due(notice, addressee)}.")
    return f"Your {_kind(notice)} {happened}", [*paragraphs, _look(notice, addressee)]


_PARAGRAPHS: dict[NoticeKind, Callable[[Notice, Addressee], tuple[str, list[str]]]] = {
    NoticeKind.OBLIGATION_OPENED: _opened,
    NoticeKind.HEADS_UP: _heads_up,
    NoticeKind.REMINDER: _reminder,
    NoticeKind.COUNTERPART: _counterpart,
    NoticeKind.ESCALATION: _escalation,
    NoticeKind.INVITE: _invite,
    NoticeKind.INVITE_CANCELLED: _invite_cancelled,
    NoticeKind.ANNOUNCEMENT: _announcement,
}


def _kind(notice: Notice) -> str:
    return KINDS[notice.agreement_kind]


def _role(notice: Notice) -> str:
    return role_name(notice.recipient_role)


def _noun(notice: Notice) -> str:
    if notice.obligation_kind is None:
        return "meeting" if notice.meeting else "next step"
    return OBLIGATIONS[notice.obligation_kind].noun


def _asks(notice: Notice) -> str:
    return (
        OBLIGATIONS[notice.obligation_kind].asks if notice.obligation_kind else "Please take the next step."
    )


def _by(notice: Notice, addressee: Addressee) -> str:
    return f" by {notice.due_at.astimezone(addressee.zone):%Y-%m-%d}" if notice.due_at else ""


def _due(notice: Notice, addressee: Addressee) -> str:
    return on_the_wall(notice.due_at, addressee.zone) if notice.due_at else "the agreed day"


def _meeting(notice: Notice, addressee: Addressee) -> str:
    return on_the_wall(notice.meeting.starts_at, addressee.zone) if notice.meeting else "the agreed day"


def _whose(notice: Notice, addressee: Addressee) -> str:
    return f"the {_role(notice)}'s" if addressee.stands_in else "your"


def _how(notice: Notice, addressee: Addressee) -> str:
    """Return the command line that does it, for those who may give it."""
    if addressee.stands_in:
        return (
            f"It can wait for the {_role(notice)} where that does no harm. "
            f"Where it cannot, ask the programme owner to reassign the role.\n\n{_look(notice, addressee)}"
        )
    if notice.obligation_kind is None:
        return _look(notice, addressee)
    command = OBLIGATIONS[notice.obligation_kind].command
    if not _may_give(command, notice, addressee):
        return _look(notice, addressee)
    does_it = _act(notice, addressee, command)
    return f"To do it:\n\n{does_it}\n\n`sojourn commands` shows what goes into JSON, with an example."


def _may_give(command: str, notice: Notice, addressee: Addressee) -> bool:
    """Tell whether the command would be heard from this reader: who stands in holds no role."""
    return not addressee.stands_in and notice.recipient_role in COMMANDS[command].given_by


def _act(notice: Notice, addressee: Addressee, command: str) -> str:
    return f"    sojourn act {notice.agreement_id} {command} --as {addressee.person_id} --data JSON"


def _look(notice: Notice, addressee: Addressee) -> str:
    if addressee.stands_in:
        # They are no party, so the record shows nothing in their name.
        return "Whoever you ask about it finds it by the reference below."
    return f"To see where it stands:\n\n    sojourn show {notice.agreement_id} --as {addressee.person_id}"
