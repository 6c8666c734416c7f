"""How events of meetings change the state."""

from __future__ import annotations

from typing import Literal

from domain.agreement.events.meetings import (
    CheckInHeld,
    MeetingExcused,
    MeetingMissed,
    PlanReviewed,
    ReflectiveSessionHeld,
)
from domain.agreement.evolvers.registry import changes
from domain.agreement.state import Agreement, AgreementChanges
from domain.kernel.vocabulary import ObligationKind


def _meeting_over(
    agreement: Agreement,
    kind: ObligationKind,
    counted: Literal["held", "excused", "missed"],
    missed_running: int,
) -> AgreementChanges:
    series = agreement.meetings[kind]
    over = series.model_copy(update={counted: getattr(series, counted) + 1, "missed_running": missed_running})
    return {"meetings": {**agreement.meetings, kind: over}}


@changes.register
def check_in_held(_event: CheckInHeld, agreement: Agreement) -> AgreementChanges:
    """Count the meeting as held; none is missed in a row any more."""
    return _meeting_over(agreement, ObligationKind.CHECK_IN, "held", 0)


@changes.register
def reflective_session_held(_event: ReflectiveSessionHeld, agreement: Agreement) -> AgreementChanges:
    """Count the meeting as held; none is missed in a row any more."""
    return _meeting_over(agreement, ObligationKind.REFLECTIVE_SESSION, "held", 0)


@changes.register
def meeting_excused(event: MeetingExcused, agreement: Agreement) -> AgreementChanges:
    """Count the meeting as excused: neither missed nor held."""
    running = agreement.meetings[event.meeting].missed_running
    return _meeting_over(agreement, event.meeting, "excused", running)


@changes.register
def meeting_missed(event: MeetingMissed, agreement: Agreement) -> AgreementChanges:
    """Count the meeting as missed, one more in a row."""
    running = agreement.meetings[event.meeting].missed_running
    return _meeting_over(agreement, event.meeting, "missed", running + 1)


@changes.register
def plan_reviewed(event: PlanReviewed, agreement: Agreement) -> AgreementChanges:
    """Count the review; the next one is counted from its day."""
    return {"plan_reviews": agreement.plan_reviews + 1, "plan_reviewed_on": event.reviewed_on}
