"""What the board shows: one row for each agreement that is stalled, or in which something is overdue."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import NamedTuple

from activities.event_store.event_store import EventStore
from activities.postgres.rows import OverdueRow
from application.queries.agreements import StalledAgreement
from application.queries.stalled_for import overdue_for, stalled_for
from application.queries.viewer import UNNAMED_OPERATOR, Viewer
from domain.kernel.model import Frozen, Instant, PersonId
from domain.kernel.vocabulary import Kind, Phase, Role
from domain.ledger.ladder import what_follows
from domain.ledger.obligation import Level, ObligationId
from workers.terminal.output import NOTHING, words

MOST = 500
"""Rows of each state that a board has; what is sorted and filtered are these; `sojourn stalled` has all."""


class State(StrEnum):
    """How bad it is."""

    STALLED = "stalled"
    OVERDUE = "overdue"


class BoardRow(Frozen):
    """One agreement on the board."""

    agreement_id: str
    state: State
    kind: Kind
    phase: Phase
    why: str
    """The reason where it is stalled, otherwise what is overdue."""
    role: Role | None
    person_id: PersonId | None
    since: Instant
    """Since when it is stalled; since when it is due where it is overdue only."""
    level: Level | None
    obligation_id: ObligationId | None
    due_at: Instant | None
    next: str
    at: Instant
    """When it was looked at; its own time may run ahead of the clock, as in a demonstration."""


class Board(NamedTuple):
    """What is to be shown, as of one instant."""

    rows: tuple[BoardRow, ...]
    at: datetime
    more: frozenset[State] = frozenset()
    """Of which there are more than are shown."""

    def count(self, state: State) -> int:
        """Count the rows in a state."""
        return sum(row.state is state for row in self.rows)


async def read_board(
    event_store: EventStore,
    as_of: datetime | None = None,
    viewer: Viewer = UNNAMED_OPERATOR,
    *,
    most: int = MOST,
) -> Board:
    """Read what is stalled or overdue, from the record alone: also while no worker runs.

    Args:
        event_store: Where to look.
        as_of: The instant; None: now. What is stalled is as `sojourn stalled` says.
        viewer: Who looks.
        most: Rows of each state, those of longest standing.
    """
    at = as_of or datetime.now(UTC)
    stalled, _ = await stalled_for(event_store, viewer, as_of, limit=most + 1)
    ids = {row.agreement_id for row in stalled}
    overdue = [
        known
        for row in await event_store.read_models.overdue(at, most + 1)
        if row.agreement_id not in ids
        and (known := await overdue_for(event_store, viewer, row, at)) is not None
    ]
    found = {State.STALLED: stalled, State.OVERDUE: overdue}
    return Board(
        (*map(_stalled, stalled[:most]), *(_overdue(row, at) for row in overdue[:most])),
        at,
        frozenset(state for state, rows in found.items() if len(rows) > most),
    )


def _stalled(row: StalledAgreement) -> BoardRow:
    return BoardRow(
        agreement_id=row.agreement_id,
        state=State.STALLED,
        kind=row.kind,
        phase=row.phase,
        why=words(row.reason),
        role=row.waiting_on.role,
        person_id=row.waiting_on.person_id,
        since=row.since,
        level=row.level,
        obligation_id=row.obligation_id,
        due_at=row.due_at,
        next=row.next,
        at=row.as_of,
    )


def _overdue(row: OverdueRow, at: datetime) -> BoardRow:
    return BoardRow(
        agreement_id=row.agreement_id,
        state=State.OVERDUE,
        kind=row.kind,
        phase=row.phase,
        why=words(row.obligation_kind),
        role=row.waiting_on_role,
        person_id=row.waiting_on_id,
        since=row.due_at,
        level=row.level,
        obligation_id=row.obligation_id,
        due_at=row.due_at,
        next=_next(row),
        at=at,
    )


def _next(row: OverdueRow) -> str:
    if row.next_level is None or row.next_at is None:
        return "Nothing comes by itself."
    what = what_follows(row.next_level, row.waiting_on_role)
    return f"On {row.next_at:%Y-%m-%d} (level {row.next_level}) {what}."


def age(since: datetime, at: datetime) -> str:
    """Say for how long, in a few characters."""
    hours = int((at - since).total_seconds() // 3600)
    return f"{hours // 24}d" if hours >= 48 else f"{max(hours, 0)}h"  # noqa: PLR2004  two days in hours


def matching(rows: Iterable[BoardRow], typed: str) -> list[BoardRow]:
    """Return the rows in which every typed word occurs somewhere, in upper or lower case."""
    wanted = typed.lower().split()

    def text(row: BoardRow) -> str:
        cells = (row.agreement_id, row.state, row.kind, row.phase, row.why, words(row.role))
        more = (row.person_id or NOTHING, row.obligation_id or NOTHING)
        return " ".join((*cells, *more)).lower()

    return [row for row in rows if all(word in text(row) for word in wanted)]


class Order(NamedTuple):
    """By which column the board is sorted."""

    column: str = "since"
    descending: bool = False

    def then(self, column: str) -> Order:
        """Return the order after a column was chosen: once more turns it round."""
        return Order(column, not self.descending if column == self.column else False)

    def sort(self, rows: Iterable[BoardRow]) -> list[BoardRow]:
        """Sort rows in this order; what is equal stays in order of id."""
        by_id = sorted(rows, key=lambda row: row.agreement_id)
        return sorted(by_id, key=ORDERS[self.column], reverse=self.descending)


ORDERS: Mapping[str, Callable[[BoardRow], tuple[str | int | float, ...]]] = {
    "agreement": lambda row: (row.agreement_id,),
    "why": lambda row: (row.why,),
    "role": lambda row: (words(row.role),),
    # What is stalled comes before what is overdue only.
    "since": lambda row: (row.state is not State.STALLED, row.since.timestamp()),
    "level": lambda row: (-1 if row.level is None else row.level,),
}
"""What each column is sorted by. The keys 1 to 5 choose them in this order."""
