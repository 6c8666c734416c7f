"""When a nudge may go out, and whether it still should: asked at the moment of sending, never before.

A nudge is what the ladder sends. Announcements, invitations and new requests are none: they go by themselves.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from domain.decisions.suspension import SPOKEN_OF_IN_A_HOLD
from domain.kernel.calendar import Calendar
from domain.kernel.classification import KNOWN_TO
from domain.kernel.model import Frozen, Instant, PersonId
from domain.kernel.vocabulary import ObligationKind, ObligationStatus, Phase
from domain.ledger.notice import Notice, NoticeKind
from domain.ledger.obligation import MOST_NUDGES

TO_THE_OWNER = frozenset({NoticeKind.HEADS_UP, NoticeKind.REMINDER})
"""Nudges to whoever owes it."""
TO_OTHERS = frozenset({NoticeKind.COUNTERPART, NoticeKind.ESCALATION})
"""Nudges to those who accompany the placement."""
NUDGES = TO_THE_OWNER | TO_OTHERS

IN_CONFIDENCE = frozenset(KNOWN_TO)
"""Never listed beside anything else, and never left until tomorrow for want of room in today's mail."""

TOLD_WHATEVER_IS_OPEN = frozenset({NoticeKind.INVITE_CANCELLED, NoticeKind.ANNOUNCEMENT})
"""Said of what has happened, so nothing that happens later makes it needless."""

GATHERING = timedelta(minutes=15)
"""Ladders climb when a working day opens; so long after that the day's mail leaves, all of them in it."""


class CurrentObligation(Frozen):
    """The obligation that a notice is about, as the ledger has it at the moment of sending."""

    status: ObligationStatus
    kind: ObligationKind
    owner_id: PersonId
    due_at: Instant
    nudges: int
    """How often the recipient was nudged about it since it was opened."""


class SendingContext(Frozen):
    """What a notice stands on at the moment of sending."""

    phase: Phase
    held: bool
    paused: bool
    takes_part: bool
    """Whether the recipient is a party to the agreement."""
    obligation: CurrentObligation | None = None
    """None where the notice is about no obligation, or about one that the ledger never had."""


def is_nudge(notice: Notice) -> bool:
    """Whether it keeps to its reader's working time and to four per obligation."""
    return notice.kind in NUDGES


def is_gathered(notice: Notice) -> bool:
    """Whether it goes into the one mail of the day rather than out by itself."""
    return is_nudge(notice) and notice.obligation_kind not in IN_CONFIDENCE


def reason_to_skip(notice: Notice, context: SendingContext) -> str | None:
    """Return why a notice should not be sent after all; None where it should.

    Args:
        notice: As it was queued.
        context: As the agreement stands now.
    """
    if notice.kind in TOLD_WHATEVER_IS_OPEN:
        return None
    if context.phase is Phase.CLOSED:
        return "the agreement is closed"
    if notice.obligation_id is None:
        return None
    if context.obligation is None or context.obligation.status is not ObligationStatus.OPEN:
        return "the obligation is settled"
    return _reason_to_skip_nudge(notice, context, context.obligation) if is_nudge(notice) else None


def _reason_to_skip_nudge(
    notice: Notice, context: SendingContext, obligation: CurrentObligation
) -> str | None:
    if context.paused or (context.held and obligation.kind not in SPOKEN_OF_IN_A_HOLD):
        return "the placement rests"
    if notice.due_at is not None and notice.due_at != obligation.due_at:
        return "the obligation has another due day now"
    if notice.kind in TO_THE_OWNER and notice.recipient_id != obligation.owner_id:
        return "somebody else owes it now"
    if notice.kind in TO_OTHERS and not context.takes_part:
        return "the recipient takes part no more"
    if obligation.nudges >= MOST_NUDGES:
        return f"nudged {MOST_NUDGES} times about it already"
    return None


def first_slot(calendar: Calendar, at: datetime) -> datetime:
    """The first moment from `at` on at which this person may be nudged.

    Args:
        calendar: The reader's.
        at: UTC.
    """
    moment = calendar.next_working_moment(at)
    gathered = max(moment, calendar.opening_of(calendar.local_date(moment)) + GATHERING)
    # A working day can be shorter than the gathering.
    return gathered if calendar.next_working_moment(gathered) == gathered else moment


def next_days_slot(calendar: Calendar, at: datetime) -> datetime:
    """The first such moment on a later working day."""
    tomorrow = calendar.working_day_from(calendar.local_date(at), 1)
    return first_slot(calendar, calendar.opening_of(tomorrow))
