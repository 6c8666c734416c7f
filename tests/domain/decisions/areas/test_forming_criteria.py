"""Criteria that nobody could assess hold the signatures up, until the terms say how they are seen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from domain.agreement.state import Agreement
from domain.kernel.vocabulary import ObligationKind, Phase, Role, StallReason
from domain.terms import Terms
from domain.terms.checks import warnings
from domain.terms.rules.criteria import unassessable
from domain.views.health import assess

Lives = Callable[[str], Any]


def _with(terms: Terms, **words: str) -> Terms:
    first, *others = terms.success_criteria
    return terms.model_copy(update={"success_criteria": (first.model_copy(update=words), *others)})


@pytest.mark.parametrize("kind", ["secondment", "shadowing", "rotation"])
def test_an_assessable_criterion_is_left_alone(kind: str, begun: Lives) -> None:
    """The examples' criteria say what would be seen."""
    assert unassessable(begun(kind).terms) == {}


@pytest.mark.parametrize(
    ("words", "wrong"),
    [
        ({"measure": "TBD"}, "measure is a placeholder"),
        ({"measure": " To be agreed. "}, "measure is a placeholder"),
        ({"measure": "n/a"}, "measure is a placeholder"),
        ({"measure": "--- ??? ---"}, "measure is a placeholder"),
        ({"statement": "t.b.d."}, "statement is a placeholder"),
        ({"measure": "Better quality, and more of it."}, "measure says nothing that could be seen"),
        (
            {"statement": "Leads the review alone.", "measure": "leads the review alone"},
            "measure repeats the statement: it has to say how it is seen",
        ),
    ],
)
def test_what_cannot_be_assessed_is_found(words: dict[str, str], wrong: str, begun: Lives) -> None:
    """Placeholders, vague words, and a measure that is none, however they are spelt."""
    terms = _with(begun("secondment").terms, **words)
    [(criterion_id, why)] = unassessable(terms).items()
    assert why == wrong
    assert criterion_id == terms.success_criteria[0].criterion_id
    [told] = [each for each in warnings(terms) if each.field.startswith("success_criteria")]
    assert "nobody can sign" in told.sentence


def test_nobody_signs_what_cannot_be_assessed(begun: Lives) -> None:
    """It is owed, stalls by its name, and a version that says how lets everybody sign."""
    clear = begun("secondment").terms
    life = type(begun("secondment"))(_with(clear, measure="TBD"))
    key = f"criteria:{clear.success_criteria[0].criterion_id}"
    owed = life.agreement.obligations[key]
    assert (owed.owner_role, owed.reason) == (Role.MENTOR, StallReason.CRITERIA_UNASSESSABLE)
    checklist = [item.item_id for item in clear.compliance]
    assert life.refusal("mentee", "sign_agreement", terms_version=1, acknowledged=checklist).code == (
        "out_of_order"
    )
    life.wait(until=owed.stalled_at)
    stall = assess(life.agreement, life.now).stall
    assert stall is not None
    assert (stall.reason, stall.obligation_id) == (StallReason.CRITERIA_UNASSESSABLE, key)
    life.by("mentor", "amend_terms", terms=clear.model_dump(mode="json"), reason="Agreed with the host.")
    assert key not in life.agreement.obligations
    life.by("mentee", "sign_agreement", terms_version=2, acknowledged=checklist)

    def is_active(agreement: Agreement) -> bool:
        return agreement.phase is Phase.ACTIVE

    life.live(is_active)
    assert life.agreement.terms_version == 2


def test_another_amendment_leaves_an_undecided_criterion_owed(begun: Lives) -> None:
    """It is the same obligation, with the same days, until it is settled."""
    vague = _with(begun("secondment").terms, measure="TBD")
    life = type(begun("secondment"))(vague)
    [before] = [held for held in life.agreement.obligations.values() if held.kind is ObligationKind.CRITERIA]
    amended = vague.model_copy(update={"development_plan_ref": "DP-9"})
    life.by("mentor", "amend_terms", terms=amended.model_dump(mode="json"), reason="Another item.")
    assert life.agreement.obligations[before.obligation_id] == before


def test_a_criterion_is_not_waived(begun: Lives) -> None:
    """It is a gate: without it a signature would mean nothing."""
    life = type(begun("secondment"))(_with(begun("secondment").terms, measure="TBD"))
    [key] = [key for key in life.agreement.obligations if key.startswith("criteria:")]
    refusal = life.refusal("operator", "waive_obligation", obligation_id=key, reason="Never mind.")
    assert refusal.code == "not_allowed_for_role"
