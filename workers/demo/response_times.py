"""When people answer: at a believable moment after they were asked, in their own working hours."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from zlib import crc32

from domain.agreement.state import Agreement
from domain.kernel.vocabulary import ObligationKind, Role
from domain.kinds.rotation import legs_in_order
from domain.ledger.obligation import Obligation

SOONEST = timedelta(minutes=20)
"""Nobody answers a mail in less."""

_PATIENCE: Mapping[ObligationKind, tuple[int, int]] = {
    ObligationKind.SIGNATURE: (1, 26),
    ObligationKind.ANNEX_SIGNATURE: (2, 30),
    ObligationKind.BLOCKER: (3, 20),
    ObligationKind.CONCERN: (2, 6),
    ObligationKind.SESSION_DEBRIEF: (2, 22),
    ObligationKind.DEBRIEF: (20, 60),
    ObligationKind.SYNTHESIS: (72, 100),
    ObligationKind.SYNTHESIS_SIGNATURE: (4, 30),
}
_USUAL_PATIENCE = (3, 28)
"""Hours from being asked to answering, at the least and at the most."""

_MEETING_LASTS: Mapping[ObligationKind, timedelta] = {
    ObligationKind.CHECK_IN: timedelta(minutes=40),
    ObligationKind.REFLECTIVE_SESSION: timedelta(minutes=80),
    ObligationKind.PLAN_REVIEW: timedelta(minutes=70),
    ObligationKind.OBSERVATION: timedelta(hours=4),
    ObligationKind.PRACTICE: timedelta(hours=4),
}
"""From the beginning of a meeting until somebody has written down how it went."""


def answers_at(owed: Obligation, asked_at: datetime, actor_id: str, agreement: Agreement) -> datetime:
    """When the person who acts on an obligation does so.

    Args:
        owed: What is owed.
        asked_at: When its owner read about it.
        actor_id: Who acts: the owner, or who accepts the owner's work.
        agreement: For calendars and dates.
    """
    if owed.starts_at is not None:
        return max(owed.starts_at + _MEETING_LASTS[owed.kind], asked_at + SOONEST)
    calendar = agreement.calendar_of(actor_id)
    least, most = _PATIENCE.get(owed.kind, _USUAL_PATIENCE)
    habit = crc32(f"{owed.obligation_id} {actor_id}".encode())
    in_time = max(owed.due_at - timedelta(hours=2), asked_at + SOONEST)
    wanted = min(asked_at + timedelta(hours=least + habit % (most - least)), in_time)
    at = calendar.next_working_moment(wanted)
    if at != wanted:
        # Nobody answers on the stroke of the hour at which they open their mail.
        at += timedelta(minutes=5 + habit % 50)
    return max(at, _not_before(owed, agreement))


def _not_before(owed: Obligation, agreement: Agreement) -> datetime:
    """A leg starts on its first day, however early its gate opens."""
    if owed.kind is not ObligationKind.LEG_START:
        return owed.opened_at
    leg = next(leg for leg in legs_in_order(agreement.terms) if leg.leg_id == owed.subject)
    first = agreement.calendar_of(agreement.holder(Role.MENTEE).person_id).opening_of(leg.starts_on)
    return max(first, agreement.calendar_of(owed.owner_id).opening_of(leg.starts_on))
