"""An open obligation: when it is overdue and stalled is said in one place."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from domain.kernel.vocabulary import ObligationKind, Role, StallReason
from domain.ledger.obligation import Obligation
from tests.fixtures.paths import ROOT

DUE_AT = datetime(2027, 3, 8, 17, tzinfo=UTC)
STALLED_AT = DUE_AT + timedelta(days=14)
A_MOMENT = timedelta(microseconds=1)

PACKAGES = ("domain", "application", "activities", "workflows", "gateway", "workers")
ASKED_OF_THE_OBLIGATION = {"due_at": "is_overdue", "stalled_at": "is_stalled"}


@pytest.mark.parametrize(("before", "overdue"), [(A_MOMENT, False), (timedelta(), True), (-A_MOMENT, True)])
def test_what_is_due_is_overdue_from_its_instant_on(before: timedelta, *, overdue: bool) -> None:
    """The due instant itself counts as overdue, and so does the stall instant as stalled."""
    obligation = Obligation(
        obligation_id="milestone:map",
        kind=ObligationKind.MILESTONE,
        subject="map",
        owner_role=Role.MENTEE,
        owner_id="P-1",
        opened_at=DUE_AT - timedelta(days=30),
        due_at=DUE_AT,
        stalled_at=STALLED_AT,
        reason=StallReason.MILESTONE_OVERDUE,
        ladder=(),
    )
    assert obligation.is_overdue(DUE_AT - before) is overdue
    assert obligation.is_stalled(STALLED_AT - before) is overdue


def _comparisons(source: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Lt | ast.LtE | ast.Gt | ast.GtE):
            for side in (node.left, *node.comparators):
                if isinstance(side, ast.Attribute) and side.attr in ASKED_OF_THE_OBLIGATION:
                    method = ASKED_OF_THE_OBLIGATION[side.attr]
                    yield f"{source.relative_to(ROOT)}:{node.lineno}: ask {method}(at)"


def test_nobody_else_compares_instants_of_an_obligation() -> None:
    """A second comparison could tell `due now` another way than the first."""
    obligation = ROOT / "domain/ledger/obligation.py"
    assert len(list(_comparisons(obligation))) == 2
    others = (each for package in PACKAGES for each in (ROOT / package).rglob("*.py") if each != obligation)
    assert [found for source in others for found in _comparisons(source)] == []
