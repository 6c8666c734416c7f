"""What could stall in one agreement, from its beginning to its end, under the recorded policy and another.

A lifetime is an obligation from opening to settlement, or a spell of silence from one sign of life to the
next. Where an obligation was moved (planned anew, handed over, begun again after a rest), each stretch
between moves has instants of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from domain.agreement.events import Event
from domain.agreement.events.operations import ObligationEscalated
from domain.agreement.evolve import evolve
from domain.agreement.state import Agreement
from domain.kernel.vocabulary import ObligationKind, ObligationStatus, Phase, Role, StallReason
from domain.ledger.obligation import Level, Obligation, ObligationId, Rung
from domain.policy.policy_set import KindPolicy, PolicySet
from domain.simulation.restatement import Restatement
from domain.stream.messages import RecordedEvent
from domain.stream.serialization import read_event

TELLS_OTHERS_FROM: Level = 3
"""Up to the rung below, only the owner and their counterpart hear of it."""


class Instants(NamedTuple):
    """What follows from a policy for one stretch of a lifetime."""

    due_at: datetime | None
    """None for silence."""
    stalled_at: datetime
    ladder: tuple[Rung, ...] = ()
    """Ascending."""

    def level_at(self, at: datetime) -> Level | None:
        """The highest rung whose instant has come."""
        reached = [rung for rung in self.ladder if rung.at <= at]
        return reached[-1].level if reached else None


class Stretch(NamedTuple):
    """A part of a lifetime, until the next one or the end."""

    since: datetime
    recorded: Instants
    proposed: Instants


class End(NamedTuple):
    """How a lifetime ended."""

    at: datetime
    by: Role
    fulfilled: bool
    """Somebody did what was asked, or gave a sign of life; not waived, superseded or overtaken."""


@dataclass
class Lifetime:
    """One obligation, or one spell of silence."""

    kind: ObligationKind | None
    """None for silence."""
    obligation_id: ObligationId | None
    reason: StallReason
    owner_role: Role
    owner_id: str
    began_at: datetime
    began_with: int
    """The version of the event that it began with."""
    estimated: bool
    stretches: list[Stretch]
    told_others_at: datetime | None = None
    """When somebody beside owner and counterpart was first told, in the record."""
    ended: End | None = None

    def parts(self, until: datetime) -> Iterator[tuple[Stretch, datetime]]:
        """Each stretch with its end, as far as `until`."""
        end = until if self.ended is None else min(until, self.ended.at)
        ends = [*(following.since for following in self.stretches[1:]), end]
        for stretch, ends_at in zip(self.stretches, ends, strict=True):
            yield stretch, min(ends_at, end)


@dataclass
class Lifetimes:
    """All of one agreement."""

    agreement: Agreement
    """As its stream folds."""
    proposed: KindPolicy
    all: list[Lifetime] = field(default_factory=list[Lifetime])
    rests: list[tuple[datetime, datetime | None]] = field(
        default_factory=list[tuple[datetime, datetime | None]]
    )
    """Paused, on hold or closed: from, and to where it ended."""
    operator_acts: list[datetime] = field(default_factory=list[datetime])

    def awake_from(self, at: datetime) -> datetime | None:
        """`at`, or the end of the rest that it falls into; None where that has not ended."""
        for begins, ends in self.rests:
            if begins <= at and (ends is None or at < ends):
                if ends is None:
                    return None
                at = ends
        return at


def lifetimes(rows: Iterable[RecordedEvent], policies: PolicySet) -> Lifetimes | None:
    """Follows a stream from its first event.

    Args:
        rows: All of one agreement, in order.
        policies: The set whose line for the agreement's kind is held against the recorded one.

    Returns:
        None where there are no events.

    Raises:
        UnreadableEvent: If a newer release wrote the stream.
    """
    following: _Following | None = None
    agreement: Agreement | None = None
    for row in rows:
        event = read_event(row)
        before, agreement = agreement, evolve(agreement, event)
        if following is None:
            following = _Following(agreement, policies.kinds[agreement.kind])
        following.take(before, agreement, event, row)
    return None if following is None else following.found


class _Following:
    """A stream being followed."""

    def __init__(self, agreement: Agreement, policy: KindPolicy) -> None:
        self.found = Lifetimes(agreement, policy)
        self._restatement = Restatement(policy)
        self._open: dict[ObligationId, Lifetime] = {}
        self._silence: Lifetime | None = None

    def take(self, before: Agreement | None, after: Agreement, event: Event, row: RecordedEvent) -> None:
        """Takes one more event."""
        self._restatement.follow(before, after, event)
        self.found.agreement = after
        if row.actor_role is Role.OPERATOR:
            self.found.operator_acts.append(event.at)
        if isinstance(event, ObligationEscalated) and event.level >= TELLS_OTHERS_FROM:
            lifetime = self._open.get(event.obligation_id)
            if lifetime is not None:
                lifetime.told_others_at = lifetime.told_others_at or event.at
        for settlement in event.ledger.settled:
            lifetime = self._open.pop(settlement.obligation_id, None)
            if lifetime is not None:
                fulfilled = settlement.status == ObligationStatus.FULFILLED
                lifetime.ended = End(at=event.at, by=row.actor_role, fulfilled=fulfilled)
        for obligation in event.ledger.opened:
            if obligation.kind is not ObligationKind.FORCED_CHOICE:
                self._begin(obligation, event, row)
        self._continue(after, event)
        self._listen(after, event, row)
        self._rest(after, event)

    def _begin(self, obligation: Obligation, event: Event, row: RecordedEvent) -> None:
        lifetime = Lifetime(
            kind=obligation.kind,
            obligation_id=obligation.obligation_id,
            reason=obligation.reason,
            owner_role=obligation.owner_role,
            owner_id=obligation.owner_id,
            began_at=event.at,
            began_with=row.version,
            estimated=False,
            stretches=[],
        )
        self._open[obligation.obligation_id] = lifetime
        self.found.all.append(lifetime)

    def _continue(self, after: Agreement, event: Event) -> None:
        """Begins a stretch wherever one of the two policies gives an obligation other instants now."""
        for key, lifetime in self._open.items():
            recorded, restated = after.obligations[key], self._restatement.open[key]
            stretch = Stretch(event.at, _instants(recorded), _instants(restated.obligation))
            if not lifetime.stretches or lifetime.stretches[-1][1:] != stretch[1:]:
                lifetime.stretches.append(stretch)
            lifetime.owner_role, lifetime.owner_id = recorded.owner_role, recorded.owner_id
            lifetime.estimated = lifetime.estimated or restated.estimated

    def _listen(self, after: Agreement, event: Event, row: RecordedEvent) -> None:
        """A sign of life ends a spell of silence and begins the next; the last day ends it for good."""
        heard = event.ledger.silent_at
        if self._silence is not None and (heard is not None or after.phase is not Phase.ACTIVE):
            self._silence.ended = End(at=event.at, by=row.actor_role, fulfilled=event.meaningful)
            self._silence = None
        other = self._restatement.silent_at
        if heard is None or other is None or after.phase is not Phase.ACTIVE:
            return
        mentor = after.holder(Role.MENTOR)
        self._silence = Lifetime(
            kind=None,
            obligation_id=None,
            reason=StallReason.SILENT,
            owner_role=mentor.role,
            owner_id=mentor.person_id,
            began_at=event.at,
            began_with=row.version,
            estimated=False,
            stretches=[Stretch(event.at, Instants(None, heard), Instants(None, other))],
        )
        self.found.all.append(self._silence)

    def _rest(self, after: Agreement, event: Event) -> None:
        rests = after.closed or after.held or after.paused_until is not None
        resting = bool(self.found.rests) and self.found.rests[-1][1] is None
        if rests and not resting:
            self.found.rests.append((event.at, None))
        elif resting and not rests:
            self.found.rests[-1] = (self.found.rests[-1][0], event.at)


def _instants(obligation: Obligation) -> Instants:
    return Instants(obligation.due_at, obligation.stalled_at, obligation.ladder)
