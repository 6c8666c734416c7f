"""From whose point of view agreements are looked at: every command that reads goes through here.

Without a name it is an operator's: structure, and of a concern or a breach only that somebody owes an answer.
With one, it is what that person may know of each agreement, by the audience table.
"""

from __future__ import annotations

from datetime import UTC, datetime

from activities.directory.people import Directory
from activities.event_store.event_store import EventStore
from activities.postgres.rows import OverdueRow, StalledFilters, StalledPlace
from application.concurrency import few_at_once
from application.queries.agreements import StalledAgreement, Standing, agreements, stalled_row, standing
from application.queries.stalled import matches, stalled_list
from domain.kernel.model import Frozen, PersonId
from domain.privacy.confidentiality import matters_of
from domain.privacy.disclosure import OPERATOR, Disclosure, Reader, reader_of
from domain.stream.serialization import read_event
from domain.views.health import longest_overdue


class Viewpoint(Frozen):
    """Somebody who looks at agreements. Make one with `viewpoint_of`."""

    person_id: PersonId | None = None
    is_operator: bool = True
    """Whether they look after agreements that they are no party to."""

    def reader(self, stands: Standing) -> Reader:
        """They as a reader of one agreement.

        Raises:
            Refused: They are neither a party nor an operator.
        """
        if self.person_id is None:
            return OPERATOR
        return reader_of(stands.agreement, self.person_id, at=stands.at, operator=self.is_operator)

    def disclosure(self, stands: Standing) -> Disclosure:
        """What of one agreement they may know.

        Raises:
            Refused: They are neither a party nor an operator.
        """
        return Disclosure(self.reader(stands), [read_event(row) for row in stands.events])

    def known(self, stands: Standing) -> Standing:
        """One agreement as far as they may know it; its events stay as they are.

        Raises:
            Refused: They are neither a party nor an operator.
        """
        return stands._replace(agreement=self.disclosure(stands).agreement(stands.agreement))


UNNAMED = Viewpoint()
"""An operator whom nobody has named."""


async def viewpoint_of(directory: Directory, person_id: PersonId | None) -> Viewpoint:
    """The point of view of somebody; of an unnamed operator where nobody is named."""
    if person_id is None:
        return UNNAMED
    operators = await directory.operators(datetime.now(UTC).date())
    return Viewpoint(person_id=person_id, is_operator=person_id in operators)


async def stalled_for(
    event_store: EventStore,
    viewpoint: Viewpoint,
    as_of: datetime | None = None,
    filters: StalledFilters | None = None,
    *,
    after: StalledPlace | None = None,
    limit: int | None = None,
) -> tuple[list[StalledAgreement], StalledPlace | None]:
    """What is stalled as far as somebody may know, longest first.

    A party sees their own agreements. An operator sees all of them as if no matter about themselves were
    there: what only such a matter holds up is left out, and what something else holds up, too, stands in the
    list, its order, its pages and its filters as that has it.

    Args:
        event_store: Where the events are.
        viewpoint: Whose.
        as_of: As for `application.queries.agreements.standing`.
        filters: Which of them.
        after: Only what comes after this one.
        limit: How many at most; None for all.

    Returns:
        The rows, and the place from which to go on; None where there is no more.
    """
    wanted = filters or {}
    if not viewpoint.is_operator:
        return await _of_a_party(event_store, viewpoint, as_of, wanted), None
    otherwise = await _held_up_otherwise(event_store, viewpoint, as_of)
    enough = None if limit is None else limit + len(otherwise)
    found = await stalled_list(event_store, as_of, wanted, after=after, limit=enough)
    rows = [row for row in found if row.agreement_id not in otherwise]
    rows += [row for row in otherwise.values() if row is not None and matches(row, wanted)]
    rows = sorted((row for row in rows if after is None or _place(row) > _place(after)), key=_place)[:limit]
    if not rows or len(rows) != limit:
        return rows, None
    return rows, StalledPlace(since=rows[-1].since, agreement_id=rows[-1].agreement_id)


async def overdue_for(
    event_store: EventStore, viewpoint: Viewpoint, row: OverdueRow, at: datetime
) -> OverdueRow | None:
    """What has been due for longest in an agreement, as far as somebody may know; None where nothing has.

    Args:
        event_store: Where the events are.
        viewpoint: Whose.
        row: As the record has it.
        at: The instant that it was read for.
    """
    if viewpoint.person_id is None or not matters_of(row.obligation_id):
        return row
    stands = await standing(event_store, row.agreement_id, at)
    if stands is None:
        return None
    owed = longest_overdue(viewpoint.known(stands).agreement, at)
    if owed is None or owed.obligation_id == row.obligation_id:
        return None if owed is None else row
    return row.model_copy(update=dict(owed))


async def _of_a_party(
    event_store: EventStore, viewpoint: Viewpoint, as_of: datetime | None, filters: StalledFilters
) -> list[StalledAgreement]:
    mine = [row.agreement_id async for row in agreements(event_store, person_id=viewpoint.person_id)]

    async def one(agreement_id: str) -> StalledAgreement | None:
        stands = await standing(event_store, agreement_id, as_of)
        return None if stands is None else stalled_row(viewpoint.known(stands))

    found = [row for row in await few_at_once(one, mine) if row is not None and matches(row, filters)]
    return sorted(found, key=lambda row: (row.since, row.agreement_id))


async def _held_up_otherwise(
    event_store: EventStore, viewpoint: Viewpoint, as_of: datetime | None
) -> dict[str, StalledAgreement | None]:
    """Agreements that a matter which somebody may not know of holds up first, as they may know them.

    None stands where nothing else holds one up. An operator may know of all matters but those about
    themselves, which are few: that is what keeps a page as cheap as without a name.
    """
    if viewpoint.person_id is None:
        return {}

    async def one(agreement_id: str) -> tuple[StalledAgreement | None, StalledAgreement | None]:
        stands = await standing(event_store, agreement_id, as_of)
        if stands is None:
            return None, None
        return stalled_row(stands), stalled_row(viewpoint.known(stands))

    looked_at = await _to_look_at(event_store, viewpoint.person_id, as_of)
    found = zip(looked_at, await few_at_once(one, looked_at), strict=True)
    return {
        agreement_id: other
        for agreement_id, (row, other) in found
        if row is not None and (other is None or other.obligation_id != row.obligation_id)
    }


async def _to_look_at(event_store: EventStore, person_id: PersonId, as_of: datetime | None) -> list[str]:
    """Agreements that a matter about somebody may hold up first."""
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


def _place(row: StalledAgreement | StalledPlace) -> tuple[datetime, str]:
    return row.since, row.agreement_id
