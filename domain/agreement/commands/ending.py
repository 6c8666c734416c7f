"""Commands of the end: decision, debriefs, synthesis, close."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, JsonValue

from domain.agreement.commands.base import ACTIVE, HR, MANAGERS, PAIR, UNTIL_CLOSED, Command
from domain.agreement.commands.rotation import REFLECTION_EXAMPLE, TRANSFER_EXAMPLE
from domain.agreement.content import Evidence, Reflection, Synthesis
from domain.kernel.model import Words
from domain.kernel.vocabulary import Phase, Role

_EVIDENCE: JsonValue = {
    "evidence_type": "document",
    "reference": "Review protocol of the second quarter",
    "shows": "Led alone, two objections resolved.",
}


class DecideEnd(Command):
    """Decide what follows the end date: return, convert, next role, or end."""

    given_by: ClassVar = MANAGERS | HR
    phases: ClassVar = ACTIVE
    example: ClassVar[dict[str, JsonValue]] = {"decision": "return", "reason": "The home post waits."}

    type: Literal["decide_end"] = "decide_end"
    decision: Literal["return", "convert", "next_role", "end"]
    reason: Words


class PlanReturn(Command):
    """Settle how the mentee comes back to the home post."""

    given_by: ClassVar = HR | {Role.LINE_MANAGER}
    phases: ClassVar = ACTIVE
    example: ClassVar[dict[str, JsonValue]] = {
        "target_post": "Senior buyer, home team",
        "first_weeks": ["Handover with the deputy", "Refresher on the new contract system"],
        "use_of_learning": "Leads the supplier risk round.",
    }

    type: Literal["plan_return"] = "plan_return"
    target_post: Words
    first_weeks: tuple[Words, ...] = Field(min_length=1)
    use_of_learning: Words


class EndEarly(Command):
    """End the placement before its date, by home, host or mentee, with reason and the agreed notice."""

    given_by: ClassVar = MANAGERS | HR | {Role.MENTEE, Role.HOST_EXPERT}
    phases: ClassVar = ACTIVE
    example: ClassVar[dict[str, JsonValue]] = {"by": "home", "reason": "The home team lost two people."}

    type: Literal["end_early"] = "end_early"
    by: Literal["home", "host", "mentee"]
    reason: Words


class SubmitDebrief(Command):
    """Look back: decisions, criteria weighed, risks, alternatives, skills, challenges, insights."""

    given_by: ClassVar = PAIR | {Role.HOST_EXPERT, Role.HOST_MANAGER}
    phases: ClassVar = frozenset({Phase.DEBRIEF})
    example: ClassVar[dict[str, JsonValue]] = {"reflection": REFLECTION_EXAMPLE, "evidence": [_EVIDENCE]}

    type: Literal["submit_debrief"] = "submit_debrief"
    reflection: Reflection
    evidence: tuple[Evidence, ...] = ()


class SubmitSynthesis(Command):
    """Submit the synthesis for signature: skill map, trajectory, gaps, what transfers and adapts."""

    given_by: ClassVar = PAIR
    phases: ClassVar = frozenset({Phase.SYNTHESIS})
    example: ClassVar[dict[str, JsonValue]] = {
        "synthesis": {
            "summary": "From preparing negotiations to leading them.",
            "skill_map": [
                {
                    "skill_uri": "urn:skill:negotiation",
                    "framework": "sfia",
                    "framework_version": "9",
                    "level_before": 3,
                    "level_after": 4,
                    "assessor": "mentor",
                    "evidence": [_EVIDENCE],
                }
            ],
            "trajectory": {
                "directions": ["Category lead"],
                "confidence": 4,
                "next_steps": ["Lead one category review at home."],
                "review_on": "2027-12-01",
            },
            "gaps": ["Contract law"],
            "transfer": TRANSFER_EXAMPLE,
            "toolkit": [
                {
                    "tactic": "Name blockers first.",
                    "context": "Short daily meetings.",
                    "evidence": [_EVIDENCE],
                }
            ],
        }
    }

    type: Literal["submit_synthesis"] = "submit_synthesis"
    synthesis: Synthesis


class SignSynthesis(Command):
    """Sign the submitted synthesis."""

    given_by: ClassVar = PAIR | {Role.LINE_MANAGER, Role.PROGRAMME_OWNER, Role.HOST_EXPERT}
    phases: ClassVar = frozenset({Phase.SYNTHESIS})
    example: ClassVar[dict[str, JsonValue]] = {"synthesis_version": 1}

    type: Literal["sign_synthesis"] = "sign_synthesis"
    synthesis_version: int


class ReturnSynthesis(Command):
    """Ask for changes to the submitted synthesis instead of signing it."""

    given_by: ClassVar = SignSynthesis.given_by
    phases: ClassVar = frozenset({Phase.SYNTHESIS})
    example: ClassVar[dict[str, JsonValue]] = {
        "synthesis_version": 1,
        "what": "The level after is claimed by one meeting only.",
    }

    type: Literal["return_synthesis"] = "return_synthesis"
    synthesis_version: int
    what: Words


class CloseIncomplete(Command):
    """Close without debrief or synthesis, with a reason and a name."""

    given_by: ClassVar = HR
    phases: ClassVar = UNTIL_CLOSED
    example: ClassVar[dict[str, JsonValue]] = {"reason": "The mentee left the company."}

    type: Literal["close_incomplete"] = "close_incomplete"
    reason: Words
