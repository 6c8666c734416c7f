"""Who is told what: notices as data, derived from events and looked at again before they are sent."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import StringConstraints

from domain.kernel.model import Frozen, Instant, PersonId
from domain.kernel.vocabulary import Kind, ObligationKind, Role
from domain.ledger.obligation import Level, ObligationId

NoticeId = Annotated[str, StringConstraints(pattern=r"^[^\s;]{1,400}$")]
"""The event, the kind of notice, what it is about and for whom."""
MOST_NOTICES_AT_ONCE = 500
"""So many notices one command may name."""


class NoticeKind(StrEnum):
    """What a notice is for. The text belongs to the activity that delivers it."""

    OBLIGATION_OPENED = "obligation_opened"
    """You owe something new."""
    HEADS_UP = "heads_up"
    """Due soon (ladder level 0)."""
    REMINDER = "reminder"
    """Overdue, to its owner (levels 1, 2)."""
    COUNTERPART = "counterpart"
    """Something is overdue: told what, never why (level 2 and above)."""
    ESCALATION = "escalation"
    """Overdue long enough to need you: managers, operators, sponsors, programme owner (levels 3-6)."""
    INVITE = "invite"
    """A meeting is arranged or moved (iTIP REQUEST)."""
    INVITE_CANCELLED = "invite_cancelled"
    """A meeting is off (iTIP CANCEL)."""
    ANNOUNCEMENT = "announcement"
    """Something happened that concerns you: started, paused, reassigned, ended, closed."""


class Meeting(Frozen):
    """The calendar entry that an invite carries."""

    uid: str
    """Stable over the meeting's life: `<agreement id>/<obligation id>`."""
    sequence: int
    """Higher in each later message about the meeting, its cancellation included, or calendars ignore it."""
    starts_at: Instant
    minutes: int
    attendees: tuple[PersonId, ...]


class Notice(Frozen):
    """One message to one person. Structural only: names, addresses and words are looked up late."""

    notice_id: str
    """Derived from the event that caused it and the recipient, so that a retry is the same notice."""
    kind: NoticeKind
    agreement_id: str
    agreement_kind: Kind
    recipient_id: PersonId
    recipient_role: Role
    not_before: Instant
    """The first moment inside the recipient's working hours."""
    event_type: str
    """The event that caused it, as in `milestone.verified`."""
    obligation_id: ObligationId | None = None
    """Looked at again before sending: settled means not sent, except for a cancelled invite."""
    obligation_kind: ObligationKind | None = None
    due_at: Instant | None = None
    level: Level | None = None
    meeting: Meeting | None = None
