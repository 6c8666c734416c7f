"""List agreements as a principal may know them."""

from __future__ import annotations

from datetime import datetime

from activities.postgres.rows import AgreementRow, StalledFilters, StalledPlace
from application.container import Container
from application.identity.principal import Principal
from application.queries.agreements import Filters, StalledAgreement, agreements
from application.queries.stalled_for import stalled_for
from application.queries.viewer import viewer_of


async def list_agreements(container: Container, principal: Principal, filters: Filters) -> list[AgreementRow]:
    """Return the agreements that the filters leave, in order of id: to a party, their own.

    Args:
        container: What it takes.
        principal: Who asks.
        filters: Which of them.
    """
    viewer = await viewer_of(await container.directory(), principal)
    event_store = await container.event_store()
    found = [
        row async for row in agreements(event_store, **filters) if viewer.may_see_tenant(row.head.tenant)
    ]
    if viewer.is_operator:
        return found
    return [row for row in found if any(party.person_id == viewer.person_id for party in row.head.parties)]


async def list_stalled(
    container: Container,
    principal: Principal,
    as_of: datetime | None = None,
    filters: StalledFilters | None = None,
    *,
    after: StalledPlace | None = None,
    limit: int | None = None,
) -> tuple[list[StalledAgreement], StalledPlace | None]:
    """Return what is stalled, longest first, and the place from which to go on; None where there is no more.

    Args:
        container: What it takes.
        principal: Who asks.
        as_of: As for `application.queries.agreements.load_snapshot`.
        filters: Which of them.
        after: Only what comes after this one.
        limit: How many at most; None for all.
    """
    viewer = await viewer_of(await container.directory(), principal)
    event_store = await container.event_store()
    return await stalled_for(event_store, viewer, as_of, filters, after=after, limit=limit)
