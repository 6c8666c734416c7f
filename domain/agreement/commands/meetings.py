"""Commands about meetings: check-ins, reflective sessions, and reviews of the development plan."""

from __future__ import annotations

from datetime import date
from typing import ClassVar, Literal

from pydantic import Field, JsonValue

from domain.agreement.commands.base import (
    ACTIVE,
    HR,
    PAIR,
    UNTIL_CLOSED,
    Command,
)
from domain.agreement.content import (
    Confidence,
    ObjectiveProgress,
    PromptAnswer,
    SkillObservation,
)
from domain.agreement.state import MeetingKind
from domain.kernel.model import Instant, PersonId, Words
from domain.kernel.vocabulary import ObligationKind, Role


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
