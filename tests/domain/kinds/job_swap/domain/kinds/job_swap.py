"""Job swap: each hands their post over to the other, and both come back."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import ClassVar

from domain.terms.job_swap import LONGEST_MONTHS, JobSwapTerms

from domain.agreement.commands.ending import PlanReturn
from domain.agreement.content import Synthesis
from domain.agreement.state import Agreement, Party
from domain.kernel.vocabulary import Kind, ObligationKind, Phase, Role
from domain.kinds.rules import KindRules, Progress
from domain.ledger.obligation import Obligation
from domain.policy.policy_set import Allowance
from domain.scheduling.obligations import NewObligation
from domain.terms.rules.rule import months_after
from domain.terms.union import Terms


def _terms(terms: Terms) -> JobSwapTerms:
    if not isinstance(terms, JobSwapTerms):
        raise TypeError(f"job swap rules were asked about a {terms.kind}")
    return terms


class JobSwapRules(KindRules):
    """Both managers release and receive; a swap ends where it began, with the return of both."""

    kind = Kind.JOB_SWAP
    own_commands = frozenset({PlanReturn})
    plan_kinds = frozenset({ObligationKind.RETURN_PLAN})
    synthesis_signers = (Role.MENTEE, Role.MENTOR, Role.LINE_MANAGER, Role.HOST_EXPERT)
    roles_affected: ClassVar = {
        "handover_days": frozenset({Role.MENTEE, Role.HOST_EXPERT}),
        "return_agreed_by": frozenset({Role.LINE_MANAGER, Role.HOST_MANAGER}),
    }

    def parties(self, terms: Terms, /) -> tuple[Party, ...]:
        """Return the partner and the partner's manager."""
        swap = _terms(terms)
        return (
            Party(role=Role.HOST_EXPERT, person_id=swap.partner),
            Party(role=Role.HOST_MANAGER, person_id=swap.partner_manager),
        )

    def signatories(self, agreement: Agreement, /) -> tuple[Party, ...]:
        """Return the two, the mentor, and the managers of both posts."""
        roles = (Role.MENTEE, Role.HOST_EXPERT, Role.MENTOR, Role.LINE_MANAGER, Role.HOST_MANAGER)
        return tuple(agreement.holder(role) for role in roles)

    def latest_end(self, terms: Terms, /) -> date:
        """Return the end of the longest swap."""
        return months_after(terms.effective_from, LONGEST_MONTHS)

    def planned(self, agreement: Agreement, /) -> Iterable[NewObligation]:
        """Yield the return of both, on the day that the terms give it."""
        if agreement.phase is Phase.ACTIVE and not agreement.return_planned:
            yield NewObligation(
                kind=ObligationKind.RETURN_PLAN,
                subject="home",
                owner=agreement.holder(Role.LINE_MANAGER),
                anchor=_terms(agreement.terms).return_agreed_by,
                allowance=Allowance(due=0, stalled=5),
            )

    def attendees(self, agreement: Agreement, obligation: Obligation, /) -> tuple[Party, Party]:
        """Return the mentee and their partner where the mentee would meet nobody else."""
        mentee, other = super().attendees(agreement, obligation)
        return mentee, agreement.holder(Role.HOST_EXPERT) if other == mentee else other

    def deliveries(self, agreement: Agreement, /) -> Progress:
        """Count the plan of the return."""
        return Progress(int(agreement.return_planned), 1)

    def synthesis_gaps(self, agreement: Agreement, _synthesis: Synthesis, /) -> Iterable[str]:
        """Name the posts that nobody saw handed over."""
        terms = _terms(agreement.terms)
        for post in (terms.own_post, terms.partner_post):
            handover = post.handover_milestone
            if handover not in agreement.milestones_verified:
                yield f"{post.assignment_id} was never handed over; have {handover} verified first"
