"""Events by which what is held up is dealt with."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from domain.agreement.events.base import Event, MeaningfulEvent
from domain.kernel.classification import Audience, Subject
from domain.kernel.model import Words
from domain.ledger.obligation import ObligationId
from domain.policy.policy_set import KindPolicy


class ObligationWaived(MeaningfulEvent):
    """An obligation is given up, with a reason and a name."""

    type: Literal["obligation.waived"] = "obligation.waived"
    obligation_id: ObligationId
    reason: Annotated[Words, Audience.EVERY_SIDE, Subject.MENTEE]


class ObligationEscalated(Event):
    """An obligation reached a rung of its ladder."""

    type: Literal["obligation.escalated"] = "obligation.escalated"
    obligation_id: ObligationId
    level: int


class ObligationNudged(Event):
    """Somebody asked for a reminder out of turn. A nudge ends no silence."""

    type: Literal["obligation.nudged"] = "obligation.nudged"
    obligation_id: ObligationId


class NoticesResent(Event):
    """Notices that were given up are tried again, because somebody asked for it."""

    type: Literal["notices.resent"] = "notices.resent"
    notice_ids: tuple[str, ...]
    """Those among them that were given up are queued by the statement that writes the event."""
    reason: Annotated[Words, Audience.EVERY_SIDE, Subject.AUTHOR]


class ObligationAcknowledged(Event):
    """The owner knows, and says when it comes. A promise ends no silence."""

    type: Literal["obligation.acknowledged"] = "obligation.acknowledged"
    obligation_id: ObligationId
    plan: Annotated[Words, Audience.CLOSE_TO_THE_WORK, Subject.AUTHOR]


class ObligationSnoozed(Event):
    """The reminders of an obligation were put off."""

    type: Literal["obligation.snoozed"] = "obligation.snoozed"
    obligation_id: ObligationId
    working_days: int
    reason: Annotated[Words, Audience.IN_CONFIDENCE, Subject.AUTHOR]


class PlacementHeld(MeaningfulEvent):
    """The placement waits for somebody outside it."""

    type: Literal["placement.held"] = "placement.held"
    waits_for: Annotated[Words, Audience.EVERY_SIDE, Subject.MENTEE]
    review_on: date


class PlacementReleased(MeaningfulEvent):
    """The hold is over."""

    type: Literal["placement.released"] = "placement.released"
    reason: Annotated[Words, Audience.EVERY_SIDE, Subject.MENTEE]


class PolicyAdopted(MeaningfulEvent):
    """The agreement follows another policy set or version from here on."""

    type: Literal["policy.adopted"] = "policy.adopted"
    policy: KindPolicy
    reason: Annotated[Words, Audience.EVERY_SIDE, Subject.AUTHOR]


class EntryCorrected(MeaningfulEvent):
    """An earlier entry counts no more. Both stay in the record."""

    type: Literal["entry.corrected"] = "entry.corrected"
    entry: Literal["milestone.verified", "deliverable.accepted", "end.decided", "return.planned"]
    subject: str
    explanation: Annotated[Words, Audience.EVERY_SIDE, Subject.MENTEE]
