"""The kinds of placement: small rule sets beside each other, over one engine."""

from __future__ import annotations

from collections.abc import Mapping

from domain.kernel.vocabulary import Kind
from domain.kinds.rotation import RotationRules
from domain.kinds.rules import KindRules
from domain.kinds.secondment import SecondmentRules
from domain.kinds.shadowing import ShadowingRules

KINDS: Mapping[Kind, KindRules] = {
    rules.kind: rules for rules in (SecondmentRules(), ShadowingRules(), RotationRules())
}
"""Every kind's rules."""

__all__ = ["KINDS", "KindRules"]
