"""What the active phase promises: meetings, milestones, feedback, skills, vouching."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from domain.agreement.state import Agreement
from domain.kernel.errors import RefusalCode, Refused
from domain.kernel.vocabulary import ObligationKind, Phase, Role
from domain.ledger.obligation import Obligation

Lives = Callable[[str], Any]

KINDS = ("secondment", "shadowing", "rotation")


def _is_closed(agreement: Agreement) -> bool:
    return agreement.closed


def _check_in(life: Any, **fields: Any) -> dict[str, Any]:  # noqa: ANN401
    terms = life.terms
    return {
        "progress": [{"objective_id": terms.objectives[0].objective_id, "status": "in_progress"}],
        "confidence": 3,
        "next_steps": ["One more."],
        "skills": [{"skill_uri": terms.objectives[0].skill.uri, "seen": "Held the line."}],
        **fields,
    }


def _anchor(life: Any) -> dict[str, str]:  # noqa: ANN401
    return {"kind": "criterion", "reference": life.terms.success_criteria[0].criterion_id}


@pytest.mark.parametrize("kind", KINDS)
def test_check_ins_follow_their_cadence_whatever_becomes_of_each(active: Lives, kind: str) -> None:
    """Held, moved and excused: the next one is scheduled and the series knows what became of each."""
    life = active(kind)
    first = life.agreement.obligations["check_in:1"]
    life.give(
        "reschedule_meeting",
        life.terms.mentor,
        starts_at=first.due_at.isoformat(),
        reason="The mentor travels.",
    )
    assert life.agreement.obligations["check_in:1"].sequence == first.sequence + 1
    life.give("record_check_in", life.terms.mentor, **_check_in(life))
    life.give("excuse_meeting", life.terms.mentee, reason="Both at the audit.")
    series = life.agreement.meetings[ObligationKind.CHECK_IN]
    assert (series.held, series.excused, series.scheduled) == (1, 1, 3)
    assert "check_in:3" in life.agreement.obligations


def test_a_check_in_that_nobody_records_is_missed(active: Lives) -> None:
    """After a few working days the day has passed for good, and the next one is scheduled."""
    life = active("rotation")
    life.give("record_check_in", life.terms.mentor, **_check_in(life))

    def one_is_missed(agreement: Agreement) -> bool:
        return agreement.meetings[ObligationKind.CHECK_IN].missed == 1

    def is_no_check_in(owed: Obligation) -> bool:
        return owed.kind is not ObligationKind.CHECK_IN

    life.live(one_is_missed, is_no_check_in)
    assert any(row.type == "meeting.missed" for row in life.rows)
    assert "check_in:3" in life.agreement.obligations


@pytest.mark.parametrize("kind", KINDS)
def test_reflective_sessions_are_a_cadence_of_their_own(active: Lives, kind: str) -> None:
    """They answer prompts of the bank, and a self-assessment and feedback on the mentoring are owed after."""
    life = active(kind)
    assert "reflective_session:1" in life.agreement.obligations
    with pytest.raises(Refused, match="the bank has"):
        life.give(
            "record_reflective_session",
            life.terms.mentee,
            answers=[{"prompt_id": "weather", "answer": "Fine."}],
            next_steps=["Go on."],
        )
    life.give(
        "record_reflective_session",
        life.terms.mentee,
        answers=[{"prompt_id": "limiting-assumption", "answer": "That seniority decides."}],
        next_steps=["Ask."],
    )
    assert {"self_assessment:criteria", "feedback:mentoring"} <= life.agreement.obligations.keys()
    held = next(row for row in life.rows if row.type == "reflective_session.held")
    assert held.data["prompt_bank"] == "1"


@pytest.mark.parametrize("kind", KINDS)
def test_a_check_in_may_call_for_another_course(active: Lives, kind: str) -> None:
    """The programme owner owes a correction at once; nobody waits for the next review."""
    life = active(kind)
    life.give("record_check_in", life.terms.mentor, **_check_in(life, calls_for="pivot"))
    owed = life.agreement.obligations["course_correction:placement"]
    assert owed.owner_role is Role.PROGRAMME_OWNER


@pytest.mark.parametrize("kind", ["secondment", "rotation"])
def test_a_check_in_names_a_skill_seen(active: Lives, kind: str) -> None:
    """Transferable skills are captured as they show."""
    life = active(kind)
    with pytest.raises(Refused, match="at least one transferable skill"):
        life.give("record_check_in", life.terms.mentor, **_check_in(life, skills=[]))
    life.give("record_check_in", life.terms.mentor, **_check_in(life))


@pytest.mark.parametrize("kind", KINDS)
def test_a_milestone_is_shown_verified_and_answered_with_feedback(active: Lives, kind: str) -> None:
    """Evidence of an agreed type, a verifier who is not its owner, and feedback owed next."""
    life = active(kind)
    milestone = life.terms.milestones[0]
    shown = {"milestone_id": milestone.milestone_id, "indicator_result": "Met."}
    with pytest.raises(Refused, match="none of that is given"):
        life.give(
            "complete_milestone",
            life.terms.mentee,
            **shown,
            evidence=[{"evidence_type": "hearsay", "reference": "Canteen", "shows": "It is said."}],
        )
    evidence = [{"evidence_type": milestone.evidence_types[0], "reference": "Space", "shows": "In use."}]
    life.give("complete_milestone", life.terms.mentee, **shown, evidence=evidence)
    verification = life.agreement.obligations[f"milestone_verification:{milestone.milestone_id}"]
    assert verification.owner_role is milestone.verifier
    life.give("return_milestone", verification.owner_id, milestone_id=milestone.milestone_id, missing="Two.")
    assert f"milestone:{milestone.milestone_id}" in life.agreement.obligations
    life.give("complete_milestone", life.terms.mentee, **shown, evidence=evidence)
    life.give("verify_milestone", verification.owner_id, milestone_id=milestone.milestone_id)
    feedback = life.agreement.obligations[f"feedback:milestone:{milestone.milestone_id}"]
    assert feedback.owner_id == verification.owner_id
    calendar = life.agreement.calendar_of(feedback.owner_id)
    within = life.agreement.policy.allowances[ObligationKind.FEEDBACK].due
    due_day = calendar.working_day_from(calendar.local_date(life.now), within)
    assert feedback.due_at == calendar.closing_of(due_day)


@pytest.mark.parametrize("missing", ["behaviour", "effect", "next_step", "anchor", "tone"])
def test_feedback_is_specific_actionable_and_anchored(active: Lives, missing: str) -> None:
    """Behaviour, effect, next step, what it is tied to and its tone: none may be left out."""
    life = active("shadowing")
    fields = {
        "receiver_id": life.terms.mentee,
        "behaviour": "You asked first.",
        "effect": "We saved an hour.",
        "next_step": "Again.",
        "anchor": _anchor(life),
        "tone": "praise",
    }
    with pytest.raises(ValueError, match=missing):
        life.give("give_feedback", life.terms.mentor, **{k: v for k, v in fields.items() if k != missing})
    with pytest.raises(Refused, match="no criterion"):
        life.give(
            "give_feedback",
            life.terms.mentor,
            **{**fields, "anchor": {"kind": "criterion", "reference": "unheard-of"}},
        )
    life.give("give_feedback", life.terms.mentor, **fields)
    assert life.terms.mentor in life.agreement.feedback_sources


def test_a_peer_is_asked_and_answers(active: Lives) -> None:
    """A colleague who saw the work becomes a party, owes feedback, and counts as a source."""
    life = active("rotation")
    life.give("request_peer_feedback", life.terms.mentee, peer_id="P-7777", question="What did you see?")
    assert life.agreement.obligations["feedback:peer:P-7777"].owner_role is Role.PEER
    life.give(
        "give_feedback",
        "P-7777",
        receiver_id=life.terms.mentee,
        behaviour="You summed up.",
        effect="We knew who does what.",
        next_step="In writing, too.",
        anchor=_anchor(life),
        tone="praise",
    )
    assert "feedback:peer:P-7777" not in life.agreement.obligations
    assert "P-7777" in life.agreement.feedback_sources


def test_an_endorsement_is_consented_to_and_can_be_taken_back(active: Lives) -> None:
    """Sponsors and observers vouch by name, or not at all."""
    life = active("secondment")
    sponsor = life.terms.sponsors[0]
    endorsement = {"statement": "I saw it.", "skill_uri": life.terms.objectives[0].skill.uri}
    with pytest.raises(ValueError, match="consents_to_be_named"):
        life.give("give_endorsement", sponsor, **endorsement, consents_to_be_named=False)
    life.give("give_endorsement", sponsor, **endorsement, consents_to_be_named=True)
    assert life.agreement.endorsers == {sponsor}
    life.give("revoke_endorsement", sponsor)
    assert life.agreement.endorsers == frozenset()


def test_enough_different_people_give_feedback_before_the_synthesis(active: Lives) -> None:
    """What is missing when the placement ends is asked for, and the synthesis waits for it."""
    life = active("secondment")

    def synthesis_is_owed(agreement: Agreement) -> bool:
        return agreement.phase is Phase.SYNTHESIS

    def is_no_feedback(owed: Obligation) -> bool:
        return owed.kind is not ObligationKind.FEEDBACK

    life.live(synthesis_is_owed, is_no_feedback)
    assert any(key.startswith("feedback:closing:") for key in life.agreement.obligations)
    assert len(life.agreement.feedback_sources) < life.terms.minimum_feedback_sources
    with pytest.raises(Refused, match="different people") as refused:
        life.live(_is_closed, is_no_feedback)
    assert refused.value.code is RefusalCode.INCOMPLETE
