"""Legs: annex, deliverables, debrief, handover, and the gate to the next."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from domain.decisions.areas import rotation
from domain.kernel.errors import RefusalCode, Refused

Row = tuple[str, list[dict[str, Any]], str, str, dict[str, Any], RefusalCode, str]

DELIVERED = [
    {"answer": "leg_deliverable:melbourne-control/recovery-playbook"},
    {"answer": "leg_deliverable:melbourne-control/handover-map"},
]
PASSED = [
    *DELIVERED,
    {"answer": "leg_debrief:melbourne-control"},
    {"answer": "handover:melbourne-control"},
]
NEW_SPONSOR = {
    "who": "operator",
    "give": "reassign_role",
    "role": "sponsor",
    "from_person": "P-4212",
    "to_person": "N-1",
    "reason": "The sponsor left.",
}

ROWS: dict[str, Row] = {
    "unknown": (
        "rotation",
        [],
        "leg_manager",
        "sign_annex",
        {"leg_id": "golf"},
        RefusalCode.UNKNOWN_REFERENCE,
        "leg_id: no leg golf; the agreement has melbourne-control, auckland-product, singapore-supply.",
    ),
    "not begun": (
        "rotation:active",
        [],
        "mentee",
        "debrief_leg",
        {"leg_id": "auckland-product"},
        RefusalCode.OUT_OF_ORDER,
        "auckland-product has not started.",
    ),
    "the annex of another's leg": (
        "rotation",
        [],
        "P-4201",
        "sign_annex",
        {"leg_id": "auckland-product"},
        RefusalCode.NOT_ALLOWED_FOR_ROLE,
        "P-4201 is not leg_manager or sponsor of auckland-product.",
    ),
    "an annex signed twice": (
        "rotation",
        [{"answer": "annex_signature:melbourne-control:sponsor"}],
        "P-4211",
        "sign_annex",
        {"leg_id": "melbourne-control"},
        RefusalCode.ALREADY_DONE,
        "No signature under the annex of melbourne-control is asked of P-4211 (any more).",
    ),
    "an unknown deliverable": (
        "rotation:active",
        [],
        "leg_manager",
        "accept_deliverable",
        {"leg_id": "melbourne-control", "deliverable_id": "golf"},
        RefusalCode.UNKNOWN_REFERENCE,
        "deliverable_id: no deliverable golf; melbourne-control has recovery-playbook, handover-map.",
    ),
    "accepted twice": (
        "rotation:active",
        [{"answer": "leg_deliverable:melbourne-control/recovery-playbook"}],
        "leg_manager",
        "accept_deliverable",
        {"leg_id": "melbourne-control", "deliverable_id": "recovery-playbook"},
        RefusalCode.ALREADY_DONE,
        "melbourne-control/recovery-playbook is accepted already.",
    ),
    "accepted by somebody else": (
        "rotation:active",
        [],
        "mentor",
        "accept_deliverable",
        {"leg_id": "melbourne-control", "deliverable_id": "recovery-playbook"},
        RefusalCode.NOT_ALLOWED_FOR_ROLE,
        "melbourne-control/recovery-playbook is accepted by the leg_manager of the leg.",
    ),
    "debriefed before it delivered": (
        "rotation:active",
        [],
        "mentee",
        "debrief_leg",
        {"leg_id": "melbourne-control"},
        RefusalCode.OUT_OF_ORDER,
        "Deliverables of melbourne-control are not all accepted yet.",
    ),
    "debriefed twice": (
        "rotation:active",
        PASSED,
        "mentee",
        "debrief_leg",
        {"leg_id": "melbourne-control"},
        RefusalCode.ALREADY_DONE,
        "melbourne-control is debriefed already.",
    ),
    "handed over twice": (
        "rotation:active",
        PASSED,
        "mentee",
        "complete_handover",
        {"leg_id": "melbourne-control"},
        RefusalCode.ALREADY_DONE,
        "melbourne-control is handed over already.",
    ),
    "handed over by the manager of another leg": (
        "rotation:active",
        PASSED,
        "P-4202",
        "complete_handover",
        {"leg_id": "melbourne-control"},
        RefusalCode.NOT_ALLOWED_FOR_ROLE,
        "P-4202 is not leg_manager of melbourne-control.",
    ),
    "started twice": (
        "rotation:active",
        [],
        "mentee",
        "start_leg",
        {"leg_id": "melbourne-control"},
        RefusalCode.ALREADY_DONE,
        "melbourne-control has started already.",
    ),
    "a leg skipped": (
        "rotation:active",
        [],
        "mentee",
        "start_leg",
        {"leg_id": "singapore-supply"},
        RefusalCode.OUT_OF_ORDER,
        "After melbourne-control comes auckland-product, not singapore-supply.",
    ),
    "started before the debrief": (
        "rotation:active",
        DELIVERED,
        "mentee",
        "start_leg",
        {"leg_id": "auckland-product"},
        RefusalCode.OUT_OF_ORDER,
        "melbourne-control has to be debriefed first.",
    ),
    "started before the handover": (
        "rotation:active",
        [*DELIVERED, {"answer": "leg_debrief:melbourne-control"}],
        "mentee",
        "start_leg",
        {"leg_id": "auckland-product"},
        RefusalCode.OUT_OF_ORDER,
        "melbourne-control has to be handed over first.",
    ),
    "started without an annex": (
        "rotation:active",
        [*PASSED, NEW_SPONSOR],
        "mentee",
        "start_leg",
        {"leg_id": "auckland-product"},
        RefusalCode.INCOMPLETE,
        "The annex of auckland-product is not signed by sponsor N-1.",
    ),
    "started before its day": (
        "rotation:active",
        PASSED,
        "mentee",
        "start_leg",
        {"leg_id": "auckland-product"},
        RefusalCode.OUT_OF_ORDER,
        "auckland-product starts on 2027-04-19, which is still ahead.",
    ),
}


@pytest.mark.parametrize("row", ROWS.values(), ids=list(ROWS))
def test_a_refusal_of_a_rotation_names_its_rule(row: Row, refused: Callable[..., Refused]) -> None:
    """Whoever is refused reads which rule, and what to do about it; nothing has changed."""
    situation, script, who, command, fields, code, sentence = row
    refusal = refused(situation, script, who, command, fields)
    assert (refusal.code, refusal.sentence) == (code, sentence)
    assert str(refusal) == sentence


def test_every_refusal_of_a_rotation_is_in_the_table(
    refused: Callable[..., Refused],
    raised_at: Callable[[Refused], tuple[str, int]],
    refusals_in: Callable[[ModuleType], set[tuple[str, int]]],
) -> None:
    """A rule that is added without a row here is noticed."""
    found = {raised_at(refused(*row[:5])) for row in ROWS.values()}
    declared = {place for module in (rotation,) for place in refusals_in(module)}
    assert declared - found == set()
