"""Explain why an agreement is stalled or is not, from the record: the same answer wherever somebody asks."""

from __future__ import annotations

from datetime import datetime

from activities.event_store.event_store import EventStore
from application.queries.agreements import load_snapshot
from application.queries.viewer import UNNAMED_OPERATOR, Viewer
from domain.views.explain import explain
from domain.views.explanation import Explanation


async def explain_agreement(
    event_store: EventStore,
    agreement_id: str,
    as_of: datetime | None = None,
    viewer: Viewer = UNNAMED_OPERATOR,
) -> Explanation | None:
    """Return why an agreement stands as it does; None where it had no event by then.

    Args:
        event_store: Where its events are.
        agreement_id: Which.
        as_of: As for `application.queries.agreements.load_snapshot`.
        viewer: Who asks.

    Raises:
        Refused: They are neither a party nor an operator.
        UnreadableEvent: A newer release wrote it.
    """
    snapshot = await load_snapshot(event_store, agreement_id, as_of)
    if snapshot is None:
        return None
    return explain(snapshot.agreement, snapshot.events, snapshot.at, viewer.reader(snapshot))
