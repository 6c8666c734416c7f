"""Read terms for the people who hold the roles now."""

from __future__ import annotations

from collections.abc import Iterable

from domain.agreement.state import Reassignment
from domain.terms import Terms


def in_present_names(terms: Terms, reassignments: Iterable[Reassignment]) -> Terms:
    """Return terms that were written with predecessors in mind, read for who holds the roles now."""
    for one in reassignments:
        terms = terms.with_successor(one.role, one.from_person, one.to_person)
    return terms
