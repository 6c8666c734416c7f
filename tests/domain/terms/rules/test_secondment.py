"""What a secondment must be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

SECONDMENTS: dict[str, tuple[str, dict[str, Any], list[str]]] = {
    "no rationale": ("secondment", {"rationale": ...}, ["rationale: is required"]),
    "no priority": ("secondment", {"strategic_priority_ref": ...}, ["strategic_priority_ref: is required"]),
    "too short": (
        "secondment",
        {
            "planned_end": "2027-04-09",
            "end_decision_on": None,
            "return_plan": None,
            "success_criteria.*.target_date": "2027-04-01",
            "milestones": slice(1),
        },
        ["planned_end: must not be before 2027-04-10: a secondment lasts 3 months at least"],
    ),
    "too long": (
        "secondment",
        {"planned_end": "2029-01-12", "extension_limit": "2029-01-12"},
        [
            "planned_end: must not be after 2029-01-11: a secondment lasts 24 months at most",
            (
                "extension_limit: must not be after 2029-01-11: a secondment lasts 24 months at most, "
                "extensions included"
            ),
        ],
    ),
    "beyond the extension limit": (
        "secondment",
        {"extension_limit": "2027-07-01"},
        ["planned_end: is 2027-07-09, after extension_limit, which is 2027-07-01"],
    ),
    "end decided on the last day": (
        "secondment",
        {"end_decision_on": "2027-07-09"},
        ["end_decision_on: must be before planned_end"],
    ),
    "end decided afterwards": (
        "secondment",
        {"end_decision_on": "2027-07-10"},
        [("end_decision_on: is 2027-07-10, outside the placement, which runs from 2027-01-11 to 2027-07-09")],
    ),
    "return met afterwards": (
        "secondment",
        {"return_plan.meeting_due": "2027-08-01"},
        [
            (
                "return_plan.meeting_due: is 2027-08-01, outside the placement, which runs from 2027-01-11 "
                "to 2027-07-09"
            )
        ],
    ),
    "not internal": (
        "secondment",
        {"internal": False},
        ["host.organisation: must differ from home.organisation, because internal is false"],
    ),
    "not external": (
        "secondment",
        {"host.organisation": "Nordhavn Power"},
        ["host.organisation: must be the same as home.organisation, because internal is true"],
    ),
    "own department": (
        "secondment",
        {"host.department": "Grid Analytics, Berlin", "host.assignment_id": "A-77120"},
        [
            ("host.department: must differ from home.department: nobody is seconded to their own department"),
            "host.assignment_id: must differ from home.assignment_id",
        ],
    ),
    "no milestone": (
        "secondment",
        {"milestones": []},
        ["milestones: holds no milestone; a secondment needs at least one"],
    ),
    "appraised by the mentor": (
        "secondment",
        {"appraisal_owner": "mentor"},
        ["appraisal_owner: must be line_manager or host_manager"],
    ),
    "never invoiced": (
        "secondment",
        {"recharge.invoiced": "never"},
        ["recharge.invoiced: must not be never, because recharge.percent is 60"],
    ),
}


@pytest.mark.parametrize(("kind", "changes", "said"), SECONDMENTS.values(), ids=SECONDMENTS)
def test_a_secondment_keeps_its_rules(
    kind: str, changes: Mapping[str, Any], said: list[str], refusal_of: Callable[..., list[str]]
) -> None:
    """Length, limits, sides, return and reasons of a secondment are checked."""
    assert refusal_of(kind, changes) == said
