"""Commands about milestones: complete, verify, return, re-plan."""

from __future__ import annotations

from datetime import date
from typing import ClassVar, Literal

from pydantic import Field, JsonValue

from domain.agreement.commands.base import (
    ACTIVE,
    ACTIVE_OR_LOOKING_BACK,
    EVERYBODY,
    HR,
    MANAGERS,
    PAIR,
    Command,
)
from domain.agreement.content import (
    Evidence,
)
from domain.kernel.model import Slug, Words
from domain.kernel.vocabulary import Role

_EVIDENCE: JsonValue = {
    "evidence_type": "document",
    "reference": "Supplier map, version 3, in the team space",
    "shows": "All forty suppliers with risk class and owner.",
}


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
