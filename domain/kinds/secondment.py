"""Secondment: a post with a host, a decision about its end, and a planned return."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from domain.agreement.content import Synthesis
from domain.agreement.events import Event
from domain.agreement.state import Agreement, Party
from domain.kernel.vocabulary import Kind, ObligationKind, Phase, Role
from domain.scheduling.obligations import Owed
from domain.terms import SecondmentTerms, Terms


def _terms(terms: Terms) -> SecondmentTerms:
    if not isinstance(terms, SecondmentTerms):
        raise TypeError(f"secondment rules were asked about a {terms.kind}")
    return terms


class SecondmentRules:
    """Home and host both release and sign; the mentee comes back to a plan."""

    kind = Kind.SECONDMENT
    plan_kinds = frozenset({ObligationKind.RETURN_PLAN})
    end_decider = Role.LINE_MANAGER
    synthesis_signers = (Role.MENTEE, Role.MENTOR, Role.LINE_MANAGER)

    def parties(self, terms: Terms, /) -> tuple[Party, ...]:
        """The host manager."""
        return (Party(role=Role.HOST_MANAGER, person_id=_terms(terms).host_manager),)

    def signatories(self, agreement: Agreement, /) -> tuple[Party, ...]:
        """Mentee and mentor, the releasing and the receiving manager, and HR."""
        roles = (Role.MENTEE, Role.MENTOR, Role.LINE_MANAGER, Role.HOST_MANAGER, Role.HRBP)
        return tuple(agreement.holder(role) for role in roles)

    def may_conclude(self, _agreement: Agreement, /) -> bool:
        """The signatures are all it takes."""
        return True

    def planned(self, agreement: Agreement, /) -> Iterable[Owed]:
        """The return plan, where the terms promise one and the mentee is to come back."""
        plan = _terms(agreement.terms).return_plan
        comes_back = agreement.end_decision in {None, "return"} and not agreement.return_planned
        if plan is not None and comes_back and agreement.phase is Phase.ACTIVE:
            yield Owed(
                kind=ObligationKind.RETURN_PLAN,
                subject="home",
                owner=agreement.holder(Role.LINE_MANAGER),
                anchor=agreement.ends_on,
            )

    def begun(self, _agreement: Agreement, _at: datetime, /) -> Iterable[Event]:
        """Nothing beside the start."""
        return ()

    def end_decided_on(self, terms: Terms, /) -> date | None:
        """The day that home and host agreed on, if any."""
        return _terms(terms).end_decision_on

    def owed_at_end(self, _agreement: Agreement, /) -> Iterable[Owed]:
        """Nothing beside debriefs and feedback."""
        return ()

    def synthesis_gaps(self, _agreement: Agreement, _synthesis: Synthesis, /) -> Iterable[str]:
        """Nothing beside what every synthesis has."""
        return ()
