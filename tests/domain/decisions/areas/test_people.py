"""Who may take over what, and what may be given up."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from domain.decisions.areas import people
from domain.kernel.errors import RefusalCode, Refused

Row = tuple[str, list[dict[str, Any]], str, str, dict[str, Any], RefusalCode, str]

ROWS: dict[str, Row] = {
    "the mentee": (
        "secondment:active",
        [],
        "hrbp",
        "reassign_role",
        {"role": "mentee", "from_person": "P-1042"},
        RefusalCode.NOT_ALLOWED_FOR_ROLE,
        "role: the mentee cannot be reassigned; place a new request.",
    ),
    "from one who does not hold it": (
        "secondment:active",
        [],
        "hrbp",
        "reassign_role",
        {"from_person": "P-9"},
        RefusalCode.UNKNOWN_REFERENCE,
        "from_person: P-9 is not mentor here; P-1107 is.",
    ),
    "to the one who holds it": (
        "secondment:active",
        [],
        "hrbp",
        "reassign_role",
        {"from_person": "P-1107", "to_person": "P-1107"},
        RefusalCode.NO_CHANGE,
        "to_person: P-1107 is mentor already.",
    ),
    "to the mentee": (
        "secondment:active",
        [],
        "hrbp",
        "reassign_role",
        {"from_person": "P-1107", "to_person": "P-1042"},
        RefusalCode.CONFLICT_OF_INTEREST,
        "to_person: P-1042 cannot be mentor: mentor must be somebody other than the mentee.",
    ),
    "to the one who appraises": (
        "secondment:active",
        [],
        "hrbp",
        "reassign_role",
        {"from_person": "P-1107", "to_person": "P-1015"},
        RefusalCode.CONFLICT_OF_INTEREST,
        (
            "to_person: P-1015 cannot be mentor: mentor must be somebody other than the line manager: who "
            "appraises the mentee's work cannot also be the one to confide in."
        ),
    ),
    "a waiver of what is not owed": (
        "secondment",
        [],
        "operator",
        "waive_obligation",
        {"obligation_id": "feedback:golf"},
        RefusalCode.NOT_OPEN,
        (
            "obligation_id: feedback:golf is not open; open are signature:host_manager:P-2201:v1, "
            "signature:hrbp:P-1300:v1, signature:line_manager:P-1015:v1, signature:mentee:P-1042:v1, "
            "signature:mentor:P-1107:v1."
        ),
    ),
    "a gate": (
        "secondment",
        [],
        "operator",
        "waive_obligation",
        {"obligation_id": "signature:mentor:P-1107:v1"},
        RefusalCode.NOT_ALLOWED_FOR_ROLE,
        (
            "signature:mentor:P-1107:v1 is a gate and cannot be waived; reassign it, answer it, "
            "or close incomplete."
        ),
    ),
    "a meeting": (
        "secondment:active",
        [],
        "operator",
        "waive_obligation",
        {"obligation_id": "check_in:1"},
        RefusalCode.NOT_ALLOWED_FOR_ROLE,
        "check_in:1 is a meeting; use excuse_meeting.",
    ),
    "the departure of a stranger": (
        "secondment:active",
        [],
        "hrbp",
        "report_departure",
        {"person_id": "P-9"},
        RefusalCode.NOT_A_PARTY,
        "person_id: P-9 is no party to halden-grid.HG-SEC-2026-0117.",
    ),
    "a departure told twice": (
        "secondment:active",
        [{"who": "hrbp", "give": "report_departure", "person_id": "P-1107", "reason": "Left the company."}],
        "hrbp",
        "report_departure",
        {"person_id": "P-1107"},
        RefusalCode.ALREADY_DONE,
        "person_id: P-1107 is known to have left.",
    ),
    "a leaver as their own successor": (
        "secondment:active",
        [],
        "hrbp",
        "report_departure",
        {"person_id": "P-1107", "proposed_successor": "P-1107"},
        RefusalCode.CONFLICT_OF_INTEREST,
        "proposed_successor: P-1107 is the one who left; name somebody else, or nobody.",
    ),
    "the calendar of a stranger": (
        "secondment:active",
        [],
        "operator",
        "read_calendar_again",
        {"person_id": "P-9"},
        RefusalCode.NOT_A_PARTY,
        "person_id: P-9 is no party to halden-grid.HG-SEC-2026-0117.",
    ),
}


@pytest.mark.parametrize("row", ROWS.values(), ids=list(ROWS))
def test_a_refusal_about_people_names_its_rule(row: Row, refused: Callable[..., Refused]) -> None:
    """Whoever is refused reads which rule, and what to do about it; nothing has changed."""
    situation, script, who, command, fields, code, sentence = row
    refusal = refused(situation, script, who, command, fields)
    assert (refusal.code, refusal.sentence) == (code, sentence)
    assert str(refusal) == sentence


def test_every_refusal_about_people_is_in_the_table(
    refused: Callable[..., Refused],
    raised_at: Callable[[Refused], tuple[str, int]],
    refusals_in: Callable[[ModuleType], set[tuple[str, int]]],
) -> None:
    """A rule that is added without a row here is noticed."""
    found = {raised_at(refused(*row[:5])) for row in ROWS.values()}
    declared = {place for module in (people,) for place in refusals_in(module)}
    assert declared - found == set()
