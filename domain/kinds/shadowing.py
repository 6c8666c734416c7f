"""Shadowing: observe, practise, debrief, in the order of the session plan."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import ClassVar

from domain.agreement.commands.shadowing import DebriefSession, LogObservation, LogPractice, RecordExperiment
from domain.agreement.content import Synthesis
from domain.agreement.state import Agreement, Party
from domain.kernel.vocabulary import Kind, ObligationKind, Phase, Role
from domain.kinds.rules import KindRules
from domain.ledger.obligation import Obligation
from domain.policy.policy_set import Allowance
from domain.scheduling.obligations import NewObligation
from domain.terms import ShadowingTerms, Terms
from domain.terms.rules.rule import months_after
from domain.terms.shadowing import LONGEST_MONTHS, SessionPhase

SESSIONS = frozenset({ObligationKind.OBSERVATION, ObligationKind.PRACTICE})
"""What is owed per session of the plan, beside an expert."""

_PAIR_AND_EXPERTS = frozenset({Role.MENTEE, Role.MENTOR, Role.HOST_EXPERT})


def shadowing_terms(terms: Terms) -> ShadowingTerms:
    """Return the terms, known to be a shadowing stint's.

    Raises:
        TypeError: If they are another kind's.
    """
    if not isinstance(terms, ShadowingTerms):
        raise TypeError(f"shadowing rules were asked about a {terms.kind}")
    return terms


def session_debrief_allowance(agreement: Agreement) -> Allowance:
    """Return within how many days the terms want a debrief; the policy says how long after that it stalls."""
    allowance = agreement.policy.allowance_for(ObligationKind.SESSION_DEBRIEF)
    within = shadowing_terms(agreement.terms).debrief_within_days
    return Allowance(due=within, stalled=within + allowance.stalled - allowance.due)


def expert_of(agreement: Agreement, session_id: str) -> Party:
    """Return the host expert of a session; any of them where the session's own is none any more."""
    planned = {
        session.session_id: session.host_expert for session in shadowing_terms(agreement.terms).sessions
    }
    for expert in agreement.holding(Role.HOST_EXPERT):
        if expert.person_id == planned.get(session_id):
            return expert
    return agreement.holder(Role.HOST_EXPERT)


class ShadowingRules(KindRules):
    """Host experts consent by signing; sessions are owed in order; the stint leaves a toolkit."""

    kind = Kind.SHADOWING
    own_commands = frozenset({LogObservation, LogPractice, DebriefSession, RecordExperiment})
    plan_kinds = SESSIONS | {ObligationKind.EXPERIMENT}
    check_ins_name_skills = False
    roles_affected: ClassVar = {
        "sessions": _PAIR_AND_EXPERTS,
        "focus_tags": _PAIR_AND_EXPERTS,
        "indicators": frozenset({Role.MENTEE, Role.MENTOR}),
        "home_test_site": frozenset({Role.MENTEE, Role.LINE_MANAGER}),
    }

    def parties(self, terms: Terms, /) -> tuple[Party, ...]:
        """Return the host experts."""
        return tuple(
            Party(role=Role.HOST_EXPERT, person_id=expert)
            for expert in dict.fromkeys(shadowing_terms(terms).host_experts)
        )

    def signatories(self, agreement: Agreement, /) -> tuple[Party, ...]:
        """Return host, guest and line manager, with the mentor."""
        return (
            agreement.holder(Role.MENTEE),
            agreement.holder(Role.MENTOR),
            agreement.holder(Role.LINE_MANAGER),
            *agreement.holding(Role.HOST_EXPERT),
        )

    def latest_end(self, terms: Terms, /) -> date:
        """Return the end of the longest stint."""
        return months_after(terms.effective_from, LONGEST_MONTHS)

    def planned(self, agreement: Agreement, /) -> Iterable[NewObligation]:
        """Yield every session not yet logged, and one experiment at home before the end."""
        if agreement.phase is not Phase.ACTIVE:
            return
        for session in shadowing_terms(agreement.terms).sessions:
            if session.session_id in agreement.sessions_logged:
                continue
            observes = session.phase is SessionPhase.OBSERVE
            mentee = agreement.holder(Role.MENTEE)
            yield NewObligation(
                kind=ObligationKind.OBSERVATION if observes else ObligationKind.PRACTICE,
                subject=session.session_id,
                owner=mentee,
                anchor=agreement.calendar_of(mentee.person_id).local_date(session.starts_at),
                starts_at=session.starts_at,
            )
        if agreement.experiments == 0:
            yield NewObligation(
                kind=ObligationKind.EXPERIMENT,
                subject="home",
                owner=agreement.holder(Role.MENTEE),
                anchor=agreement.ends_on,
            )

    def counted_from(self, agreement: Agreement, owed: NewObligation, /) -> NewObligation:
        """Return a session's debrief with the days that the terms give it."""
        if owed.kind is not ObligationKind.SESSION_DEBRIEF:
            return owed
        return owed.model_copy(update={"allowance": session_debrief_allowance(agreement)})

    def attendees(self, agreement: Agreement, obligation: Obligation, /) -> tuple[Party, Party]:
        """Return the mentee, and in a session its expert."""
        mentee, other = super().attendees(agreement, obligation)
        return mentee, expert_of(agreement, obligation.subject) if obligation.kind in SESSIONS else other

    def meeting_minutes(self, agreement: Agreement, obligation: Obligation, /) -> int:
        """Return the minutes that the terms give a session."""
        if obligation.kind in SESSIONS:
            for session in shadowing_terms(agreement.terms).sessions:
                if session.session_id == obligation.subject:
                    return session.minutes
        return super().meeting_minutes(agreement, obligation)

    def focus_uncovered(self, agreement: Agreement, /) -> tuple[str, ...]:
        """Return the focus tags of the terms that no observation covered."""
        tags = shadowing_terms(agreement.terms).focus_tags
        return tuple(tag for tag in tags if tag not in agreement.focus_covered)

    def synthesis_gaps(self, agreement: Agreement, synthesis: Synthesis, /) -> Iterable[str]:
        """Ask for the toolkit, and for a word on focus tags that no observation covered."""
        if not synthesis.toolkit:
            yield "the toolkit is empty: name at least one tactic with its context and evidence"
        named = " ".join(synthesis.gaps).lower()
        missing = [tag for tag in sorted(self.focus_uncovered(agreement)) if tag.lower() not in named]
        if missing:
            yield f"no observation covered {', '.join(missing)}: name each under gaps"
