"""What is allowed and seldom meant."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import pytest

from domain.terms.checks import warnings
from domain.terms.requests import split

Altered = Callable[[str, Mapping[str, Any]], dict[str, Any]]


class Advised(NamedTuple):
    """A change to an example, and what is then advised."""

    kind: str
    changes: Mapping[str, Any]
    sentences: list[str]


ADVISED = [
    Advised(
        "rotation",
        {
            "legs.1.exposure": ["unions"],
            "legs.0.ends_on": "2027-02-12",
            "legs.1.gap_explanation": "Leave.",
        },
        [
            "legs.1.exposure.0: is 'unions', which leg 'melbourne-control' shows already",
            "legs.0.ends_on: makes the leg 26 days long; 28 days are the usual least",
        ],
    ),
    Advised(
        "rotation",
        {"approved_at": "2026-11-19T16:45:00+11:00"},
        ["legs.0.starts_on: is 60 days after approved_at, less than notice_weeks (12)"],
    ),
    Advised(
        "shadowing",
        {"cadence.check_in_days": 14},
        [
            (
                "cadence.check_in_days: is 14; beyond 7 days a shadowing counts as silent "
                "between two check-ins"
            ),
        ],
    ),
    Advised(
        "shadowing",
        {"mentor_commitment.hours_per_month": 1},
        [
            (
                "mentor_commitment.hours_per_month: is 1, less than the 3.3 hours a month "
                "that the cadence asks for"
            ),
        ],
    ),
    Advised(
        "shadowing",
        {"sessions": slice(2), "sessions.0.phase": "practise", "sessions.1.phase": "observe"},
        [
            "focus_tags.2: is 'surge-signs', which no session looks at",
            "focus_tags.3: is 'bottlenecks', which no session looks at",
            "focus_tags.4: is 'handover-routine', which no session looks at",
            "host_experts.1: hosts no session",
            "sessions.0.phase: practises before anything was observed",
        ],
    ),
    Advised(
        "secondment",
        {
            "planned_end": "2028-01-12",
            "extension_limit": "2028-12-31",
            "return_plan.meeting_due": "2027-12-20",
            "backfill_plan.may_end_early": False,
            "milestones": slice(1),
            "skills_baseline": slice(1, None),
        },
        [
            (
                "objectives.0.skill: has no level in skills_baseline, so the synthesis "
                "cannot say what was gained"
            ),
            "planned_end: makes it longer than the usual 12 months",
            "return_plan.meeting_due: is after 2027-12-15; the return is best planned 28 days ahead",
            "backfill_plan.may_end_early: is false, which leaves no room for an early return",
            "milestones: holds no micro_project, the usual proof of impact",
        ],
    ),
]


@pytest.mark.parametrize("case", ADVISED, ids=lambda case: f"{case.kind}: {list(case.changes)}")
def test_what_is_seldom_meant_is_a_warning(case: Advised, altered: Altered) -> None:
    """A warning leaves the request acceptable."""
    terms = split(altered(case.kind, case.changes)).terms
    assert [str(warning) for warning in warnings(terms)] == case.sentences
