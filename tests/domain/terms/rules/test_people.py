"""Who takes part, who may not be whom, and what they commit to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

PEOPLE: dict[str, tuple[str, dict[str, Any], list[str]]] = {
    "mentee is mentor": (
        "secondment",
        {"mentor": "P-1042"},
        ["mentor: must be somebody other than the mentee"],
    ),
    "mentee is line_manager": (
        "secondment",
        {"line_manager": "P-1042"},
        ["line_manager: must be somebody other than the mentee"],
    ),
    "mentee is hrbp": ("secondment", {"hrbp": "P-1042"}, ["hrbp: must be somebody other than the mentee"]),
    "mentee is programme_owner": (
        "secondment",
        {"programme_owner": "P-1042"},
        ["programme_owner: must be somebody other than the mentee"],
    ),
    "mentee is host_manager": (
        "secondment",
        {"host_manager": "P-1042"},
        ["host_manager: must be somebody other than the mentee"],
    ),
    "mentee observes": (
        "secondment",
        {"observers": ["P-1042"]},
        ["observers.0: must be somebody other than the mentee"],
    ),
    "mentee sponsors": (
        "secondment",
        {"sponsors": ["P-1042"]},
        ["sponsors.0: must be somebody other than the mentee"],
    ),
    "mentee approves": (
        "secondment",
        {"approved_by": "P-1042", "approval_chain.3.approver": "P-1042"},
        [
            "approved_by: must be somebody other than the mentee",
            "approval_chain.3.approver: must be somebody other than the mentee",
        ],
    ),
    "mentee hosts": (
        "shadowing",
        {"host_experts.+": "P-3051"},
        ["host_experts.2: must be somebody other than the mentee"],
    ),
    "mentee anchors at home": (
        "rotation",
        {"home_anchor_manager": "P-4077"},
        ["home_anchor_manager: must be somebody other than the mentee"],
    ),
    "mentee manages and sponsors legs": (
        "rotation",
        {"legs.0.manager": "P-4077", "legs.1.sponsor": "P-4077"},
        [
            "legs.0.manager: must be somebody other than the mentee",
            "legs.1.sponsor: must be somebody other than the mentee",
        ],
    ),
    "mentor is line manager": (
        "shadowing",
        {"mentor": "P-3020"},
        [
            (
                "mentor: must be somebody other than the line manager: who appraises the mentee's work "
                "cannot also be the one to confide in"
            )
        ],
    ),
    "mentor is host manager": (
        "secondment",
        {"mentor": "P-2201"},
        [
            (
                "mentor: must be somebody other than the host manager: who appraises the mentee's work "
                "cannot also be the one to confide in"
            )
        ],
    ),
    "mentor manages a leg": (
        "rotation",
        {"legs.2.manager": "P-4110"},
        [
            (
                "legs.2.manager: must be somebody other than the mentor: who appraises the mentee's work "
                "cannot also be the one to confide in"
            )
        ],
    ),
    "both managers are one": (
        "secondment",
        {"host_manager": "P-1015"},
        ["host_manager: must be somebody other than the line manager: home and host are two sides"],
    ),
    "hrbp is mentor": (
        "rotation",
        {"hrbp": "P-4110"},
        [
            (
                "hrbp: must be somebody other than the mentor: a concern must have somebody to go to who "
                "is not part of it"
            )
        ],
    ),
    "hrbp is line manager": (
        "rotation",
        {"hrbp": "P-4020"},
        [
            (
                "hrbp: must be somebody other than the line manager: a concern must have somebody to go to "
                "who is not part of it"
            )
        ],
    ),
    "observer and sponsor twice": (
        "secondment",
        {"observers.+": ..., "sponsors.+": ...},
        ["observers.1: repeats 'P-2230' of observers.0", "sponsors.1: repeats 'P-2240' of sponsors.0"],
    ),
    "too few to give feedback": (
        "shadowing",
        {"minimum_feedback_sources": 6},
        [
            (
                "minimum_feedback_sources: is 6, but only 5 people of this placement can give the mentee "
                "feedback"
            )
        ],
    ),
}

AGREEMENT: dict[str, tuple[str, dict[str, Any], list[str]]] = {
    "nobody approved": (
        "rotation",
        {"approval_chain": []},
        ["approval_chain: names nobody who approved the placement"],
    ),
    "approved by somebody else": (
        "rotation",
        {"approved_by": "P-4110"},
        ["approved_by: must be one of the approvers in approval_chain"],
    ),
    "approval after the approval": (
        "rotation",
        {"approval_chain.0.approved_at": "2026-10-20T09:00:00+11:00"},
        ["approval_chain.0.approved_at: must not be after approved_at"],
    ),
    "mentor commits to nothing": (
        "rotation",
        {"mentor_commitment.feedback_focus": [], "mentor_commitment.escalation_triggers": []},
        [
            "mentor_commitment.feedback_focus: names nothing to give feedback on",
            "mentor_commitment.escalation_triggers: says of nothing when the mentor escalates it",
        ],
    ),
    "no pivot": (
        "rotation",
        {"pivot_terms.triggers": [], "pivot_terms.options": []},
        [
            "pivot_terms.triggers: says of nothing that it makes the parties reconsider",
            "pivot_terms.options: leaves no way open; name at least one",
        ],
    ),
    "pivot option twice": (
        "secondment",
        {"pivot_terms.options": ["end", "end"]},
        ["pivot_terms.options.1: repeats 'end' of pivot_terms.options.0"],
    ),
    "no checklist": (
        "rotation",
        {"compliance": []},
        ["compliance: holds no rule for the parties to acknowledge"],
    ),
    "checklist item twice": (
        "secondment",
        {"compliance.+": ...},
        ["compliance.4.item_id: repeats 'confidentiality' of compliance.0.item_id"],
    ),
}


@pytest.mark.parametrize(("kind", "changes", "said"), PEOPLE.values(), ids=PEOPLE)
def test_roles_that_must_not_be_one_person_are_not(
    kind: str, changes: Mapping[str, Any], said: list[str], refusal_of: Callable[..., list[str]]
) -> None:
    """The same person in two roles that must not be one is refused, with the reason."""
    assert refusal_of(kind, changes) == said


@pytest.mark.parametrize(("kind", "changes", "said"), AGREEMENT.values(), ids=AGREEMENT)
def test_the_agreement_is_prepared(
    kind: str, changes: Mapping[str, Any], said: list[str], refusal_of: Callable[..., list[str]]
) -> None:
    """Approval, commitment, pivot terms and checklist are there before anybody signs."""
    assert refusal_of(kind, changes) == said
