"""What a shadowing stint must be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

STINTS: dict[str, tuple[str, dict[str, Any], list[str]]] = {
    "too long": (
        "shadowing",
        {"planned_end": "2027-08-17"},
        ["planned_end: must not be after 2027-08-16: a shadowing lasts 6 months at most"],
    ),
    "no session": ("shadowing", {"sessions": []}, ["sessions: plans no session"]),
    "never practises": (
        "shadowing",
        {"sessions.*.phase": "observe", "longest_observation_run": 6},
        ["sessions: observes without ever practising; at least one session must practise"],
    ),
    "practises too little": (
        "shadowing",
        {"minimum_practice_share": 0.6},
        ["sessions: practises for 480 of 990 minutes (48%), less than minimum_practice_share (60%)"],
    ),
    "observes for too long": (
        "shadowing",
        {"sessions.1.phase": "observe", "minimum_practice_share": 0.1},
        ["sessions.1.phase: makes 2 observations in a row; longest_observation_run allows 1"],
    ),
    "outside": (
        "shadowing",
        {"sessions.5.starts_at": "2027-04-10T09:00:00-05:00"},
        [
            (
                "sessions.5.starts_at: is 2027-04-10, outside the placement, which runs from 2027-02-16 to "
                "2027-04-09"
            )
        ],
    ),
    "overlap": (
        "shadowing",
        {"sessions.1.starts_at": "2027-02-18T11:59:00-06:00"},
        ["sessions.1.starts_at: is before session 'huddle-watch' is over"],
    ),
    "over the cap": (
        "shadowing",
        {"hours_cap": 16},
        ["sessions: takes 16.5 hours, more than hours_cap (16)"],
    ),
    "session twice": (
        "shadowing",
        {"sessions.1.session_id": "huddle-watch"},
        ["sessions.1.session_id: repeats 'huddle-watch' of sessions.0.session_id"],
    ),
    "beside somebody else": (
        "shadowing",
        {"sessions.0.host_expert": "P-3110"},
        ["sessions.0.host_expert: is not one of host_experts"],
    ),
    "no host": (
        "shadowing",
        {"host_experts": [], "sessions": slice(2)},
        [
            "host_experts: names nobody to shadow",
            "sessions.0.host_expert: is not one of host_experts",
            "sessions.1.host_expert: is not one of host_experts",
        ],
    ),
    "host twice": (
        "shadowing",
        {"host_experts.+": ...},
        ["host_experts.2: repeats 'P-3201' of host_experts.0"],
    ),
    "no focus": (
        "shadowing",
        {"sessions.0.focus": [], "sessions.1.focus": ["weather"]},
        [
            "sessions.0.focus: names nothing to look at",
            "sessions.1.focus.0: is 'weather', not one of focus_tags",
        ],
    ),
    "no focus tags": (
        "shadowing",
        {"focus_tags": [], "sessions.*.focus": []},
        [
            "focus_tags: names nothing to look at",
            "sessions.0.focus: names nothing to look at",
            "sessions.1.focus: names nothing to look at",
            "sessions.2.focus: names nothing to look at",
            "sessions.3.focus: names nothing to look at",
            "sessions.4.focus: names nothing to look at",
            "sessions.5.focus: names nothing to look at",
        ],
    ),
    "focus tag twice": (
        "shadowing",
        {"focus_tags.+": ...},
        ["focus_tags.5: repeats 'huddle' of focus_tags.0"],
    ),
    "no indicator": (
        "shadowing",
        {"indicators": []},
        ["indicators: holds no indicator for debriefs to tie behaviour to"],
    ),
    "indicator twice": (
        "shadowing",
        {"indicators.+": ...},
        ["indicators.2.indicator_id: repeats 'discharge-before-noon' of indicators.0.indicator_id"],
    ),
}


@pytest.mark.parametrize(("kind", "changes", "said"), STINTS.values(), ids=STINTS)
def test_a_shadowing_stint_keeps_its_rules(
    kind: str, changes: Mapping[str, Any], said: list[str], refusal_of: Callable[..., list[str]]
) -> None:
    """Observation leads to practice, beside hosts, inside the window and the hours released."""
    assert refusal_of(kind, changes) == said
