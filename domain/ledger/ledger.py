"""The ledger's own arithmetic: applying a change, and finding the next instant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from domain.ledger.obligation import LedgerChange, Obligation, ObligationId

Ledger = Mapping[ObligationId, Obligation]
"""The open obligations by id."""


def apply(ledger: Ledger, change: LedgerChange) -> Ledger:
    """The ledger after a change: settlements first, then openings, moves and escalations.

    Raises:
        ValueError: If the change settles, moves or escalates what is not open, or opens what is.
    """
    after = dict(ledger)
    for settlement in change.settled:
        if after.pop(settlement.obligation_id, None) is None:
            raise ValueError(f"{settlement.obligation_id} is settled but was not open")
    for opened in change.opened:
        if opened.obligation_id in after:
            raise ValueError(f"{opened.obligation_id} is opened but was open already")
        after[opened.obligation_id] = opened
    for moved in change.moved:
        if moved.obligation_id not in after:
            raise ValueError(f"{moved.obligation_id} is moved but was not open")
        after[moved.obligation_id] = moved
    for escalation in change.escalated:
        obligation = after.get(escalation.obligation_id)
        if obligation is None:
            raise ValueError(f"{escalation.obligation_id} is escalated but was not open")
        after[escalation.obligation_id] = obligation.model_copy(update={"reached": escalation.level})
    return after


def instants(obligation: Obligation) -> Iterator[datetime]:
    """Every instant at which an obligation changes by itself."""
    yield obligation.due_at
    yield obligation.stalled_at
    if obligation.acts_by_itself_at is not None:
        yield obligation.acts_by_itself_at
    for rung in obligation.ladder:
        yield rung.at
