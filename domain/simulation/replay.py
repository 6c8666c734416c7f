"""Policy replay: what would have been flagged, and when, had another policy been in force.

A *flag* is what operators see: an obligation, or a spell of silence in an active placement, whose stall
instant came while it lasted and the placement was neither paused, on hold nor closed. Both policies are
judged by the same lives: what people did, and when, is as recorded.

What a replay cannot know, and leaves as it was: whom an earlier or later reminder would have moved to act;
how many meetings would have been called, and counted as missed (`missed_after`, `missed_running`); when an
unsigned agreement would have expired (`expires_unsigned_after`). A forced choice stands on the stall of
another obligation and is not counted beside it.

A flag is a *false alarm* where things came right without anybody being sent for: the obligation was
fulfilled, or the silence broken, by somebody of the placement within so many days of the flag; and until then
the record has no rung at which others are told (level 3 and up) for that obligation, and no act of an
operator on the agreement since the obligation fell due or was flagged, whichever came first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Literal

from domain.agreement.state import Agreement
from domain.kernel.calendar import Calendar
from domain.kernel.model import Frozen, Instant, PersonId
from domain.kernel.vocabulary import Kind, ObligationKind, Role, StallReason
from domain.ledger.obligation import Level, ObligationId
from domain.policy.policy_set import KindPolicy, PolicySet
from domain.simulation.timeline import Instants, Lifetime, Lifetimes, Stretch, lifetimes
from domain.stream.messages import RecordedEvent

Change = Literal["same", "earlier", "later", "gained", "lost"]
"""What another policy does to a flag."""

NOT_REPLAYED = ("missed_running", "missed_after", "expires_unsigned_after")
"""Thresholds that decide which events there are: no record tells what another value would have led to."""

FALSE_ALARM_DAYS = 3
"""Calendar days after a flag within which somebody who acts unasked makes it a false alarm."""


class Window(Frozen):
    """Which flags are looked at, and what counts as a false alarm."""

    since: Instant
    until: Instant
    """What had not happened by then is not counted, but for how a lifetime ended."""
    false_alarm_days: int = FALSE_ALARM_DAYS


class Flag(Frozen):
    """A lifetime counted as stalled."""

    at: Instant
    due_at: Instant | None
    """None for silence."""
    level: Level | None
    """The rung reached by then."""
    false_alarm: bool


class Comparison(Frozen):
    """One lifetime that at least one of the two policies flags."""

    reason: StallReason
    obligation_id: ObligationId | None
    """None for silence."""
    obligation_kind: ObligationKind | None
    owner_role: Role
    owner_id: PersonId
    began_at: Instant
    ended_at: Instant | None
    recorded: Flag | None
    proposed: Flag | None
    change: Change
    calendar_days: int | None
    """From the recorded flag to the proposed one, negative where that comes earlier; in the owner's calendar.
    None where there are not two."""
    working_days: int | None
    estimated: bool
    """Whether the instants are moved by what the allowances differ in: where they were counted from cannot be
    told from the record."""


class AgreementReplay(Frozen):
    """One agreement under both policies."""

    agreement_id: str
    kind: Kind
    policy_set_id: str
    policy_version: int
    """The policy that it lives by."""
    comparisons: tuple[Comparison, ...]
    watched: int
    """How many obligations and spells of silence lasted into the window."""
    estimated: int
    """Of those, whose instants are estimated."""
    rungs_recorded: Mapping[Level, int]
    """How often each rung came while its obligation was open, in the window."""
    rungs_proposed: Mapping[Level, int]
    not_replayed: tuple[str, ...]
    """Thresholds that differ and are not replayed."""


def replay(rows: Iterable[RecordedEvent], policies: PolicySet, window: Window) -> AgreementReplay | None:
    """One agreement's lives under its own policy and under another.

    Args:
        rows: Its whole stream, in order.
        policies: The proposed set.
        window: Which flags are looked at.

    Returns:
        None where nothing of it lasted into the window.

    Raises:
        UnreadableEvent: If a newer release wrote the stream.
    """
    found = lifetimes(rows, policies)
    if found is None:
        return None
    watched = [life for life in found.all if _lasts_into(life, window)]
    if not watched:
        return None
    agreement = found.agreement
    comparisons = (_comparison(found, life, window) for life in watched)
    return AgreementReplay(
        agreement_id=agreement.agreement_id,
        kind=agreement.kind,
        policy_set_id=agreement.policy.policy_set_id,
        policy_version=agreement.policy.version,
        comparisons=tuple(each for each in comparisons if each is not None),
        watched=len(watched),
        estimated=sum(life.estimated for life in watched),
        rungs_recorded=_rungs(found, watched, window, proposed=False),
        rungs_proposed=_rungs(found, watched, window, proposed=True),
        not_replayed=not_replayed(agreement.policy, found.proposed),
    )


def not_replayed(recorded: KindPolicy, proposed: KindPolicy) -> tuple[str, ...]:
    """The thresholds in which two policies differ and which no replay can follow."""
    return tuple(name for name in NOT_REPLAYED if getattr(recorded, name) != getattr(proposed, name))


def _lasts_into(life: Lifetime, window: Window) -> bool:
    ended = None if life.ended is None else life.ended.at
    return life.began_at < window.until and (ended is None or ended > window.since)


def _comparison(found: Lifetimes, life: Lifetime, window: Window) -> Comparison | None:
    recorded = _flag(found, life, window, proposed=False)
    proposed = _flag(found, life, window, proposed=True)
    if recorded is None and proposed is None:
        return None
    calendar = found.agreement.calendar_of(_whose_calendar(found.agreement, life))
    return Comparison(
        reason=life.reason,
        obligation_id=life.obligation_id,
        obligation_kind=life.kind,
        owner_role=life.owner_role,
        owner_id=life.owner_id,
        began_at=life.began_at,
        ended_at=None if life.ended is None else life.ended.at,
        recorded=recorded,
        proposed=proposed,
        change=_change(recorded, proposed),
        calendar_days=_days(recorded, proposed, calendar),
        working_days=_working_days(recorded, proposed, calendar),
        estimated=life.estimated,
    )


def _whose_calendar(agreement: Agreement, life: Lifetime) -> PersonId:
    """Silence is counted in the mentee's calendar, whoever it waits on."""
    return agreement.mentee_id if life.kind is None else life.owner_id


def _flag(found: Lifetimes, life: Lifetime, window: Window, *, proposed: bool) -> Flag | None:
    for stretch, ends_at in life.parts(window.until):
        instants = _of(stretch, proposed=proposed)
        at = found.awake_from(max(instants.stalled_at, stretch.since))
        if at is not None and at < ends_at:
            return Flag(
                at=at,
                due_at=instants.due_at,
                level=instants.level_at(at),
                false_alarm=_is_false_alarm(found, life, stretch, at, window),
            )
    return None


def _of(stretch: Stretch, *, proposed: bool) -> Instants:
    return stretch.proposed if proposed else stretch.recorded


def _is_false_alarm(
    found: Lifetimes, life: Lifetime, stretch: Stretch, flagged_at: datetime, window: Window
) -> bool:
    ended = life.ended
    if ended is None or not ended.fulfilled or ended.by in {Role.OPERATOR, Role.SYSTEM}:
        return False
    if ended.at - flagged_at > timedelta(days=window.false_alarm_days):
        return False
    if life.told_others_at is not None and life.told_others_at <= ended.at:
        return False
    pressing_since = min(flagged_at, stretch.recorded.due_at or flagged_at)
    return not any(pressing_since <= act <= ended.at for act in found.operator_acts)


def _change(recorded: Flag | None, proposed: Flag | None) -> Change:
    if recorded is None:
        return "gained"
    if proposed is None:
        return "lost"
    if recorded.at == proposed.at:
        return "same"
    return "earlier" if proposed.at < recorded.at else "later"


def _days(recorded: Flag | None, proposed: Flag | None, calendar: Calendar) -> int | None:
    if recorded is None or proposed is None:
        return None
    return (calendar.local_date(proposed.at) - calendar.local_date(recorded.at)).days


def _working_days(recorded: Flag | None, proposed: Flag | None, calendar: Calendar) -> int | None:
    if recorded is None or proposed is None:
        return None
    return calendar.working_days_between(calendar.local_date(recorded.at), calendar.local_date(proposed.at))


def _rungs(
    found: Lifetimes, watched: Iterable[Lifetime], window: Window, *, proposed: bool
) -> Mapping[Level, int]:
    """Rungs come once per stretch; none comes in a rest, as nobody is nudged then."""
    reached: Counter[Level] = Counter()
    for life in watched:
        for stretch, ends_at in life.parts(window.until):
            begins_at = max(stretch.since, window.since)
            for rung in _of(stretch, proposed=proposed).ladder:
                if begins_at <= rung.at < ends_at and found.awake_from(rung.at) == rung.at:
                    reached[rung.level] += 1
    return dict(sorted(reached.items()))
