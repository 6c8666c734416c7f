"""What the read models of one agreement must hold, folded from its stream: what verify and rebuild go by.

The append writes the read models in SQL, event by event; this folds them in Python, from the events alone.
They share nothing but the event, so that a wrong row is found by code that did not write it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

from domain.agreement.evolve import evolve
from domain.agreement.state import Agreement
from domain.handling.loaded import head_of
from domain.kernel.vocabulary import ObligationStatus
from domain.ledger.obligation import LedgerChange, Obligation
from domain.stream.messages import RecordedEvent
from domain.stream.serialization import read_event

Row = Mapping[str, object]
"""A row by column."""
Key = tuple[str, ...]
"""What tells a row from the others of the same agreement; empty where there is only one."""
Table = Mapping[Key, Row]

KEYS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "agreement": (),
        "agreement_party": ("role", "scope", "person_id"),
        "obligation": ("obligation_id",),
        "command": ("command_id",),
    }
)
"""The tables that follow from a stream, and by which columns a row of one agreement is found."""


class Projection:
    """The rows of one agreement, by table and key, after the events folded so far."""

    def __init__(self) -> None:
        self._agreement: Agreement | None = None
        self._first: RecordedEvent | None = None
        self._last: RecordedEvent | None = None
        self._obligations: dict[Key, dict[str, object]] = {}
        self._commands: dict[Key, dict[str, object]] = {}

    def fold(self, recorded: RecordedEvent) -> None:
        """Take in the next event of the stream.

        Raises:
            UnreadableEvent: A newer release wrote it.
            ValueError: It cannot follow the events before it, or is not what an event looks like.
        """
        event = read_event(recorded)
        after = evolve(self._agreement, event)
        self._change_obligations(event.ledger, recorded)
        self._note_command(recorded)
        self._agreement = after
        self._first = self._first or recorded
        self._last = recorded

    def tables(self) -> Mapping[str, Table]:
        """Return the rows by table; no rows before the first event."""
        if self._agreement is None or self._first is None or self._last is None:
            return {name: {} for name in KEYS}
        head = head_of(self._agreement, self._last.occurred_at)
        parties = {
            (party.role, party.scope, party.person_id): party.model_dump(mode="python")
            for party in head.parties
        }
        columns = {
            **head.model_dump(mode="python", exclude={"parties"}),
            "version": self._last.version,
            "last_hash": self._last.hash,
            "opened_at": self._first.occurred_at,
            "updated_at": self._last.occurred_at,
            "recorded_at": self._last.recorded_at,
        }
        return {
            "agreement": {(): columns},
            "agreement_party": parties,
            "obligation": self._obligations,
            "command": self._commands,
        }

    def _change_obligations(self, change: LedgerChange, recorded: RecordedEvent) -> None:
        for settlement in change.settled:
            self._obligations[settlement.obligation_id,].update(
                status=ObligationStatus(settlement.status),
                settled_at=recorded.occurred_at,
                settled_version=recorded.version,
            )
        for opened in change.opened:
            self._obligations[opened.obligation_id,] = {
                **_columns(opened),
                "status": ObligationStatus.OPEN,
                "settled_at": None,
                "opened_version": recorded.version,
                "settled_version": None,
            }
        for moved in change.moved:
            self._obligations[moved.obligation_id,].update(_columns(moved))
        for escalation in change.escalated:
            self._obligations[escalation.obligation_id,].update(reached=escalation.level)

    def _note_command(self, recorded: RecordedEvent) -> None:
        known = self._commands.setdefault(
            (recorded.command_id,),
            {"command_id": recorded.command_id, "first_version": recorded.version},
        )
        known["last_version"] = recorded.version


def project(events: Sequence[RecordedEvent]) -> Mapping[str, Table]:
    """Return the rows that follow from a whole stream, by table.

    Raises:
        UnreadableEvent: A newer release wrote one of them.
        ValueError: They are not a stream, in order.
    """
    projection = Projection()
    for event in events:
        projection.fold(event)
    return projection.tables()


def _columns(obligation: Obligation) -> dict[str, object]:
    return {
        # For whom somebody stands in is asked of the ledger only: no read model holds it.
        **obligation.model_dump(mode="python", exclude={"ladder", "stands_in_for"}),
        "ladder": [{"level": rung.level, "at": rung.at} for rung in obligation.ladder],
    }


def instant_of(value: object) -> object:
    """Return an instant that JSON holds as text; anything else unchanged."""
    if not isinstance(value, str):
        return value
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        return value
