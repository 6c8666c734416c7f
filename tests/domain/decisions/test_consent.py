"""Amendments and pivots: what changes is in force, and what happened since the document was written stays."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from domain.kernel.vocabulary import ObligationKind, Phase, Role

Situation = Callable[..., Any]

OTHER_PLAN = {"development_plan_ref": "DP-9"}


def _amend(life: Any, terms: dict[str, Any]) -> None:  # noqa: ANN401  the life of the fixtures
    raw = life.terms.model_dump(mode="json")
    life.by("operator", "amend_terms", terms={**raw, **terms}, reason="As agreed.")


def _signatures(life: Any) -> set[str]:  # noqa: ANN401  the life of the fixtures
    return {key for key, held in life.agreement.obligations.items() if held.kind is ObligationKind.SIGNATURE}


def test_an_amendment_keeps_an_extension(situation: Situation) -> None:
    """A document that still has the old end does not take back what was extended meanwhile."""
    life = situation("secondment:active", [])
    life.by("line_manager", "extend_placement", ends_on="2027-09-30", reason="The launch moved.")
    _amend(life, OTHER_PLAN)
    assert life.agreement.ends_on == date(2027, 9, 30)
    assert life.agreement.terms.development_plan_ref == "DP-9"


def test_an_amendment_keeps_what_a_pause_and_a_new_plan_did_to_dates(situation: Situation) -> None:
    """Shifted and re-planned days stay, unless the amendment changes that very field."""
    life = situation("secondment:active", [])
    life.by("mentee", "replan_milestone", milestone_id="charter", due_on="2027-02-19", reason="Late access.")
    life.by("mentee", "pause_placement", until="2027-01-25", shifts_dates=True, reason="Ill.")
    life.wait(days=15)
    _amend(life, OTHER_PLAN)
    milestones = {each.milestone_id: each.due_on for each in life.agreement.terms.milestones}
    assert milestones["charter"] == date(2027, 2, 19) + timedelta(days=14)
    assert life.agreement.ends_on == date(2027, 7, 9) + timedelta(days=14)


def test_only_those_whom_a_change_affects_sign_again(situation: Situation) -> None:
    """The others' signatures stand."""
    life = situation("secondment:active", [])
    cadence = life.terms.model_dump(mode="json")["cadence"]
    _amend(life, {"cadence": {**cadence, "check_in_days": 7}})
    assert _signatures(life) == {"signature:mentee:P-1042:v2", "signature:mentor:P-1107:v2"}


def test_a_start_waits_for_those_who_sign_again(situation: Situation) -> None:
    """An amended agreement begins when its version in force is signed, not on the day alone."""
    life = situation("secondment", [])
    for owed in sorted(life.agreement.obligations):
        life.answer(owed)
    _amend(life, OTHER_PLAN)
    life.wait(days=90)
    assert life.agreement.phase is Phase.AGREEMENT
    for owed in sorted(_signatures(life)):
        life.answer(owed)
    assert life.agreement.phase is Phase.ACTIVE


def test_an_amendment_answers_what_was_requested(situation: Situation) -> None:
    """Requests are settled as fulfilled, and signatures of the old version are no longer asked."""
    request = {"who": "mentee", "give": "request_changes", "fields": ["cadence"], "what": "Weekly."}
    life = situation("secondment", [request])
    assert "requested_changes:P-1042" in life.agreement.obligations
    _amend(life, OTHER_PLAN)
    assert set(life.agreement.obligations) == _signatures(life)
    assert all(key.endswith(":v2") for key in _signatures(life))


def test_a_request_nobody_amends_for_lapses_when_everybody_signs(situation: Situation) -> None:
    """Who asked for changes and signs all the same has their answer."""
    request = {"who": "mentee", "give": "request_changes", "fields": ["cadence"], "what": "Weekly."}
    life = situation("secondment", [request])
    for owed in sorted(_signatures(life)):
        life.answer(owed)
    assert life.agreement.concluded_at is not None
    assert not life.agreement.obligations


def test_a_waived_obligation_stays_waived_when_the_plan_changes(situation: Situation) -> None:
    """Deciding the end, or a new end, does not ask for what was given up."""
    waiver = {
        "who": "operator",
        "give": "waive_obligation",
        "obligation_id": "milestone:charter",
        "reason": "Gone.",
    }
    life = situation("secondment:active", [waiver])
    life.by("operator", "extend_placement", ends_on="2027-08-20", reason="The launch moved.")
    life.by("operator", "decide_end", decision="return", reason="As planned.")
    assert "milestone:charter" not in life.agreement.obligations


def test_a_milestone_taken_out_takes_its_verification_along(situation: Situation) -> None:
    """Nobody is asked to look at what is no longer agreed."""
    life = situation("secondment:active", [{"answer": "milestone:handover"}])
    assert "milestone_verification:handover" in life.agreement.obligations
    _amend(life, {"milestones": life.terms.model_dump(mode="json")["milestones"][:-1]})
    assert not [key for key in life.agreement.obligations if key.endswith(":handover")]


def test_a_leg_is_passed_when_the_last_of_its_deliverables_is_taken_out(situation: Situation) -> None:
    """What the gate asks follows from the terms in force, whichever way the last deliverable went."""
    accepted = {"answer": "leg_deliverable:melbourne-control/recovery-playbook"}
    life = situation("rotation:active", [accepted])
    legs = life.terms.model_dump(mode="json")["legs"]
    legs[0] = {**legs[0], "deliverables": legs[0]["deliverables"][:1]}
    _amend(life, {"legs": legs})
    assert {"leg_debrief:melbourne-control", "handover:melbourne-control"} <= set(life.agreement.obligations)


def test_a_new_leg_brings_its_people(situation: Situation) -> None:
    """They become parties, and their annex is asked of them."""
    life = situation("rotation:active", [])
    legs = life.terms.model_dump(mode="json")["legs"]
    legs[2] = {
        **legs[2],
        "leg_id": "perth-care",
        "challenge_id": "care",
        "manager": "N-1",
        "sponsor": "N-2",
    }
    _amend(life, {"legs": legs})
    assert life.agreement.holder(Role.LEG_MANAGER, "perth-care").person_id == "N-1"
    assert {"annex_signature:perth-care:leg_manager", "annex_signature:perth-care:sponsor"} <= set(
        life.agreement.obligations
    )
    assert "P-4203" not in {party.person_id for party in life.agreement.parties}


def test_a_document_that_names_a_predecessor_means_the_successor(situation: Situation) -> None:
    """Sessions and legs in an amendment stay with whoever holds the role now."""
    life = situation("shadowing:active", [])
    life.by(
        "operator",
        "reassign_role",
        role="host_expert",
        from_person="P-3201",
        to_person="N-1",
        reason="Moved.",
    )
    _amend(
        life, {"sessions": life.terms.model_dump(mode="json")["sessions"][:-1], "minimum_practice_share": 0.3}
    )
    hosts = {session.host_expert for session in life.agreement.terms.sessions}
    assert hosts == {"N-1", "P-3202"}


def test_a_pivot_adopted_after_a_pause_keeps_the_shift(situation: Situation) -> None:
    """What was proposed before the rest is meant for after it."""
    proposal = {
        "who": "mentor",
        "give": "propose_pivot",
        "pivot_id": "v1",
        "option": "shorten",
        "reason": "Reached early.",
        "terms": {"planned_end": "2027-07-02"},
    }
    life = situation("secondment:active", [proposal])
    life.by("mentee", "pause_placement", until="2027-01-25", shifts_dates=True, reason="Ill.")
    life.wait(days=15)
    for key, held in sorted(life.agreement.obligations.items()):
        if held.kind is ObligationKind.PIVOT_CONSENT:
            life.answer(key)
    assert life.agreement.pivot is None
    assert life.agreement.ends_on == date(2027, 7, 16)


def test_a_later_end_is_decided_anew_and_an_earlier_one_is_not(situation: Situation) -> None:
    """An extension opens the question of the end, and takes an early end back."""
    life = situation("secondment:active", [])
    life.by("operator", "decide_end", decision="convert", reason="She stays.")
    life.by("operator", "shorten_placement", ends_on="2027-06-30", reason="Reached early.")
    assert life.agreement.end_decision == "convert"
    life.by("mentee", "end_early", by="mentee", reason="A family matter.")
    life.by("operator", "extend_placement", ends_on="2027-08-20", reason="It is settled.")
    assert (life.agreement.end_decision, life.agreement.ended_early_by) == (None, None)
    assert "end_decision:placement" in life.agreement.obligations


def test_meetings_follow_the_end(situation: Situation) -> None:
    """A shorter placement drops the meeting after it; a longer one schedules the next."""
    life = situation("secondment:active", [])
    life.by("operator", "shorten_placement", ends_on="2027-01-12", reason="Reached.")
    meetings = {"check_in", "reflective_session"}
    assert not {key for key in life.agreement.obligations if key.partition(":")[0] in meetings}
    life.by("operator", "extend_placement", ends_on="2027-08-20", reason="Not yet.")
    assert {"check_in:2", "reflective_session:2"} <= set(life.agreement.obligations)
