"""Commands of the active phase that every kind has."""

from __future__ import annotations

from datetime import date
from typing import ClassVar, Literal

from pydantic import Field, JsonValue

from domain.agreement.commands.base import (
    ACTIVE,
    ACTIVE_OR_LOOKING_BACK,
    CLOSE_TO_THE_WORK,
    EVERYBODY,
    HR,
    MANAGERS,
    PAIR,
    UNTIL_CLOSED,
    Command,
)
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
from domain.agreement.state import MeetingKind
from domain.kernel.model import Instant, PersonId, Slug, Words
from domain.kernel.vocabulary import ObligationKind, Role
from domain.ledger.obligation import ObligationId
from domain.terms.parts import SkillUri

_EVIDENCE: JsonValue = {
    "evidence_type": "document",
    "reference": "Supplier map, version 3, in the team space",
    "shows": "All forty suppliers with risk class and owner.",
}


class RecordCheckIn(Command):
    """Record that the open check-in was held: progress, blockers, confidence, next steps."""

    given_by: ClassVar = PAIR
    phases: ClassVar = ACTIVE
    example: ClassVar[dict[str, JsonValue]] = {
        "progress": [{"objective_id": "o1", "status": "in_progress", "note": "Two suppliers mapped."}],
        "blockers": [],
        "confidence": 4,
        "answers": [{"prompt_id": "what-changed", "answer": "I ask for the decision before the meeting."}],
        "next_steps": ["Map the three remaining suppliers."],
        "skills": [{"skill_uri": "urn:skill:negotiation", "seen": "Held the price in the second call."}],
    }

    type: Literal["record_check_in"] = "record_check_in"
    progress: tuple[ObjectiveProgress, ...] = Field(min_length=1)
    blockers: tuple[Words, ...] = ()
    confidence: Confidence
    answers: tuple[PromptAnswer, ...] = ()
    next_steps: tuple[Words, ...] = Field(min_length=1)
    skills: tuple[SkillObservation, ...] = ()
    """Transferable skills seen; at least one, but for shadowing."""
    calls_for: Literal["amendment", "pivot"] | None = None
    """Where the conversation showed that the course must change."""


class RecordReflectiveSession(Command):
    """Record that the open reflective session was held."""

    given_by: ClassVar = PAIR
    phases: ClassVar = ACTIVE
    example: ClassVar[dict[str, JsonValue]] = {
        "answers": [{"prompt_id": "limiting-assumption", "answer": "That seniority decides."}],
        "assumptions_questioned": ["That the host team knows why I am here."],
        "next_steps": ["Tell the team what I am here to learn."],
    }

    type: Literal["record_reflective_session"] = "record_reflective_session"
    answers: tuple[PromptAnswer, ...] = Field(min_length=1)
    assumptions_questioned: tuple[Words, ...] = ()
    next_steps: tuple[Words, ...] = Field(min_length=1)


class ExcuseMeeting(Command):
    """Excuse the open check-in or reflective session; the next one is scheduled."""

    given_by: ClassVar = PAIR | HR
    phases: ClassVar = ACTIVE
    example: ClassVar[dict[str, JsonValue]] = {"meeting": "check_in", "reason": "Both at the plant audit."}

    type: Literal["excuse_meeting"] = "excuse_meeting"
    meeting: MeetingKind = ObligationKind.CHECK_IN
    reason: Words


class RescheduleMeeting(Command):
    """Move the open check-in or reflective session to another time; the invite follows."""

    given_by: ClassVar = PAIR | HR
    phases: ClassVar = ACTIVE
    example: ClassVar[dict[str, JsonValue]] = {
        "meeting": "check_in",
        "starts_at": "2027-03-04T09:30:00+01:00",
        "reason": "The mentor travels.",
    }

    type: Literal["reschedule_meeting"] = "reschedule_meeting"
    meeting: MeetingKind = ObligationKind.CHECK_IN
    starts_at: Instant
    reason: Words


class RecordOfflineMeeting(Command):
    """Put a meeting on record that left no trace at the time. It ends a silence."""

    given_by: ClassVar = PAIR | HR
    phases: ClassVar = UNTIL_CLOSED
    example: ClassVar[dict[str, JsonValue]] = {
        "held_on": "2027-03-03",
        "between": ["P-1001", "P-2001"],
        "note": "Met in the canteen; the supplier map is on track.",
    }

    type: Literal["record_offline_meeting"] = "record_offline_meeting"
    held_on: date
    between: tuple[PersonId, ...] = Field(min_length=1)
    note: Words


class CompleteMilestone(Command):
    """Say that a milestone is reached, with evidence; its verifier is asked to look."""

    given_by: ClassVar = PAIR | MANAGERS | {Role.HOST_EXPERT, Role.SPONSOR, Role.OBSERVER, Role.HRBP}
    phases: ClassVar = ACTIVE_OR_LOOKING_BACK
    example: ClassVar[dict[str, JsonValue]] = {
        "milestone_id": "supplier-map",
        "evidence": [_EVIDENCE],
        "indicator_result": "40 of 40 suppliers classified.",
    }

    type: Literal["complete_milestone"] = "complete_milestone"
    milestone_id: Slug
    evidence: tuple[Evidence, ...] = Field(min_length=1)
    indicator_result: Words


class VerifyMilestone(Command):
    """Accept a milestone's evidence. Feedback is owed next."""

    given_by: ClassVar = EVERYBODY - {Role.MENTEE, Role.PEER}
    phases: ClassVar = ACTIVE_OR_LOOKING_BACK
    example: ClassVar[dict[str, JsonValue]] = {"milestone_id": "supplier-map", "comment": "Complete."}

    type: Literal["verify_milestone"] = "verify_milestone"
    milestone_id: Slug
    comment: Words | None = None


class ReturnMilestone(Command):
    """Send a milestone's evidence back, saying what is missing."""

    given_by: ClassVar = VerifyMilestone.given_by
    phases: ClassVar = ACTIVE_OR_LOOKING_BACK
    example: ClassVar[dict[str, JsonValue]] = {
        "milestone_id": "supplier-map",
        "missing": "Three suppliers have no owner.",
    }

    type: Literal["return_milestone"] = "return_milestone"
    milestone_id: Slug
    missing: Words


class ReplanMilestone(Command):
    """Give a milestone another day inside the placement."""

    given_by: ClassVar = PAIR | MANAGERS | HR
    phases: ClassVar = ACTIVE
    example: ClassVar[dict[str, JsonValue]] = {
        "milestone_id": "supplier-map",
        "due_on": "2027-04-16",
        "reason": "Access to the purchasing system came late.",
    }

    type: Literal["replan_milestone"] = "replan_milestone"
    milestone_id: Slug
    due_on: date
    reason: Words


class GiveFeedback(Command):
    """Give feedback: behaviour, effect, next step, tied to a criterion or a skill.

    The mentee's feedback to the mentor goes the same way.
    """

    given_by: ClassVar = EVERYBODY
    phases: ClassVar = ACTIVE_OR_LOOKING_BACK
    example: ClassVar[dict[str, JsonValue]] = {
        "receiver_id": "P-1001",
        "behaviour": "You sent the agenda a day before the supplier call.",
        "effect": "The supplier came prepared, and we closed two points.",
        "next_step": "Do the same for the quarterly review.",
        "anchor": {"kind": "criterion", "reference": "c1"},
        "tone": "praise",
    }

    type: Literal["give_feedback"] = "give_feedback"
    receiver_id: PersonId
    about: ObligationId | None = None
    """The open feedback obligation that it fulfils; found by itself where the giver owes just one."""
    behaviour: Words
    effect: Words
    next_step: Words
    anchor: Anchor
    tone: Tone
    rating: Confidence | None = None
    """How far the criterion is met, beside the mentee's rating of themselves; only with such an anchor."""


class RequestPeerFeedback(Command):
    """Ask a colleague who saw the work what they saw. They owe an answer."""

    given_by: ClassVar = PAIR | HR
    phases: ClassVar = ACTIVE_OR_LOOKING_BACK
    example: ClassVar[dict[str, JsonValue]] = {
        "peer_id": "P-3001",
        "question": "What did you see in the supplier calls?",
    }

    type: Literal["request_peer_feedback"] = "request_peer_feedback"
    peer_id: PersonId
    question: Words


class RecordSelfAssessment(Command):
    """Rate oneself against the agreed criteria."""

    given_by: ClassVar = frozenset({Role.MENTEE})
    phases: ClassVar = ACTIVE_OR_LOOKING_BACK
    example: ClassVar[dict[str, JsonValue]] = {
        "ratings": [{"criterion_id": "c1", "rating": 3, "because": "Two calls led alone, one with help."}]
    }

    type: Literal["record_self_assessment"] = "record_self_assessment"
    ratings: tuple[Rating, ...] = Field(min_length=1)


class RecordWinOrSetback(Command):
    """Keep a win or a setback with its lesson, for the debrief."""

    given_by: ClassVar = CLOSE_TO_THE_WORK
    phases: ClassVar = ACTIVE
    example: ClassVar[dict[str, JsonValue]] = {
        "is_win": False,
        "what": "The first workshop had four of twelve guests.",
        "lesson": "Invite through the team leads.",
    }

    type: Literal["record_win_or_setback"] = "record_win_or_setback"
    is_win: bool
    what: Words
    lesson: Words


class ReviewPlan(Command):
    """Record that the mentee's development plan was reviewed. The next review is counted from that day."""

    given_by: ClassVar = PAIR | {Role.LINE_MANAGER}
    phases: ClassVar = ACTIVE
    example: ClassVar[dict[str, JsonValue]] = {
        "held_on": "2027-04-12",
        "outcome": "Negotiation is on course; contract law goes into the next quarter.",
    }

    type: Literal["review_plan"] = "review_plan"
    held_on: date | None = None
    """None is today; earlier where the plan was reviewed elsewhere and is recorded here later."""
    outcome: Words


class GiveEndorsement(Command):
    """Vouch for the mentee, agreeing to be named. It can be revoked."""

    given_by: ClassVar = frozenset({Role.OBSERVER, Role.SPONSOR})
    phases: ClassVar = ACTIVE_OR_LOOKING_BACK
    example: ClassVar[dict[str, JsonValue]] = {
        "statement": "I saw the negotiation and would have them lead the next one.",
        "skill_uri": "urn:skill:negotiation",
        "consents_to_be_named": True,
    }

    type: Literal["give_endorsement"] = "give_endorsement"
    statement: Words
    skill_uri: SkillUri
    consents_to_be_named: Literal[True]


class RevokeEndorsement(Command):
    """Take one's endorsement back."""

    given_by: ClassVar = frozenset({Role.OBSERVER, Role.SPONSOR})
    phases: ClassVar = UNTIL_CLOSED
    example: ClassVar[dict[str, JsonValue]] = {"reason": None}

    type: Literal["revoke_endorsement"] = "revoke_endorsement"
    reason: Words | None = None
