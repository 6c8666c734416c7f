"""Health, and stalled: what is held up, by whom, since when, and what happens next.

Everything here is read off the ledger: no instant is computed, so the same question answered in SQL over the
obligations' columns has the same answer.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from domain.agreement.state import Agreement
from domain.kernel.model import Frozen, Instant, PersonId
from domain.kernel.vocabulary import Health, ObligationKind, Phase, Role, StallReason
from domain.ledger.ladder import AT_RISK_FROM_LEVEL, LAST_LEVEL, OUTSIDE_THE_LADDER, what_follows
from domain.ledger.obligation import Level, Obligation, ObligationId, Rung

TOO_EARLY_FOR = timedelta(days=7)
"""How long after its start an active placement is too early to judge."""

FINDS_SOMEBODY = frozenset({ObligationKind.SUCCESSOR, ObligationKind.COVER})
"""What somebody in charge owes because somebody else is not there."""

_NOBODY_THERE = {
    StallReason.PARTY_LEFT: (
        "Nothing by itself: whoever owes it has left; somebody else has to take over the role."
    ),
    StallReason.PARTY_ON_LEAVE_UNCOVERED: (
        "Nothing by itself until they are back: whoever owes it is on leave and nobody stands in; a delegate "
        "has to be named, or the role reassigned."
    ),
}


class WaitingOn(Frozen):
    """Who holds an agreement up."""

    role: Role
    person_id: PersonId


class Stall(Frozen):
    """Why an agreement counts as stalled."""

    reason: StallReason
    waiting_on: WaitingOn
    since: Instant
    """When it became stalled."""
    obligation_id: str | None
    """None where the reason is silence."""
    obligation_kind: ObligationKind | None
    due_at: Instant | None
    level: Level | None
    """The highest rung reached."""
    next: str
    """What happens next if nothing else does, in one sentence."""


class Assessment(Frozen):
    """An agreement at an instant."""

    health: Health
    stall: Stall | None
    waiting_on: WaitingOn | None
    """Who owes what is due first."""
    next_due_at: Instant | None


class Overdue(Frozen):
    """What has been due for longest in an agreement, on whom it waits and what comes next."""

    obligation_id: ObligationId
    obligation_kind: ObligationKind
    waiting_on_role: Role
    waiting_on_id: PersonId
    due_at: Instant
    level: Level | None
    """The highest rung reached by then; None below the first."""
    next_level: Level | None
    next_at: Instant | None
    """When the next rung is reached; None at the top of the ladder."""


def oldest_first(agreement: Agreement) -> list[Obligation]:
    """The open obligations, the one due first in front."""
    return sorted(agreement.obligations.values(), key=lambda held: (held.due_at, held.obligation_id))


def assess(agreement: Agreement, at: datetime) -> Assessment:
    """Health, stall and what is due first, at an instant.

    Stalled is an obligation past its stall instant, or silence past its limit, in an agreement that is
    neither closed nor paused nor on hold.
    """
    owed = oldest_first(agreement)
    first = owed[0] if owed else None
    stall = _stall(agreement, at)
    return Assessment(
        health=_health(agreement, owed, stall, at),
        stall=stall,
        waiting_on=None if first is None else WaitingOn(role=first.owner_role, person_id=first.owner_id),
        next_due_at=None if first is None else first.due_at,
    )


def longest_overdue(agreement: Agreement, at: datetime) -> Overdue | None:
    """What is past due and was due first; None where nothing is overdue.

    Asked of an agreement as a reader may know it, it is what that reader is to be shown.
    """
    owed = oldest_first(agreement)
    if not owed or not owed[0].is_overdue(at):
        return None
    first, ahead = owed[0], owed[0].rung_ahead(at)
    return Overdue(
        obligation_id=first.obligation_id,
        obligation_kind=first.kind,
        waiting_on_role=first.owner_role,
        waiting_on_id=first.owner_id,
        due_at=first.due_at,
        level=first.level_at(at),
        next_level=None if ahead is None else ahead.level,
        next_at=None if ahead is None else ahead.at,
    )


def _stall(agreement: Agreement, at: datetime) -> Stall | None:
    if agreement.closed or agreement.held or agreement.paused_until is not None:
        return None
    past = [held for held in agreement.obligations.values() if held.is_stalled(at)]
    if past:
        oldest = min(past, key=lambda held: (held.stalled_at, held.obligation_id))
        return Stall(
            reason=oldest.reason,
            waiting_on=WaitingOn(role=oldest.owner_role, person_id=oldest.owner_id),
            since=oldest.stalled_at,
            obligation_id=oldest.obligation_id,
            obligation_kind=oldest.kind,
            due_at=oldest.due_at,
            level=oldest.level_at(at),
            next=next_step(oldest, at),
        )
    if agreement.phase is Phase.ACTIVE and agreement.silent_at is not None and agreement.silent_at <= at:
        mentor = agreement.holder(Role.MENTOR)
        return Stall(
            reason=StallReason.SILENT,
            waiting_on=WaitingOn(role=mentor.role, person_id=mentor.person_id),
            since=agreement.silent_at,
            obligation_id=None,
            obligation_kind=None,
            due_at=None,
            level=None,
            next=step_ahead(None, mentor.role, StallReason.SILENT, None, None),
        )
    return None


def next_step(obligation: Obligation, at: datetime) -> str:
    """What happens next about an obligation if nobody fulfils it."""
    level, ahead = obligation.level_at(at), obligation.rung_ahead(at)
    return step_ahead(obligation.kind, obligation.owner_role, obligation.reason, level, ahead)


def step_ahead(
    kind: ObligationKind | None,
    owner_role: Role,
    reason: StallReason,
    level: Level | None,
    ahead: Rung | None,
) -> str:
    """What happens next to a stall if nobody acts, in one sentence.

    Args:
        kind: What is owed; None where the reason is silence.
        owner_role: On whom it waits.
        reason: What the stall is called.
        level: The highest rung reached.
        ahead: The next rung of its ladder; None at its end, and where somebody ended the climb.
    """
    if kind is None:
        return "It stays in the operators' queue until somebody acts."
    owner = owner_role.replace("_", " ")
    if kind in OUTSIDE_THE_LADDER:
        return f"Nothing by itself: it waits for the {owner}."
    if ahead is None and kind not in FINDS_SOMEBODY and reason in _NOBODY_THERE:
        return _NOBODY_THERE[reason]
    if ahead is None and level != LAST_LEVEL:
        return f"No further reminder: it waits for the {owner}."
    if ahead is None:
        return "The ladder is at its end; it waits for the programme owner's decision."
    return f"On {ahead.at:%Y-%m-%d} (level {ahead.level}): {what_follows(ahead.level, owner_role)}."


def _health(agreement: Agreement, owed: list[Obligation], stall: Stall | None, at: datetime) -> Health:
    """The first of these that applies: the most pressing one."""
    overdue = [held for held in owed if held.is_overdue(at)]
    starts_soon = agreement.phase is Phase.AGREEMENT and agreement.concluded_at is not None
    just_started = agreement.started_at is not None and agreement.started_at + TOO_EARLY_FOR > at
    by_urgency = (
        (agreement.closed, Health.CLOSED),
        (agreement.held, Health.EXTERNAL_HOLD),
        (agreement.paused_until is not None, Health.PAUSED),
        (stall is not None, Health.STALLED),
        (any(held.kind is ObligationKind.END_DECISION for held in overdue), Health.END_DECISION_DUE),
        (any((held.level_at(at) or 0) >= AT_RISK_FROM_LEVEL for held in overdue), Health.AT_RISK),
        (bool(overdue), Health.OVERDUE),
        (any(held.level_at(at) is not None for held in owed), Health.DUE_SOON),
        (starts_soon or just_started, Health.TOO_EARLY),
    )
    return next((health for applies, health in by_urgency if applies), Health.ON_TRACK)
