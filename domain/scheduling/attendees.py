"""Who comes to a meeting."""

from __future__ import annotations

from domain.agreement.state import Agreement, Party
from domain.kernel.vocabulary import ObligationKind, Role
from domain.ledger.obligation import Obligation
from domain.terms import ShadowingTerms


def attendees(agreement: Agreement, obligation: Obligation) -> tuple[Party, ...]:
    """The mentee, and whoever meets them: a session's expert, else the owner of what is owed."""
    mentee = agreement.holder(Role.MENTEE)
    if obligation.kind in {ObligationKind.OBSERVATION, ObligationKind.PRACTICE}:
        return (mentee, _expert(agreement, obligation.subject))
    return (mentee, Party(role=obligation.owner_role, person_id=obligation.owner_id))


def _expert(agreement: Agreement, session_id: str) -> Party:
    terms = agreement.terms
    if isinstance(terms, ShadowingTerms):
        planned = {session.session_id: session.host_expert for session in terms.sessions}
        for expert in agreement.holding(Role.HOST_EXPERT):
            if expert.person_id == planned.get(session_id):
                return expert
    return agreement.holder(Role.HOST_EXPERT)
