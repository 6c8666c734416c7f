"""Commands about who carries what: roles that change hands, departures, working time read again."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import JsonValue

from domain.agreement.commands.base import HR, UNTIL_CLOSED, Command
from domain.kernel.model import PersonId, Words
from domain.kernel.vocabulary import Role


class ReassignRole(Command):
    """Give a role to another person: open work moves, done work stays."""

    given_by: ClassVar = HR
    phases: ClassVar = UNTIL_CLOSED
    example: ClassVar[dict[str, JsonValue]] = {
        "role": "mentor",
        "from_person": "P-2001",
        "to_person": "P-2002",
        "reason": "The mentor left the company.",
    }

    type: Literal["reassign_role"] = "reassign_role"
    role: Role
    from_person: PersonId
    to_person: PersonId
    reason: Words


class ReportDeparture(Command):
    """Say that a party has left. What they owe is flagged, and the programme owner owes a successor."""

    given_by: ClassVar = HR
    phases: ClassVar = UNTIL_CLOSED
    example: ClassVar[dict[str, JsonValue]] = {
        "person_id": "P-2001",
        "proposed_successor": "P-2002",
        "reason": "Left the company at the end of March.",
    }

    type: Literal["report_departure"] = "report_departure"
    person_id: PersonId
    proposed_successor: PersonId | None = None
    reason: Words


class ReadCalendarAgain(Command):
    """Read a party's calendar again: what they owe is due on days on which they work."""

    given_by: ClassVar = HR
    phases: ClassVar = UNTIL_CLOSED
    example: ClassVar[dict[str, JsonValue]] = {"person_id": "P-2001", "reason": "Four weeks of leave in May."}

    type: Literal["read_calendar_again"] = "read_calendar_again"
    person_id: PersonId
    reason: Words
