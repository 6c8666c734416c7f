"""What every rule owes to the rest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from domain.kernel.vocabulary import Kind
from domain.terms.checks import RULES
from domain.terms.requests import split


@pytest.mark.parametrize("kind", Kind)
def test_rules_read_only_what_they_say(kind: Kind, requests: Mapping[str, dict[str, Any]]) -> None:
    """A rule over readable fields never trips over a malformed one, because it declares all it reads."""
    terms = split(requests[kind]).terms
    for rule in RULES[kind]:
        partial = type(terms).model_construct(**{name: getattr(terms, name) for name in rule.reads})
        for name in set(type(terms).model_fields) - rule.reads:
            vars(partial).pop(name, None)
        assert list(rule.check(partial)) == [], rule.name
