"""Place somebody on legal hold, or lift it: while it lasts, nothing of theirs can be erased."""

from __future__ import annotations

from typing import NamedTuple

from application.container import Container
from application.errors import NothingMatchedError
from application.identity.operators import require_operator
from application.identity.principal import Principal
from domain.kernel.model import Instant, PersonId


class HoldOutcome(NamedTuple):
    """What became of a hold."""

    changed: bool
    """Whether it was not so before."""
    erased_before: Instant | None
    """When keys of theirs were last destroyed before: a hold brings nothing back."""


async def set_legal_hold(
    container: Container, principal: Principal, person_id: PersonId, *, reference: str, lift: bool = False
) -> HoldOutcome:
    """Place a hold, or lift it; each is noted for ever, with who did it and under which reference.

    Args:
        container: What it takes.
        principal: The operator who does it.
        person_id: Who is held.
        reference: The case it belongs to, never a name.
        lift: End the hold instead.

    Raises:
        NotPermittedError: The principal is no operator.
        NothingMatchedError: Nobody has this id: nobody is on hold by a mistyped one.
    """
    directory = await container.directory()
    operator_id = await require_operator(directory, principal)
    rights = await container.rights()
    if not lift and not await directory.get([person_id]) and not await rights.events(person_id):
        raise NothingMatchedError(
            f"Nobody in the directory has the id {person_id}, and nothing was ever done about their rights. "
            "Nobody is on hold by a mistyped id: enter them with `sojourn people` first."
        )
    held = await rights.hold_on(person_id) is not None
    if held is lift:
        event = "hold.lifted" if lift else "hold.placed"
        await rights.note(person_id, event, operator_id, {"reference": reference})
    return HoldOutcome(held is lift, None if lift else await rights.erased_before_hold(person_id))
