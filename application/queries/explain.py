"""Why an agreement is stalled or is not, read from the record: the same answer wherever somebody asks."""

from __future__ import annotations

from datetime import datetime

from activities.event_store.event_store import EventStore
from application.queries.agreements import standing
from application.queries.viewer import UNNAMED, Viewpoint
from domain.views.explain import explain
from domain.views.explanation import Explanation


async def explanation(
    event_store: EventStore, agreement_id: str, as_of: datetime | None = None, viewpoint: Viewpoint = UNNAMED
) -> Explanation | None:
    """Why an agreement stands as it does; None where it had no event by then.

    Args:
        event_store: Where its events are.
        agreement_id: Which.
        as_of: As for `application.queries.agreements.standing`.
        viewpoint: Who asks.

    Raises:
        Refused: They are neither a party nor an operator.
        UnreadableEvent: A newer release wrote it.
    """
    stands = await standing(event_store, agreement_id, as_of)
    if stands is None:
        return None
    return explain(stands.agreement, stands.events, stands.at, viewpoint.reader(stands))
