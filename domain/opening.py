"""Opening obligations: from who owes what to every instant that follows from it.

This is the one place where allowances, the ladder and an owner's calendar meet. "A check-in is overdue" is
decided here, when the check-in is put on the ledger: `due_at`, `stalled_at` and each rung are instants from
then on, and nothing computes them again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta

from domain.agreement import Agreement, Party
from domain.calendars import Calendar
from domain.model import Frozen, Instant
from domain.obligations import LedgerChange, Obligation, Rung, Settlement
from domain.policy import Allowance
from domain.vocabulary import ObligationKind, ObligationStatus, Role, StallReason

MEETING_STARTS_AFTER_OPENING = timedelta(hours=1)
"""Meetings are proposed an hour into the owner's working day."""

OUTSIDE_THE_LADDER = frozenset({ObligationKind.CONCERN, ObligationKind.FORCED_CHOICE})
"""A concern skips the ladder, and a forced choice is its end."""

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
    ObligationKind.RETURN_PLAN: StallReason.RETURN_PLAN_MISSING,
    ObligationKind.END_DECISION: StallReason.END_DATE_UNDECIDED,
}
"""What a stall on an obligation of each kind is called."""


class Owed(Frozen):
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


def opened(agreement: Agreement, owed: Owed, at: datetime) -> Obligation:
    """The obligation with its due instant, its stall and its ladder in the owner's calendar.

    Nobody is late before they had one working day, so what was due earlier is due on the working day after
    `at`, and the stall keeps its distance.
    """
    calendar = agreement.calendar_of(owed.owner.person_id)
    allowance = owed.allowance or agreement.policy.allowances[owed.kind]
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
    return Obligation(
        obligation_id=owed.obligation_id,
        kind=owed.kind,
        subject=owed.subject,
        owner_role=owed.owner.role,
        owner_id=owed.owner.person_id,
        opened_at=at,
        due_at=calendar.closing_of(due_day),
        stalled_at=calendar.closing_of(stalled_day),
        reason=owed.reason or _reason(owed),
        ladder=_ladder(agreement, owed.kind, calendar, due_day, at),
        acts_by_itself_at=missed_at,
        starts_at=owed.starts_at,
    )


def _reason(owed: Owed) -> StallReason:
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
        Rung(
            level=step.level,
            at=calendar.opening_of(calendar.working_day_from(due_day, step.working_days)),
        )
        for step in agreement.policy.ladder
    )
    return tuple(rung for rung in rungs if rung.at > at)


def shifted_by(agreement: Agreement, obligation: Obligation, days: int) -> Obligation:
    """The obligation with its meeting, due day, stall and ladder moved by so many calendar days."""
    calendar = agreement.calendar_of(obligation.owner_id)
    by = timedelta(days=days)

    def moved(instant: datetime) -> date:
        return calendar.working_day_from(calendar.local_date(instant + by), 0)

    missed = obligation.acts_by_itself_at
    return obligation.model_copy(
        update={
            "due_at": calendar.closing_of(moved(obligation.due_at)),
            "stalled_at": calendar.closing_of(moved(obligation.stalled_at)),
            "ladder": tuple(
                rung.model_copy(update={"at": calendar.opening_of(moved(rung.at))})
                for rung in obligation.ladder
            ),
            "acts_by_itself_at": None if missed is None else calendar.closing_of(moved(missed)),
            "starts_at": None if obligation.starts_at is None else obligation.starts_at + by,
            "sequence": obligation.sequence + (obligation.starts_at is not None),
        }
    )


def reopened(agreement: Agreement, obligation: Obligation, owner_id: str, at: datetime) -> Obligation:
    """The obligation with another owner: a meeting keeps its time, anything else gets its allowance anew."""
    owner = Party(role=obligation.owner_role, person_id=owner_id)
    calendar = agreement.calendar_of(owner_id)
    ahead = obligation.due_at > at
    fresh = Owed(
        kind=obligation.kind,
        subject=obligation.subject,
        owner=owner,
        anchor=calendar.local_date(obligation.due_at) if ahead else None,
        allowance=_remaining(agreement, obligation, counted_from_due=ahead),
        reason=obligation.reason,
        starts_at=obligation.starts_at if obligation.starts_at is None or obligation.starts_at > at else None,
        missed_after=None if obligation.acts_by_itself_at is None else agreement.policy.missed_after,
    )
    return opened(agreement, fresh, at).model_copy(update={"sequence": obligation.sequence + 1})


def _remaining(agreement: Agreement, obligation: Obligation, *, counted_from_due: bool) -> Allowance:
    """The allowance of its kind, counted from its due day, or from today where that has passed."""
    allowance = agreement.policy.allowances[obligation.kind]
    grace = max(1, allowance.stalled - allowance.due)
    due = 0 if counted_from_due else max(1, allowance.due)
    return Allowance(due=due, stalled=due + grace)


def reconciled(
    agreement: Agreement, planned: Iterable[Owed], kinds: frozenset[ObligationKind], at: datetime
) -> LedgerChange:
    """How the ledger must change so that it holds what the plan says, and nothing else of these kinds.

    Args:
        agreement: As it is after the plan changed.
        planned: Everything of these kinds that is still ahead.
        kinds: The kinds that the plan governs.
        at: Now.
    """
    wanted = {owed.obligation_id: owed for owed in planned}
    held = {key: held for key, held in agreement.obligations.items() if held.kind in kinds}
    moved: list[Obligation] = []
    for key in sorted(held.keys() & wanted.keys()):
        before, owed = held[key], wanted[key]
        as_planned = opened(agreement, owed, before.opened_at)
        if (as_planned.due_at, as_planned.owner_id, as_planned.starts_at) != (
            before.due_at,
            before.owner_id,
            before.starts_at,
        ):
            sequence = before.sequence + (as_planned.starts_at != before.starts_at)
            moved.append(opened(agreement, owed, at).model_copy(update={"sequence": sequence}))
    return LedgerChange(
        settled=tuple(
            Settlement(obligation_id=key, status=ObligationStatus.SUPERSEDED)
            for key in sorted(held.keys() - wanted.keys())
        ),
        opened=tuple(opened(agreement, wanted[key], at) for key in sorted(wanted.keys() - held.keys())),
        moved=tuple(moved),
    )
