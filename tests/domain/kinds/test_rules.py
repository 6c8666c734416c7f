"""What differs by kind stands with the kinds, and every kind has all of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from domain.kernel.vocabulary import Kind
from domain.kinds import KINDS
from domain.policy.policy_set import DEFAULT
from domain.terms.checks import ADVICE, RULES
from domain.terms.union import MODELS
from tests.fixtures.paths import ROOT

MAY_NAME_A_KIND = ("kinds", "terms", "policy", "kernel")
ASKS_FOR_THE_KIND = re.compile(
    rf"isinstance\([^)]*Terms\)|case \w*(?<!Amend)Terms\(|Kind\.({'|'.join(kind.name for kind in Kind)})\b"
)


def test_nothing_else_in_the_domain_asks_which_kind_it_is() -> None:
    """Where the engine would ask, `KindRules` has a question, so that a further kind changes no engine."""
    asking = [
        f"{path.relative_to(ROOT)}: {found[0]}"
        for path in (ROOT / "domain").rglob("*.py")
        if path.relative_to(ROOT / "domain").parts[0] not in MAY_NAME_A_KIND
        for found in ASKS_FOR_THE_KIND.finditer(path.read_text())
    ]
    assert asking == []


def test_every_kind_has_terms_rules_advice_and_thresholds() -> None:
    """No kind is known to one registry and missing from another."""
    for registry in (MODELS, RULES, ADVICE, KINDS, DEFAULT.kinds):
        assert list(registry) == list(Kind)


@pytest.mark.parametrize("kind", Kind)
def test_the_terms_fill_the_roles_that_only_their_kind_has(kind: Kind, begun: Callable[[str], Any]) -> None:
    """The roles by which requests are checked are those that the rules give to the people of the terms."""
    terms = begun(kind).terms
    assert {party.role for party in KINDS[kind].parties(terms)} == terms.own_roles
    for fields in terms.fields_by_role.values():
        assert set(fields) <= set(MODELS[kind].model_fields)
