"""The kinds of placement: small rule sets beside each other, over one engine."""

from __future__ import annotations

from collections.abc import Mapping

from domain.agreement.commands import Command
from domain.kernel.vocabulary import Kind
from domain.kinds.rotation import RotationRules
from domain.kinds.rules import KindRules
from domain.kinds.secondment import SecondmentRules
from domain.kinds.shadowing import ShadowingRules

KINDS: Mapping[Kind, KindRules] = {
    rules.kind: rules
    for rules in (
        SecondmentRules(),
        ShadowingRules(),
        RotationRules(),
    )
}
"""The rules of every kind."""


def kinds_taking(command: type[Command]) -> frozenset[Kind]:
    """Return the kinds whose agreements take a command: those that name it as their own, or else all."""
    naming = frozenset(kind for kind, rules in KINDS.items() if command in rules.own_commands)
    return naming or frozenset(KINDS)


__all__ = ["KINDS", "KindRules", "kinds_taking"]
