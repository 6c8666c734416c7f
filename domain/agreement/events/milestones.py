"""Events of milestones: completed, verified, returned, re-planned."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from domain.agreement.content import (
    Evidence,
)
from domain.agreement.events.base import MeaningfulEvent
from domain.kernel.classification import Audience, Subject
from domain.kernel.model import Slug, Words


class MilestoneCompleted(MeaningfulEvent):
    """The owner says that a milestone is reached and shows the evidence."""

    type: Literal["milestone.completed"] = "milestone.completed"
    milestone_id: Slug
    evidence: Annotated[tuple[Evidence, ...], Audience.EVERY_SIDE, Subject.MENTEE]
    indicator_result: Annotated[Words, Audience.EVERY_SIDE, Subject.MENTEE]


class MilestoneVerified(MeaningfulEvent):
    """The verifier accepted the evidence."""

    type: Literal["milestone.verified"] = "milestone.verified"
    milestone_id: Slug
    comment: Annotated[Words | None, Audience.EVERY_SIDE, Subject.MENTEE]


class MilestoneReturned(MeaningfulEvent):
    """The verifier sent the evidence back."""

    type: Literal["milestone.returned"] = "milestone.returned"
    milestone_id: Slug
    missing: Annotated[Words, Audience.EVERY_SIDE, Subject.MENTEE]


class MilestoneReplanned(MeaningfulEvent):
    """A milestone has another day."""

    type: Literal["milestone.replanned"] = "milestone.replanned"
    milestone_id: Slug
    due_on: date
    reason: Annotated[Words, Audience.EVERY_SIDE, Subject.MENTEE]
