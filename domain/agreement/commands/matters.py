"""Commands about what stands in the way."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import JsonValue

from domain.agreement.commands.base import CLOSE_TO_THE_WORK, EVERYBODY, UNTIL_CLOSED, Command
from domain.kernel.model import PersonId, Slug, Words
from domain.kernel.vocabulary import Role


class RaiseBlocker(Command):
    """Say what stands in the way; the mentor owes help."""

    given_by: ClassVar = CLOSE_TO_THE_WORK | {Role.LINE_MANAGER}
    phases: ClassVar = UNTIL_CLOSED
    example: ClassVar[dict[str, JsonValue]] = {
        "matter_id": "b1",
        "category": "access",
        "what": "No access to the purchasing system since Monday.",
        "needed": "An account with reading rights.",
    }

    type: Literal["raise_blocker"] = "raise_blocker"
    matter_id: Slug
    category: Literal["access", "capacity", "role_conflict", "dependency", "norms", "other"]
    what: Words
    needed: Words


class RaiseConcern(Command):
    """Say that something is wrong. It goes round the person concerned and skips the ladder."""

    given_by: ClassVar = EVERYBODY
    phases: ClassVar = UNTIL_CLOSED
    example: ClassVar[dict[str, JsonValue]] = {
        "about": "P-2001",
        "what": "Three meetings were cancelled on the day.",
    }

    type: Literal["raise_concern"] = "raise_concern"
    matter_id: Slug | None = None
    """Better left out: an id that is taken is refused, which tells whoever guesses it that it is there."""
    about: PersonId | None = None
    """The person concerned; they are neither asked nor told."""
    what: Words


class MakeProposal(Command):
    """Propose an experiment or a change to the plan; the mentor owes an answer."""

    given_by: ClassVar = frozenset({Role.MENTEE})
    phases: ClassVar = UNTIL_CLOSED
    example: ClassVar[dict[str, JsonValue]] = {
        "matter_id": "p1",
        "what": "Let me lead the next supplier review.",
        "expected": "One review led alone before the midpoint.",
    }

    type: Literal["make_proposal"] = "make_proposal"
    matter_id: Slug
    what: Words
    expected: Words


class ReportBreach(Command):
    """Report that a boundary or a rule was overstepped. A breach of ethics holds the placement."""

    given_by: ClassVar = EVERYBODY
    phases: ClassVar = UNTIL_CLOSED
    example: ClassVar[dict[str, JsonValue]] = {
        "breaches": "boundary",
        "what": "Home duties took three days of the protected week.",
    }

    type: Literal["report_breach"] = "report_breach"
    matter_id: Slug | None = None
    """Better left out: an id that is taken is refused, which tells whoever guesses it that it is there."""
    breaches: Literal["boundary", "ethics"]
    about: PersonId | None = None
    what: Words


class SettleMatter(Command):
    """Settle a blocker, concern or breach, or answer a proposal. Its owner does this."""

    given_by: ClassVar = EVERYBODY
    phases: ClassVar = UNTIL_CLOSED
    example: ClassVar[dict[str, JsonValue]] = {
        "matter_id": "b1",
        "resolution": "The account is there since this morning.",
    }

    type: Literal["settle_matter"] = "settle_matter"
    matter_id: Slug
    accepted: bool | None = None
    """Required where it answers a proposal."""
    resolution: Words
