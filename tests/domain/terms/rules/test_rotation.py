"""What a rotation must be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

ROTATIONS: dict[str, tuple[str, dict[str, Any], list[str]]] = {
    "too long": (
        "rotation",
        {"planned_end": "2030-01-19", "legs.2.ends_on": "2030-01-19"},
        ["planned_end: must not be after 2030-01-18: a rotation lasts 36 months at most"],
    ),
    "one leg": (
        "rotation",
        {"legs": slice(1), "legs.0.ends_on": "2027-10-15"},
        ["legs: holds 1; a rotation needs at least 2"],
    ),
    "legs overlap": (
        "rotation",
        {"legs.1.starts_on": "2027-04-16"},
        [
            (
                "legs.1.starts_on: is 2027-04-16, but leg 'melbourne-control' lasts until 2027-04-16: legs "
                "must not overlap"
            )
        ],
    ),
    "gap unexplained": (
        "rotation",
        {"legs.1.starts_on": "2027-04-26"},
        [
            (
                "legs.1.gap_explanation: is required: 9 days before this leg belong to no leg, and "
                "transition_gap_days_allowed is 3"
            )
        ],
    ),
    "gap at the beginning": (
        "rotation",
        {"legs.0.starts_on": "2027-01-25"},
        [
            (
                "legs.0.gap_explanation: is required: 7 days between effective_from and this leg belong to "
                "no leg, and transition_gap_days_allowed is 3"
            )
        ],
    ),
    "gap at the end": (
        "rotation",
        {"legs.2.ends_on": "2027-10-01"},
        ["planned_end: is 14 days after the last leg ends, and transition_gap_days_allowed is 3"],
    ),
    "leg outside": (
        "rotation",
        {"legs.0.starts_on": "2027-01-17", "legs.2.ends_on": "2027-10-16"},
        [
            (
                "legs.0.starts_on: is 2027-01-17, outside the placement, which runs from 2027-01-18 to "
                "2027-10-15"
            ),
            (
                "legs.2.ends_on: is 2027-10-16, outside the placement, which runs from 2027-01-18 to "
                "2027-10-15"
            ),
        ],
    ),
    "leg ends before it starts": (
        "rotation",
        {
            "legs.2.starts_on": "2027-07-20",
            "legs.2.ends_on": "2027-07-19",
            "planned_end": "2027-07-19",
            "final_destination_decision_on": "2027-07-01",
            "success_criteria.2.target_date": "2027-07-01",
            "milestones.1.due_on": "2027-07-01",
        },
        [
            "legs.2.ends_on: is 2027-07-19, before starts_on, which is 2027-07-20",
            (
                "legs.2.starts_on: is 2027-07-20, outside the placement, which runs from 2027-01-18 to "
                "2027-07-19"
            ),
        ],
    ),
    "wrong order": (
        "rotation",
        {"legs.0.order": 2, "legs.1.order": 1},
        [
            "legs.0.order: is 2, but by its dates this is leg 1",
            "legs.1.order: is 1, but by its dates this is leg 2",
        ],
    ),
    "leg twice": (
        "rotation",
        {"legs.1.leg_id": "melbourne-control"},
        ["legs.1.leg_id: repeats 'melbourne-control' of legs.0.leg_id"],
    ),
    "challenge twice": (
        "rotation",
        {"legs.2.challenge_id": "disruption-recovery"},
        ["legs.2.challenge_id: repeats 'disruption-recovery' of legs.0.challenge_id"],
    ),
    "no sponsor": ("rotation", {"legs.0.sponsor": ...}, ["legs.0.sponsor: is required"]),
    "sponsor is manager": (
        "rotation",
        {"legs.0.sponsor": "P-4201"},
        ["legs.0.sponsor: must be somebody other than the leg's manager: a sponsor opens further doors"],
    ),
    "empty leg": (
        "rotation",
        {"legs.0.deliverables": [], "legs.0.partner_teams": [], "legs.0.exposure": []},
        [
            "legs.0.deliverables: holds no deliverable",
            "legs.0.partner_teams: names no team; every leg works with at least one other team",
            "legs.0.exposure: names no style, framework or stakeholder to see",
        ],
    ),
    "deliverable twice": (
        "rotation",
        {"legs.0.deliverables.+": ...},
        [
            (
                "legs.0.deliverables.2.deliverable_id: repeats 'recovery-playbook' of "
                "legs.0.deliverables.0.deliverable_id"
            )
        ],
    ),
    "deliverable verified by the mentee": (
        "rotation",
        {"legs.0.deliverables.0.verifier": "mentee"},
        ["legs.0.deliverables.0.verifier: must be somebody other than the mentee"],
    ),
    "deliverable verified by nobody": (
        "rotation",
        {"legs.0.deliverables.0.verifier": "host_manager"},
        [
            (
                "legs.0.deliverables.0.verifier: is host_manager, a role that nobody holds here; the roles "
                "held are hrbp, leg_manager, line_manager, mentee, mentor, observer, programme_owner and "
                "sponsor"
            )
        ],
    ),
    "destination decided on the last day": (
        "rotation",
        {"final_destination_decision_on": "2027-10-15"},
        ["final_destination_decision_on: must be before planned_end"],
    ),
    "destination decided afterwards": (
        "rotation",
        {"final_destination_decision_on": "2027-11-01"},
        [
            (
                "final_destination_decision_on: is 2027-11-01, outside the placement, which runs from "
                "2027-01-18 to 2027-10-15"
            )
        ],
    ),
}


@pytest.mark.parametrize(("kind", "changes", "said"), ROTATIONS.values(), ids=ROTATIONS)
def test_a_rotation_keeps_its_rules(
    kind: str, changes: Mapping[str, Any], said: list[str], refusal_of: Callable[..., list[str]]
) -> None:
    """Legs follow one another without overlap or unexplained gap, and each is worth it."""
    assert refusal_of(kind, changes) == said
