"""Events of milestones: completed, verified, returned, re-planned."""

from __future__ import annotations

from datetime import date
from typing import Literal

from domain.agreement.content import (
    Evidence,
)
from domain.agreement.events.base import MeaningfulEvent
from domain.kernel.model import Slug, Words


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
