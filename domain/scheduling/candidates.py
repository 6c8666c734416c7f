"""Who could take over from somebody who has left or is away: a proposal, for somebody in charge to accept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from domain.agreement.state import Agreement
from domain.kernel.model import PersonId
from domain.kernel.vocabulary import Role
from domain.terms.checks import problems

NEXT_OF: Mapping[Role, tuple[Role, ...]] = {
    Role.MENTOR: (Role.HOST_EXPERT, Role.SPONSOR, Role.HOST_MANAGER, Role.LEG_MANAGER),
    Role.LINE_MANAGER: (Role.HRBP, Role.PROGRAMME_OWNER),
    Role.HOST_MANAGER: (Role.SPONSOR, Role.HRBP, Role.PROGRAMME_OWNER),
    Role.HOST_EXPERT: (Role.HOST_EXPERT, Role.MENTOR),
    Role.LEG_MANAGER: (Role.SPONSOR, Role.LEG_MANAGER),
    Role.SPONSOR: (Role.SPONSOR, Role.PROGRAMME_OWNER),
    Role.HRBP: (Role.PROGRAMME_OWNER,),
    Role.PROGRAMME_OWNER: (Role.HRBP,),
}
"""Who in the agreement is close enough to a role to take it over, nearest first."""


def proposed_replacement(agreement: Agreement, person_id: PersonId) -> PersonId | None:
    """The first who is there and whom the rules about people let hold every role that this person holds.

    Their delegate comes first, then those of the agreement who are nearest. None for the mentee, in whose
    place nobody comes, and where nobody is left.
    """
    roles = frozenset(party.role for party in agreement.parties if party.person_id == person_id)
    if person_id == agreement.mentee_id or not roles:
        return None
    unfit = {person_id, agreement.mentee_id, *agreement.departed, *agreement.absent}
    return next(
        (
            candidate
            for candidate in _candidates(agreement, person_id, roles)
            if candidate not in unfit and may_hold(agreement, candidate, person_id, roles)
        ),
        None,
    )


def may_hold(
    agreement: Agreement, candidate: PersonId, predecessor: PersonId, roles: frozenset[Role]
) -> bool:
    """Whether the terms would be as right with this person in these roles as they are now."""
    terms = agreement.terms
    for role in roles:
        terms = terms.with_successor(role, predecessor, candidate)
    known = problems(agreement.terms)
    return all(problem in known for problem in problems(terms))


def _candidates(agreement: Agreement, person_id: PersonId, roles: frozenset[Role]) -> Iterator[PersonId]:
    known = agreement.calendars.get(person_id)
    if known is not None and known.delegate_id is not None:
        yield known.delegate_id
    for role in sorted(roles, key=list(Role).index):
        for near in NEXT_OF.get(role, ()):
            yield from (party.person_id for party in agreement.holding(near))
