"""What the end promises: decided and not only dated, debriefed by both sides, and a signed synthesis."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from domain.agreement.content import Reflection, SkillGain, Synthesis, Trajectory
from domain.agreement.state import Agreement
from domain.kernel.errors import Refused
from domain.kernel.vocabulary import ObligationKind, Outcome, Phase
from domain.ledger.obligation import Obligation

Lives = Callable[[str], Any]

KINDS = ("secondment", "shadowing", "rotation")


def _is_closed(agreement: Agreement) -> bool:
    return agreement.closed


@pytest.mark.parametrize("kind", KINDS)
def test_a_date_alone_completes_nothing(active: Lives, kind: str) -> None:
    """The last day passes; the placement goes on until its end is decided."""
    life = active(kind)

    def last_day_is_past(agreement: Agreement) -> bool:
        return agreement.local_date(life.now) > agreement.ends_on

    def is_not_the_decision(owed: Obligation) -> bool:
        return owed.kind not in {ObligationKind.END_DECISION, ObligationKind.FORCED_CHOICE}

    life.live(last_day_is_past, is_not_the_decision)
    assert life.agreement.phase is Phase.ACTIVE
    assert "end_decision:placement" in life.agreement.obligations


@pytest.mark.parametrize("kind", KINDS)
def test_both_sides_debrief_before_the_synthesis(active: Lives, kind: str) -> None:
    """While one debrief is owed, no synthesis is taken, and nothing completes."""
    life = active(kind)

    def only_the_mentors_debrief_is_open(agreement: Agreement) -> bool:
        return agreement.phase is Phase.DEBRIEF and [
            held.owner_id for held in agreement.obligations.values() if held.kind is ObligationKind.DEBRIEF
        ] == [life.terms.mentor]

    def is_not_the_mentors(owed: Obligation) -> bool:
        return owed.obligation_id != "debrief:mentor"

    life.live(only_the_mentors_debrief_is_open, is_not_the_mentors)
    with pytest.raises(Refused, match="possible in phase synthesis"):
        life.give("submit_synthesis", life.terms.mentee, synthesis=_SYNTHESIS)


@pytest.mark.parametrize("kind", KINDS)
def test_the_last_signature_under_the_synthesis_completes(active: Lives, kind: str) -> None:
    """Completed by consent: every signer signs the version that is out."""
    life = active(kind)
    life.live(_is_closed)
    assert life.agreement.outcome is Outcome.COMPLETED
    types = [row.type for row in life.rows]
    assert types[-2:] == ["synthesis.signed", "agreement.completed"]
    assert types.count("debrief.submitted") == 2


def test_closing_without_a_synthesis_is_called_incomplete(active: Lives) -> None:
    """With a reason, a name and what is missing; never by a mentor alone."""
    life = active("secondment")
    with pytest.raises(Refused):
        life.give("close_incomplete", life.terms.mentor, reason="Enough.")
    life.give("close_incomplete", life.terms.hrbp, reason="The mentee left the company.")
    assert life.agreement.outcome is Outcome.CLOSED_INCOMPLETE
    assert life.rows[-1].data["missing"]


@pytest.mark.parametrize(
    ("model", "fields"),
    [
        (Reflection, ("decisions", "criteria_weighed", "risks", "alternatives")),
        (Reflection, ("skills", "challenges", "insights")),
        (
            SkillGain,
            (
                "skill_uri",
                "framework",
                "framework_version",
                "level_before",
                "level_after",
                "assessor",
                "evidence",
            ),
        ),
        (Trajectory, ("directions", "confidence", "next_steps", "review_on")),
        (Synthesis, ("summary", "skill_map", "trajectory", "gaps", "transfer")),
    ],
    ids=["debrief", "post-placement record", "skill map", "trajectory", "synthesis"],
)
def test_what_is_looked_back_on_is_complete(model: Any, fields: tuple[str, ...]) -> None:  # noqa: ANN401
    """Debrief, record, skill map, trajectory and synthesis have parts that may not be left out or empty."""
    for field in fields:
        info = model.model_fields[field]
        assert info.is_required()
        if str(info.annotation).startswith("tuple"):
            with pytest.raises(ValueError, match=field):
                model.model_validate({field: []})


_SYNTHESIS = {
    "summary": "From preparing to leading.",
    "skill_map": [
        {
            "skill_uri": "urn:skill:negotiation",
            "framework": "sfia",
            "framework_version": "9",
            "level_before": 3,
            "level_after": 4,
            "assessor": "mentor",
            "evidence": [{"evidence_type": "document", "reference": "Review", "shows": "Led alone."}],
        }
    ],
    "trajectory": {
        "directions": ["Category lead"],
        "confidence": 4,
        "next_steps": ["Lead one review."],
        "review_on": "2027-12-01",
    },
    "gaps": ["Contract law"],
    "transfer": {"transfers": ["Pilot."], "adapts": ["Groups."], "networks": ["Planners."]},
    "toolkit": [],
}
