"""A rule over several fields of terms, and the measures that rules share."""

from __future__ import annotations

import calendar
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Generic, TypeVar

from domain.kernel.vocabulary import Role
from domain.terms.common import CommonTerms
from domain.terms.problems import Problem, listed, path

Read_contra = TypeVar("Read_contra", bound=CommonTerms, contravariant=True)


@dataclass(frozen=True)
class Rule(Generic[Read_contra]):
    """A check that names the fields it reads.

    A request with a malformed field is still held against every rule that does not read that field, so that
    its sender hears of all problems at once.
    """

    name: str
    reads: frozenset[str]
    check: Callable[[Read_contra], Iterable[Problem]]


def rule(*reads: str) -> Callable[[Callable[[Read_contra], Iterable[Problem]]], Rule[Read_contra]]:
    """Make a function a rule over the fields named, all of them fields of the terms themselves."""

    def make(check: Callable[[Read_contra], Iterable[Problem]]) -> Rule[Read_contra]:
        return Rule(name=check.__name__, reads=frozenset(reads), check=check)

    return make


ROLE_FIELDS = ("kind", "observers", "sponsors")
"""What `roles_held` reads."""


def roles_held(terms: CommonTerms) -> frozenset[Role]:
    """Return every role that somebody holds in this placement."""
    held = {Role.MENTEE, Role.MENTOR, Role.LINE_MANAGER, Role.HRBP, Role.PROGRAMME_OWNER}
    if terms.observers:
        held.add(Role.OBSERVER)
    if terms.sponsors:
        held.add(Role.SPONSOR)
    return frozenset(held | terms.own_roles)


def not_held(role: Role, terms: CommonTerms, field: str) -> Iterator[Problem]:
    """Refuse a role that nobody holds in this placement."""
    held = roles_held(terms)
    if role not in held:
        yield Problem(
            field=field,
            sentence=f"is {role}, a role that nobody holds here; the roles held are {listed(held)}",
        )


def repeated(ids: Iterable[str], *steps: str | int, field: str) -> Iterator[Problem]:
    """Refuse an id that an earlier entry of the same list has.

    Args:
        ids: The ids, in the order of the list.
        steps: The path of the list.
        field: The name of the id within an entry; empty where the entry is the id.
    """
    first: dict[str, int] = {}
    for index, value in enumerate(ids):
        if value in first:
            earlier = path(*steps, first[value], *([field] if field else []))
            here = path(*steps, index, *([field] if field else []))
            yield Problem(field=here, sentence=f"repeats {str(value)!r} of {earlier}")
        first.setdefault(value, index)


def outside_window(day: date, terms: CommonTerms, field: str) -> Iterator[Problem]:
    """Refuse a day on which the placement does not run."""
    if terms.effective_from <= terms.planned_end and not terms.effective_from <= day <= terms.planned_end:
        yield Problem(
            field=field,
            sentence=f"is {day}, outside the placement, which runs from {terms.effective_from} "
            f"to {terms.planned_end}",
        )


def months_after(day: date, months: int) -> date:
    """Return the same day of a later month, or that month's last where it has no such day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def too_long(terms: CommonTerms, months: int) -> Iterator[Problem]:
    """Refuse a placement that lasts more than so many months."""
    latest = months_after(terms.effective_from, months)
    if terms.planned_end > latest:
        yield Problem(
            field="planned_end",
            sentence=f"must not be after {latest}: a {terms.kind} lasts {months} months at most",
        )
