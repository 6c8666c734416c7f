"""Events about what stands in the way: blockers, concerns, proposals and breaches."""

from __future__ import annotations

from typing import Literal

from domain.agreement.events.base import MeaningfulEvent
from domain.agreement.state import Party
from domain.kernel.model import PersonId, Slug, Words


class BlockerRaised(MeaningfulEvent):
    """Something stands in the way of the work."""

    type: Literal["blocker.raised"] = "blocker.raised"
    matter_id: Slug
    raised_by: PersonId
    category: Literal["access", "capacity", "role_conflict", "dependency", "norms", "other"]
    what: Words
    needed: Words


class ConcernRaised(MeaningfulEvent):
    """Somebody is worried about how the placement goes. It bypasses the person concerned."""

    type: Literal["concern.raised"] = "concern.raised"
    matter_id: Slug
    raised_by: PersonId
    about: PersonId | None
    handled_by: Party
    what: Words


class ProposalMade(MeaningfulEvent):
    """The mentee proposes an experiment or a change to the plan."""

    type: Literal["proposal.made"] = "proposal.made"
    matter_id: Slug
    raised_by: PersonId
    what: Words
    expected: Words


class BreachReported(MeaningfulEvent):
    """A boundary or a rule was overstepped. A breach of ethics holds the placement."""

    type: Literal["breach.reported"] = "breach.reported"
    matter_id: Slug
    raised_by: PersonId
    breaches: Literal["boundary", "ethics"]
    about: PersonId | None
    handled_by: Party
    what: Words


class MatterSettled(MeaningfulEvent):
    """A blocker, concern, proposal or breach is dealt with."""

    type: Literal["matter.settled"] = "matter.settled"
    matter_id: Slug
    accepted: bool | None
    """The answer to a proposal; None for other matters."""
    resolution: Words
