"""Events of a rotation: annexes, deliverables, leg debriefs, handovers, the next leg."""

from __future__ import annotations

from typing import Annotated, Literal

from domain.agreement.content import Evidence, Reflection, Transfer
from domain.agreement.events.base import MeaningfulEvent
from domain.agreement.state import Party
from domain.kernel.classification import Audience, Subject
from domain.kernel.model import Slug, Words


class AnnexSigned(MeaningfulEvent):
    """A party agreed to the annex of one leg."""

    type: Literal["annex.signed"] = "annex.signed"
    leg_id: Slug
    party: Party


class LegStarted(MeaningfulEvent):
    """The mentee began a leg."""

    type: Literal["leg.started"] = "leg.started"
    leg_id: Slug


class DeliverableAccepted(MeaningfulEvent):
    """What a leg had to deliver was accepted by its verifier."""

    type: Literal["deliverable.accepted"] = "deliverable.accepted"
    leg_id: Slug
    deliverable_id: Slug
    evidence: Annotated[tuple[Evidence, ...], Audience.EVERY_SIDE, Subject.MENTEE]


class LegDebriefed(MeaningfulEvent):
    """The mentee looked back on a leg before the next one."""

    type: Literal["leg.debriefed"] = "leg.debriefed"
    leg_id: Slug
    reflection: Annotated[Reflection, Audience.PAIR, Subject.AUTHOR]
    transfer: Annotated[Transfer, Audience.PAIR, Subject.AUTHOR]


class HandoverCompleted(MeaningfulEvent):
    """Work was handed over out of a leg, so that the next can begin."""

    type: Literal["handover.completed"] = "handover.completed"
    leg_id: Slug
    handed_over: Annotated[Words, Audience.EVERY_SIDE, Subject.MENTEE]
    open_ends: Annotated[tuple[Words, ...], Audience.EVERY_SIDE, Subject.MENTEE]
    home_cover: Annotated[Words, Audience.EVERY_SIDE, Subject.MENTEE]


class SponsorContactLogged(MeaningfulEvent):
    """The mentee and a leg's sponsor spoke."""

    type: Literal["sponsor_contact.logged"] = "sponsor_contact.logged"
    leg_id: Slug
    note: Annotated[Words, Audience.PAIR, Subject.AUTHOR]
