"""How changes of people change the state."""

from __future__ import annotations

from collections.abc import Mapping

from domain.agreement.events.people import PartyCameBack, PartyLeft, PartyWentOnLeave, RoleReassigned
from domain.agreement.evolvers.registry import changes
from domain.agreement.state import Absence, Agreement, AgreementChanges, Party, Reassignment
from domain.kernel.model import PersonId


@changes.register
def role_reassigned(event: RoleReassigned, agreement: Agreement) -> AgreementChanges:
    """Name the successor in parties, terms and an open pivot."""

    def succeeded(parties: tuple[Party, ...]) -> tuple[Party, ...]:
        renamed = (
            Party(role=party.role, person_id=event.to_person, scope=party.scope)
            if (party.role, party.person_id) == (event.role, event.from_person)
            else party
            for party in parties
        )
        return tuple(dict.fromkeys(renamed))

    pivot = agreement.pivot
    if pivot is not None:
        pivot = pivot.model_copy(update={"waiting_for": succeeded(pivot.waiting_for)})
    reassignment = Reassignment(role=event.role, from_person=event.from_person, to_person=event.to_person)
    return {
        "parties": succeeded(agreement.parties),
        "terms": agreement.terms.with_successor(event.role, event.from_person, event.to_person),
        "reassignments": (*agreement.reassignments, reassignment),
        "pivot": pivot,
    }


@changes.register
def party_left(event: PartyLeft, agreement: Agreement) -> AgreementChanges:
    """Note the departure, until somebody else holds the role."""
    return {
        "departed": agreement.departed | {event.person_id},
        "absent": _without(agreement.absent, event.person_id),
    }


@changes.register
def party_went_on_leave(event: PartyWentOnLeave, agreement: Agreement) -> AgreementChanges:
    """Note the leave; whoever stands in may act for them from here on."""
    absence = Absence(first=event.first, last=event.last, stand_in=event.stand_in)
    return {"absent": {**agreement.absent, event.person_id: absence}}


@changes.register
def party_came_back(event: PartyCameBack, agreement: Agreement) -> AgreementChanges:
    """End the leave; nobody acts for them any more."""
    return {"absent": _without(agreement.absent, event.person_id)}


def _without(absent: Mapping[PersonId, Absence], person_id: PersonId) -> Mapping[PersonId, Absence]:
    return {key: absence for key, absence in absent.items() if key != person_id}
