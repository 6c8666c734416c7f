"""Blockers, concerns, proposals and breaches: who hears them and who settles them."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from domain.decisions.areas import matters
from domain.kernel.errors import RefusalCode, Refused

Row = tuple[str, list[dict[str, Any]], str, str, dict[str, Any], RefusalCode, str]

BLOCKED = [
    {
        "who": "mentee",
        "give": "raise_blocker",
        "matter_id": "b1",
        "category": "access",
        "what": "No account.",
        "needed": "One.",
    }
]
WORRIED = [
    {
        "who": "mentee",
        "give": "raise_concern",
        "matter_id": "c1",
        "about": "P-1107",
        "what": "Cancelled again.",
    }
]
PROPOSED = [
    {
        "who": "mentee",
        "give": "make_proposal",
        "matter_id": "p1",
        "what": "Let me lead.",
        "expected": "One review.",
    }
]
ONE_IN_HR = [
    {
        "who": "operator",
        "give": "reassign_role",
        "role": "programme_owner",
        "from_person": "P-1310",
        "to_person": "P-1300",
        "reason": "The programme is with HR now.",
    }
]

ROWS: dict[str, Row] = {
    "an id in use": (
        "secondment:active",
        BLOCKED,
        "mentor",
        "raise_concern",
        {"matter_id": "b1"},
        RefusalCode.ALREADY_DONE,
        "matter_id: b1 is taken; choose another id.",
    ),
    "everybody is concerned": (
        "secondment:active",
        ONE_IN_HR,
        "operator",
        "report_breach",
        {"breaches": "ethics", "about": "P-1300"},
        RefusalCode.CONFLICT_OF_INTEREST,
        "Everybody who could hear this is concerned; turn to HR outside this agreement.",
    ),
    "settled without being open": (
        "secondment:active",
        BLOCKED,
        "mentor",
        "settle_matter",
        {"matter_id": "b2"},
        RefusalCode.NOT_OPEN,
        "matter_id: b2 is not open; open are b1.",
    ),
    "settled by somebody else": (
        "secondment:active",
        BLOCKED,
        "observer",
        "settle_matter",
        {"matter_id": "b1"},
        RefusalCode.NOT_ALLOWED_FOR_ROLE,
        "b1 is with the mentor, who settles it.",
    ),
    "a concern settled by the one who raised it": (
        "secondment:active",
        WORRIED,
        "mentee",
        "settle_matter",
        {"matter_id": "c1"},
        RefusalCode.NOT_ALLOWED_FOR_ROLE,
        "c1 is with the line_manager, who settles it.",
    ),
    "a proposal without an answer": (
        "secondment:active",
        PROPOSED,
        "mentor",
        "settle_matter",
        {"matter_id": "p1"},
        RefusalCode.INCOMPLETE,
        "accepted: say whether the proposal is accepted, true or false.",
    ),
}


@pytest.mark.parametrize("row", ROWS.values(), ids=list(ROWS))
def test_a_refusal_about_matters_names_its_rule(row: Row, refused: Callable[..., Refused]) -> None:
    """Whoever is refused reads which rule, and what to do about it; nothing has changed."""
    situation, script, who, command, fields, code, sentence = row
    refusal = refused(situation, script, who, command, fields)
    assert (refusal.code, refusal.sentence) == (code, sentence)
    assert str(refusal) == sentence


def test_every_refusal_about_matters_is_in_the_table(
    refused: Callable[..., Refused],
    raised_at: Callable[[Refused], tuple[str, int]],
    refusals_in: Callable[[ModuleType], set[tuple[str, int]]],
) -> None:
    """A rule that is added without a row here is noticed."""
    found = {raised_at(refused(*row[:5])) for row in ROWS.values()}
    declared = {place for module in (matters,) for place in refusals_in(module)}
    assert declared - found == set()
