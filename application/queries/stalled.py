"""List stalled agreements a page at a time, without folding them all.

The answers are those of `application.queries.agreements.stalled`.

The record keeps from when to when each agreement is stalled as its ledger stands, so that a page costs the
same in a record of any size. Two things it cannot tell are folded from the streams: the past, and agreements
whose own time runs ahead of the clock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import cast

from activities.event_store.event_store import EventStore
from activities.postgres.rows import StalledFilters, StalledPageRow, StalledPlace
from application.concurrency import gather_limited
from application.queries.agreements import StalledAgreement, load_snapshot, stalled, stalled_agreement
from domain.ledger.obligation import Rung
from domain.views.health import WaitingOn, step_ahead

AT_ONCE = 1000
"""Rows read by one statement where everything is wanted."""


async def stalled_list(
    event_store: EventStore,
    as_of: datetime | None = None,
    filters: StalledFilters | None = None,
    *,
    after: StalledPlace | None = None,
    limit: int | None = None,
) -> list[StalledAgreement]:
    """Return what is stalled, longest first.

    Args:
        event_store: Where the events are.
        as_of: As for `application.queries.agreements.standing`.
        filters: Which of them.
        after: Only what comes after this one.
        limit: How many at most; None for all.
    """
    now = datetime.now(UTC)
    wanted = filters or {}
    if as_of is not None and as_of < now:
        return _part(await stalled(event_store, as_of), wanted, after, limit)
    moment = as_of or now
    ahead = await event_store.read_models.agreements_ahead(moment)
    rows = await _current(event_store, moment, wanted, after=after, limit=limit, leaving_out=frozenset(ahead))
    if ahead:
        rows = [*rows, *_part(await _in_their_own_time(event_store, ahead, as_of), wanted, after, None)]
    return sorted(rows, key=_order)[:limit]


async def _in_their_own_time(
    event_store: EventStore, agreement_ids: list[str], as_of: datetime | None
) -> list[StalledAgreement]:
    async def one(agreement_id: str) -> StalledAgreement | None:
        snapshot = await load_snapshot(event_store, agreement_id, as_of)
        return None if snapshot is None else stalled_agreement(snapshot)

    found = await gather_limited(one, agreement_ids)
    return sorted((row for row in found if row is not None), key=_order)


async def _current(
    event_store: EventStore,
    moment: datetime,
    filters: StalledFilters,
    *,
    after: StalledPlace | None,
    limit: int | None,
    leaving_out: frozenset[str],
) -> list[StalledAgreement]:
    found: list[StalledAgreement] = []
    size = AT_ONCE if limit is None else limit
    while limit is None or len(found) < limit:
        page = await event_store.read_models.stalled_page(moment, filters, after=after, limit=size)
        found.extend(_told(row, moment) for row in page if row.agreement_id not in leaving_out)
        if len(page) < size:
            break
        after = StalledPlace(since=page[-1].since, agreement_id=page[-1].agreement_id)
    return found


def _told(row: StalledPageRow, moment: datetime) -> StalledAgreement:
    shared = row.model_dump(exclude={"waiting_on_role", "waiting_on_id", "next_level", "next_at"})
    waiting_on = WaitingOn.model_validate({"role": row.waiting_on_role, "person_id": row.waiting_on_id})
    rung = None
    if row.next_level is not None and row.next_at is not None:
        rung = Rung(level=row.next_level, at=row.next_at)
    return StalledAgreement(
        **shared,
        waiting_on=waiting_on,
        next=step_ahead(row.obligation_kind, waiting_on.role, row.reason, row.level, rung),
        as_of=moment,
    )


def _part(
    rows: list[StalledAgreement], filters: StalledFilters, after: StalledPlace | None, limit: int | None
) -> list[StalledAgreement]:
    place = None if after is None else (after.since, after.agreement_id)
    return [row for row in rows if (place is None or _order(row) > place) and matches(row, filters)][:limit]


def matches(row: StalledAgreement, filters: StalledFilters) -> bool:
    """Tell whether the filters leave a row."""
    about: dict[str, object] = {
        "kind": row.kind,
        "reason": row.reason,
        "waiting_on_role": row.waiting_on.role,
        "waiting_on_id": row.waiting_on.person_id,
        "level": row.level,
        "tenant": row.tenant,
        "cohort": row.cohort,
    }
    wanted = cast("Mapping[str, Sequence[object]]", filters)
    return all(about[name] in values for name, values in wanted.items())


def _order(row: StalledAgreement) -> tuple[datetime, str]:
    return row.since, row.agreement_id
