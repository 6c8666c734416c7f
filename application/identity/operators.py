"""Who is an operator: the directory says so, and nobody else is believed."""

from __future__ import annotations

from datetime import UTC, datetime

from activities.directory.people import Directory
from application.errors import NotAnOperatorError, NotPermittedError
from application.identity.principal import Principal
from domain.kernel.model import PersonId


async def is_operator(directory: Directory, person_id: PersonId) -> bool:
    """Tell whether the directory has somebody as an operator who has not left."""
    return person_id in await directory.operators(datetime.now(UTC).date())


async def require_operator(directory: Directory, principal: Principal) -> PersonId:
    """Return the id of a principal who is an operator, and refuse everybody else.

    Args:
        directory: Where it stands who is one.
        principal: Whoever asks.

    Raises:
        NotPermittedError: They are no person: what operators do is done in somebody's name.
        NotAnOperatorError: The directory does not have them as an operator.
    """
    person_id = principal.person_id
    if person_id is None:
        raise NotPermittedError("Operators act in their own name; say who it is.")
    if not await is_operator(directory, person_id):
        raise NotAnOperatorError(person_id)
    return person_id
