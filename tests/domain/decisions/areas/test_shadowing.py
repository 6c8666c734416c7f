"""Sessions: in the order of the plan, on the agreed focus, each talked through."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from domain.decisions.areas import shadowing
from domain.kernel.errors import RefusalCode, Refused

Row = tuple[str, list[dict[str, Any]], str, str, dict[str, Any], RefusalCode, str]

NOTE = {"about": "bottleneck", "focus": "huddle", "note": "Every third case waits."}
OFF_THE_BANK = {
    "session_id": "huddle-watch",
    "notes": [NOTE],
    "answers": [{"prompt_id": "weather", "answer": "Sunny."}],
}
WATCHED = [{"days": 3}, {"answer": "observation:huddle-watch"}]
DEBRIEFED = [*WATCHED, {"answer": "session_debrief:huddle-watch"}]
PRACTISED = [*DEBRIEFED, {"days": 17}, {"answer": "practice:huddle-half"}]

ROWS: dict[str, Row] = {
    "unknown": (
        "shadowing:active",
        [],
        "mentee",
        "log_observation",
        {"session_id": "s9"},
        RefusalCode.UNKNOWN_REFERENCE,
        (
            "session_id: no session s9; the plan has huddle-watch, huddle-half, surge-watch, "
            "surge-table-top, night-handover-watch, huddle-full."
        ),
    ),
    "of the other phase": (
        "shadowing:active",
        [],
        "mentee",
        "log_practice",
        {"session_id": "huddle-watch"},
        RefusalCode.OUT_OF_ORDER,
        "huddle-watch is planned to observe; use log_observation.",
    ),
    "logged twice": (
        "shadowing:active",
        WATCHED,
        "mentee",
        "log_observation",
        {"session_id": "huddle-watch"},
        RefusalCode.ALREADY_DONE,
        "huddle-watch is logged already.",
    ),
    "still ahead": (
        "shadowing:active",
        [],
        "mentee",
        "log_observation",
        {"session_id": "huddle-watch"},
        RefusalCode.OUT_OF_ORDER,
        "huddle-watch starts at 2027-02-18 15:00 UTC, which is still ahead.",
    ),
    "before an earlier one": (
        "shadowing:active",
        [{"days": 10}],
        "mentee",
        "log_practice",
        {"session_id": "huddle-half"},
        RefusalCode.OUT_OF_ORDER,
        "huddle-watch comes before huddle-half; log it or have it waived.",
    ),
    "on no agreed focus": (
        "shadowing:active",
        [{"days": 3}],
        "mentee",
        "log_observation",
        {"session_id": "huddle-watch"},
        RefusalCode.UNKNOWN_REFERENCE,
        (
            "notes: no focus triage; the agreement has bottlenecks, handover-routine, huddle, stakeholders, "
            "surge-signs."
        ),
    ),
    "on no question of the bank": (
        "shadowing:active",
        [{"days": 3}],
        "mentee",
        "log_observation",
        OFF_THE_BANK,
        RefusalCode.UNKNOWN_REFERENCE,
        (
            "answers: no question weather; the bank has where-it-waits, who-decides, what-is-routine, "
            "why-this-way, what-you-look-at, when-it-goes-wrong."
        ),
    ),
    "before the last debrief": (
        "shadowing:active",
        PRACTISED,
        "mentee",
        "log_observation",
        {"session_id": "surge-watch", "notes": [NOTE]},
        RefusalCode.OUT_OF_ORDER,
        "The debrief of huddle-half is open; talk it through before the next observation.",
    ),
    "debriefed twice": (
        "shadowing:active",
        DEBRIEFED,
        "mentee",
        "debrief_session",
        {"session_id": "huddle-watch"},
        RefusalCode.ALREADY_DONE,
        "huddle-watch is debriefed already.",
    ),
    "debriefed before it was logged": (
        "shadowing:active",
        [],
        "mentee",
        "debrief_session",
        {"session_id": "huddle-watch"},
        RefusalCode.OUT_OF_ORDER,
        "huddle-watch has to be logged first.",
    ),
    "tied to no agreed indicator": (
        "shadowing:active",
        WATCHED,
        "mentee",
        "debrief_session",
        {"session_id": "huddle-watch"},
        RefusalCode.UNKNOWN_REFERENCE,
        "indicator_id: no indicator waiting-time; the agreement has discharge-before-noon, surge-lead-time.",
    ),
}


@pytest.mark.parametrize("row", ROWS.values(), ids=list(ROWS))
def test_a_refusal_of_shadowing_names_its_rule(row: Row, refused: Callable[..., Refused]) -> None:
    """Whoever is refused reads which rule, and what to do about it; nothing has changed."""
    situation, script, who, command, fields, code, sentence = row
    refusal = refused(situation, script, who, command, fields)
    assert (refusal.code, refusal.sentence) == (code, sentence)
    assert str(refusal) == sentence


def test_every_refusal_of_shadowing_is_in_the_table(
    refused: Callable[..., Refused],
    raised_at: Callable[[Refused], tuple[str, int]],
    refusals_in: Callable[[ModuleType], set[tuple[str, int]]],
) -> None:
    """A rule that is added without a row here is noticed."""
    found = {raised_at(refused(*row[:5])) for row in ROWS.values()}
    declared = {place for module in (shadowing,) for place in refusals_in(module)}
    assert declared - found == set()
