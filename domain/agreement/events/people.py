"""Events about who carries what: roles reassigned, people who leave, are away, or come back."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from domain.agreement.events.base import Event, MeaningfulEvent
from domain.agreement.state import Party
from domain.kernel.classification import Audience, Subject
from domain.kernel.model import PersonId, Words
from domain.kernel.vocabulary import Role


class RoleReassigned(MeaningfulEvent):
    """Another person holds a role: open work moves, done work stays."""

    type: Literal["role.reassigned"] = "role.reassigned"
    role: Role
    from_person: PersonId
    to_person: PersonId
    reason: Annotated[Words, Audience.IN_CONFIDENCE, Subject.NAMED]


class PartyLeft(MeaningfulEvent):
    """Somebody who holds a role is gone."""

    type: Literal["party.left"] = "party.left"
    person_id: PersonId
    roles: tuple[Party, ...]
    proposed_successor: PersonId | None
    reason: Annotated[Words, Audience.IN_CONFIDENCE, Subject.NAMED]


class PartyWentOnLeave(Event):
    """A party is away for so long that somebody acts for them, or that it is said that nobody does.

    Comes again where somebody else stands in, or the leave is longer than it was.
    """

    type: Literal["party.went_on_leave"] = "party.went_on_leave"
    person_id: PersonId
    first: date
    last: date
    stand_in: PersonId | None
    """Who acts meanwhile; None where nobody covers."""


class PartyCameBack(Event):
    """A party's leave is over: what was done for them so far is theirs again."""

    type: Literal["party.came_back"] = "party.came_back"
    person_id: PersonId


class CoverSought(Event):
    """A party on leave owes what cannot wait and nobody covers; somebody is to be found."""

    type: Literal["cover.sought"] = "cover.sought"
    person_id: PersonId
    proposed: PersonId | None
    """Who could take over; None where nobody of the agreement could."""


class CalendarReadAgain(Event):
    """A party's working time changed; what they owe follows it. See the snapshot before it."""

    type: Literal["calendar.read_again"] = "calendar.read_again"
    person_id: PersonId
    reason: Annotated[Words, Audience.IN_CONFIDENCE, Subject.NAMED]
