"""Hold terms against every rule of their kind at once: what has to be right, and what is seldom meant."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from domain.kernel.vocabulary import Kind
from domain.terms.problems import Problem
from domain.terms.rules import advice, common, rotation, secondment, shadowing
from domain.terms.rules.rule import Rule
from domain.terms.union import Terms

RulesOfKind = tuple[Rule[Any], ...]
"""Rules over terms of one kind: where they are declared, their types say over which."""

RULES: Mapping[Kind, RulesOfKind] = {
    Kind.SECONDMENT: (*common.RULES, *secondment.RULES),
    Kind.SHADOWING: (*common.RULES, *shadowing.RULES),
    Kind.ROTATION: (*common.RULES, *rotation.RULES),
}
"""What has to be right in the terms of each kind."""

ADVICE: Mapping[Kind, RulesOfKind] = {
    Kind.SECONDMENT: (*advice.COMMON, *advice.SECONDMENT),
    Kind.SHADOWING: (*advice.COMMON, *advice.SHADOWING),
    Kind.ROTATION: (*advice.COMMON, *advice.ROTATION),
}
"""What is allowed in the terms of each kind, and seldom meant."""


def problems(terms: Terms, *, unreadable: Collection[str] = ()) -> list[Problem]:
    """Return what must be put right before the terms can be proposed or amended; empty where nothing is.

    Args:
        terms: The terms, with or without their words.
        unreadable: Fields that were malformed and are not set: rules that read them are left out.
    """
    return _found(RULES[terms.kind], terms, unreadable)


def warnings(terms: Terms) -> list[Problem]:
    """Return what is allowed, and worth a second look by whoever sends the request."""
    return _found(ADVICE[terms.kind], terms, ())


def _found(rules: Iterable[Rule[Any]], terms: Terms, unreadable: Collection[str]) -> list[Problem]:
    return [problem for rule in rules if rule.reads.isdisjoint(unreadable) for problem in rule.check(terms)]
