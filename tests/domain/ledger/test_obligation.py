"""Obligations: what a change of one may name, and how changes of the ledger add up."""

# pyright: reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

from datetime import UTC, datetime
from typing import get_type_hints

import pytest

from domain.kernel.vocabulary import ObligationKind, ObligationStatus, Role, StallReason
from domain.ledger.obligation import (
    Escalation,
    LedgerChange,
    Obligation,
    ObligationChanges,
    Settlement,
)

AT = datetime(2027, 3, 1, 9, tzinfo=UTC)


def _owed(subject: str) -> Obligation:
    return Obligation(
        obligation_id=f"milestone:{subject}",
        kind=ObligationKind.MILESTONE,
        subject=subject,
        owner_role=Role.MENTEE,
        owner_id="P-1",
        opened_at=AT,
        due_at=AT,
        stalled_at=AT,
        reason=StallReason.MILESTONE_OVERDUE,
        ladder=(),
    )


def test_changes_name_the_fields_of_the_obligation_with_their_types() -> None:
    """Type checkers hold a change of an obligation to the names and types of its fields."""
    hints = get_type_hints(Obligation, include_extras=True)
    expected = {name: hints[name] for name in Obligation.model_fields}
    assert get_type_hints(ObligationChanges, include_extras=True) == expected


def test_a_misspelt_field_changes_nothing() -> None:
    """It fails the type check, and where nobody ran one, it fails at once."""
    with pytest.raises(TypeError, match="Obligation has no field due_on"):
        _owed("a").model_copy(update={"due_on": AT})  # pyright: ignore[reportArgumentType]


def test_a_ledger_change_is_extended_and_keeps_what_it_has() -> None:
    """More comes after what is there; silence is counted anew only where an instant is given."""
    settlement = Settlement(obligation_id="milestone:z", status=ObligationStatus.FULFILLED)
    escalation = Escalation(obligation_id="milestone:y", level=1)
    first = LedgerChange(opened=(_owed("a"),), escalated=(escalation,), silent_at=AT)
    more = first.extended(opened=[_owed("b")], settled=[settlement], moved=[_owed("c")])
    assert more == LedgerChange(
        settled=(settlement,),
        opened=(_owed("a"), _owed("b")),
        moved=(_owed("c"),),
        escalated=(escalation,),
        silent_at=AT,
    )
    assert LedgerChange().extended(silent_at=AT).silent_at == AT
