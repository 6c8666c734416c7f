"""Who is there to carry a role."""

from __future__ import annotations

from domain.agreement.state import Agreement, Party
from domain.kernel.errors import RefusalCode, Refused
from domain.kernel.model import PersonId
from domain.kernel.vocabulary import Role


def available_holder(agreement: Agreement, *roles: Role, but_not: PersonId | None = None) -> Party:
    """Return who holds the first of these roles and is available, or else the first's holder."""
    uncovered = {person for person, absence in agreement.absent.items() if absence.stand_in is None}
    gone = {*agreement.departed, *uncovered, but_not}
    there = (party for role in roles for party in agreement.holding(role) if party.person_id not in gone)
    return next(there, agreement.holder(roles[0]))


def refuse_departed(agreement: Agreement, person_id: PersonId) -> None:
    """Refuse a successor who is known to have left.

    Raises:
        Refused: If this person has left.
    """
    if person_id in agreement.departed:
        raise Refused(
            RefusalCode.UNKNOWN_REFERENCE, f"to_person: {person_id} has left; name somebody who is there."
        )
