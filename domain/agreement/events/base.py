"""What every event has: an instant, a wire type, a schema version and its effect on the ledger."""

from __future__ import annotations

from typing import ClassVar, Self

from domain.kernel.model import Frozen, Instant
from domain.ledger.obligation import LedgerChange


class Event(Frozen):
    """Something that happened to an agreement. Past tense, never changed, never removed."""

    schema_version: ClassVar[int] = 1
    """Raised when a field changes meaning; older versions are read through upcasters."""
    meaningful: ClassVar[bool] = False
    """Whether a person did something that ends a silence. Nudges and bookings do not."""

    type: str
    """The wire type, dotted lower case."""
    at: Instant
    ledger: LedgerChange = LedgerChange()

    def with_ledger(self, ledger: LedgerChange) -> Self:
        """Return the event with another effect on the ledger."""
        return self.model_copy(update={"ledger": ledger})


class MeaningfulEvent(Event):
    """An event by which a person shows that the placement is alive."""

    meaningful: ClassVar[bool] = True
