"""The ledger: who owes what by when, opened by one event and settled by another."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Literal, Self, TypedDict

from pydantic import Field

from domain.kernel.model import Frozen, Instant, PersonId
from domain.kernel.vocabulary import ObligationKind, ObligationStatus, Role, StallReason

ObligationId = str
"""Unique within its agreement and readable: `milestone:supplier-map`, `signature:mentor:v2`."""

Level = Literal[0, 1, 2, 3, 4, 5, 6]
"""A rung of the escalation ladder; 0 is the heads-up before the due instant."""


MOST_NUDGES = 4
"""Reminders to one person about one obligation, the ladder's own included: more of them help nobody."""

MEETING_KINDS = (ObligationKind.CHECK_IN, ObligationKind.REFLECTIVE_SESSION)
"""The two cadences: whoever owes these owes that people meet."""


FIRST_MEETING = "1"
"""The subject of the first meeting of a series."""

OF_WHO_IS_NOT_THERE = frozenset({StallReason.PARTY_LEFT, StallReason.PARTY_ON_LEAVE_UNCOVERED})
"""Reasons that an obligation has because of its owner, and loses with another one."""


class Rung(Frozen):
    """One step of the ladder that an obligation climbs while nobody fulfils it."""

    level: Level
    at: Instant
    """When the rung is reached: inside the owner's working hours."""


class ObligationChanges(TypedDict, total=False):
    """New values for some fields of an obligation, for type checkers: a misspelt one is an error."""

    obligation_id: ObligationId
    kind: ObligationKind
    subject: str
    owner_role: Role
    owner_id: PersonId
    stands_in_for: PersonId | None
    opened_at: Instant
    due_at: Instant
    stalled_at: Instant
    reason: StallReason
    ladder: tuple[Rung, ...]
    acts_by_itself_at: Instant | None
    starts_at: Instant | None
    sequence: int
    reached: Level | None


class Obligation(Frozen):
    """Somebody owes something by an instant, with every later instant computed when it was opened."""

    obligation_id: ObligationId
    kind: ObligationKind
    subject: str
    """What it is about: the id of a milestone, a leg, a session, or the number of a check-in."""
    owner_role: Role
    owner_id: PersonId
    stands_in_for: PersonId | None = None
    """Whose it is while they are on leave and the owner acts for them; None where the owner's own."""
    opened_at: Instant
    due_at: Instant
    stalled_at: Instant
    reason: StallReason
    """The reason that a stall on this obligation carries."""
    ladder: tuple[Rung, ...]
    """Ascending."""
    acts_by_itself_at: Instant | None = None
    """When it settles by time alone (a check-in counted as missed); None where only people settle it."""
    starts_at: Instant | None = None
    """The beginning of the meeting it stands for; None where no meeting belongs to it."""
    sequence: int = 0
    """How often its meeting was moved: the iCalendar SEQUENCE."""
    reached: Level | None = None
    """The highest rung reached so far."""

    if TYPE_CHECKING:

        def model_copy(  # pyright: ignore[reportIncompatibleMethodOverride]  narrower, so that keys are checked
            self, *, update: ObligationChanges | None = None, deep: bool = False
        ) -> Self:
            """Return a copy with some fields replaced."""
            ...

    @property
    def is_first_check_in(self) -> bool:
        """Whether this check-in confirms the start."""
        if self.kind is not ObligationKind.CHECK_IN:
            return False
        nobody_there = self.reason in OF_WHO_IS_NOT_THERE and self.subject == FIRST_MEETING
        return nobody_there or self.reason is StallReason.START_UNCONFIRMED

    @property
    def principal_id(self) -> PersonId:
        """Whose it is when nobody is away."""
        return self.stands_in_for or self.owner_id

    def is_overdue(self, at: datetime) -> bool:
        """Return whether its due instant has come, the instant itself included."""
        return self.due_at <= at

    def is_stalled(self, at: datetime) -> bool:
        """Return whether the instant has come at which it counts as stalled, the instant itself included."""
        return self.stalled_at <= at

    def level_at(self, at: datetime) -> Level | None:
        """The highest rung whose instant has come; None before the first."""
        reached = [rung for rung in self.ladder if rung.at <= at]
        return reached[-1].level if reached else None

    def rung_ahead(self, at: datetime) -> Rung | None:
        """The next rung; None at the end of the ladder, and where somebody ended the climb."""
        return next((rung for rung in self.ladder if rung.at > at), None)

    def climbing_no_further(self, at: datetime) -> Obligation:
        """The same with the rungs that have come, and none ahead."""
        return self.model_copy(update={"ladder": tuple(rung for rung in self.ladder if rung.at <= at)})


class Settlement(Frozen):
    """An obligation leaves the ledger."""

    obligation_id: ObligationId
    status: Literal[ObligationStatus.FULFILLED, ObligationStatus.WAIVED, ObligationStatus.SUPERSEDED]


class Escalation(Frozen):
    """An obligation reaches a rung of its ladder."""

    obligation_id: ObligationId
    level: Level


class LedgerChange(Frozen):
    """What an event does to the ledger. Settlements apply before openings."""

    settled: tuple[Settlement, ...] = ()
    opened: tuple[Obligation, ...] = ()
    moved: tuple[Obligation, ...] = ()
    """Obligations that stay open with a new owner, a new due instant or both."""
    escalated: tuple[Escalation, ...] = ()
    silent_at: Instant | None = Field(default=None)
    """When silence becomes a stall, counted anew from this event; None leaves it as it was."""

    def extended(
        self,
        *,
        settled: Iterable[Settlement] = (),
        opened: Iterable[Obligation] = (),
        moved: Iterable[Obligation] = (),
        silent_at: datetime | None = None,
    ) -> LedgerChange:
        """Return the change with more settled, opened and moved, and silence counted anew where given."""
        return LedgerChange(
            settled=(*self.settled, *settled),
            opened=(*self.opened, *opened),
            moved=(*self.moved, *moved),
            escalated=self.escalated,
            silent_at=self.silent_at if silent_at is None else silent_at,
        )

    def __bool__(self) -> bool:
        """Whether it changes anything."""
        return bool(self.settled or self.opened or self.moved or self.escalated or self.silent_at)
