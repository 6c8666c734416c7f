"""Feedback, self-assessment and endorsements: from whom, to whom, about what."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from domain.decisions.areas import feedback
from domain.kernel.errors import RefusalCode, Refused

Row = tuple[str, list[dict[str, Any]], str, str, dict[str, Any], RefusalCode, str]

SKILL = {"kind": "skill", "reference": "urn:skill:negotiation"}
RATING = {"criterion_id": "safety-case", "rating": 3, "because": "One call led alone."}
REFLECTED = [{"answer": "reflective_session:1"}]
ASKED = [{"who": "mentee", "give": "request_peer_feedback", "peer_id": "N-1", "question": "What?"}]
ENDORSED = [
    {
        "who": "sponsor",
        "give": "give_endorsement",
        "statement": "I saw it.",
        "skill_uri": "urn:skill:negotiation",
        "consents_to_be_named": True,
    }
]

ROWS: dict[str, Row] = {
    "to oneself": (
        "secondment:active",
        [],
        "mentor",
        "give_feedback",
        {"receiver_id": "P-1107"},
        RefusalCode.CONFLICT_OF_INTEREST,
        "receiver_id: feedback to oneself is a self-assessment; record that.",
    ),
    "to a stranger": (
        "secondment:active",
        [],
        "mentor",
        "give_feedback",
        {"receiver_id": "P-9"},
        RefusalCode.NOT_A_PARTY,
        "receiver_id: P-9 is no party to this agreement.",
    ),
    "on no agreed criterion": (
        "secondment:active",
        [],
        "mentor",
        "give_feedback",
        {"receiver_id": "P-1042"},
        RefusalCode.UNKNOWN_REFERENCE,
        (
            "anchor: no criterion c1; the agreement has control-room-agreement, forecast-adoption, "
            "forecast-error, safety-case."
        ),
    ),
    "a rating of a skill": (
        "secondment:active",
        [],
        "mentor",
        "give_feedback",
        {"receiver_id": "P-1042", "anchor": SKILL, "rating": 3},
        RefusalCode.UNKNOWN_REFERENCE,
        "rating: it rates a criterion; anchor the feedback to one.",
    ),
    "about what is not owed": (
        "secondment:active",
        [],
        "mentor",
        "give_feedback",
        {"receiver_id": "P-1042", "anchor": SKILL, "about": "feedback:milestone:charter"},
        RefusalCode.NOT_OPEN,
        "about: P-1107 does not owe feedback:milestone:charter; open are none.",
    ),
    "about what is owed to somebody else": (
        "secondment:active",
        REFLECTED,
        "mentee",
        "give_feedback",
        {"receiver_id": "P-2201", "anchor": SKILL, "about": "feedback:mentoring"},
        RefusalCode.UNKNOWN_REFERENCE,
        "receiver_id: feedback:mentoring is not feedback to P-2201.",
    ),
    "a peer who is a party": (
        "secondment:active",
        [],
        "mentee",
        "request_peer_feedback",
        {"peer_id": "P-2230"},
        RefusalCode.CONFLICT_OF_INTEREST,
        "peer_id: P-2230 is observer here and gives feedback as that.",
    ),
    "a peer asked twice": (
        "secondment:active",
        ASKED,
        "mentee",
        "request_peer_feedback",
        {"peer_id": "N-1"},
        RefusalCode.ALREADY_DONE,
        "N-1 is asked already.",
    ),
    "a criterion rated twice": (
        "secondment:active",
        [],
        "mentee",
        "record_self_assessment",
        {"ratings": [RATING, RATING]},
        RefusalCode.TERMS_INVALID,
        "ratings: rate each criterion once.",
    ),
    "endorsed twice": (
        "secondment:active",
        ENDORSED,
        "sponsor",
        "give_endorsement",
        {},
        RefusalCode.ALREADY_DONE,
        "P-2240 has endorsed already; revoke it to write another.",
    ),
    "revoked without one": (
        "secondment:active",
        [],
        "observer",
        "revoke_endorsement",
        {},
        RefusalCode.NOT_OPEN,
        "P-2230 has not endorsed.",
    ),
}


@pytest.mark.parametrize("row", ROWS.values(), ids=list(ROWS))
def test_a_refusal_about_feedback_names_its_rule(row: Row, refused: Callable[..., Refused]) -> None:
    """Whoever is refused reads which rule, and what to do about it; nothing has changed."""
    situation, script, who, command, fields, code, sentence = row
    refusal = refused(situation, script, who, command, fields)
    assert (refusal.code, refusal.sentence) == (code, sentence)
    assert str(refusal) == sentence


def test_every_refusal_about_feedback_is_in_the_table(
    refused: Callable[..., Refused],
    raised_at: Callable[[Refused], tuple[str, int]],
    refusals_in: Callable[[ModuleType], set[tuple[str, int]]],
) -> None:
    """A rule that is added without a row here is noticed."""
    found = {raised_at(refused(*row[:5])) for row in ROWS.values()}
    declared = {place for module in (feedback,) for place in refusals_in(module)}
    assert declared - found == set()
