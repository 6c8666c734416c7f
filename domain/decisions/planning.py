"""The plan: what follows from terms and dates, and keeping the ledger in step when they change."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta

from domain.agreement.events import Event
from domain.agreement.state import Agreement, MeetingSeries, Party
from domain.decisions.draft import Draft
from domain.kernel.vocabulary import ObligationKind, ObligationStatus, Phase, Role, StallReason
from domain.kinds import KINDS
from domain.ledger.obligation import MEETING_KINDS, LedgerChange, Obligation, ObligationId, Settlement
from domain.policy.policy_set import Allowance
from domain.scheduling.absence import who_acts
from domain.scheduling.obligations import (
    SEQUENCE_PAST_A_CANCELLED_INVITE,
    NewObligation,
    meeting_start,
    open_obligation,
    reconcile_plan,
)

PLANNED_FOR_EVERY_KIND = frozenset(
    {ObligationKind.MILESTONE, ObligationKind.END_DECISION, ObligationKind.PLAN_REVIEW}
)
FOLLOWS_A_PLAN = frozenset({Phase.AGREEMENT, Phase.ACTIVE})
"""After the last day nothing is planned any more: what is owed then is owed until it is done."""


def planned(agreement: Agreement) -> Iterable[NewObligation]:
    """Return everything that the terms still ask for, but for what was waived."""
    if agreement.phase not in FOLLOWS_A_PLAN:
        return ()
    asked = [
        *_milestones(agreement),
        *_end_decision(agreement),
        *_plan_review(agreement),
        *KINDS[agreement.kind].planned(agreement),
    ]
    return [owed for owed in asked if owed.obligation_id not in agreement.waived]


def _milestones(agreement: Agreement) -> Iterable[NewObligation]:
    for milestone in agreement.terms.milestones:
        if agreement.phase is Phase.ACTIVE and milestone.milestone_id not in agreement.milestones_completed:
            yield NewObligation(
                kind=ObligationKind.MILESTONE,
                subject=milestone.milestone_id,
                owner=agreement.holder(milestone.owner),
                anchor=milestone.due_on,
            )


def _end_decision(agreement: Agreement) -> Iterable[NewObligation]:
    """Yield the end decision, due on the day of the terms as long as the end is the one they name."""
    if agreement.phase is not Phase.ACTIVE or agreement.end_decision is not None:
        return
    rules = KINDS[agreement.kind]
    allowance = agreement.policy.allowances[ObligationKind.END_DECISION]
    agreed = rules.end_decided_on(agreement.terms)
    as_agreed = agreed is not None and agreement.ends_on == agreement.terms.planned_end
    yield NewObligation(
        kind=ObligationKind.END_DECISION,
        subject="placement",
        owner=agreement.holder(rules.end_decider),
        anchor=agreed if as_agreed else agreement.ends_on,
        allowance=Allowance(due=0, stalled=allowance.stalled - allowance.due) if as_agreed else allowance,
    )


def _plan_review(agreement: Agreement) -> Iterable[NewObligation]:
    """Yield the next review of the development plan by the mentee and their line manager.

    The plan's clock is not the placement's: it runs from the last review that is known, or else from the
    first day, and a stint that ends sooner has none. Of a review that was waived the next is asked for.
    """
    every = agreement.terms.cadence.plan_review_days
    asks = ObligationKind.PLAN_REVIEW in agreement.policy.allowances
    if every is None or not asks or agreement.phase is not Phase.ACTIVE:
        return
    number = agreement.plan_reviews + 1
    day = (agreement.plan_reviewed_on or agreement.starts_on) + timedelta(days=every)
    while f"{ObligationKind.PLAN_REVIEW}:{number}" in agreement.waived:
        number, day = number + 1, day + timedelta(days=every)
    owner = agreement.holder(Role.LINE_MANAGER)
    calendar = agreement.calendar_of(owner.person_id)
    if day <= agreement.ends_on:
        yield NewObligation(
            kind=ObligationKind.PLAN_REVIEW,
            subject=str(number),
            owner=owner,
            anchor=day,
            starts_at=meeting_start(calendar, calendar.working_day_from(day, 0)),
        )


def days_agreed(agreement: Agreement) -> frozenset[ObligationId]:
    """Return what the plan asks for on a day that the terms name, and not on one the policy counts."""
    return frozenset(
        owed.obligation_id
        for owed in planned(agreement)
        if owed.allowance is not None and owed.allowance != agreement.policy.allowance_for(owed.kind)
    )


def plan_kinds(agreement: Agreement) -> frozenset[ObligationKind]:
    """Return the kinds of obligations that the plan governs."""
    return PLANNED_FOR_EVERY_KIND | KINDS[agreement.kind].plan_kinds


def follow_plan(
    draft: Draft,
    event: Event,
    *,
    settled: tuple[Settlement, ...] = (),
    opens: tuple[Obligation, ...] = (),
    moves: tuple[Obligation, ...] = (),
) -> None:
    """Add an event and keep the ledger in step with the plan that it leaves behind.

    Args:
        draft: The decision being made.
        event: What happens; its ledger change is given here.
        settled: What the event itself settles.
        opens: What it opens beside the plan.
        moves: What it moves beside the plan.
    """
    change = replanned(draft.agreement, draft.after(event), draft.at)
    mine = {settlement.obligation_id for settlement in settled}
    following = LedgerChange(
        settled=(*settled, *(each for each in change.settled if each.obligation_id not in mine)),
        opened=(*change.opened, *opens),
        moved=(*(moved for moved in change.moved if moved.obligation_id not in mine), *moves),
    )
    draft.add(event.with_ledger(following))


def replanned(before: Agreement, after: Agreement, at: datetime) -> LedgerChange:
    """Return the ledger change that a changed plan asks for, meetings included.

    Args:
        before: As it is before the change of plan.
        after: As it is after it.
        at: Now.
    """
    if after.phase not in FOLLOWS_A_PLAN:
        return LedgerChange()
    change = reconcile_plan(
        after, before=planned(before), after=planned(after), kinds=plan_kinds(after), at=at
    )
    off = (*_meetings_after_the_end(after), *_verifications_of_nothing(after))
    superseded = tuple(Settlement(obligation_id=key, status=ObligationStatus.SUPERSEDED) for key in off)
    meetings = tuple(_meetings_lacking(after, at)) if after.phase is Phase.ACTIVE else ()
    return change.extended(settled=superseded, opened=meetings)


def _meetings_after_the_end(agreement: Agreement) -> Iterable[str]:
    for kind in MEETING_KINDS:
        meeting = open_meeting(agreement, kind)
        if meeting is not None and meeting_day(agreement, meeting) > agreement.ends_on:
            yield meeting.obligation_id


def _verifications_of_nothing(agreement: Agreement) -> Iterable[str]:
    """Yield verifications of milestones that the terms no longer have."""
    milestones = {milestone.milestone_id for milestone in agreement.terms.milestones}
    for key, held in sorted(agreement.obligations.items()):
        if held.kind is ObligationKind.MILESTONE_VERIFICATION and held.subject not in milestones:
            yield key


def _meetings_lacking(agreement: Agreement, at: datetime) -> Iterable[Obligation]:
    for kind in MEETING_KINDS:
        if open_meeting(agreement, kind) is None:
            meeting = next_meeting(agreement, kind, agreement.local_date(at), at)
            if meeting is not None:
                yield meeting


def open_meeting(agreement: Agreement, kind: ObligationKind) -> Obligation | None:
    """Return the meeting of a cadence that is scheduled now; None where none is."""
    return agreement.obligations.get(f"{kind}:{_series(agreement, kind).scheduled}")


def meeting_day(agreement: Agreement, meeting: Obligation) -> date:
    """Return the day of a meeting, at its owner's place."""
    return agreement.calendar_of(meeting.owner_id).local_date(meeting.due_at)


def meeting_owner(agreement: Agreement) -> Party:
    """Return who owes that meetings take place and are recorded: the mentor offered the time."""
    return agreement.holder(Role.MENTOR)


def cadence_days(agreement: Agreement, kind: ObligationKind) -> int:
    """Return the calendar days from one meeting to the next."""
    cadence = agreement.terms.cadence
    return cadence.check_in_days if kind is ObligationKind.CHECK_IN else cadence.reflective_session_days


def next_meeting(agreement: Agreement, kind: ObligationKind, last: date, at: datetime) -> Obligation | None:
    """Return the next meeting after the last one's day; None where it would fall after the end.

    The first check-in confirms the start and comes within days of it. A meeting counts as missed by itself a
    few working days after its day, but the one that would make the series of missed ones a stall stays open,
    so that somebody is seen to hold it up.
    """
    owner = meeting_owner(agreement)
    subject = str(_series(agreement, kind).scheduled + 1)
    calendar = agreement.calendar_of(who_acts(agreement, kind, subject, owner.person_id))
    policy = agreement.policy
    series = _series(agreement, kind)
    day = _next_day(agreement, kind, last, at)
    grace = policy.allowances[kind].stalled
    first_check_in = kind is ObligationKind.CHECK_IN and series.scheduled == 0
    if first_check_in:
        day = min(day, calendar.working_day_from(agreement.starts_on, policy.first_meeting.due))
        grace = policy.first_meeting.stalled - policy.first_meeting.due
    day = max(calendar.working_day_from(day, 0), calendar.working_day_from(calendar.local_date(at), 1))
    if day > agreement.ends_on:
        return None
    is_last_chance = first_check_in or (
        kind is ObligationKind.CHECK_IN and series.missed_running + 1 >= policy.missed_running
    )
    owed = NewObligation(
        kind=kind,
        subject=subject,
        owner=owner,
        anchor=day,
        allowance=Allowance(due=0, stalled=grace),
        reason=StallReason.START_UNCONFIRMED if first_check_in else None,
        starts_at=meeting_start(calendar, day),
        missed_after=None if is_last_chance else policy.missed_after,
    )
    return open_obligation(agreement, owed, at)


def sooner_check_in(agreement: Agreement, at: datetime) -> tuple[Obligation, ...]:
    """Return the open check-in within days, as after the start; empty where it comes soon enough."""
    meeting = open_meeting(agreement, ObligationKind.CHECK_IN)
    if meeting is None:
        return ()
    calendar, first = agreement.calendar_of(meeting.owner_id), agreement.policy.first_meeting
    day = calendar.working_day_from(calendar.local_date(at), first.due)
    if meeting_day(agreement, meeting) <= day:
        return ()
    owed = NewObligation(
        kind=meeting.kind,
        subject=meeting.subject,
        owner=Party(role=meeting.owner_role, person_id=meeting.principal_id),
        anchor=day,
        allowance=Allowance(due=0, stalled=first.stalled - first.due),
        reason=StallReason.START_UNCONFIRMED,
        starts_at=meeting_start(calendar, day),
    )
    sequence = meeting.sequence + SEQUENCE_PAST_A_CANCELLED_INVITE
    return (open_obligation(agreement, owed, at).model_copy(update={"sequence": sequence}),)


def _series(agreement: Agreement, kind: ObligationKind) -> MeetingSeries:
    return agreement.meetings.get(kind, MeetingSeries())


def _next_day(agreement: Agreement, kind: ObligationKind, last: date, at: datetime) -> date:
    """Return the first day of the cadence that is still ahead."""
    step = timedelta(days=cadence_days(agreement, kind))
    today = agreement.local_date(at)
    following = last + step
    if following <= today:
        behind = (today - following) // step + 1
        following += behind * step
    return following
