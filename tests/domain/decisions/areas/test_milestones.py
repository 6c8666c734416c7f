"""Milestones: evidence, a second pair of eyes, and days inside the placement."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from domain.decisions.areas import milestones
from domain.kernel.errors import RefusalCode, Refused

Row = tuple[str, list[dict[str, Any]], str, str, dict[str, Any], RefusalCode, str]

COMPLETED = [{"answer": "milestone:charter"}]
VERIFIED = [*COMPLETED, {"answer": "milestone_verification:charter"}]
WAIVED = [
    {"who": "operator", "give": "waive_obligation", "obligation_id": "milestone:charter", "reason": "Gone."}
]

ROWS: dict[str, Row] = {
    "unknown": (
        "secondment:active",
        [],
        "mentee",
        "complete_milestone",
        {"milestone_id": "golf"},
        RefusalCode.UNKNOWN_REFERENCE,
        (
            "milestone_id: no milestone golf; the agreement has charter, pilot-live, control-room-rhythm, "
            "handover."
        ),
    ),
    "completed by somebody else": (
        "secondment:active",
        [],
        "observer",
        "complete_milestone",
        {"milestone_id": "charter"},
        RefusalCode.NOT_ALLOWED_FOR_ROLE,
        "charter is completed by the mentee or mentor.",
    ),
    "completed twice": (
        "secondment:active",
        COMPLETED,
        "mentee",
        "complete_milestone",
        {"milestone_id": "charter"},
        RefusalCode.ALREADY_DONE,
        "charter is completed already.",
    ),
    "evidence of another type": (
        "secondment:active",
        [],
        "mentee",
        "complete_milestone",
        {"milestone_id": "charter"},
        RefusalCode.INCOMPLETE,
        "evidence: charter is shown by work_product; none of that is given.",
    ),
    "verified twice": (
        "secondment:active",
        VERIFIED,
        "host_manager",
        "verify_milestone",
        {"milestone_id": "charter"},
        RefusalCode.ALREADY_DONE,
        "charter is verified already.",
    ),
    "verified too early": (
        "secondment:active",
        [],
        "host_manager",
        "verify_milestone",
        {"milestone_id": "charter"},
        RefusalCode.OUT_OF_ORDER,
        "charter has to be completed first.",
    ),
    "verified by another manager": (
        "secondment:active",
        COMPLETED,
        "line_manager",
        "verify_milestone",
        {"milestone_id": "charter"},
        RefusalCode.NOT_ALLOWED_FOR_ROLE,
        "charter is verified by the host_manager, not by the line_manager.",
    ),
    "planned anew after it was completed": (
        "secondment:active",
        COMPLETED,
        "mentee",
        "replan_milestone",
        {"milestone_id": "charter"},
        RefusalCode.ALREADY_DONE,
        "charter is completed already.",
    ),
    "planned for yesterday": (
        "secondment:active",
        [],
        "mentee",
        "replan_milestone",
        {"milestone_id": "charter", "due_on": "2027-01-10"},
        RefusalCode.OUTSIDE_THE_PLACEMENT,
        "due_on: choose a day from 2027-01-11 to 2027-07-09, not 2027-01-10.",
    ),
    "planned for the same day": (
        "secondment:active",
        [],
        "mentee",
        "replan_milestone",
        {"milestone_id": "charter", "due_on": "2027-02-12"},
        RefusalCode.NO_CHANGE,
        "due_on: charter is due on 2027-02-12 already.",
    ),
    "planned anew after it was waived": (
        "secondment:active",
        WAIVED,
        "mentee",
        "replan_milestone",
        {"milestone_id": "charter"},
        RefusalCode.NOT_OPEN,
        "charter is waived; there is nothing to plan anew.",
    ),
}


@pytest.mark.parametrize("row", ROWS.values(), ids=list(ROWS))
def test_a_refusal_about_milestones_names_its_rule(row: Row, refused: Callable[..., Refused]) -> None:
    """Whoever is refused reads which rule, and what to do about it; nothing has changed."""
    situation, script, who, command, fields, code, sentence = row
    refusal = refused(situation, script, who, command, fields)
    assert (refusal.code, refusal.sentence) == (code, sentence)
    assert str(refusal) == sentence


def test_every_refusal_about_milestones_is_in_the_table(
    refused: Callable[..., Refused],
    raised_at: Callable[[Refused], tuple[str, int]],
    refusals_in: Callable[[ModuleType], set[tuple[str, int]]],
) -> None:
    """A rule that is added without a row here is noticed."""
    found = {raised_at(refused(*row[:5])) for row in ROWS.values()}
    declared = {place for module in (milestones,) for place in refusals_in(module)}
    assert declared - found == set()
