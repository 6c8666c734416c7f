"""Events by which what is private is opened for somebody: every party sees them in the record."""

from __future__ import annotations

from typing import Annotated, Literal

from domain.agreement.events.base import Event
from domain.kernel.classification import Audience, Subject
from domain.kernel.model import Instant, PersonId, Words


class BreakGlassRequested(Event):
    """Somebody asks to read what is not for their eyes. Being looked at ends no silence."""

    type: Literal["break_glass.requested"] = "break_glass.requested"
    request_id: str
    reader_id: PersonId
    only: str | None
    """One field, as `<event type>/<field>`; None for everything."""
    hours: int
    lapses_at: Instant
    """By when another person has to approve."""
    reason: Annotated[Words, Audience.IN_CONFIDENCE, Subject.AUTHOR]


class BreakGlassApproved(Event):
    """A second person agreed: it is open for the one who asked, until an instant."""

    type: Literal["break_glass.approved"] = "break_glass.approved"
    request_id: str
    reader_id: PersonId
    approved_by: PersonId
    only: str | None
    open_until: Instant
