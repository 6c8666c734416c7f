"""What meetings, milestones, feedback and endorsements change."""

from __future__ import annotations

from typing import Literal

from domain.agreement.events.progress import (
    CheckInHeld,
    EndorsementGiven,
    EndorsementRevoked,
    FeedbackGiven,
    MeetingExcused,
    MeetingMissed,
    MilestoneCompleted,
    MilestoneReplanned,
    MilestoneReturned,
    MilestoneVerified,
    PeerFeedbackRequested,
    PlanReviewed,
    ReflectiveSessionHeld,
)
from domain.agreement.evolvers.registry import Changes, changes
from domain.agreement.state import Agreement
from domain.kernel.vocabulary import ObligationKind


def _meeting_over(
    agreement: Agreement,
    kind: ObligationKind,
    counted: Literal["held", "excused", "missed"],
    missed_running: int,
) -> Changes:
    series = agreement.meetings[kind]
    over = series.model_copy(update={counted: getattr(series, counted) + 1, "missed_running": missed_running})
    return {"meetings": {**agreement.meetings, kind: over}}


@changes.register
def check_in_held(_event: CheckInHeld, agreement: Agreement) -> Changes:
    """Whoever meets has missed nothing in a row."""
    return _meeting_over(agreement, ObligationKind.CHECK_IN, "held", 0)


@changes.register
def reflective_session_held(_event: ReflectiveSessionHeld, agreement: Agreement) -> Changes:
    """Whoever meets has missed nothing in a row."""
    return _meeting_over(agreement, ObligationKind.REFLECTIVE_SESSION, "held", 0)


@changes.register
def meeting_excused(event: MeetingExcused, agreement: Agreement) -> Changes:
    """Neither missed, nor held."""
    running = agreement.meetings[event.meeting].missed_running
    return _meeting_over(agreement, event.meeting, "excused", running)


@changes.register
def meeting_missed(event: MeetingMissed, agreement: Agreement) -> Changes:
    """One more in a row."""
    running = agreement.meetings[event.meeting].missed_running
    return _meeting_over(agreement, event.meeting, "missed", running + 1)


@changes.register
def milestone_completed(event: MilestoneCompleted, agreement: Agreement) -> Changes:
    """It waits for its verifier."""
    return {"milestones_completed": agreement.milestones_completed | {event.milestone_id}}


@changes.register
def milestone_returned(event: MilestoneReturned, agreement: Agreement) -> Changes:
    """It is owed again, even where it had been waived."""
    return {
        "milestones_completed": agreement.milestones_completed - {event.milestone_id},
        "waived": agreement.waived - {f"{ObligationKind.MILESTONE}:{event.milestone_id}"},
    }


@changes.register
def milestone_verified(event: MilestoneVerified, agreement: Agreement) -> Changes:
    """It is done."""
    return {"milestones_verified": agreement.milestones_verified | {event.milestone_id}}


@changes.register
def milestone_replanned(event: MilestoneReplanned, agreement: Agreement) -> Changes:
    """The terms in force have the new day."""
    milestones = tuple(
        milestone.model_copy(update={"due_on": event.due_on})
        if milestone.milestone_id == event.milestone_id
        else milestone
        for milestone in agreement.terms.milestones
    )
    return {"terms": agreement.terms.model_copy(update={"milestones": milestones})}


@changes.register
def plan_reviewed(event: PlanReviewed, agreement: Agreement) -> Changes:
    """The next one is counted from there."""
    return {"plan_reviews": agreement.plan_reviews + 1, "plan_reviewed_on": event.reviewed_on}


@changes.register
def feedback_given(event: FeedbackGiven, agreement: Agreement) -> Changes:
    """Whoever gives the mentee feedback is one more source."""
    given = {"feedback_given": agreement.feedback_given + 1}
    if event.receiver_id != agreement.mentee_id:
        return given
    return {**given, "feedback_sources": agreement.feedback_sources | {event.giver.person_id}}


@changes.register
def peer_feedback_requested(event: PeerFeedbackRequested, agreement: Agreement) -> Changes:
    """Whoever is asked takes part."""
    return {} if event.peer in agreement.parties else {"parties": (*agreement.parties, event.peer)}


@changes.register
def endorsement_given(event: EndorsementGiven, agreement: Agreement) -> Changes:
    """One person vouches for the mentee."""
    return {"endorsers": agreement.endorsers | {event.endorser.person_id}}


@changes.register
def endorsement_revoked(event: EndorsementRevoked, agreement: Agreement) -> Changes:
    """Consent to be named is gone."""
    return {"endorsers": agreement.endorsers - {event.endorser.person_id}}
