"""Events of the active phase that every kind has: meetings, milestones, feedback."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from domain.agreement.content import (
    Anchor,
    Confidence,
    Evidence,
    ObjectiveProgress,
    PromptAnswer,
    Rating,
    SkillObservation,
    Tone,
)
from domain.agreement.events.base import Event, MeaningfulEvent
from domain.agreement.state import MeetingKind, Party
from domain.kernel.model import Instant, PersonId, Slug, Words
from domain.ledger.obligation import ObligationId

MeetingNumber = Annotated[int, Field(ge=1)]
"""Counts within one cadence, from 1."""


class CheckInHeld(MeaningfulEvent):
    """A brief check-in took place."""

    type: Literal["check_in.held"] = "check_in.held"
    number: MeetingNumber
    progress: tuple[ObjectiveProgress, ...]
    blockers: tuple[Words, ...]
    confidence: Confidence
    answers: tuple[PromptAnswer, ...]
    next_steps: tuple[Words, ...]
    skills: tuple[SkillObservation, ...]
    calls_for: Literal["amendment", "pivot"] | None
    prompt_bank: str | None = None
    """The version of the bank that the answers are from; None where nothing was answered."""


class ReflectiveSessionHeld(MeaningfulEvent):
    """A longer reflective session took place."""

    type: Literal["reflective_session.held"] = "reflective_session.held"
    number: MeetingNumber
    prompt_bank: str
    answers: tuple[PromptAnswer, ...]
    assumptions_questioned: tuple[Words, ...]
    next_steps: tuple[Words, ...]


class MeetingExcused(MeaningfulEvent):
    """A meeting does not take place, for a reason."""

    type: Literal["meeting.excused"] = "meeting.excused"
    meeting: MeetingKind
    number: MeetingNumber
    reason: Words


class MeetingRescheduled(Event):
    """A meeting was moved. Booking is not activity: a silence goes on."""

    type: Literal["meeting.rescheduled"] = "meeting.rescheduled"
    meeting: MeetingKind
    number: MeetingNumber
    starts_at: Instant
    reason: Words


class MeetingMissed(Event):
    """A meeting's day passed, and nobody recorded, excused or moved it."""

    type: Literal["meeting.missed"] = "meeting.missed"
    meeting: MeetingKind
    number: MeetingNumber


class OfflineMeetingRecorded(MeaningfulEvent):
    """A meeting that left no trace at the time is put on record."""

    type: Literal["offline_meeting.recorded"] = "offline_meeting.recorded"
    held_on: date
    between: tuple[PersonId, ...]
    note: Words


class MilestoneCompleted(MeaningfulEvent):
    """The owner says that a milestone is reached and shows the evidence."""

    type: Literal["milestone.completed"] = "milestone.completed"
    milestone_id: Slug
    evidence: tuple[Evidence, ...]
    indicator_result: Words


class MilestoneVerified(MeaningfulEvent):
    """The verifier accepted the evidence."""

    type: Literal["milestone.verified"] = "milestone.verified"
    milestone_id: Slug
    comment: Words | None


class MilestoneReturned(MeaningfulEvent):
    """The verifier sent the evidence back."""

    type: Literal["milestone.returned"] = "milestone.returned"
    milestone_id: Slug
    missing: Words


class MilestoneReplanned(MeaningfulEvent):
    """A milestone has another day."""

    type: Literal["milestone.replanned"] = "milestone.replanned"
    milestone_id: Slug
    due_on: date
    reason: Words


class FeedbackGiven(MeaningfulEvent):
    """Behaviour, effect and next step, tied to a criterion or a skill."""

    type: Literal["feedback.given"] = "feedback.given"
    giver: Party
    receiver_id: PersonId
    about: ObligationId | None
    behaviour: Words
    effect: Words
    next_step: Words
    anchor: Anchor
    tone: Tone
    rating: Confidence | None = None


class PeerFeedbackRequested(MeaningfulEvent):
    """A colleague who saw the work is asked what they saw."""

    type: Literal["peer_feedback.requested"] = "peer_feedback.requested"
    peer: Party
    question: Words


class SelfAssessmentRecorded(MeaningfulEvent):
    """The mentee rated themselves against the agreed criteria."""

    type: Literal["self_assessment.recorded"] = "self_assessment.recorded"
    ratings: tuple[Rating, ...]


class WinOrSetbackRecorded(MeaningfulEvent):
    """Something went well or did not, with the lesson."""

    type: Literal["win_or_setback.recorded"] = "win_or_setback.recorded"
    is_win: bool
    what: Words
    lesson: Words


class PlanReviewed(MeaningfulEvent):
    """The mentee's development plan was looked at again; its clock runs from that day."""

    type: Literal["plan.reviewed"] = "plan.reviewed"
    reviewed_on: date
    outcome: Words


class EndorsementGiven(MeaningfulEvent):
    """An observer or sponsor vouches for the mentee, with consent to be named."""

    type: Literal["endorsement.given"] = "endorsement.given"
    endorser: Party
    statement: Words
    skill_uri: str


class EndorsementRevoked(MeaningfulEvent):
    """An endorser takes an endorsement back."""

    type: Literal["endorsement.revoked"] = "endorsement.revoked"
    endorser: Party
    reason: Words | None
