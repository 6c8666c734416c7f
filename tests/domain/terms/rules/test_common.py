"""What is to be learned, by when, and how everybody will see it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

DATES: dict[str, tuple[str, dict[str, Any], list[str]]] = {
    "end before start": (
        "shadowing",
        {"planned_end": "2027-02-15"},
        ["planned_end: is 2027-02-15, before effective_from, which is 2027-02-16"],
    ),
    "approved late": (
        "shadowing",
        {"approved_at": "2027-02-20T10:00:00Z"},
        [
            (
                "retroactive_reason: is required, because approved_at (2027-02-20) is after effective_from "
                "(2027-02-16)"
            )
        ],
    ),
    "milestone outside": (
        "secondment",
        {"milestones.0.due_on": "2027-01-10"},
        [
            (
                "milestones.0.due_on: is 2027-01-10, outside the placement, which runs from 2027-01-11 to "
                "2027-07-09"
            )
        ],
    ),
    "criterion outside": (
        "secondment",
        {"success_criteria.1.target_date": "2027-07-10"},
        [
            (
                "success_criteria.1.target_date: is 2027-07-10, outside the placement, which runs from "
                "2027-01-11 to 2027-07-09"
            )
        ],
    ),
    "check-ins too rare": (
        "shadowing",
        {"cadence.check_in_days": 60, "cadence.reflective_session_days": 60},
        ["cadence.check_in_days: is 60, longer than the placement, which lasts 53 days"],
    ),
    "reflective sessions too frequent": (
        "rotation",
        {"cadence.reflective_session_days": 7},
        [
            (
                "cadence.reflective_session_days: must not be less than cadence.check_in_days: reflective "
                "sessions are the rarer ones"
            )
        ],
    ),
}

LEARNING: dict[str, tuple[str, dict[str, Any], list[str]]] = {
    "no gap": ("secondment", {"objectives.0.gap": ...}, ["objectives.0.gap: is required"]),
    "blank gap": ("secondment", {"objectives.0.gap": "  "}, ["objectives.0.gap: must not be blank"]),
    "no objective": (
        "shadowing",
        {"objectives": [], "success_criteria": []},
        ["objectives: holds no learning objective; a placement needs at least one"],
    ),
    "objective twice": (
        "secondment",
        {"objectives.+": ...},
        ["objectives.3.objective_id: repeats 'field-forecasting' of objectives.0.objective_id"],
    ),
    "objective without criterion": (
        "secondment",
        {"success_criteria.3.objective_id": "field-forecasting"},
        [
            (
                "objectives.2: has no success criterion; add one to success_criteria whose objective_id is "
                "'regulated-delivery'"
            )
        ],
    ),
    "objective by one side": (
        "secondment",
        {"objectives.0.authored_by": ["mentee"]},
        ["objectives.0.authored_by: must hold mentee and at least one other role: both sides write"],
    ),
    "objective by nobody here": (
        "secondment",
        {"objectives.0.authored_by": ["mentee", "host_expert"]},
        [
            (
                "objectives.0.authored_by: is host_expert, a role that nobody holds here; the roles held "
                "are host_manager, hrbp, line_manager, mentee, mentor, observer, programme_owner and sponsor"
            )
        ],
    ),
    "criterion of no objective": (
        "secondment",
        {"success_criteria.0.objective_id": "other"},
        ["success_criteria.0.objective_id: is 'other', which no objective has"],
    ),
    "criterion twice": (
        "secondment",
        {"success_criteria.1.criterion_id": "forecast-adoption"},
        [("success_criteria.1.criterion_id: repeats 'forecast-adoption' of success_criteria.0.criterion_id")],
    ),
    "criterion without statement": (
        "secondment",
        {"success_criteria.0.statement": ...},
        ["success_criteria.0.statement: is required"],
    ),
    "criterion without measure": (
        "secondment",
        {"success_criteria.0.measure": ...},
        ["success_criteria.0.measure: is required"],
    ),
    "criterion without evidence_type": (
        "secondment",
        {"success_criteria.0.evidence_type": ...},
        ["success_criteria.0.evidence_type: is required"],
    ),
    "criterion without assessor": (
        "secondment",
        {"success_criteria.0.assessor": ...},
        ["success_criteria.0.assessor: is required"],
    ),
    "criterion without target_date": (
        "secondment",
        {"success_criteria.0.target_date": ...},
        ["success_criteria.0.target_date: is required"],
    ),
    "criterion assessed by the mentee": (
        "secondment",
        {"success_criteria.0.assessor": "mentee"},
        ["success_criteria.0.assessor: must be somebody other than the mentee"],
    ),
    "criterion assessed by nobody": (
        "rotation",
        {"success_criteria.0.assessor": "host_expert"},
        [
            (
                "success_criteria.0.assessor: is host_expert, a role that nobody holds here; the roles "
                "held are hrbp, leg_manager, line_manager, mentee, mentor, observer, programme_owner and "
                "sponsor"
            )
        ],
    ),
    "skill twice": (
        "rotation",
        {"skills_baseline.+": ...},
        [("skills_baseline.3.skill: repeats a skill that an earlier entry of skills_baseline gives a level")],
    ),
    "baseline by nobody": (
        "rotation",
        {"skills_baseline.0.assessor": "peer"},
        [
            (
                "skills_baseline.0.assessor: is peer, a role that nobody holds here; the roles held are "
                "hrbp, leg_manager, line_manager, mentee, mentor, observer, programme_owner and sponsor"
            )
        ],
    ),
}

MILESTONES: dict[str, tuple[str, dict[str, Any], list[str]]] = {
    "verified by the mentee": (
        "secondment",
        {"milestones.0.verifier": "mentee", "milestones.0.owner": "host_manager"},
        ["milestones.0.verifier: must be somebody other than the mentee"],
    ),
    "verified by its owner": (
        "secondment",
        {"milestones.0.owner": "host_manager"},
        ["milestones.0.verifier: must be a role other than the milestone's owner"],
    ),
    "verified by nobody": (
        "secondment",
        {"milestones.0.verifier": "leg_manager"},
        [
            (
                "milestones.0.verifier: is leg_manager, a role that nobody holds here; the roles held are "
                "host_manager, hrbp, line_manager, mentee, mentor, observer, programme_owner and sponsor"
            )
        ],
    ),
    "owned by nobody": (
        "secondment",
        {"milestones.0.owner": "operator"},
        [
            (
                "milestones.0.owner: is operator, a role that nobody holds here; the roles held are "
                "host_manager, hrbp, line_manager, mentee, mentor, observer, programme_owner and sponsor"
            )
        ],
    ),
    "without evidence": (
        "secondment",
        {"milestones.0.evidence_types": []},
        [
            (
                "milestones.0.evidence_types: names no evidence; say what will show that the milestone is "
                "reached"
            )
        ],
    ),
    "twice": (
        "secondment",
        {"milestones.+": ...},
        ["milestones.4.milestone_id: repeats 'charter' of milestones.0.milestone_id"],
    ),
}


@pytest.mark.parametrize(("kind", "changes", "said"), DATES.values(), ids=DATES)
def test_dates_belong_to_the_placement(
    kind: str, changes: Mapping[str, Any], said: list[str], refusal_of: Callable[..., list[str]]
) -> None:
    """One date out of place is named, with the window that it should lie in."""
    assert refusal_of(kind, changes) == said


@pytest.mark.parametrize(("kind", "changes", "said"), LEARNING.values(), ids=LEARNING)
def test_objectives_are_assessable(
    kind: str, changes: Mapping[str, Any], said: list[str], refusal_of: Callable[..., list[str]]
) -> None:
    """An objective without a gap or a criterion, or a criterion that nobody can assess, is refused."""
    assert refusal_of(kind, changes) == said


@pytest.mark.parametrize(("kind", "changes", "said"), MILESTONES.values(), ids=MILESTONES)
def test_milestones_are_shown_to_somebody_else(
    kind: str, changes: Mapping[str, Any], said: list[str], refusal_of: Callable[..., list[str]]
) -> None:
    """A milestone has evidence and a verifier who is not the one that owes it."""
    assert refusal_of(kind, changes) == said
