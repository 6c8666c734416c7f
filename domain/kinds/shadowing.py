"""Shadowing: observe, practise, debrief, in the order of the session plan."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from domain.agreement.content import Synthesis
from domain.agreement.events import Event
from domain.agreement.state import Agreement, Party
from domain.kernel.vocabulary import Kind, ObligationKind, Phase, Role
from domain.scheduling.obligations import Owed
from domain.terms import ShadowingTerms, Terms
from domain.terms.shadowing import SessionPhase


def shadowing_terms(terms: Terms) -> ShadowingTerms:
    """The terms, known to be a shadowing stint's.

    Raises:
        TypeError: If they are another kind's.
    """
    if not isinstance(terms, ShadowingTerms):
        raise TypeError(f"shadowing rules were asked about a {terms.kind}")
    return terms


class ShadowingRules:
    """Host experts consent by signing; sessions are owed in order; the stint leaves a toolkit."""

    kind = Kind.SHADOWING
    plan_kinds = frozenset({ObligationKind.OBSERVATION, ObligationKind.PRACTICE, ObligationKind.EXPERIMENT})
    end_decider = Role.LINE_MANAGER
    synthesis_signers = (Role.MENTEE, Role.MENTOR, Role.LINE_MANAGER)

    def parties(self, terms: Terms, /) -> tuple[Party, ...]:
        """The host experts."""
        return tuple(
            Party(role=Role.HOST_EXPERT, person_id=expert)
            for expert in dict.fromkeys(shadowing_terms(terms).host_experts)
        )

    def signatories(self, agreement: Agreement, /) -> tuple[Party, ...]:
        """Host, guest and line manager, with the mentor."""
        return (
            agreement.holder(Role.MENTEE),
            agreement.holder(Role.MENTOR),
            agreement.holder(Role.LINE_MANAGER),
            *agreement.holding(Role.HOST_EXPERT),
        )

    def may_conclude(self, _agreement: Agreement, /) -> bool:
        """The signatures are all it takes."""
        return True

    def planned(self, agreement: Agreement, /) -> Iterable[Owed]:
        """Every session not yet logged, and one experiment at home before the end."""
        if agreement.phase is not Phase.ACTIVE:
            return
        for session in shadowing_terms(agreement.terms).sessions:
            if session.session_id in agreement.sessions_logged:
                continue
            observes = session.phase is SessionPhase.OBSERVE
            mentee = agreement.holder(Role.MENTEE)
            yield Owed(
                kind=ObligationKind.OBSERVATION if observes else ObligationKind.PRACTICE,
                subject=session.session_id,
                owner=mentee,
                anchor=agreement.calendar_of(mentee.person_id).local_date(session.starts_at),
                starts_at=session.starts_at,
            )
        if agreement.experiments == 0:
            yield Owed(
                kind=ObligationKind.EXPERIMENT,
                subject="home",
                owner=agreement.holder(Role.MENTEE),
                anchor=agreement.ends_on,
            )

    def begun(self, _agreement: Agreement, _at: datetime, /) -> Iterable[Event]:
        """Nothing beside the start."""
        return ()

    def end_decided_on(self, _terms: Terms, /) -> date | None:
        """The policy says when."""
        return None

    def owed_at_end(self, _agreement: Agreement, /) -> Iterable[Owed]:
        """Nothing beside debriefs and feedback."""
        return ()

    def synthesis_gaps(self, agreement: Agreement, synthesis: Synthesis, /) -> Iterable[str]:
        """The toolkit, and focus tags that no observation covered."""
        if not synthesis.toolkit:
            yield "the toolkit is empty: name at least one tactic with its context and evidence"
        uncovered = sorted(set(shadowing_terms(agreement.terms).focus_tags) - agreement.focus_covered)
        named = " ".join(synthesis.gaps).lower()
        missing = [tag for tag in uncovered if tag.lower() not in named]
        if missing:
            yield f"no observation covered {', '.join(missing)}: name each under gaps"
