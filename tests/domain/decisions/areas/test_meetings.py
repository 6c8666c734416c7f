"""Meetings: what may be recorded, excused and moved."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from domain.decisions.areas import meetings
from domain.kernel.errors import RefusalCode, Refused

Row = tuple[str, list[dict[str, Any]], str, str, dict[str, Any], RefusalCode, str]

CHECK_IN = {"progress": [{"objective_id": "field-forecasting", "status": "achieved"}]}
ALMOST_OVER = [
    {"who": "operator", "give": "shorten_placement", "ends_on": "2027-01-12", "reason": "Reached early."},
]

ROWS: dict[str, Row] = {
    "none is scheduled": (
        "secondment:active",
        ALMOST_OVER,
        "mentor",
        "record_check_in",
        CHECK_IN,
        RefusalCode.NOT_OPEN,
        "No check in is scheduled; the last one fell before the end.",
    ),
    "an objective that nobody agreed on": (
        "secondment:active",
        [],
        "mentee",
        "record_check_in",
        {"progress": [{"objective_id": "golf", "status": "achieved"}]},
        RefusalCode.UNKNOWN_REFERENCE,
        (
            "progress: no objective golf; the agreement has field-forecasting, operational-stakeholders, "
            "regulated-delivery."
        ),
    ),
    "a prompt that the bank does not have": (
        "secondment:active",
        [],
        "mentee",
        "record_reflective_session",
        {"answers": [{"prompt_id": "weather", "answer": "Sunny."}]},
        RefusalCode.UNKNOWN_REFERENCE,
        (
            "answers: no prompt weather; the bank has what-changed, limiting-assumption, hardest-decision, "
            "help-wanted, surprise, next-experiment, mentoring."
        ),
    ),
    "a rotation's check-in without a skill": (
        "rotation:active",
        [],
        "mentee",
        "record_check_in",
        {"progress": [{"objective_id": "run-operations", "status": "achieved"}], "skills": []},
        RefusalCode.INCOMPLETE,
        "skills: a rotation's check-in names at least one transferable skill seen.",
    ),
    "moved into the past": (
        "secondment:active",
        [],
        "mentee",
        "reschedule_meeting",
        {"starts_at": "2027-01-04T10:00:00Z"},
        RefusalCode.OUTSIDE_THE_PLACEMENT,
        "starts_at: choose a time after now and not later than 2027-07-09.",
    ),
    "moved beyond the end": (
        "secondment:active",
        [],
        "mentee",
        "reschedule_meeting",
        {"starts_at": "2027-07-12T10:00:00Z"},
        RefusalCode.OUTSIDE_THE_PLACEMENT,
        "starts_at: choose a time after now and not later than 2027-07-09.",
    ),
    "moved to a Sunday": (
        "secondment:active",
        [],
        "mentee",
        "reschedule_meeting",
        {"starts_at": "2027-01-17T10:00:00Z"},
        RefusalCode.OUTSIDE_THE_PLACEMENT,
        "starts_at: 2027-01-17 is no working day of P-1107; the next one is 2027-01-18.",
    ),
    "an offline meeting still ahead": (
        "secondment:active",
        [],
        "mentor",
        "record_offline_meeting",
        {"held_on": "2027-01-12"},
        RefusalCode.OUTSIDE_THE_PLACEMENT,
        "held_on: 2027-01-12 is still ahead.",
    ),
    "an offline meeting with a stranger": (
        "secondment:active",
        [],
        "mentor",
        "record_offline_meeting",
        {"held_on": "2027-01-11", "between": ["P-1042", "P-9"]},
        RefusalCode.NOT_A_PARTY,
        "between: P-9 is no party to this agreement.",
    ),
    "a review of the plan that is still ahead": (
        "secondment:active",
        [],
        "mentee",
        "review_plan",
        {"held_on": "2027-06-01"},
        RefusalCode.OUTSIDE_THE_PLACEMENT,
        "held_on: 2027-06-01 is ahead; record it once it was held.",
    ),
    "a review of the plan before the last one": (
        "secondment:active",
        [{"who": "mentee", "give": "review_plan", "held_on": "2027-01-04", "outcome": "Unchanged."}],
        "mentee",
        "review_plan",
        {"held_on": "2027-01-04"},
        RefusalCode.OUT_OF_ORDER,
        "held_on: the plan was reviewed on 2027-01-04; the next comes after that day.",
    ),
}


@pytest.mark.parametrize("row", ROWS.values(), ids=list(ROWS))
def test_a_refusal_about_meetings_names_its_rule(row: Row, refused: Callable[..., Refused]) -> None:
    """Whoever is refused reads which rule, and what to do about it; nothing has changed."""
    situation, script, who, command, fields, code, sentence = row
    refusal = refused(situation, script, who, command, fields)
    assert (refusal.code, refusal.sentence) == (code, sentence)
    assert str(refusal) == sentence


def test_every_refusal_about_meetings_is_in_the_table(
    refused: Callable[..., Refused],
    raised_at: Callable[[Refused], tuple[str, int]],
    refusals_in: Callable[[ModuleType], set[tuple[str, int]]],
) -> None:
    """A rule that is added without a row here is noticed."""
    found = {raised_at(refused(*row[:5])) for row in ROWS.values()}
    declared = {place for module in (meetings,) for place in refusals_in(module)}
    assert declared - found == set()
