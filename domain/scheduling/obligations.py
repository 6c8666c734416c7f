"""Opening obligations: from who owes what to every instant that follows from it.

This is the one place where allowances, the ladder and an owner's calendar meet. "A check-in is overdue" is
decided here, when the check-in is put on the ledger: `due_at`, `stalled_at` and each rung are instants from
then on, and nothing computes them again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta

from domain.agreement.state import Agreement, Party
from domain.kernel.calendar import Calendar
from domain.kernel.model import Frozen, Instant, PersonId
from domain.kernel.vocabulary import ObligationKind, ObligationStatus, Role, StallReason
from domain.ledger.ladder import OUTSIDE_THE_LADDER
from domain.ledger.obligation import (
    FIRST_MEETING,
    MEETING_KINDS,
    OF_WHO_IS_NOT_THERE,
    LedgerChange,
    Obligation,
    Rung,
    Settlement,
)
from domain.policy.policy_set import Allowance
from domain.scheduling.absence import is_uncovered, who_acts, working_time

MEETING_STARTS_AFTER_OPENING = timedelta(hours=1)
"""Meetings are proposed an hour into the owner's working day."""

SEQUENCE_PAST_A_CANCELLED_INVITE = 2
"""A pause cancels an invite under the next sequence; the invite after it needs a higher one still."""

REASONS: Mapping[ObligationKind, StallReason] = {
    ObligationKind.SIGNATURE: StallReason.AGREEMENT_UNSIGNED,
    ObligationKind.ANNEX_SIGNATURE: StallReason.AGREEMENT_UNSIGNED,
    ObligationKind.REQUESTED_CHANGES: StallReason.AGREEMENT_UNSIGNED,
    ObligationKind.PIVOT_CONSENT: StallReason.AGREEMENT_UNSIGNED,
    ObligationKind.CHECK_IN: StallReason.CHECKINS_MISSED,
    ObligationKind.REFLECTIVE_SESSION: StallReason.CHECKINS_MISSED,
    ObligationKind.OBSERVATION: StallReason.CHECKINS_MISSED,
    ObligationKind.PRACTICE: StallReason.CHECKINS_MISSED,
    ObligationKind.MILESTONE: StallReason.MILESTONE_OVERDUE,
    ObligationKind.MILESTONE_VERIFICATION: StallReason.MILESTONE_OVERDUE,
    ObligationKind.LEG_DELIVERABLE: StallReason.MILESTONE_OVERDUE,
    ObligationKind.EXPERIMENT: StallReason.MILESTONE_OVERDUE,
    ObligationKind.FEEDBACK: StallReason.FEEDBACK_OUTSTANDING,
    ObligationKind.SELF_ASSESSMENT: StallReason.FEEDBACK_OUTSTANDING,
    ObligationKind.SESSION_DEBRIEF: StallReason.DEBRIEF_OVERDUE,
    ObligationKind.LEG_DEBRIEF: StallReason.DEBRIEF_OVERDUE,
    ObligationKind.DEBRIEF: StallReason.DEBRIEF_OVERDUE,
    ObligationKind.SYNTHESIS: StallReason.SYNTHESIS_OVERDUE,
    ObligationKind.SYNTHESIS_SIGNATURE: StallReason.SYNTHESIS_OVERDUE,
    ObligationKind.HANDOVER: StallReason.HANDOVER_MISSING,
    ObligationKind.LEG_START: StallReason.START_UNCONFIRMED,
    ObligationKind.BLOCKER: StallReason.BLOCKER_AGING,
    ObligationKind.CONCERN: StallReason.BLOCKER_AGING,
    ObligationKind.PROPOSAL: StallReason.BLOCKER_AGING,
    ObligationKind.BREACH: StallReason.BLOCKER_AGING,
    ObligationKind.COURSE_CORRECTION: StallReason.BLOCKER_AGING,
    ObligationKind.FORCED_CHOICE: StallReason.BLOCKER_AGING,
    ObligationKind.SUCCESSOR: StallReason.PARTY_LEFT,
    ObligationKind.HOLD_REVIEW: StallReason.BLOCKER_AGING,
    ObligationKind.COVER: StallReason.PARTY_ON_LEAVE_UNCOVERED,
    ObligationKind.CRITERIA: StallReason.CRITERIA_UNASSESSABLE,
    ObligationKind.PLAN_REVIEW: StallReason.PLAN_REVIEW_OVERDUE,
    ObligationKind.RETURN_PLAN: StallReason.RETURN_PLAN_MISSING,
    ObligationKind.END_DECISION: StallReason.END_DATE_UNDECIDED,
}
"""What a stall on an obligation of each kind is called."""


class NewObligation(Frozen):
    """Somebody is to owe something, counted from an anchor day."""

    kind: ObligationKind
    subject: str
    owner: Party
    anchor: date | None = None
    """The day that the allowance counts from; None is the day of opening."""
    allowance: Allowance | None = None
    """None takes the policy's."""
    reason: StallReason | None = None
    starts_at: Instant | None = None
    missed_after: int | None = None
    """Working days after the due day at which it counts as missed by itself."""
    stalls_by: date | None = None
    """Stalls at the latest on this day."""

    @property
    def obligation_id(self) -> str:
        """Readable and unique while open."""
        return f"{self.kind}:{self.subject}"


def open_obligation(agreement: Agreement, owed: NewObligation, at: datetime) -> Obligation:
    """The obligation with its due instant, its stall and its ladder in the owner's calendar.

    Nobody is late before they had one working day, so what was due earlier is due on the working day after
    `at`, and the stall keeps its distance. Whoever stands in for an owner on leave owes it in their place.
    What somebody owes who has left, or is away with nobody to do it, says so and climbs no ladder.
    """
    principal_id = owed.owner.person_id
    owner_id = who_acts(agreement, owed.kind, owed.subject, principal_id)
    calendar = working_time(agreement, owner_id, owed.kind)
    allowance = owed.allowance or agreement.policy.allowance_for(owed.kind)
    today = calendar.local_date(at)
    anchor = owed.anchor or today
    due_day = max(calendar.working_day_from(anchor, allowance.due), calendar.working_day_from(today, 1))
    stalled_day = max(
        calendar.working_day_from(anchor, allowance.stalled),
        calendar.working_day_from(due_day, max(1, allowance.stalled - allowance.due)),
    )
    if owed.stalls_by is not None:
        stalled_day = max(min(stalled_day, owed.stalls_by), calendar.working_day_from(today, 1))
        due_day = min(due_day, stalled_day)
    missed_at = None
    if owed.missed_after is not None:
        missed_at = calendar.closing_of(calendar.working_day_from(due_day, owed.missed_after))
    obligation = Obligation(
        obligation_id=owed.obligation_id,
        kind=owed.kind,
        subject=owed.subject,
        owner_role=owed.owner.role,
        owner_id=owner_id,
        stands_in_for=None if owner_id == principal_id else principal_id,
        opened_at=at,
        due_at=calendar.closing_of(due_day),
        stalled_at=calendar.closing_of(stalled_day),
        reason=owed.reason or _reason(owed),
        ladder=_ladder(agreement, owed.kind, calendar, due_day, at),
        acts_by_itself_at=missed_at,
        starts_at=owed.starts_at,
    )
    if owner_id in agreement.departed:
        return obligation.model_copy(update={"reason": StallReason.PARTY_LEFT, "ladder": ()})
    if is_uncovered(agreement, obligation):
        return obligation.model_copy(update={"reason": StallReason.PARTY_ON_LEAVE_UNCOVERED, "ladder": ()})
    return obligation


def _reason(owed: NewObligation) -> StallReason:
    releases = {Role.LINE_MANAGER, Role.HOST_MANAGER}
    if owed.kind is ObligationKind.SIGNATURE and owed.owner.role in releases:
        return StallReason.RELEASE_MISSING
    return REASONS[owed.kind]


def _ladder(
    agreement: Agreement, kind: ObligationKind, calendar: Calendar, due_day: date, at: datetime
) -> tuple[Rung, ...]:
    if kind in OUTSIDE_THE_LADDER:
        return ()
    rungs = (
        Rung(level=step.level, at=calendar.opening_of(calendar.working_day_from(due_day, step.working_days)))
        for step in agreement.policy.ladder
    )
    return tuple(rung for rung in rungs if rung.at > at)


def postpone_reminders(
    agreement: Agreement, obligation: Obligation, working_days: int, at: datetime
) -> Obligation:
    """The obligation with the reminders still ahead put off by so many working days of its owner."""
    calendar = agreement.calendar_of(obligation.owner_id)

    def later(rung: Rung) -> Rung:
        day = calendar.working_day_from(calendar.local_date(rung.at), working_days)
        return rung.model_copy(update={"at": calendar.opening_of(day)})

    ladder = tuple(rung if rung.at <= at else later(rung) for rung in obligation.ladder)
    return obligation.model_copy(update={"ladder": ladder})


def shift_obligation(agreement: Agreement, obligation: Obligation, days: int) -> Obligation:
    """The obligation with its meeting, due day, stall and ladder moved by so many calendar days."""
    calendar = agreement.calendar_of(obligation.owner_id)

    def moved(instant: datetime) -> date:
        return calendar.working_day_from(calendar.local_date(instant) + timedelta(days=days), 0)

    missed, starts = obligation.acts_by_itself_at, obligation.starts_at
    return obligation.model_copy(
        update={
            "due_at": calendar.closing_of(moved(obligation.due_at)),
            "stalled_at": calendar.closing_of(moved(obligation.stalled_at)),
            "ladder": tuple(
                rung.model_copy(update={"at": calendar.opening_of(moved(rung.at))})
                for rung in obligation.ladder
            ),
            "acts_by_itself_at": None if missed is None else calendar.closing_of(moved(missed)),
            "starts_at": None if starts is None else _same_time(calendar, starts, moved(starts)),
            "sequence": obligation.sequence + SEQUENCE_PAST_A_CANCELLED_INVITE,
        }
    )


def _same_time(calendar: Calendar, instant: datetime, day: date) -> datetime:
    """As long after the opening as before, so that a change of the clocks does not move it on the wall."""
    return calendar.opening_of(day) + (instant - calendar.opening_of(calendar.local_date(instant)))


def reopen_obligation(
    agreement: Agreement, obligation: Obligation, principal_id: PersonId, at: datetime
) -> Obligation:
    """The obligation begun again: by another owner, or after a rest.

    What is still ahead keeps its due day as far as the owner works on it; what is overdue gets its
    allowance anew. A meeting keeps its time under the same conditions.

    Args:
        agreement: As it is from here on.
        obligation: As it was.
        principal_id: Whose it is now; while they are on leave, whoever stands in for them owes it.
        at: Now.
    """
    owner = Party(role=obligation.owner_role, person_id=principal_id)
    acting = who_acts(agreement, obligation.kind, obligation.subject, principal_id)
    calendar = working_time(agreement, acting, obligation.kind)
    ahead = not obligation.is_overdue(at)
    fresh = NewObligation(
        kind=obligation.kind,
        subject=obligation.subject,
        owner=owner,
        anchor=calendar.local_date(obligation.due_at) if ahead else None,
        allowance=_remaining(agreement, obligation, counted_from_due=ahead),
        reason=inherent_reason(obligation),
        missed_after=None if obligation.acts_by_itself_at is None else agreement.policy.missed_after,
    )
    begun = open_obligation(agreement, fresh, at)
    return begun.model_copy(
        update={
            "starts_at": _meeting_time(calendar, obligation, begun, at),
            "sequence": obligation.sequence + SEQUENCE_PAST_A_CANCELLED_INVITE,
        }
    )


def inherent_reason(obligation: Obligation) -> StallReason | None:
    """That somebody is not there does not stick to whoever is; None for the one that its kind has."""
    if obligation.reason not in OF_WHO_IS_NOT_THERE:
        return obligation.reason
    first = obligation.kind is ObligationKind.CHECK_IN and obligation.subject == FIRST_MEETING
    return StallReason.START_UNCONFIRMED if first else None


def _meeting_time(calendar: Calendar, before: Obligation, after: Obligation, at: datetime) -> datetime | None:
    starts_at = before.starts_at
    if starts_at is None:
        return None
    due_day = calendar.local_date(after.due_at)
    if starts_at > at and (before.kind not in MEETING_KINDS or calendar.local_date(starts_at) == due_day):
        return starts_at
    return meeting_start(calendar, due_day) if before.kind in MEETING_KINDS else None


def meeting_start(calendar: Calendar, day: date) -> datetime:
    """When a meeting on this day begins unless somebody chooses another time."""
    return calendar.opening_of(day) + MEETING_STARTS_AFTER_OPENING


def _remaining(agreement: Agreement, obligation: Obligation, *, counted_from_due: bool) -> Allowance:
    """The allowance of its kind, counted from its due day, or from today where that has passed."""
    allowance = agreement.policy.allowance_for(obligation.kind)
    grace = max(1, allowance.stalled - allowance.due)
    due = 0 if counted_from_due else max(1, allowance.due)
    return Allowance(due=due, stalled=due + grace)


def reconcile_plan(
    agreement: Agreement,
    *,
    before: Iterable[NewObligation],
    after: Iterable[NewObligation],
    kinds: frozenset[ObligationKind],
    at: datetime,
) -> LedgerChange:
    """How the ledger must change so that it holds what the plan says, and nothing else of these kinds.

    An obligation moves only where the plan asks for it otherwise than before: one that was handed over, or
    given its allowance anew, stays as it is.

    Args:
        agreement: As it is after the plan changed.
        before: Everything of these kinds that the plan asked for before.
        after: Everything of these kinds that it asks for now.
        kinds: The kinds that the plan governs.
        at: Now.
    """
    known = {owed.obligation_id: owed for owed in before}
    wanted = {owed.obligation_id: owed for owed in after}
    held = {key: held for key, held in agreement.obligations.items() if held.kind in kinds}
    moved = tuple(
        open_obligation(agreement, wanted[key], at).model_copy(
            update={"sequence": held[key].sequence + SEQUENCE_PAST_A_CANCELLED_INVITE}
        )
        for key in sorted(held.keys() & wanted.keys())
        if wanted[key] != known.get(key)
    )
    return LedgerChange(
        settled=tuple(
            Settlement(obligation_id=key, status=ObligationStatus.SUPERSEDED)
            for key in sorted(held.keys() - wanted.keys())
        ),
        opened=tuple(
            open_obligation(agreement, wanted[key], at) for key in sorted(wanted.keys() - held.keys())
        ),
        moved=moved,
    )
