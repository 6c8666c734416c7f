"""Malformed fields are told in human sentences, not in the words of a library."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

SHAPES: dict[str, tuple[str, dict[str, Any], list[str]]] = {
    "naive instant": (
        "secondment",
        {"approved_at": "2026-11-24T15:20:00"},
        ["approved_at: names no time zone; write its offset, as in 2027-01-04T09:00:00+01:00"],
    ),
    "naive session": (
        "shadowing",
        {"sessions.0.starts_at": "2027-02-18T09:00:00"},
        ["sessions.0.starts_at: names no time zone; write its offset, as in 2027-01-04T09:00:00+01:00"],
    ),
    "no instant": (
        "secondment",
        {"approved_at": 1795533600},
        ["approved_at: must be an instant such as 2027-01-04T09:00:00+01:00"],
    ),
    "instant beyond all calendars": (
        "secondment",
        {"approved_at": "0001-01-01T00:00:00+14:00"},
        ["approved_at: must lie between the years 1900 and 2199"],
    ),
    "no date": (
        "secondment",
        {"effective_from": "11.01.2027", "planned_end": 20270709},
        [
            "effective_from: must be a date such as 2027-01-04",
            "planned_end: must be a date such as 2027-01-04",
        ],
    ),
    "date beyond all calendars": (
        "secondment",
        {"effective_from": "1900-01-01"},
        ["effective_from: must not be less than 2000-01-01"],
    ),
    "missing": ("secondment", {"effective_from": ...}, ["effective_from: is required"]),
    "unknown field": (
        "secondment",
        {"cadence.chekin_days": 3},
        ["cadence.chekin_days: is not a field of this request; remove it or correct its name"],
    ),
    "no text": ("secondment", {"rationale": 5}, ["rationale: must be text"]),
    "text beyond measure": (
        "secondment",
        {"rationale": "x" * 8001},
        ["rationale: must be at most 8000 characters long"],
    ),
    "no id": (
        "secondment",
        {"request_id": "Ilse Brandt"},
        [
            (
                "request_id: must be 1 to 64 letters, digits, '.', '_' or '-', beginning with a letter or "
                "a digit"
            )
        ],
    ),
    "no number": (
        "secondment",
        {"fte": "full", "minimum_feedback_sources": 2.5},
        ["minimum_feedback_sources: must be a whole number", "fte: must be a number"],
    ),
    "not finite": ("secondment", {"fte": float("nan")}, ["fte: must be a finite number"]),
    "out of range": (
        "secondment",
        {"fte": 1.5, "boundaries.capacity_percent": 0, "mentor_commitment.hours_per_month": 0},
        [
            "boundaries.capacity_percent: must not be less than 1",
            "mentor_commitment.hours_per_month: must be more than 0",
            "fte: must not be more than 1",
        ],
    ),
    "neither true nor false": ("secondment", {"internal": "yes"}, ["internal: must be true or false"]),
    "no list": ("secondment", {"clearances": "none"}, ["clearances: must be a list"]),
    "no object": ("secondment", {"home": "Halden Grid"}, ["home: must be an object"]),
    "none of those": (
        "secondment",
        {"lawful_basis": "habit", "schema_version": 2, "recharge.invoiced": "weekly"},
        [
            "schema_version: must be 1",
            (
                "lawful_basis: must be 'consent', 'contract', 'legal_obligation', 'public_task' or "
                "'legitimate_interests'"
            ),
            "recharge.invoiced: must be 'monthly', 'quarterly', 'at_end' or 'never'",
        ],
    ),
    "half a character": (
        "secondment",
        {"rationale": "\ud800"},
        ["the request: holds text that is not Unicode"],
    ),
}


@pytest.mark.parametrize(("kind", "changes", "said"), SHAPES.values(), ids=SHAPES)
def test_a_malformed_field_is_told_in_a_sentence(
    kind: str, changes: Mapping[str, Any], said: list[str], refusal_of: Callable[..., list[str]]
) -> None:
    """The sentence says what the field must be, with an example where that helps."""
    assert refusal_of(kind, changes) == said
