"""What shadowing and rotation promise beside the rest: the order of learning, and the gates between legs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from domain.agreement.content import Synthesis
from domain.agreement.state import Agreement
from domain.kernel.errors import RefusalCode, Refused
from domain.kernel.vocabulary import Kind, ObligationKind, Phase, Role
from domain.kinds import KINDS
from domain.ledger.obligation import Obligation

Lives = Callable[[str], Any]

REFLECTION = {
    "decisions": ["Moved the cut-off."],
    "criteria_weighed": ["Load against accuracy."],
    "risks": ["Late orders."],
    "alternatives": ["Two runs."],
    "skills": ["Facilitating."],
    "challenges": ["No mandate."],
    "insights": ["A pilot convinces."],
}
TRANSFER = {"transfers": ["Pilot first."], "adapts": ["Smaller groups."], "networks": ["Planners."]}
EVIDENCE = [{"evidence_type": "work_product", "reference": "Space", "shows": "In use."}]


def _is_closed(agreement: Agreement) -> bool:
    return agreement.closed


def _after_the_first_observation(active: Lives) -> Any:  # noqa: ANN401
    life = active("shadowing")

    def its_debrief_is_owed(agreement: Agreement) -> bool:
        return any(held.kind is ObligationKind.SESSION_DEBRIEF for held in agreement.obligations.values())

    life.live(its_debrief_is_owed)
    return life


def test_no_next_observation_while_a_debrief_is_open(active: Lives) -> None:
    """Observe, practise, debrief: the next observation waits until the last session is talked through."""
    life = _after_the_first_observation(active)

    def is_no_debrief(owed: Obligation) -> bool:
        return owed.kind is not ObligationKind.SESSION_DEBRIEF

    with pytest.raises(Refused, match="before the next observation") as refused:
        life.live(_is_closed, is_no_debrief)
    assert refused.value.code is RefusalCode.OUT_OF_ORDER


def test_notes_are_typed_and_owed_per_session(active: Lives) -> None:
    """Each session is owed with notes on an agreed focus; an unknown focus is refused."""
    life = active("shadowing")
    first = life.terms.sessions[0]
    owed = life.agreement.obligations[f"observation:{first.session_id}"]
    assert owed.starts_at == first.starts_at
    life.now = first.starts_at
    log = {"session_id": first.session_id, "questions": ["Who signs?"]}
    note = {"about": "routine", "focus": "weather", "note": "Sunny."}
    with pytest.raises(Refused, match="no focus weather"):
        life.give("log_observation", life.terms.mentee, **log, notes=[note])
    note = {"about": "bottleneck", "focus": first.focus[0], "note": "One sign-off."}
    life.give("log_observation", life.terms.mentee, **log, notes=[note])
    assert first.focus[0] in life.agreement.focus_covered


def test_a_debrief_ties_behaviour_to_an_indicator(active: Lives) -> None:
    """What was seen is tied to one of the agreed results."""
    life = _after_the_first_observation(active)
    owed = next(key for key in life.agreement.obligations if key.startswith(ObligationKind.SESSION_DEBRIEF))
    debrief = {
        "session_id": owed.split(":")[1],
        "behaviour": "Blockers first.",
        "effect_on_indicator": "Half a day less.",
        "try_next": "The same.",
    }
    with pytest.raises(Refused, match="no indicator mood"):
        life.give("debrief_session", life.terms.mentee, **debrief, indicator_id="mood")
    indicator = life.terms.indicators[0].indicator_id
    life.give("debrief_session", life.terms.mentee, **debrief, indicator_id=indicator)
    assert owed not in life.agreement.obligations


def test_an_experiment_at_home_is_owed(active: Lives) -> None:
    """Hypothesis, where it was tried and what came of it, before the stint is over."""
    life = active("shadowing")
    assert life.agreement.obligations["experiment:home"].owner_role is Role.MENTEE
    with pytest.raises(ValueError, match="hypothesis"):
        life.give("record_experiment", life.terms.mentee, tried_at="Home.", result="Shorter.", keep=True)
    life.give(
        "record_experiment",
        life.terms.mentee,
        hypothesis="Shorter.",
        tried_at="Home.",
        result="14 minutes.",
        keep=True,
    )
    assert "experiment:home" not in life.agreement.obligations


def test_a_stint_leaves_a_toolkit_and_names_what_it_did_not_see(active: Lives) -> None:
    """Without a tactic, or with a focus left out in silence, there is no synthesis."""
    life = active("shadowing")
    synthesis = Synthesis.model_validate(
        {
            "summary": "Seen and tried.",
            "skill_map": [
                {
                    "skill_uri": life.terms.objectives[0].skill.uri,
                    "framework": "esco",
                    "framework_version": "1.2.0",
                    "level_before": 2,
                    "level_after": 3,
                    "assessor": "mentor",
                    "evidence": EVIDENCE,
                }
            ],
            "trajectory": {
                "directions": ["Lead."],
                "confidence": 3,
                "next_steps": ["Ask."],
                "review_on": "2027-12-01",
            },
            "gaps": ["Law."],
            "transfer": TRANSFER,
        }
    )
    gaps = list(KINDS[Kind.SHADOWING].synthesis_gaps(life.agreement, synthesis))
    assert "toolkit is empty" in gaps[0]
    assert all(tag in gaps[1] for tag in life.terms.focus_tags)


def test_each_leg_has_an_annex_and_opens_the_gate_to_the_next(active: Lives) -> None:
    """The next leg starts once this one is delivered, debriefed and handed over, and not before its day."""
    life = active("rotation")
    first, second = life.terms.legs[:2]
    assert life.agreement.legs_started == (first.leg_id,)
    with pytest.raises(Refused, match="not all accepted"):
        life.give("start_leg", second.manager, leg_id=second.leg_id)
    with pytest.raises(Refused, match=r"After .* comes"):
        life.give("start_leg", life.terms.legs[2].manager, leg_id=life.terms.legs[2].leg_id)
    for deliverable in first.deliverables:
        verifier = first.sponsor if deliverable.verifier is Role.SPONSOR else first.manager
        other = first.manager if verifier == first.sponsor else first.sponsor
        accept = {"leg_id": first.leg_id, "deliverable_id": deliverable.deliverable_id, "evidence": EVIDENCE}
        with pytest.raises(Refused):
            life.give("accept_deliverable", other, **accept)
        life.give("accept_deliverable", verifier, **accept)
    gate = {f"{kind}:{first.leg_id}" for kind in ("leg_debrief", "handover", "feedback:leg")}
    assert gate <= life.agreement.obligations.keys()
    with pytest.raises(Refused, match="debriefed first"):
        life.give("start_leg", second.manager, leg_id=second.leg_id)
    life.give("debrief_leg", life.terms.mentee, leg_id=first.leg_id, reflection=REFLECTION, transfer=TRANSFER)
    with pytest.raises(Refused, match="handed over first"):
        life.give("start_leg", second.manager, leg_id=second.leg_id)
    life.give(
        "complete_handover",
        life.terms.mentee,
        leg_id=first.leg_id,
        handed_over="Model and run book.",
        home_cover="The deputy.",
    )
    assert f"leg_start:{second.leg_id}" in life.agreement.obligations
    with pytest.raises(Refused) as early:
        life.give("start_leg", second.manager, leg_id=second.leg_id)
    assert early.value.code in {RefusalCode.INCOMPLETE, RefusalCode.OUT_OF_ORDER}

    def the_next_has_begun(agreement: Agreement) -> bool:
        return second.leg_id in agreement.legs_started

    life.live(the_next_has_begun)
    annexes = {row.data["party"]["role"] for row in life.rows if row.type == "annex.signed"}
    assert annexes == {Role.LEG_MANAGER, Role.SPONSOR}


def test_a_legs_reflection_says_what_transfers_adapts_and_connects(active: Lives) -> None:
    """Structured reflection: none of the three may be empty."""
    life = active("rotation")
    leg = life.terms.legs[0]
    for part in TRANSFER:
        with pytest.raises(ValueError, match=part):
            life.give(
                "debrief_leg",
                life.terms.mentee,
                leg_id=leg.leg_id,
                reflection=REFLECTION,
                transfer={**TRANSFER, part: []},
            )


def test_contacts_with_a_legs_sponsor_are_logged(active: Lives) -> None:
    """Mentee or that leg's sponsor keeps the log; the sponsor of another leg does not."""
    life = active("rotation")
    first, second = life.terms.legs[:2]
    life.give("log_sponsor_contact", life.terms.mentee, leg_id=first.leg_id, note="Introduced.")
    life.give("log_sponsor_contact", first.sponsor, leg_id=first.leg_id, note="Second talk.")
    with pytest.raises(Refused):
        life.give("log_sponsor_contact", second.sponsor, leg_id=first.leg_id, note="Not mine.")
    assert [row.type for row in life.rows].count("sponsor_contact.logged") == 2
    assert life.agreement.phase is Phase.ACTIVE
