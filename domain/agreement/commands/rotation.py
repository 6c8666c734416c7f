"""Commands of a rotation."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, JsonValue

from domain.agreement.commands.base import (
    ACTIVE,
    ACTIVE_OR_LOOKING_BACK,
    BEFORE_THE_END,
    EVERYBODY,
    HR,
    PAIR,
    Command,
)
from domain.agreement.content import Evidence, Reflection, Transfer
from domain.kernel.model import Slug, Words
from domain.kernel.vocabulary import Role

_EVIDENCE: JsonValue = {
    "evidence_type": "document",
    "reference": "Forecast model, final version",
    "shows": "Error below five per cent over two quarters.",
}
REFLECTION_EXAMPLE: JsonValue = {
    "decisions": ["Moved the cut-off to Thursday."],
    "criteria_weighed": ["Planners' load against accuracy."],
    "risks": ["Late orders miss the run."],
    "alternatives": ["Two runs a week."],
    "skills": ["Facilitating a decision."],
    "challenges": ["No mandate over the planners."],
    "insights": ["A pilot convinces where slides do not."],
}
TRANSFER_EXAMPLE: JsonValue = {
    "transfers": ["Pilot before roll-out."],
    "adapts": ["Smaller groups at home."],
    "networks": ["The planners' round table."],
}


class SignAnnex(Command):
    """Agree to the annex of one leg."""

    given_by: ClassVar = frozenset({Role.LEG_MANAGER, Role.SPONSOR})
    phases: ClassVar = BEFORE_THE_END
    example: ClassVar[dict[str, JsonValue]] = {"leg_id": "planning"}

    type: Literal["sign_annex"] = "sign_annex"
    leg_id: Slug


class AcceptDeliverable(Command):
    """Accept what a leg had to deliver, with its evidence."""

    given_by: ClassVar = EVERYBODY - {Role.MENTEE, Role.PEER, Role.OPERATOR}
    phases: ClassVar = ACTIVE_OR_LOOKING_BACK
    example: ClassVar[dict[str, JsonValue]] = {
        "leg_id": "planning",
        "deliverable_id": "forecast",
        "evidence": [_EVIDENCE],
    }

    type: Literal["accept_deliverable"] = "accept_deliverable"
    leg_id: Slug
    deliverable_id: Slug
    evidence: tuple[Evidence, ...] = Field(min_length=1)


class DebriefLeg(Command):
    """Look back on a leg: decisions, and what transferred, adapted and connected."""

    given_by: ClassVar = frozenset({Role.MENTEE})
    phases: ClassVar = ACTIVE_OR_LOOKING_BACK
    example: ClassVar[dict[str, JsonValue]] = {
        "leg_id": "planning",
        "reflection": REFLECTION_EXAMPLE,
        "transfer": TRANSFER_EXAMPLE,
    }

    type: Literal["debrief_leg"] = "debrief_leg"
    leg_id: Slug
    reflection: Reflection
    transfer: Transfer


class CompleteHandover(Command):
    """Hand the work of a leg over, so that the next can begin."""

    given_by: ClassVar = frozenset({Role.MENTEE, Role.LEG_MANAGER})
    phases: ClassVar = ACTIVE_OR_LOOKING_BACK
    example: ClassVar[dict[str, JsonValue]] = {
        "leg_id": "planning",
        "handed_over": "Model, run book and two open requests.",
        "open_ends": ["The holiday factor is a guess."],
        "home_cover": "The deputy keeps the Monday report.",
    }

    type: Literal["complete_handover"] = "complete_handover"
    leg_id: Slug
    handed_over: Words
    open_ends: tuple[Words, ...] = ()
    home_cover: Words


class StartLeg(Command):
    """Begin the next leg. Refused until the one before is delivered, debriefed and handed over."""

    given_by: ClassVar = PAIR | HR | {Role.LEG_MANAGER, Role.LINE_MANAGER}
    phases: ClassVar = ACTIVE
    example: ClassVar[dict[str, JsonValue]] = {"leg_id": "customer-care"}

    type: Literal["start_leg"] = "start_leg"
    leg_id: Slug


class LogSponsorContact(Command):
    """Record that the mentee and a leg's sponsor spoke."""

    given_by: ClassVar = frozenset({Role.MENTEE, Role.SPONSOR})
    phases: ClassVar = ACTIVE
    example: ClassVar[dict[str, JsonValue]] = {"leg_id": "planning", "note": "Introduced to the S&OP round."}

    type: Literal["log_sponsor_contact"] = "log_sponsor_contact"
    leg_id: Slug
    note: Words
