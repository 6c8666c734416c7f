"""What the actors of a run remember: each command they sent, and all that they were ever told about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from workflows.contract import Receipt


class Fate(StrEnum):
    """What its sender knows of a command."""

    ACKNOWLEDGED = "acknowledged"
    """A receipt came: whatever happens afterwards, it holds."""
    REFUSED = "refused"
    """Every delivery was refused: it must not be in the log."""
    UNKNOWN = "unknown"
    """No answer came: it may be in the log, once."""


@dataclass
class Sent:
    """One command and its deliveries."""

    agreement_id: str
    command_id: str
    type: str
    deliveries: int = 0
    receipts: list[Receipt] = field(default_factory=list[Receipt])
    refusals: list[str] = field(default_factory=list[str])
    """The codes."""
    unanswered: int = 0
    refused_after_receipt: list[str] = field(default_factory=list[str])
    """Codes of refusals of a delivery that was sent when the receipt of an earlier one was known."""
    faults: list[str] = field(default_factory=list[str])
    """Answers that are neither a receipt nor a rule's refusal."""

    @property
    def fate(self) -> Fate:
        """What is known of it now."""
        if self.receipts:
            return Fate.ACKNOWLEDGED
        return Fate.UNKNOWN if self.unanswered or self.faults or not self.refusals else Fate.REFUSED


class Standing(NamedTuple):
    """What a running workflow said of itself, beside what its stream folds to at the same version."""

    agreement_id: str
    version: int
    said: str
    folded: str
    """Both as JSON."""


@dataclass
class Notes:
    """Everything that was noted in a run."""

    commands: dict[tuple[str, str], Sent] = field(default_factory=dict[tuple[str, str], Sent])
    """By agreement and command id."""
    placed: set[str] = field(default_factory=set[str])
    """Agreements of which the intake said that they are in the record."""
    standings: list[Standing] = field(default_factory=list[Standing])
    crowds: int = 0
    """How often ten commands were in flight on one agreement at once."""
    leaps: int = 0
    """How often the clock was set weeks ahead at once."""

    def of(self, agreement_id: str, command_id: str, command_type: str) -> Sent:
        """The note about a command, begun where there is none."""
        key = (agreement_id, command_id)
        return self.commands.setdefault(key, Sent(agreement_id, command_id, command_type))
