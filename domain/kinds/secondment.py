"""Secondment: a post with a host, a decision about its end, and a planned return."""

from __future__ import annotations

from collections.abc import Iterable

from domain.agreement import Agreement, Party
from domain.draft import Draft
from domain.narratives import Synthesis
from domain.opening import Owed
from domain.terms import SecondmentTerms, Terms
from domain.vocabulary import Kind, ObligationKind, Role


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

    def parties(self, terms: Terms) -> tuple[Party, ...]:
        """The host manager."""
        return (Party(role=Role.HOST_MANAGER, person_id=_terms(terms).host_manager),)

    def signatories(self, agreement: Agreement) -> tuple[Party, ...]:
        """Mentee and mentor, the releasing and the receiving manager, and HR."""
        roles = (Role.MENTEE, Role.MENTOR, Role.LINE_MANAGER, Role.HOST_MANAGER, Role.HRBP)
        return tuple(agreement.holder(role) for role in roles)

    def owed_while_forming(self, agreement: Agreement) -> Iterable[Owed]:  # noqa: ARG002  signatures are all
        """Nothing beside the signatures."""
        return ()

    def may_conclude(self, agreement: Agreement) -> bool:  # noqa: ARG002
        """The signatures are all it takes."""
        return True

    def planned(self, agreement: Agreement) -> Iterable[Owed]:
        """The return plan, where the terms promise one and the mentee is to come back."""
        plan = _terms(agreement.terms).return_plan
        if plan is not None and agreement.end_decision in {None, "return"} and not agreement.return_planned:
            yield Owed(
                kind=ObligationKind.RETURN_PLAN,
                subject="home",
                owner=agreement.holder(Role.LINE_MANAGER),
                anchor=agreement.ends_on,
            )

    def on_start(self, draft: Draft) -> None:
        """Nothing beside the start."""

    def owed_at_end(self, agreement: Agreement) -> Iterable[Owed]:  # noqa: ARG002
        """Nothing beside debriefs and feedback."""
        return ()

    def synthesis_gaps(self, agreement: Agreement, synthesis: Synthesis) -> Iterable[str]:  # noqa: ARG002
        """Nothing beside what every synthesis has."""
        return ()
