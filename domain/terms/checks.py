"""Whether terms can be lived by: every rule of their kind at once."""

from __future__ import annotations

from collections.abc import Collection
from typing import TypeVar

from domain.terms.common import CommonTerms
from domain.terms.problems import Problem
from domain.terms.rotation import RotationTerms
from domain.terms.rules import advice, common, rotation, secondment, shadowing
from domain.terms.rules.rule import Rule
from domain.terms.secondment import SecondmentTerms
from domain.terms.shadowing import ShadowingTerms
from domain.terms.union import Terms

SECONDMENT: tuple[Rule[SecondmentTerms], ...] = (*common.RULES, *secondment.RULES)
SHADOWING: tuple[Rule[ShadowingTerms], ...] = (*common.RULES, *shadowing.RULES)
ROTATION: tuple[Rule[RotationTerms], ...] = (*common.RULES, *rotation.RULES)


def problems(terms: Terms, *, unreadable: Collection[str] = ()) -> list[Problem]:
    """What must be put right before the terms can be proposed or amended; empty where nothing is.

    Args:
        terms: The terms, with or without their words.
        unreadable: Fields that were malformed and are not set: rules that read them are left out.
    """
    match terms:
        case SecondmentTerms():
            return _found(SECONDMENT, terms, unreadable)
        case ShadowingTerms():
            return _found(SHADOWING, terms, unreadable)
        case RotationTerms():
            return _found(ROTATION, terms, unreadable)


def warnings(terms: Terms) -> list[Problem]:
    """What is allowed, and worth a second look by whoever sends the request."""
    match terms:
        case SecondmentTerms():
            return _found((*advice.COMMON, *advice.SECONDMENT), terms, ())
        case ShadowingTerms():
            return _found((*advice.COMMON, *advice.SHADOWING), terms, ())
        case RotationTerms():
            return _found((*advice.COMMON, *advice.ROTATION), terms, ())


Read = TypeVar("Read", bound=CommonTerms)


def _found(rules: tuple[Rule[Read], ...], terms: Read, unreadable: Collection[str]) -> list[Problem]:
    return [problem for rule in rules if rule.reads.isdisjoint(unreadable) for problem in rule.check(terms)]
