"""Reading terms for the people who hold the roles now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from domain.agreement.state import Reassignment
from domain.kernel.model import PersonId
from domain.kernel.vocabulary import Role
from domain.terms import RotationTerms, ShadowingTerms, Terms

FIELDS: Mapping[Role, tuple[str, ...]] = {
    Role.MENTOR: ("mentor",),
    Role.LINE_MANAGER: ("line_manager",),
    Role.HRBP: ("hrbp",),
    Role.PROGRAMME_OWNER: ("programme_owner",),
    Role.HOST_MANAGER: ("host_manager",),
    Role.HOST_EXPERT: ("host_experts",),
    Role.SPONSOR: ("sponsors",),
    Role.OBSERVER: ("observers",),
}
"""Where the terms name the people of a role; legs and sessions name theirs within."""


def with_successor(terms: Terms, role: Role, from_person: PersonId, to_person: PersonId) -> Terms:
    """The terms with one person in a role replaced by another, wherever they are named in that role."""

    def successor(person_id: PersonId) -> PersonId:
        return to_person if person_id == from_person else person_id

    update: dict[str, object] = {}
    for field in FIELDS.get(role, ()):
        named: PersonId | tuple[PersonId, ...] | None = getattr(terms, field, None)
        if isinstance(named, str):
            update[field] = successor(named)
        elif named is not None:
            update[field] = tuple(dict.fromkeys(successor(person_id) for person_id in named))
    if isinstance(terms, ShadowingTerms) and role is Role.HOST_EXPERT:
        update["sessions"] = tuple(
            session.model_copy(update={"host_expert": successor(session.host_expert)})
            for session in terms.sessions
        )
    if isinstance(terms, RotationTerms) and role in {Role.LEG_MANAGER, Role.SPONSOR}:
        field = "manager" if role is Role.LEG_MANAGER else "sponsor"
        update["legs"] = tuple(
            leg.model_copy(update={field: successor(getattr(leg, field))}) for leg in terms.legs
        )
    return terms.model_copy(update=update)


def in_present_names(terms: Terms, reassignments: Iterable[Reassignment]) -> Terms:
    """The terms read for whoever holds the roles now, where they were written with predecessors in mind."""
    for one in reassignments:
        terms = with_successor(terms, one.role, one.from_person, one.to_person)
    return terms
