"""What operators' actions change: nudges counted, holds, policies, corrections."""

from __future__ import annotations

from collections.abc import Mapping

from domain.agreement.events.operations import (
    EntryCorrected,
    ObligationNudged,
    ObligationSnoozed,
    PartyCameBack,
    PartyLeft,
    PartyWentOnLeave,
    PlacementHeld,
    PlacementReleased,
    PolicyAdopted,
)
from domain.agreement.evolvers.registry import Changes, changes
from domain.agreement.state import Absence, Agreement
from domain.kernel.model import PersonId


@changes.register
def obligation_nudged(event: ObligationNudged, agreement: Agreement) -> Changes:
    """Counted, because there are not many."""
    counted = agreement.nudges.get(event.obligation_id, 0) + 1
    return {"nudges": {**agreement.nudges, event.obligation_id: counted}}


@changes.register
def obligation_snoozed(event: ObligationSnoozed, agreement: Agreement) -> Changes:
    """Counted, because there is a limit."""
    days = agreement.snoozed.get(event.obligation_id, 0) + event.working_days
    return {"snoozed": {**agreement.snoozed, event.obligation_id: days}}


@changes.register
def placement_held(_event: PlacementHeld, _agreement: Agreement) -> Changes:
    """It waits for somebody outside."""
    return {"held_externally": True}


@changes.register
def placement_released(_event: PlacementReleased, _agreement: Agreement) -> Changes:
    """It goes on."""
    return {"held_externally": False}


@changes.register
def policy_adopted(event: PolicyAdopted, _agreement: Agreement) -> Changes:
    """Later allowances come from the new policy."""
    return {"policy": event.policy}


@changes.register
def entry_corrected(event: EntryCorrected, agreement: Agreement) -> Changes:
    """As if the entry had not been made."""
    match event.entry:
        case "milestone.verified":
            return {
                "milestones_completed": agreement.milestones_completed - {event.subject},
                "milestones_verified": agreement.milestones_verified - {event.subject},
            }
        case "deliverable.accepted":
            return {"deliverables_accepted": agreement.deliverables_accepted - {event.subject}}
        case "end.decided":
            return {"end_decision": None}
        case "return.planned":
            return {"return_planned": False}


@changes.register
def party_left(event: PartyLeft, agreement: Agreement) -> Changes:
    """Until somebody else holds the role."""
    return {
        "departed": agreement.departed | {event.person_id},
        "absent": _without(agreement.absent, event.person_id),
    }


@changes.register
def party_went_on_leave(event: PartyWentOnLeave, agreement: Agreement) -> Changes:
    """Whoever stands in may act for them from here on."""
    absence = Absence(first=event.first, last=event.last, stand_in=event.stand_in)
    return {"absent": {**agreement.absent, event.person_id: absence}}


@changes.register
def party_came_back(event: PartyCameBack, agreement: Agreement) -> Changes:
    """Nobody acts for them any more."""
    return {"absent": _without(agreement.absent, event.person_id)}


def _without(absent: Mapping[PersonId, Absence], person_id: PersonId) -> Mapping[PersonId, Absence]:
    return {key: absence for key, absence in absent.items() if key != person_id}
