"""Secondment: a post with a host, a decision about its end, and a planned return."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import ClassVar

from domain.agreement.commands.ending import PlanReturn
from domain.agreement.state import Agreement, Party
from domain.kernel.vocabulary import Kind, ObligationKind, Phase, Role
from domain.kinds.rules import KindRules
from domain.scheduling.obligations import NewObligation
from domain.terms import SecondmentTerms, Terms


def _terms(terms: Terms) -> SecondmentTerms:
    if not isinstance(terms, SecondmentTerms):
        raise TypeError(f"secondment rules were asked about a {terms.kind}")
    return terms


class SecondmentRules(KindRules):
    """Home and host both release and sign; the mentee comes back to a plan."""

    kind = Kind.SECONDMENT
    own_commands = frozenset({PlanReturn})
    plan_kinds = frozenset({ObligationKind.RETURN_PLAN})
    roles_affected: ClassVar = {
        "return_plan": frozenset({Role.MENTEE, Role.LINE_MANAGER}),
        "backfill_plan": frozenset({Role.LINE_MANAGER}),
    }

    def parties(self, terms: Terms, /) -> tuple[Party, ...]:
        """Return the host manager."""
        return (Party(role=Role.HOST_MANAGER, person_id=_terms(terms).host_manager),)

    def signatories(self, agreement: Agreement, /) -> tuple[Party, ...]:
        """Return mentee and mentor, the releasing and the receiving manager, and HR."""
        roles = (Role.MENTEE, Role.MENTOR, Role.LINE_MANAGER, Role.HOST_MANAGER, Role.HRBP)
        return tuple(agreement.holder(role) for role in roles)

    def latest_end(self, terms: Terms, /) -> date:
        """Return the limit that home and host agreed on."""
        return _terms(terms).extension_limit

    def planned(self, agreement: Agreement, /) -> Iterable[NewObligation]:
        """Yield the return plan, where the terms promise one and the mentee is to come back."""
        plan = _terms(agreement.terms).return_plan
        comes_back = agreement.end_decision in {None, "return"} and not agreement.return_planned
        if plan is not None and comes_back and agreement.phase is Phase.ACTIVE:
            yield NewObligation(
                kind=ObligationKind.RETURN_PLAN,
                subject="home",
                owner=agreement.holder(Role.LINE_MANAGER),
                anchor=agreement.ends_on,
            )

    def end_decided_on(self, terms: Terms, /) -> date | None:
        """Return the day that home and host agreed on, if any."""
        return _terms(terms).end_decision_on
