"""Events of meetings: held, excused, moved, missed, and the plan reviewed."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from domain.agreement.content import (
    Confidence,
    ObjectiveProgress,
    PromptAnswer,
    SkillObservation,
)
from domain.agreement.events.base import Event, MeaningfulEvent
from domain.agreement.state import MeetingKind
from domain.kernel.classification import Audience, Subject
from domain.kernel.model import Instant, PersonId, Words

MeetingNumber = Annotated[int, Field(ge=1)]
"""Counts within one cadence, from 1."""


class CheckInHeld(MeaningfulEvent):
    """A brief check-in took place."""

    type: Literal["check_in.held"] = "check_in.held"
    number: MeetingNumber
    progress: Annotated[tuple[ObjectiveProgress, ...], Audience.CLOSE_TO_THE_WORK, Subject.MENTEE]
    blockers: Annotated[tuple[Words, ...], Audience.CLOSE_TO_THE_WORK, Subject.MENTEE]
    confidence: Annotated[Confidence, Audience.PAIR]
    answers: Annotated[tuple[PromptAnswer, ...], Audience.PAIR, Subject.MENTEE]
    next_steps: Annotated[tuple[Words, ...], Audience.CLOSE_TO_THE_WORK, Subject.MENTEE]
    skills: Annotated[tuple[SkillObservation, ...], Audience.CLOSE_TO_THE_WORK, Subject.MENTEE]
    calls_for: Literal["amendment", "pivot"] | None
    prompt_bank: str | None = None
    """The version of the bank that the answers are from; None where nothing was answered."""


class ReflectiveSessionHeld(MeaningfulEvent):
    """A longer reflective session took place."""

    type: Literal["reflective_session.held"] = "reflective_session.held"
    number: MeetingNumber
    prompt_bank: str
    answers: Annotated[tuple[PromptAnswer, ...], Audience.PAIR, Subject.MENTEE]
    assumptions_questioned: Annotated[tuple[Words, ...], Audience.PAIR, Subject.MENTEE]
    next_steps: Annotated[tuple[Words, ...], Audience.PAIR, Subject.MENTEE]


class MeetingExcused(MeaningfulEvent):
    """A meeting does not take place, for a reason."""

    type: Literal["meeting.excused"] = "meeting.excused"
    meeting: MeetingKind
    number: MeetingNumber
    reason: Annotated[Words, Audience.PAIR, Subject.AUTHOR]


class MeetingRescheduled(Event):
    """A meeting was moved. Booking is not activity: a silence goes on."""

    type: Literal["meeting.rescheduled"] = "meeting.rescheduled"
    meeting: MeetingKind
    number: MeetingNumber
    starts_at: Instant
    reason: Annotated[Words, Audience.PAIR, Subject.AUTHOR]


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
    note: Annotated[Words, Audience.PAIR, Subject.AUTHOR]


class PlanReviewed(MeaningfulEvent):
    """The mentee's development plan was looked at again; its clock runs from that day."""

    type: Literal["plan.reviewed"] = "plan.reviewed"
    reviewed_on: date
    outcome: Annotated[Words, Audience.IN_CONFIDENCE, Subject.MENTEE]
