"""Pivots, pauses, new ends and new terms: what may change, and when."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from domain.decisions import consent
from domain.decisions import suspension as resting
from domain.decisions.areas import course
from domain.kernel.errors import RefusalCode, Refused

Row = tuple[str, list[dict[str, Any]], str, str, dict[str, Any], RefusalCode, str]

OTHER_PLAN = {"development_plan_ref": "DP-9"}
PIVOTING = [
    {
        "who": "mentor",
        "give": "propose_pivot",
        "pivot_id": "v1",
        "option": "re_scope",
        "reason": "The budget is gone.",
        "terms": OTHER_PLAN,
    }
]
PAUSED = [
    {
        "who": "mentee",
        "give": "pause_placement",
        "until": "2027-02-01",
        "shifts_dates": True,
        "reason": "Parental leave.",
    }
]


def without_the_first_leg(raw: dict[str, Any]) -> dict[str, Any]:
    """The other legs, valid in themselves."""
    first, second, third = raw["legs"]
    return {"legs": [{**second, "order": 1, "starts_on": first["starts_on"]}, {**third, "order": 2}]}


def with_another_manager(raw: dict[str, Any]) -> dict[str, Any]:
    """The legs, the first of them under somebody else."""
    first, *others = raw["legs"]
    return {"legs": [{**first, "manager": "P-9"}, *others]}


def with_an_undecided_measure(raw: dict[str, Any]) -> dict[str, Any]:
    """The criteria, the first of them put off."""
    first, *others = raw["success_criteria"]
    return {"success_criteria": [{**first, "measure": "To be agreed."}, *others]}


ROWS: dict[str, Row] = {
    "criteria that nobody can assess, once it runs": (
        "secondment:active",
        [],
        "mentor",
        "amend_terms",
        {"terms": with_an_undecided_measure},
        RefusalCode.TERMS_INVALID,
        "terms.success_criteria: of forecast-adoption the measure is a placeholder.",
    ),
    "a second pivot": (
        "secondment:active",
        PIVOTING,
        "mentee",
        "propose_pivot",
        {"pivot_id": "v2", "terms": OTHER_PLAN},
        RefusalCode.ALREADY_DONE,
        "Pivot v1 is open; it has to be answered first.",
    ),
    "an option that nobody agreed on": (
        "shadowing:active",
        [],
        "mentee",
        "propose_pivot",
        {"option": "shorten", "terms": OTHER_PLAN},
        RefusalCode.TERMS_INVALID,
        "option: the terms allow end, re_scope, swap, not shorten.",
    ),
    "consent to no pivot": (
        "secondment:active",
        [],
        "mentee",
        "consent_to_pivot",
        {},
        RefusalCode.NOT_OPEN,
        "pivot_id: no pivot v1 is open.",
    ),
    "consent that is not asked": (
        "secondment:active",
        PIVOTING,
        "observer",
        "consent_to_pivot",
        {},
        RefusalCode.NOT_OPEN,
        "No consent to pivot v1 is asked of P-2230 (any more).",
    ),
    "refused by one who is not asked": (
        "secondment:active",
        PIVOTING,
        "observer",
        "refuse_pivot",
        {},
        RefusalCode.NOT_OPEN,
        "No consent to pivot v1 is asked of P-2230 (any more).",
    ),
    "paused twice": (
        "secondment:active",
        PAUSED,
        "mentee",
        "pause_placement",
        {},
        RefusalCode.PAUSED,
        "The placement is paused already; resume it to choose another date.",
    ),
    "paused until today": (
        "secondment:active",
        [],
        "mentee",
        "pause_placement",
        {"until": "2027-01-11"},
        RefusalCode.OUTSIDE_THE_PLACEMENT,
        "until: choose a day after 2027-01-11.",
    ),
    "paused beyond an end that does not shift": (
        "secondment:active",
        [],
        "mentee",
        "pause_placement",
        {"until": "2027-07-12", "shifts_dates": False},
        RefusalCode.OUTSIDE_THE_PLACEMENT,
        "until: the placement ends on 2027-07-09; let the pause shift dates, or extend it first.",
    ),
    "resumed without a pause": (
        "secondment:active",
        [],
        "mentee",
        "resume_placement",
        {},
        RefusalCode.NOT_OPEN,
        "The placement is not paused.",
    ),
    "extended to an earlier day": (
        "secondment:active",
        [],
        "line_manager",
        "extend_placement",
        {"ends_on": "2027-07-09"},
        RefusalCode.OUTSIDE_THE_PLACEMENT,
        "ends_on: it ends on 2027-07-09; choose a later day.",
    ),
    "extended beyond the limit": (
        "secondment:active",
        [],
        "line_manager",
        "extend_placement",
        {"ends_on": "2029-07-09"},
        RefusalCode.OUTSIDE_THE_PLACEMENT,
        "ends_on: a secondment that began on 2027-01-11 cannot be extended beyond 2027-12-31.",
    ),
    "shortened into the past": (
        "secondment:active",
        [],
        "line_manager",
        "shorten_placement",
        {"ends_on": "2027-01-10"},
        RefusalCode.OUTSIDE_THE_PLACEMENT,
        "ends_on: choose a day from 2027-01-11 on and before 2027-07-09.",
    ),
    "extended in a pause": (
        "secondment:active",
        PAUSED,
        "line_manager",
        "extend_placement",
        {"ends_on": "2027-08-09"},
        RefusalCode.PAUSED,
        "The placement is paused until 2027-02-01; resume it first.",
    ),
    "a milestone planned anew in a pause": (
        "secondment:active",
        PAUSED,
        "mentee",
        "replan_milestone",
        {"milestone_id": "charter"},
        RefusalCode.PAUSED,
        "The placement is paused until 2027-02-01; resume it first.",
    ),
    "amended in a pause": (
        "secondment:active",
        PAUSED,
        "mentor",
        "amend_terms",
        {"terms": OTHER_PLAN},
        RefusalCode.PAUSED,
        "The placement is paused until 2027-02-01; resume it first.",
    ),
    "nothing amended": (
        "secondment:active",
        [],
        "mentor",
        "amend_terms",
        {"terms": {}},
        RefusalCode.NO_CHANGE,
        "terms: these are the terms in force; change at least one field.",
    ),
    "another request": (
        "secondment",
        [],
        "mentor",
        "amend_terms",
        {"terms": {"tenant": "elsewhere"}},
        RefusalCode.TERMS_INVALID,
        "terms: tenant cannot be amended; place a new request.",
    ),
    "another policy by amendment": (
        "secondment",
        [],
        "mentor",
        "amend_terms",
        {"terms": {"policy_set": {"policy_set_id": "default", "version": 2}}},
        RefusalCode.TERMS_INVALID,
        "terms: policy_set is not amended; move the agreement to another set with adopt_policy.",
    ),
    "another mentor by amendment": (
        "secondment",
        [],
        "mentor",
        "amend_terms",
        {"terms": {"mentor": "P-9"}},
        RefusalCode.TERMS_INVALID,
        "terms: mentor name people; use reassign_role instead.",
    ),
    "terms that cannot be lived by": (
        "secondment",
        [],
        "mentor",
        "amend_terms",
        {"terms": {"milestones": []}},
        RefusalCode.TERMS_INVALID,
        "terms.milestones: holds no milestone; a secondment needs at least one",
    ),
    "another first day after it has passed": (
        "secondment:active",
        [],
        "mentor",
        "amend_terms",
        {"terms": {"effective_from": "2027-01-12"}},
        RefusalCode.OUTSIDE_THE_PLACEMENT,
        "terms.effective_from: the placement has started; its first day is past.",
    ),
    "an end that has passed": (
        "shadowing:active",
        [{"days": 90}],
        "mentor",
        "amend_terms",
        {"terms": {"planned_end": "2027-04-12"}},
        RefusalCode.OUTSIDE_THE_PLACEMENT,
        "terms.planned_end: choose a day from 2027-05-17 on.",
    ),
    "a leg taken out after it has started": (
        "rotation:active",
        [],
        "mentor",
        "amend_terms",
        {"terms": without_the_first_leg},
        RefusalCode.OUTSIDE_THE_PLACEMENT,
        "terms.legs: melbourne-control has started and cannot be taken out.",
    ),
    "another leg manager by amendment": (
        "rotation",
        [],
        "mentor",
        "amend_terms",
        {"terms": with_another_manager},
        RefusalCode.TERMS_INVALID,
        "terms.legs: leg_manager of melbourne-control is P-4201; use reassign_role instead.",
    ),
}


@pytest.mark.parametrize("row", ROWS.values(), ids=list(ROWS))
def test_a_refusal_about_the_course_names_its_rule(row: Row, refused: Callable[..., Refused]) -> None:
    """Whoever is refused reads which rule, and what to do about it; nothing has changed."""
    situation, script, who, command, fields, code, sentence = row
    refusal = refused(situation, script, who, command, fields)
    assert (refusal.code, refusal.sentence) == (code, sentence)
    assert str(refusal) == sentence


def test_every_refusal_about_the_course_is_in_the_table(
    refused: Callable[..., Refused],
    raised_at: Callable[[Refused], tuple[str, int]],
    refusals_in: Callable[[ModuleType], set[tuple[str, int]]],
) -> None:
    """A rule that is added without a row here is noticed."""
    found = {raised_at(refused(*row[:5])) for row in ROWS.values()}
    declared = {place for module in (course, consent, resting) for place in refusals_in(module)}
    assert declared - found == set()
