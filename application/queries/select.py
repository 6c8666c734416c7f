"""Select the open agreements that a command over many is about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, cast

from activities.event_store.event_store import EventStore
from activities.postgres.rows import StalledFilters
from application.queries.agreements import Filters, agreements
from application.queries.stalled import stalled_list
from domain.kernel.model import PersonId
from domain.kernel.vocabulary import Kind, Phase, Role, StallReason


class Selection(NamedTuple):
    """Which open agreements; what is left out does not narrow, and what is given narrows together."""

    kinds: Sequence[Kind] = ()
    phases: Sequence[Phase] = ()
    reasons: Sequence[StallReason] = ()
    """Stalled for one of these."""
    waiting_on: Sequence[Role] = ()
    """Stalled on one of these."""
    only_stalled: bool = False
    tenant: str | None = None
    cohort: str | None = None
    person_id: PersonId | None = None
    """In which this person is a party."""
    agreement_ids: Sequence[str] = ()

    @property
    def narrows(self) -> bool:
        """Whether anything is given at all."""
        return any(self)


async def select_agreements(event_store: EventStore, selection: Selection) -> list[str]:
    """Return the ids of the open agreements that a selection leaves.

    Ids alone are taken as they are given: whoever names one is told what became of it, open or not.
    """
    if selection.reasons or selection.waiting_on or selection.only_stalled:
        found = await _stalled(event_store, selection)
    elif selection.agreement_ids and not selection._replace(agreement_ids=()).narrows:
        return list(dict.fromkeys(selection.agreement_ids))
    else:
        found = [row.agreement_id async for row in agreements(event_store, **_filters(selection))]
    wanted = selection.agreement_ids
    return [each for each in found if not wanted or each in wanted]


def _filters(selection: Selection) -> Filters:
    return Filters(
        kinds=selection.kinds or None,
        phases=selection.phases or None,
        tenant=selection.tenant,
        cohort=selection.cohort,
        person_id=selection.person_id,
        only_open=True,
    )


async def _stalled(event_store: EventStore, selection: Selection) -> list[str]:
    given: dict[str, Sequence[object]] = {
        "kind": selection.kinds,
        "reason": selection.reasons,
        "waiting_on_role": selection.waiting_on,
        "tenant": [selection.tenant] if selection.tenant else [],
        "cohort": [selection.cohort] if selection.cohort else [],
    }
    filters = cast("StalledFilters", {name: values for name, values in given.items() if values})
    rows = await stalled_list(event_store, filters=filters)
    found = [row.agreement_id for row in rows if not selection.phases or row.phase in selection.phases]
    if selection.person_id is None:
        return found
    theirs = agreements(event_store, person_id=selection.person_id, only_open=True)
    involved = {row.agreement_id async for row in theirs}
    return [each for each in found if each in involved]
