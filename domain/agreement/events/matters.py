"""Events about what stands in the way: blockers, concerns, proposals and breaches."""

from __future__ import annotations

from typing import Annotated, Literal

from domain.agreement.events.base import MeaningfulEvent
from domain.agreement.state import Party
from domain.kernel.classification import Audience, Subject
from domain.kernel.model import PersonId, Slug, Words


class BlockerRaised(MeaningfulEvent):
    """Something stands in the way of the work."""

    type: Literal["blocker.raised"] = "blocker.raised"
    matter_id: Slug
    raised_by: PersonId
    category: Annotated[
        Literal["access", "capacity", "role_conflict", "dependency", "norms", "other"],
        Audience.CLOSE_TO_THE_WORK,
    ]
    what: Annotated[Words, Audience.CLOSE_TO_THE_WORK, Subject.AUTHOR]
    needed: Annotated[Words, Audience.CLOSE_TO_THE_WORK, Subject.AUTHOR]


class ConcernRaised(MeaningfulEvent):
    """Somebody is worried about how the placement goes. It bypasses the person concerned."""

    type: Literal["concern.raised"] = "concern.raised"
    matter_id: Slug
    raised_by: PersonId
    about: PersonId | None
    handled_by: Party
    what: Annotated[Words, Audience.ADDRESSEE, Subject.CONCERNED]


class ProposalMade(MeaningfulEvent):
    """The mentee proposes an experiment or a change to the plan."""

    type: Literal["proposal.made"] = "proposal.made"
    matter_id: Slug
    raised_by: PersonId
    what: Annotated[Words, Audience.ADDRESSEE, Subject.AUTHOR]
    expected: Annotated[Words, Audience.ADDRESSEE, Subject.AUTHOR]


class BreachReported(MeaningfulEvent):
    """A boundary or a rule was overstepped. A breach of ethics holds the placement."""

    type: Literal["breach.reported"] = "breach.reported"
    matter_id: Slug
    raised_by: PersonId
    breaches: Literal["boundary", "ethics"]
    about: PersonId | None
    handled_by: Party
    what: Annotated[Words, Audience.ADDRESSEE, Subject.CONCERNED]


class MatterSettled(MeaningfulEvent):
    """A blocker, concern, proposal or breach is dealt with."""

    type: Literal["matter.settled"] = "matter.settled"
    matter_id: Slug
    accepted: Annotated[bool | None, Audience.ADDRESSEE]
    """The answer to a proposal; None for other matters."""
    resolution: Annotated[Words, Audience.ADDRESSEE, Subject.AUTHOR]
