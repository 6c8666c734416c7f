"""Finding one's way in a stream: which event opened, moved, escalated or ended what."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from domain.agreement.events import Event
from domain.agreement.events.operations import ObligationEscalated
from domain.agreement.events.people import CoverSought, PartyCameBack, PartyLeft
from domain.agreement.evolve import evolve
from domain.agreement.state import Agreement
from domain.kernel.model import PersonId
from domain.ledger.obligation import Level, ObligationId
from domain.stream.messages import RecordedEvent
from domain.stream.serialization import fold_recorded, read_event
from domain.views.explanation import Cause


class History:
    """The stream of one agreement up to an instant.

    Args:
        rows: From the first event on, in order.

    Raises:
        ValueError: If there are none.
        UnreadableEvent: If a newer release wrote one of them.
    """

    def __init__(self, rows: Sequence[RecordedEvent]) -> None:
        if not rows:
            raise ValueError("an agreement without events has no history")
        self._rows = rows
        self._events = [read_event(row) for row in rows]

    @property
    def events(self) -> Sequence[Event]:
        """All of them, in order."""
        return self._events

    def origin(self, obligation_id: ObligationId) -> tuple[Cause, Cause | None]:
        """The event that opened an obligation last, and the last one since that moved it, if any did.

        Raises:
            LookupError: If none opened it.
        """
        opened_by: RecordedEvent | None = None
        moved_by: RecordedEvent | None = None
        for row, event in self._pairs():
            if any(each.obligation_id == obligation_id for each in event.ledger.opened):
                opened_by, moved_by = row, None
            if any(each.obligation_id == obligation_id for each in event.ledger.moved):
                moved_by = row
        if opened_by is None:
            raise LookupError(f"no event opened {obligation_id}")
        return _cause(opened_by), None if moved_by is None else _cause(moved_by)

    def climbed(self, obligation_id: ObligationId) -> Iterator[tuple[Level, Cause]]:
        """The rungs that an obligation reached since it was opened or moved last."""
        opened_by, moved_by = self.origin(obligation_id)
        since = (moved_by or opened_by).version
        for row, event in self._pairs():
            if isinstance(event, ObligationEscalated) and row.version > since:
                for escalation in event.ledger.escalated:
                    if escalation.obligation_id == obligation_id:
                        yield escalation.level, _cause(row)

    def around(self, version: int) -> tuple[Agreement | None, Agreement, Event]:
        """The agreement before and after the event of a version, and that event."""
        event = self._events[version - 1]
        before = fold_recorded(self._rows[: version - 1])
        return before, evolve(before, event), event

    def last_of(self, event_type: str) -> Cause | None:
        """The last event of a type; None where there is none."""
        return next((_cause(row) for row in reversed(self._rows) if row.type == event_type), None)

    def last_sign_of_life(self) -> Cause | None:
        """The event from which silence is counted: somebody did something, or a start or a pause's end."""
        found = [row for row, event in self._pairs() if event.ledger.silent_at is not None]
        return _cause(found[-1]) if found else None

    def proposed(self, person_id: PersonId) -> tuple[PersonId, Cause] | None:
        """Who was proposed last to take over from somebody who left or is on leave; None where nobody was."""
        for row, event in reversed(list(self._pairs())):
            match event:
                case PartyLeft(person_id=absent, proposed_successor=str() as other) if absent == person_id:
                    return other, _cause(row)
                case CoverSought(person_id=absent, proposed=str() as other) if absent == person_id:
                    return other, _cause(row)
                case PartyLeft() | CoverSought() | PartyCameBack() if event.person_id == person_id:
                    return None
                case _:
                    continue
        return None

    def latest(self) -> Cause:
        """The last event, which is the close where there was one."""
        return _cause(self._rows[-1])

    def _pairs(self) -> Iterator[tuple[RecordedEvent, Event]]:
        return zip(self._rows, self._events, strict=True)


def _cause(row: RecordedEvent) -> Cause:
    return Cause(
        event_id=row.event_id,
        version=row.version,
        type=row.type,
        at=row.occurred_at,
        actor_id=row.actor_id,
        actor_role=row.actor_role,
    )
