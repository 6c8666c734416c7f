"""List what is stalled or overdue as far as a viewer may know."""

from __future__ import annotations

from datetime import UTC, datetime

from activities.event_store.event_store import EventStore
from activities.postgres.rows import OverdueRow, StalledFilters, StalledPlace
from application.concurrency import gather_limited
from application.queries.agreements import (
    StalledAgreement,
    agreements,
    load_snapshot,
    stalled_agreement,
)
from application.queries.stalled import matches, stalled_list
from application.queries.viewer import Viewer
from domain.kernel.model import PersonId
from domain.privacy.confidentiality import matters_of
from domain.views.health import longest_overdue


async def stalled_for(
    event_store: EventStore,
    viewer: Viewer,
    as_of: datetime | None = None,
    filters: StalledFilters | None = None,
    *,
    after: StalledPlace | None = None,
    limit: int | None = None,
) -> tuple[list[StalledAgreement], StalledPlace | None]:
    """Return what is stalled as far as somebody may know, longest first.

    A party sees their own agreements. An operator sees all of them as if no matter about themselves were
    there: what only such a matter holds up is left out, and what something else holds up, too, stands in the
    list, its order, its pages and its filters as that has it.

    Args:
        event_store: Where the events are.
        viewer: Who asks.
        as_of: As for `application.queries.agreements.standing`.
        filters: Which of them.
        after: Only what comes after this one.
        limit: How many at most; None for all.

    Returns:
        The rows, and the place from which to go on; None where there is no more.
    """
    wanted = _within_tenants(viewer, filters or {})
    if wanted is None:
        return [], None
    if not viewer.is_operator:
        return await _for_party(event_store, viewer, as_of, wanted), None
    otherwise = await _held_up_by_something_else(event_store, viewer, as_of)
    enough = None if limit is None else limit + len(otherwise)
    found = await stalled_list(event_store, as_of, wanted, after=after, limit=enough)
    rows = [row for row in found if row.agreement_id not in otherwise]
    rows += [row for row in otherwise.values() if row is not None and matches(row, wanted)]
    rows = sorted((row for row in rows if after is None or _place(row) > _place(after)), key=_place)[:limit]
    if not rows or len(rows) != limit:
        return rows, None
    return rows, StalledPlace(since=rows[-1].since, agreement_id=rows[-1].agreement_id)


async def overdue_for(
    event_store: EventStore, viewer: Viewer, row: OverdueRow, at: datetime
) -> OverdueRow | None:
    """Return what has been due for longest in an agreement, as far as somebody may know; None for nothing.

    Args:
        event_store: Where the events are.
        viewer: Who asks.
        row: As the record has it.
        at: The instant that it was read for.
    """
    if viewer.person_id is None or not matters_of(row.obligation_id):
        return row
    snapshot = await load_snapshot(event_store, row.agreement_id, at)
    if snapshot is None:
        return None
    owed = longest_overdue(viewer.known(snapshot).agreement, at)
    if owed is None or owed.obligation_id == row.obligation_id:
        return None if owed is None else row
    return row.model_copy(update=dict(owed))


async def _for_party(
    event_store: EventStore, viewer: Viewer, as_of: datetime | None, filters: StalledFilters
) -> list[StalledAgreement]:
    mine = [row.agreement_id async for row in agreements(event_store, person_id=viewer.person_id)]

    async def one(agreement_id: str) -> StalledAgreement | None:
        snapshot = await load_snapshot(event_store, agreement_id, as_of)
        return None if snapshot is None else stalled_agreement(viewer.known(snapshot))

    found = [row for row in await gather_limited(one, mine) if row is not None and matches(row, filters)]
    return sorted(found, key=lambda row: (row.since, row.agreement_id))


async def _held_up_by_something_else(
    event_store: EventStore, viewer: Viewer, as_of: datetime | None
) -> dict[str, StalledAgreement | None]:
    """Return agreements that a matter hidden from somebody holds up first, as they may know them.

    None stands where nothing else holds one up. An operator may know of all matters but those about
    themselves, which are few: that is what keeps a page as cheap as without a name.
    """
    if viewer.person_id is None:
        return {}

    async def one(agreement_id: str) -> tuple[StalledAgreement | None, StalledAgreement | None]:
        snapshot = await load_snapshot(event_store, agreement_id, as_of)
        if snapshot is None:
            return None, None
        return stalled_agreement(snapshot), stalled_agreement(viewer.known(snapshot))

    candidates = await _candidates(event_store, viewer.person_id, as_of)
    found = zip(candidates, await gather_limited(one, candidates), strict=True)
    return {
        agreement_id: other
        for agreement_id, (row, other) in found
        if row is not None and (other is None or other.obligation_id != row.obligation_id)
    }


async def _candidates(event_store: EventStore, person_id: PersonId, as_of: datetime | None) -> list[str]:
    """Return the ids of agreements that a matter about somebody may hold up first."""
    now = datetime.now(UTC)
    if as_of is not None and as_of < now:
        # The record knows how the ledger stands, not how it stood: the list has folded every agreement.
        return [
            row.agreement_id
            for row in await stalled_list(event_store, as_of)
            if row.obligation_id is not None and matters_of(row.obligation_id)
        ]
    moment = as_of or now
    about = await event_store.read_models.stalled_matters_about(person_id, moment)
    return list(dict.fromkeys([*about, *await event_store.read_models.agreements_ahead(moment)]))


def _within_tenants(viewer: Viewer, filters: StalledFilters) -> StalledFilters | None:
    """Return the filters without other tenants than the viewer's; None where nothing is left to look for."""
    if viewer.tenants is None:
        return filters
    asked = filters.get("tenant")
    tenants = [each for each in sorted(viewer.tenants) if asked is None or each in asked]
    return {**filters, "tenant": tenants} if tenants else None


def _place(row: StalledAgreement | StalledPlace) -> tuple[datetime, str]:
    return row.since, row.agreement_id
