"""Signatures, requests for changes, and what a proposal needs."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

import pytest

from domain.agreement.commands import ProposeAgreement
from domain.decisions.areas import forming
from domain.decisions.decide import decide
from domain.kernel.calendar import Calendar
from domain.kernel.errors import RefusalCode, Refused
from domain.kernel.model import PersonId
from domain.terms import Terms
from domain.terms.parts import PolicyReference
from tests.fixtures.paths import EXAMPLES

Row = tuple[str, list[dict[str, Any]], str, str, dict[str, Any], RefusalCode, str]

CHECKLIST = ["confidentiality", "conflict-of-interest", "data-protection", "site-safety"]
SIGNED = [{"answer": "signature:mentee:P-1042:v1"}]
REQUESTED = [{"who": "mentee", "give": "request_changes", "fields": ["cadence"], "what": "Weekly, please."}]

_FIRST, *_OTHERS = json.loads((EXAMPLES / "secondment.json").read_text())["success_criteria"]
UNDECIDED = [
    {
        "who": "mentor",
        "give": "amend_terms",
        "reason": "The numbers come later.",
        "terms": {"success_criteria": [{**_FIRST, "measure": "T.B.D."}, *_OTHERS]},
    }
]

ROWS: dict[str, Row] = {
    "criteria that cannot be assessed": (
        "secondment",
        UNDECIDED,
        "mentee",
        "sign_agreement",
        {"terms_version": 2, "acknowledged": CHECKLIST},
        RefusalCode.OUT_OF_ORDER,
        (
            "success_criteria: forecast-adoption cannot be assessed as written; "
            "amend_terms first, so that everybody signs what can be seen."
        ),
    ),
    "signed twice": (
        "secondment",
        SIGNED,
        "mentee",
        "sign_agreement",
        {"acknowledged": CHECKLIST},
        RefusalCode.ALREADY_DONE,
        "P-1042 has signed version 1 already.",
    ),
    "a signature that is not asked": (
        "secondment",
        [],
        "sponsor",
        "sign_agreement",
        {},
        RefusalCode.NOT_OPEN,
        "No signature is asked of P-2240 as sponsor.",
    ),
    "another version": (
        "secondment",
        [],
        "mentee",
        "sign_agreement",
        {"terms_version": 2},
        RefusalCode.VERSION_MISMATCH,
        "Version 1 is in force, not 2; read it and sign that.",
    ),
    "half a checklist": (
        "secondment",
        [],
        "mentee",
        "sign_agreement",
        {"acknowledged": CHECKLIST[:2]},
        RefusalCode.INCOMPLETE,
        "acknowledged: data-protection, site-safety of the checklist are not acknowledged.",
    ),
    "declined after signing": (
        "secondment",
        SIGNED,
        "mentee",
        "decline_agreement",
        {},
        RefusalCode.ALREADY_DONE,
        "P-1042 has signed version 1 already.",
    ),
    "a change of no field": (
        "secondment",
        [],
        "mentee",
        "request_changes",
        {"fields": []},
        RefusalCode.UNKNOWN_REFERENCE,
        "fields: none given; name fields of the terms, such as milestones.",
    ),
    "a change of an unknown field": (
        "secondment",
        [],
        "mentee",
        "request_changes",
        {"fields": ["salary"]},
        RefusalCode.UNKNOWN_REFERENCE,
        "fields: salary; name fields of the terms, such as milestones.",
    ),
    "a second request": (
        "secondment",
        REQUESTED,
        "mentee",
        "request_changes",
        {},
        RefusalCode.ALREADY_DONE,
        "A request of P-1042 is open; it has to be answered first.",
    ),
}


@pytest.mark.parametrize("row", ROWS.values(), ids=list(ROWS))
def test_a_refusal_of_the_agreement_phase_names_its_rule(row: Row, refused: Callable[..., Refused]) -> None:
    """Whoever is refused reads which rule, and what to do about it; nothing has changed."""
    situation, script, who, command, fields, code, sentence = row
    refusal = refused(situation, script, who, command, fields)
    assert (refusal.code, refusal.sentence) == (code, sentence)
    assert str(refusal) == sentence


def _refused_proposal(terms: Terms, calendars: Mapping[PersonId, Calendar]) -> Refused:
    command = ProposeAgreement(command_id="c1", actor_id=terms.approved_by, agreement_id="a1", terms=terms)
    with pytest.raises(Refused) as refused:
        decide(None, command, terms.approved_at, calendars)
    return refused.value


@pytest.fixture
def under_no_policy(begun: Callable[[str], Any]) -> Refused:
    """The refusal of a proposal under a policy set that does not exist."""
    life = begun("secondment")
    reference = PolicyReference(policy_set_id="default", version=9)
    terms = life.terms.model_copy(update={"policy_set": reference})
    return _refused_proposal(terms, life.agreement.calendars)


@pytest.fixture
def with_a_stranger(begun: Callable[[str], Any]) -> Refused:
    """The refusal of a proposal that names somebody whom the directory does not know."""
    life = begun("secondment")
    known = {key: each for key, each in life.agreement.calendars.items() if key != life.terms.mentor}
    return _refused_proposal(life.terms, known)


def test_a_proposal_needs_a_policy_and_a_calendar_of_everybody(
    under_no_policy: Refused, with_a_stranger: Refused
) -> None:
    """Nothing begins whose due instants could not be computed."""
    assert under_no_policy.code is RefusalCode.TERMS_INVALID
    assert under_no_policy.sentence.startswith(
        "policy_set: there is no default version 9; there is default version 1."
    )
    assert with_a_stranger.code is RefusalCode.UNKNOWN_REFERENCE
    assert with_a_stranger.sentence == (
        "The directory does not know P-1107; add them with `sojourn people FILE`."
    )


def test_every_refusal_of_the_agreement_phase_is_in_the_table(
    refused: Callable[..., Refused],
    under_no_policy: Refused,
    with_a_stranger: Refused,
    raised_at: Callable[[Refused], tuple[str, int]],
    refusals_in: Callable[[ModuleType], set[tuple[str, int]]],
) -> None:
    """A rule that is added without a row here is noticed."""
    found = {raised_at(refused(*row[:5])) for row in ROWS.values()}
    found |= {raised_at(under_no_policy), raised_at(with_a_stranger)}
    assert refusals_in(forming) - found == set()
