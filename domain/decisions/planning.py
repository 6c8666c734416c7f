"""The plan: what follows from terms and dates, and keeping the ledger in step when they change."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta

from domain.agreement import Agreement, Party
from domain.kinds import KINDS
from domain.obligations import LedgerChange, Obligation
from domain.opening import MEETING_STARTS_AFTER_OPENING, Owed, opened, reconciled
from domain.policy import Allowance
from domain.vocabulary import ObligationKind, Role, StallReason

MEETING_KINDS = (ObligationKind.CHECK_IN, ObligationKind.REFLECTIVE_SESSION)
PLANNED_FOR_EVERY_KIND = frozenset({ObligationKind.MILESTONE, ObligationKind.END_DECISION})


def planned(agreement: Agreement) -> Iterable[Owed]:
    """Everything that the terms still ask for by date."""
    for milestone in agreement.terms.milestones:
        if milestone.milestone_id not in agreement.milestones_completed:
            yield Owed(
                kind=ObligationKind.MILESTONE,
                subject=milestone.milestone_id,
                owner=agreement.holder(milestone.owner),
                anchor=milestone.due_on,
            )
    rules = KINDS[agreement.kind]
    if agreement.end_decision is None:
        yield Owed(
            kind=ObligationKind.END_DECISION,
            subject="placement",
            owner=agreement.holder(rules.end_decider),
            anchor=agreement.ends_on,
        )
    yield from rules.planned(agreement)


def plan_kinds(agreement: Agreement) -> frozenset[ObligationKind]:
    """The obligations that the plan governs."""
    return PLANNED_FOR_EVERY_KIND | KINDS[agreement.kind].plan_kinds


def replanned(agreement: Agreement, at: datetime) -> LedgerChange:
    """The ledger change that a changed plan asks for, meetings included.

    Args:
        agreement: As it is after the change of plan.
        at: Now.
    """
    change = reconciled(agreement, planned(agreement), plan_kinds(agreement), at)
    meetings = tuple(
        meeting
        for kind in MEETING_KINDS
        if f"{kind}:{_number(agreement, kind)}" not in agreement.obligations
        and (meeting := next_meeting(agreement, kind, agreement.local_date(at), at)) is not None
    )
    return change.model_copy(update={"opened": (*change.opened, *meetings)})


def _number(agreement: Agreement, kind: ObligationKind) -> int:
    """The number of the meeting that was scheduled last; 0 before the first."""
    series = agreement.meetings.get(kind)
    return 0 if series is None else series.scheduled


def meeting_owner(agreement: Agreement) -> Party:
    """Who owes that meetings take place and are recorded: the mentor offered the time."""
    return agreement.holder(Role.MENTOR)


def open_meeting(agreement: Agreement, kind: ObligationKind) -> Obligation | None:
    """The meeting of a cadence that is scheduled now; None where none is."""
    return agreement.obligations.get(f"{kind}:{_number(agreement, kind)}")


def cadence_days(agreement: Agreement, kind: ObligationKind) -> int:
    """Calendar days from one meeting to the next."""
    cadence = agreement.terms.cadence
    return cadence.check_in_days if kind is ObligationKind.CHECK_IN else cadence.reflective_session_days


def first_meetings(agreement: Agreement, at: datetime) -> Iterable[Obligation]:
    """The first check-in, which confirms the start, and the first reflective session."""
    for kind in MEETING_KINDS:
        if (meeting := next_meeting(agreement, kind, agreement.starts_on, at)) is not None:
            yield meeting


def next_meeting(agreement: Agreement, kind: ObligationKind, last: date, at: datetime) -> Obligation | None:
    """The next meeting of a cadence after the last one's day; None where it would fall after the end.

    A meeting counts as missed by itself a few working days after its day, but the one that would make the
    series of missed ones a stall stays open, so that somebody is seen to hold it up.
    """
    owner = meeting_owner(agreement)
    calendar = agreement.calendar_of(owner.person_id)
    series = agreement.meetings.get(kind)
    number = _number(agreement, kind) + 1
    day = _next_day(agreement, kind, last, at)
    policy = agreement.policy
    first_check_in = kind is ObligationKind.CHECK_IN and number == 1
    allowance = Allowance(due=0, stalled=policy.allowances[kind].stalled)
    if first_check_in:
        day = min(day, calendar.working_day_from(agreement.starts_on, policy.first_meeting.due))
        allowance = Allowance(due=0, stalled=policy.first_meeting.stalled - policy.first_meeting.due)
    day = max(calendar.working_day_from(day, 0), calendar.working_day_from(calendar.local_date(at), 1))
    if day > agreement.ends_on:
        return None
    is_last_chance = first_check_in or (
        kind is ObligationKind.CHECK_IN
        and (0 if series is None else series.missed_running) + 1 >= policy.missed_running
    )
    owed = Owed(
        kind=kind,
        subject=str(number),
        owner=owner,
        anchor=day,
        allowance=allowance,
        reason=StallReason.START_UNCONFIRMED if first_check_in else None,
        starts_at=calendar.opening_of(day) + MEETING_STARTS_AFTER_OPENING,
        missed_after=None if is_last_chance else policy.missed_after,
    )
    return opened(agreement, owed, at)


def _next_day(agreement: Agreement, kind: ObligationKind, last: date, at: datetime) -> date:
    """The first day of the cadence that is still ahead."""
    step = timedelta(days=cadence_days(agreement, kind))
    today = agreement.local_date(at)
    following = last + step
    if following <= today:
        behind = (today - following) // step + 1
        following += behind * step
    return following
