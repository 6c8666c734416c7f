"""Opening what is private in a closed agreement: its stream has ended, so the decision is noted beside it."""

from __future__ import annotations

from activities.openings import Openings
from domain.after_close import AfterClose, decide_after_close, with_openings
from domain.decide import capacity_of
from domain.events import Event
from domain.reading import read_event
from workers.standing import Standing


async def with_what_was_opened(openings: Openings, stands: Standing) -> Standing:
    """An agreement with what was opened since it closed; an open one as it is."""
    if not stands.agreement.closed:
        return stands
    since = [read_event(row) for row in await openings.of(stands.agreement)]
    return stands._replace(agreement=with_openings(stands.agreement, since))


async def open_after_close(openings: Openings, stands: Standing, command: AfterClose) -> Event:
    """Decides on a request to open a closed agreement, or on its approval, and notes what came of it.

    Args:
        openings: Where it is noted.
        stands: The agreement, closed, at the instant of the decision.
        command: What somebody wants.

    Raises:
        Refused: A rule forbids it; nothing was noted.
        KeysError: There are no keys to seal the reason with.
    """
    known = (await with_what_was_opened(openings, stands)).agreement
    event = decide_after_close(known, command, stands.at)
    await openings.note(known, event, command, capacity_of(known, command).role)
    return event
