"""What every rule owes to the rest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from domain.terms.checks import ROTATION, SECONDMENT, SHADOWING
from domain.terms.requests import split
from domain.terms.rules.rule import Rule


@pytest.mark.parametrize(
    ("kind", "rules"),
    [("secondment", SECONDMENT), ("shadowing", SHADOWING), ("rotation", ROTATION)],
)
def test_rules_read_only_what_they_say(
    kind: str, rules: tuple[Rule[Any], ...], requests: Mapping[str, dict[str, Any]]
) -> None:
    """A rule over readable fields never trips over a malformed one, because it declares all it reads."""
    terms = split(requests[kind]).terms
    for rule in rules:
        partial = type(terms).model_construct(**{name: getattr(terms, name) for name in rule.reads})
        for name in set(type(terms).model_fields) - rule.reads:
            vars(partial).pop(name, None)
        assert list(rule.check(partial)) == [], rule.name
