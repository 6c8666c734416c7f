"""Progress: a phase ends when its obligations are fulfilled, and a dated transition when its day has come."""

from __future__ import annotations

from datetime import datetime, timedelta

from domain.agreement.events.course import PivotAdopted
from domain.agreement.events.ending import AgreementCompleted, DebriefConcluded, PlacementEnded
from domain.agreement.events.forming import AgreementConcluded, AgreementExpired, PlacementStarted
from domain.agreement.state import Agreement, Party
from domain.decisions.consent import parties_under
from domain.decisions.cover import follow_leave
from domain.decisions.draft import Draft
from domain.decisions.planning import follow_plan, plan_kinds
from domain.decisions.suspension import resume
from domain.kernel.vocabulary import ObligationKind, Phase, Role
from domain.kinds import KINDS
from domain.ledger.obligation import LedgerChange, Obligation
from domain.scheduling.obligations import NewObligation, open_obligation

LAPSES_WITH_THE_PLACEMENT = frozenset(
    {
        ObligationKind.CHECK_IN,
        ObligationKind.REFLECTIVE_SESSION,
        ObligationKind.OBSERVATION,
        ObligationKind.PRACTICE,
        ObligationKind.LEG_START,
        ObligationKind.BLOCKER,
        ObligationKind.PROPOSAL,
        ObligationKind.COURSE_CORRECTION,
        ObligationKind.PIVOT_CONSENT,
        ObligationKind.REQUESTED_CHANGES,
        ObligationKind.SIGNATURE,
        ObligationKind.ANNEX_SIGNATURE,
        ObligationKind.RETURN_PLAN,
        ObligationKind.FORCED_CHOICE,
        ObligationKind.HOLD_REVIEW,
        ObligationKind.CRITERIA,
        ObligationKind.PLAN_REVIEW,
    }
)
"""What makes no sense after the last day. Evidence, feedback and debriefs are still owed."""

GRACE_AFTER_THE_END = timedelta(days=14)
"""Work planned for later than this after the last day lapses with an early end."""

DEBRIEFERS = (Role.MENTEE, Role.MENTOR)
"""Both sides look back."""


DEBRIEFS = frozenset({ObligationKind.DEBRIEF, ObligationKind.LEG_DEBRIEF, ObligationKind.SESSION_DEBRIEF})
"""All of them come before the synthesis."""


def advance(draft: Draft) -> None:
    """Add every transition that is possible now, one after another."""
    steps = (
        _resume,
        follow_leave,
        _conclude,
        _expire,
        _adopt_pivot,
        _start,
        _end,
        _conclude_debrief,
        _complete,
    )
    while any(step(draft) for step in steps):
        pass


def start_instant(agreement: Agreement) -> datetime:
    """Return when the placement starts: its first day's opening at the mentee's place."""
    return agreement.calendar_of(agreement.mentee_id).opening_of(agreement.starts_on)


def end_instant(agreement: Agreement) -> datetime:
    """Return when the placement ends: its last day's close at the mentee's place."""
    return agreement.calendar_of(agreement.mentee_id).closing_of(agreement.ends_on)


def unsigned(agreement: Agreement) -> tuple[Party, ...]:
    """Return the signatories who have not signed the version in force."""
    signed = {signature.party for signature in agreement.signatures}
    return tuple(party for party in KINDS[agreement.kind].signatories(agreement) if party not in signed)


def _signed(agreement: Agreement) -> bool:
    """Return whether the version in force has every signature that the start needs.

    A concluded agreement can lack one again: where it was amended, or a signatory's role reassigned.
    """
    return not unsigned(agreement) and KINDS[agreement.kind].may_conclude(agreement)


def _conclude(draft: Draft) -> bool:
    agreement = draft.agreement
    if agreement.phase is not Phase.AGREEMENT or agreement.concluded_at is not None:
        return False
    if not _signed(agreement):
        return False
    answered = tuple(
        key for key, held in agreement.obligations.items() if held.kind is ObligationKind.REQUESTED_CHANGES
    )
    change = LedgerChange(settled=draft.settled(answered))
    draft.add(AgreementConcluded(at=draft.at, terms_version=agreement.terms_version, ledger=change))
    return True


def _expire(draft: Draft) -> bool:
    agreement = draft.agreement
    waits = agreement.phase is Phase.AGREEMENT and agreement.concluded_at is None
    if not waits or draft.at < agreement.expires_at:
        return False
    change = LedgerChange(settled=draft.everything_settled())
    draft.add(AgreementExpired(at=draft.at, missing=unsigned(agreement), ledger=change))
    return True


def _start(draft: Draft) -> bool:
    agreement = draft.agreement
    waits = agreement.phase is Phase.AGREEMENT and agreement.concluded_at is not None
    if not waits or agreement.held or draft.at < start_instant(agreement) or not _signed(agreement):
        return False
    starts_on = max(agreement.starts_on, agreement.local_date(draft.at))
    follow_plan(draft, PlacementStarted(at=draft.at, starts_on=starts_on))
    for event in KINDS[agreement.kind].start_events(draft.agreement, draft.at):
        follow_plan(draft, event)
    return True


def _resume(draft: Draft) -> bool:
    until = draft.agreement.paused_until
    if until is None or draft.at < until:
        return False
    resume(draft)
    return True


def _adopt_pivot(draft: Draft) -> bool:
    pivot = draft.agreement.pivot
    if pivot is None or pivot.waiting_for:
        return False
    event = PivotAdopted(
        at=draft.at,
        pivot_id=pivot.pivot_id,
        terms_version=draft.agreement.terms_version + 1,
        parties=parties_under(draft.agreement, pivot.terms),
    )
    follow_plan(draft, event)
    return True


def _end(draft: Draft) -> bool:
    agreement = draft.agreement
    decided = agreement.phase is Phase.ACTIVE and agreement.end_decision is not None
    rests = agreement.held or agreement.paused_until is not None
    if not decided or rests or draft.at < end_instant(agreement):
        return False
    lapsed = tuple(
        sorted(key for key, held in agreement.obligations.items() if _lapses(agreement, held, draft.at))
    )
    change = LedgerChange(
        settled=draft.settled(lapsed), opened=tuple(_owed_looking_back(agreement, draft.at))
    )
    draft.add(PlacementEnded(at=draft.at, ended_on=agreement.ends_on, unfinished=lapsed, ledger=change))
    return True


def _lapses(agreement: Agreement, obligation: Obligation, ended_at: datetime) -> bool:
    if obligation.kind in LAPSES_WITH_THE_PLACEMENT:
        return True
    work_ahead = obligation.kind in plan_kinds(agreement) - DEBRIEFS
    return work_ahead and not obligation.is_overdue(ended_at + GRACE_AFTER_THE_END)


def _owed_looking_back(agreement: Agreement, at: datetime) -> list[Obligation]:
    """Return debriefs of both sides, and feedback from as many people as the terms ask for."""
    debriefs = [
        NewObligation(
            kind=ObligationKind.DEBRIEF, subject=role, owner=agreement.holder(role), anchor=agreement.ends_on
        )
        for role in DEBRIEFERS
    ]
    lacking = agreement.terms.minimum_feedback_sources - len(agreement.feedback_sources)
    asked = [
        party for party in _who_saw_the_work(agreement) if party.person_id not in agreement.feedback_sources
    ]
    requests = [
        NewObligation(kind=ObligationKind.FEEDBACK, subject=f"closing:{party.person_id}", owner=party)
        for party in asked[: max(0, lacking)]
    ]
    of_its_kind = KINDS[agreement.kind].owed_at_end(agreement)
    return [open_obligation(agreement, owed, at) for owed in (*debriefs, *requests, *of_its_kind)]


def _who_saw_the_work(agreement: Agreement) -> list[Party]:
    """Return people who can give the mentee feedback, closest first, each once."""
    close = (
        Role.MENTOR,
        Role.HOST_MANAGER,
        Role.HOST_EXPERT,
        Role.LEG_MANAGER,
        Role.SPONSOR,
        Role.LINE_MANAGER,
    )
    seen: dict[str, Party] = {}
    for role in close:
        for party in agreement.holding(role):
            seen.setdefault(party.person_id, party)
    return list(seen.values())


def _conclude_debrief(draft: Draft) -> bool:
    agreement = draft.agreement
    if agreement.phase is not Phase.DEBRIEF:
        return False
    if any(held.kind in DEBRIEFS for held in agreement.obligations.values()):
        return False
    owed = NewObligation(
        kind=ObligationKind.SYNTHESIS,
        subject="placement",
        owner=agreement.holder(Role.MENTEE),
        anchor=agreement.ends_on,
    )
    change = LedgerChange(opened=(open_obligation(agreement, owed, draft.at),))
    draft.add(DebriefConcluded(at=draft.at, ledger=change))
    return True


def _complete(draft: Draft) -> bool:
    agreement = draft.agreement
    if agreement.phase is not Phase.SYNTHESIS or agreement.synthesis_versions == 0 or agreement.matters:
        return False
    blocking = {ObligationKind.SYNTHESIS, ObligationKind.SYNTHESIS_SIGNATURE}
    if any(held.kind in blocking for held in agreement.obligations.values()):
        return False
    draft.add(
        AgreementCompleted(
            at=draft.at,
            unfinished=tuple(sorted(agreement.obligations)),
            ledger=LedgerChange(settled=draft.everything_settled()),
        )
    )
    return True
