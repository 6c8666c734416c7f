"""Events by which what is held up is dealt with."""

from __future__ import annotations

from datetime import date
from typing import Literal

from domain.agreement.events.base import Event, MeaningfulEvent
from domain.agreement.state import Party
from domain.kernel.model import PersonId, Words
from domain.ledger.obligation import ObligationId
from domain.policy.policy_set import KindPolicy


class ObligationNudged(Event):
    """Somebody asked for a reminder out of turn. A nudge ends no silence."""

    type: Literal["obligation.nudged"] = "obligation.nudged"
    obligation_id: ObligationId


class NoticesResent(Event):
    """Notices that were given up are tried again, because somebody asked for it."""

    type: Literal["notices.resent"] = "notices.resent"
    notice_ids: tuple[str, ...]
    """Those among them that were given up are queued by the statement that writes the event."""
    reason: Words


class ObligationAcknowledged(Event):
    """The owner knows, and says when it comes. A promise ends no silence."""

    type: Literal["obligation.acknowledged"] = "obligation.acknowledged"
    obligation_id: ObligationId
    plan: Words


class ObligationSnoozed(Event):
    """The reminders of an obligation were put off."""

    type: Literal["obligation.snoozed"] = "obligation.snoozed"
    obligation_id: ObligationId
    working_days: int
    reason: Words


class PlacementHeld(MeaningfulEvent):
    """The placement waits for somebody outside it."""

    type: Literal["placement.held"] = "placement.held"
    waits_for: Words
    review_on: date


class PlacementReleased(MeaningfulEvent):
    """The hold is over."""

    type: Literal["placement.released"] = "placement.released"
    reason: Words


class PolicyAdopted(MeaningfulEvent):
    """The agreement follows another policy set or version from here on."""

    type: Literal["policy.adopted"] = "policy.adopted"
    policy: KindPolicy
    reason: Words


class EntryCorrected(MeaningfulEvent):
    """An earlier entry counts no more. Both stay in the record."""

    type: Literal["entry.corrected"] = "entry.corrected"
    entry: Literal["milestone.verified", "deliverable.accepted", "end.decided", "return.planned"]
    subject: str
    explanation: Words


class PartyLeft(MeaningfulEvent):
    """Somebody who holds a role is gone."""

    type: Literal["party.left"] = "party.left"
    person_id: PersonId
    roles: tuple[Party, ...]
    proposed_successor: PersonId | None
    reason: Words


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
    reason: Words
