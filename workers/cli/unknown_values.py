"""What to say where nothing matched because a tenant or a cohort is not one of the record's."""

from __future__ import annotations

from activities.event_store.event_store import EventStore
from workers.terminal.output import say

NAMED_AT_MOST = 20


async def tell_of_unknown(event_store: EventStore, *, tenant: str | None, cohort: str | None) -> None:
    """Say which there are, on standard error, where one was asked for that no agreement is of.

    Args:
        event_store: Where they are.
        tenant: As filtered by, if at all.
        cohort: As filtered by, if at all.
    """
    if tenant is None and cohort is None:
        return
    known = await event_store.read_models.known_values(NAMED_AT_MOST + 1)
    for option, given, there in (("--tenant", tenant, known.tenants), ("--cohort", cohort, known.cohorts)):
        if given is None or given in there or len(there) > NAMED_AT_MOST:
            continue
        say(f"{option}: no agreement is of {given!r}; there is {', '.join(there) or 'none at all'}.")
