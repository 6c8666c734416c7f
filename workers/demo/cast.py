"""The cast: what believable people answer when they are asked for something."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import NamedTuple

from pydantic import JsonValue

from domain.agreement.commands import COMMANDS, Command
from domain.kernel.vocabulary import ObligationKind, Role
from domain.ledger.obligation import Obligation
from domain.terms import RotationTerms, ShadowingTerms, Terms

Answer = tuple[str, dict[str, JsonValue]]
"""The name of a command and its own fields."""


def answer(
    owed: Obligation, terms: Terms, terms_version: int = 1, synthesis_version: int = 1
) -> Command | None:
    """The command by which the owner of an obligation fulfils it; None where nobody of the cast would.

    Args:
        owed: What is owed.
        terms: The terms in force as the agreement holds them: they name whoever holds a role now.
        terms_version: The version in force, which is what one signs.
        synthesis_version: The synthesis that is out for signature.
    """
    asked = Asked(owed, terms, terms_version, synthesis_version)
    found = _ANSWERS.get(owed.kind)
    if found is None:
        return None
    name, fields = found(asked)
    return COMMANDS[name].model_validate(
        {
            "command_id": f"{owed.obligation_id}:{owed.opened_at:%Y%m%dT%H%M%S}",
            "actor_id": asked.actor_id,
            **fields,
        }
    )


class Asked:
    """One request to one person, with what they know."""

    def __init__(self, owed: Obligation, terms: Terms, terms_version: int, synthesis_version: int) -> None:
        self.owed = owed
        self.terms = terms
        self.terms_version = terms_version
        self.synthesis_version = synthesis_version

    @property
    def actor_id(self) -> str:
        """Who answers: the owner, or the verifier where the owner cannot accept their own work."""
        if self.owed.kind is ObligationKind.LEG_DELIVERABLE and isinstance(self.terms, RotationTerms):
            leg_id, deliverable_id = self.owed.subject.split("/")
            leg = next(leg for leg in self.terms.legs if leg.leg_id == leg_id)
            deliverable = next(each for each in leg.deliverables if each.deliverable_id == deliverable_id)
            return {
                Role.LEG_MANAGER: leg.manager,
                Role.SPONSOR: leg.sponsor,
            }.get(deliverable.verifier, self.terms.mentor)
        return self.owed.owner_id

    @property
    def skill_uri(self) -> str:
        """The skill of the first objective."""
        return self.terms.objectives[0].skill.uri

    def evidence(self, shows: str) -> JsonValue:
        """One piece of evidence, of a type that the milestone asks for."""
        evidence_type = "work_product"
        for milestone in self.terms.milestones:
            if milestone.milestone_id == self.owed.subject and milestone.evidence_types:
                evidence_type = milestone.evidence_types[0]
        return {"evidence_type": evidence_type, "reference": "Team space, final version", "shows": shows}


def _signature(asked: Asked) -> Answer:
    acknowledged: list[JsonValue] = [item.item_id for item in asked.terms.compliance]
    return "sign_agreement", {"terms_version": asked.terms_version, "acknowledged": acknowledged}


class _Talk(NamedTuple):
    """What one check-in was about."""

    progress: str
    confidence: int
    changed: str
    next_step: str
    seen: str


_TALKS = (
    _Talk(
        "Knows who decides what, and whom to ask first.",
        3,
        "I ask for the decision before the meeting.",
        "Sit in on two more rounds and draw the map of decisions.",
        "Asked the question that everybody avoided.",
    ),
    _Talk(
        "A first version is in front of two colleagues.",
        3,
        "I show work when it is half done.",
        "Put their four remarks into the next version.",
        "Took hard feedback without defending.",
    ),
    _Talk(
        "One part is in daily use; the other waits for data.",
        4,
        "I say what I do not know at the start.",
        "Agree on a date for the data with its owner.",
        "Held the line in a hard conversation.",
    ),
    _Talk(
        "The numbers move in the right direction for the second week.",
        4,
        "I let others present what we did together.",
        "Hand the weekly run to a colleague and watch.",
        "Led a decision without a mandate.",
    ),
)


def _check_in(asked: Asked) -> Answer:
    talk = _TALKS[int(asked.owed.subject) % len(_TALKS)]
    return "record_check_in", {
        "progress": [
            {"objective_id": objective.objective_id, "status": "in_progress", "note": talk.progress}
            for objective in asked.terms.objectives
        ],
        "confidence": talk.confidence,
        "answers": [{"prompt_id": "what-changed", "answer": talk.changed}],
        "next_steps": [talk.next_step],
        "skills": [{"skill_uri": asked.skill_uri, "seen": talk.seen}],
    }


def _reflective_session(asked: Asked) -> Answer:
    return "record_reflective_session", {
        "answers": [{"prompt_id": "limiting-assumption", "answer": "That asking for help looks weak."}],
        "assumptions_questioned": ["That the host team knows why I am here."],
        "next_steps": [f"Review meeting {asked.owed.subject} with the mentor."],
    }


def _milestone(asked: Asked) -> Answer:
    return "complete_milestone", {
        "milestone_id": asked.owed.subject,
        "evidence": [asked.evidence("It is in use by the team.")],
        "indicator_result": "The agreed indicator is met.",
    }


def _verification(asked: Asked) -> Answer:
    return "verify_milestone", {"milestone_id": asked.owed.subject, "comment": "Seen and accepted."}


def _feedback(asked: Asked) -> Answer:
    terms = asked.terms
    to_mentee = asked.owed.owner_id != terms.mentee
    return "give_feedback", {
        "receiver_id": terms.mentee if to_mentee else terms.mentor,
        "about": asked.owed.obligation_id,
        "behaviour": "You opened the meeting with the open decisions.",
        "effect": "We settled two of them in ten minutes.",
        "next_step": "Send them round a day before.",
        "anchor": {"kind": "criterion", "reference": terms.success_criteria[0].criterion_id},
        "tone": "praise",
    }


def _self_assessment(asked: Asked) -> Answer:
    return "record_self_assessment", {
        "ratings": [
            {"criterion_id": criterion.criterion_id, "rating": 3, "because": "Done with help, not yet alone."}
            for criterion in asked.terms.success_criteria
        ]
    }


def _note(asked: Asked) -> JsonValue:
    focus = "work"
    if isinstance(asked.terms, ShadowingTerms):
        session = next(each for each in asked.terms.sessions if each.session_id == asked.owed.subject)
        focus = session.focus[0] if session.focus else asked.terms.focus_tags[0]
    return {"about": "routine", "focus": focus, "note": "The expert names the blocker first."}


def _observation(asked: Asked) -> Answer:
    return "log_observation", {
        "session_id": asked.owed.subject,
        "notes": [_note(asked)],
        "questions": ["Who may decide this when you are away?"],
    }


def _practice(asked: Asked) -> Answer:
    return "log_practice", {
        "session_id": asked.owed.subject,
        "did": "Ran the round from start to end.",
        "supported_by": "The expert stood by and stepped in once.",
    }


def _session_debrief(asked: Asked) -> Answer:
    indicator = asked.terms.indicators[0].indicator_id if isinstance(asked.terms, ShadowingTerms) else "none"
    return "debrief_session", {
        "session_id": asked.owed.subject,
        "behaviour": "Blockers are named before status.",
        "indicator_id": indicator,
        "effect_on_indicator": "Cases move half a day sooner.",
        "answered": ["The deputy decides."],
        "try_next": "Open our own round the same way.",
    }


def _experiment(asked: Asked) -> Answer:
    return "record_experiment", {
        "hypothesis": "Naming blockers first shortens our round.",
        "tried_at": f"The home team of {asked.terms.tenant}, for two weeks.",
        "result": "From 25 to 14 minutes.",
        "keep": True,
    }


def _annex(asked: Asked) -> Answer:
    return "sign_annex", {"leg_id": asked.owed.subject.split(":")[0]}


def _deliverable(asked: Asked) -> Answer:
    leg_id, deliverable_id = asked.owed.subject.split("/")
    return "accept_deliverable", {
        "leg_id": leg_id,
        "deliverable_id": deliverable_id,
        "evidence": [asked.evidence("It meets what the annex asks for.")],
    }


_REFLECTION: Mapping[str, JsonValue] = {
    "decisions": ["Piloted with one team before the roll-out."],
    "criteria_weighed": ["Speed against the load on the team."],
    "risks": ["The pilot team might not be typical."],
    "alternatives": ["A workshop for all at once."],
    "skills": ["Facilitating a decision without a mandate."],
    "challenges": ["Nobody reported to me."],
    "insights": ["A pilot convinces where slides do not."],
}
_TRANSFER: Mapping[str, JsonValue] = {
    "transfers": ["Pilot before roll-out."],
    "adapts": ["Smaller groups at home."],
    "networks": ["The planners' round table."],
}


def _leg_debrief(asked: Asked) -> Answer:
    return "debrief_leg", {
        "leg_id": asked.owed.subject,
        "reflection": dict(_REFLECTION),
        "transfer": dict(_TRANSFER),
    }


def _handover(asked: Asked) -> Answer:
    return "complete_handover", {
        "leg_id": asked.owed.subject,
        "handed_over": "Model, run book and two open requests.",
        "open_ends": ["The holiday factor is a guess."],
        "home_cover": "The deputy keeps the Monday report.",
    }


def _leg_start(asked: Asked) -> Answer:
    return "start_leg", {"leg_id": asked.owed.subject}


def _matter(asked: Asked) -> Answer:
    accepted: JsonValue = True if asked.owed.kind is ObligationKind.PROPOSAL else None
    return "settle_matter", {
        "matter_id": asked.owed.subject,
        "accepted": accepted,
        "resolution": "Talked it over and agreed on a way.",
    }


def _plan_review(_asked: Asked) -> Answer:
    return "review_plan", {"outcome": "The plan holds; what comes next is in it."}


def _consent(asked: Asked) -> Answer:
    return "consent_to_pivot", {"pivot_id": asked.owed.subject.split(":")[0]}


def _return_plan(asked: Asked) -> Answer:
    return "plan_return", {
        "target_post": "Back in the home team, one level of responsibility up",
        "first_weeks": ["Handover with the deputy.", "Refresher on the new tools."],
        "use_of_learning": f"Leads the round that {asked.terms.development_plan_ref} asks for.",
    }


def _end_decision(asked: Asked) -> Answer:
    decision = "next_role" if isinstance(asked.terms, RotationTerms) else "return"
    return "decide_end", {"decision": decision, "reason": "As planned with everybody concerned."}


def _debrief(asked: Asked) -> Answer:
    return "submit_debrief", {"reflection": dict(_REFLECTION), "evidence": [asked.evidence("Minutes kept.")]}


def _synthesis(asked: Asked) -> Answer:
    terms = asked.terms
    evidence = [asked.evidence("Two people saw it done alone.")]
    toolkit: list[JsonValue] = []
    gaps: list[JsonValue] = ["Contract law."]
    if isinstance(terms, ShadowingTerms):
        toolkit.append({"tactic": "Name blockers first.", "context": "Short rounds.", "evidence": evidence})
        gaps.append(f"Seen too briefly: {', '.join(terms.focus_tags)}.")
    return "submit_synthesis", {
        "synthesis": {
            "summary": "From preparing decisions to leading them.",
            "skill_map": [
                {
                    "skill_uri": objective.skill.uri,
                    "framework": objective.skill.framework,
                    "framework_version": objective.skill.framework_version,
                    "level_before": 2,
                    "level_after": 3,
                    "assessor": "mentor",
                    "evidence": evidence,
                }
                for objective in terms.objectives
            ],
            "trajectory": {
                "directions": ["A lead role in the same field."],
                "confidence": 4,
                "next_steps": ["Lead one review at home."],
                "review_on": (terms.planned_end + timedelta(days=90)).isoformat(),
            },
            "gaps": gaps,
            "transfer": dict(_TRANSFER),
            "toolkit": toolkit,
        }
    }


def _synthesis_signature(asked: Asked) -> Answer:
    return "sign_synthesis", {"synthesis_version": asked.synthesis_version}


_ANSWERS: Mapping[ObligationKind, Callable[[Asked], Answer]] = {
    ObligationKind.SIGNATURE: _signature,
    ObligationKind.ANNEX_SIGNATURE: _annex,
    ObligationKind.CHECK_IN: _check_in,
    ObligationKind.REFLECTIVE_SESSION: _reflective_session,
    ObligationKind.MILESTONE: _milestone,
    ObligationKind.MILESTONE_VERIFICATION: _verification,
    ObligationKind.FEEDBACK: _feedback,
    ObligationKind.SELF_ASSESSMENT: _self_assessment,
    ObligationKind.PLAN_REVIEW: _plan_review,
    ObligationKind.OBSERVATION: _observation,
    ObligationKind.PRACTICE: _practice,
    ObligationKind.SESSION_DEBRIEF: _session_debrief,
    ObligationKind.EXPERIMENT: _experiment,
    ObligationKind.LEG_DELIVERABLE: _deliverable,
    ObligationKind.LEG_DEBRIEF: _leg_debrief,
    ObligationKind.HANDOVER: _handover,
    ObligationKind.LEG_START: _leg_start,
    ObligationKind.BLOCKER: _matter,
    ObligationKind.CONCERN: _matter,
    ObligationKind.PROPOSAL: _matter,
    ObligationKind.BREACH: _matter,
    ObligationKind.PIVOT_CONSENT: _consent,
    ObligationKind.RETURN_PLAN: _return_plan,
    ObligationKind.END_DECISION: _end_decision,
    ObligationKind.DEBRIEF: _debrief,
    ObligationKind.SYNTHESIS: _synthesis,
    ObligationKind.SYNTHESIS_SIGNATURE: _synthesis_signature,
}
