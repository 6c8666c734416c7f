"""The end: decided once, with notice, looked back on, put in writing and signed."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from domain.agreement.commands import COMMANDS
from domain.decisions.areas import ending
from domain.kernel.errors import RefusalCode, Refused

Row = tuple[str, list[dict[str, Any]], str, str, dict[str, Any], RefusalCode, str]

DECIDED = [{"who": "line_manager", "give": "decide_end", "decision": "convert", "reason": "She stays."}]
PLANNED = [{"answer": "return_plan:home"}]
LAST_WEEK = [{"who": "operator", "give": "shorten_placement", "ends_on": "2027-01-15", "reason": "Reached."}]
WRITTEN = [{"answer": "synthesis:placement"}]
EXAMPLE: Any = COMMANDS["submit_synthesis"].example["synthesis"]
SYNTHESIS = {**EXAMPLE, "toolkit": [], "gaps": ["Contract law"]}

ROWS: dict[str, Row] = {
    "decided twice": (
        "secondment:active",
        DECIDED,
        "line_manager",
        "decide_end",
        {},
        RefusalCode.ALREADY_DONE,
        "The end is decided already: convert.",
    ),
    "a return planned twice": (
        "secondment:active",
        PLANNED,
        "line_manager",
        "plan_return",
        {},
        RefusalCode.ALREADY_DONE,
        "The return is planned already.",
    ),
    "ended for another side": (
        "secondment:active",
        [],
        "host_manager",
        "end_early",
        {"by": "home"},
        RefusalCode.NOT_ALLOWED_FOR_ROLE,
        "by: the host_manager cannot end it for home.",
    ),
    "notice beyond the end": (
        "secondment:active",
        LAST_WEEK,
        "line_manager",
        "end_early",
        {"by": "home"},
        RefusalCode.OUTSIDE_THE_PLACEMENT,
        "With 30 days of notice it would end on 2027-02-10, not before 2027-01-15 as planned.",
    ),
    "a debrief that is not owed": (
        "secondment:debrief",
        [],
        "host_manager",
        "submit_debrief",
        {},
        RefusalCode.NOT_OPEN,
        "No debrief is owed by P-2201 (any more).",
    ),
    "a second synthesis": (
        "secondment:synthesis",
        WRITTEN,
        "mentee",
        "submit_synthesis",
        {},
        RefusalCode.ALREADY_DONE,
        "A synthesis is out for signature; have it returned to change it.",
    ),
    "a synthesis without a toolkit": (
        "shadowing:synthesis",
        [],
        "mentee",
        "submit_synthesis",
        {"synthesis": SYNTHESIS},
        RefusalCode.INCOMPLETE,
        (
            "synthesis: the toolkit is empty: name at least one tactic with its context and evidence; "
            "no observation covered bottlenecks, stakeholders: name each under gaps."
        ),
    ),
    "another version signed": (
        "secondment:synthesis",
        WRITTEN,
        "mentee",
        "sign_synthesis",
        {"synthesis_version": 2},
        RefusalCode.VERSION_MISMATCH,
        "synthesis_version: 1 is the latest, not 2.",
    ),
    "a signature that is not asked": (
        "secondment:synthesis",
        WRITTEN,
        "programme_owner",
        "sign_synthesis",
        {},
        RefusalCode.NOT_OPEN,
        "No signature under the synthesis is asked of P-1310 (any more).",
    ),
}


@pytest.mark.parametrize("row", ROWS.values(), ids=list(ROWS))
def test_a_refusal_of_the_end_names_its_rule(row: Row, refused: Callable[..., Refused]) -> None:
    """Whoever is refused reads which rule, and what to do about it; nothing has changed."""
    situation, script, who, command, fields, code, sentence = row
    refusal = refused(situation, script, who, command, fields)
    assert (refusal.code, refusal.sentence) == (code, sentence)
    assert str(refusal) == sentence


def test_every_refusal_of_the_end_is_in_the_table(
    refused: Callable[..., Refused],
    raised_at: Callable[[Refused], tuple[str, int]],
    refusals_in: Callable[[ModuleType], set[tuple[str, int]]],
) -> None:
    """A rule that is added without a row here is noticed."""
    found = {raised_at(refused(*row[:5])) for row in ROWS.values()}
    declared = {place for module in (ending,) for place in refusals_in(module)}
    assert declared - found == set()
