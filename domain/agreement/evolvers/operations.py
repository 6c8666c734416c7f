"""How operators' actions change the state."""

from __future__ import annotations

from domain.agreement.events.operations import (
    EntryCorrected,
    ObligationNudged,
    ObligationSnoozed,
    ObligationWaived,
    PlacementHeld,
    PlacementReleased,
    PolicyAdopted,
)
from domain.agreement.evolvers.registry import changes
from domain.agreement.state import Agreement, AgreementChanges


@changes.register
def obligation_waived(event: ObligationWaived, agreement: Agreement) -> AgreementChanges:
    """Keep what was waived, so that a later plan does not bring it back."""
    return {"waived": agreement.waived | {event.obligation_id}}


@changes.register
def obligation_nudged(event: ObligationNudged, agreement: Agreement) -> AgreementChanges:
    """Count the nudge, for there is a limit."""
    counted = agreement.nudges.get(event.obligation_id, 0) + 1
    return {"nudges": {**agreement.nudges, event.obligation_id: counted}}


@changes.register
def obligation_snoozed(event: ObligationSnoozed, agreement: Agreement) -> AgreementChanges:
    """Count the days, for there is a limit."""
    days = agreement.snoozed.get(event.obligation_id, 0) + event.working_days
    return {"snoozed": {**agreement.snoozed, event.obligation_id: days}}


@changes.register
def placement_held(_event: PlacementHeld, _agreement: Agreement) -> AgreementChanges:
    """Hold the placement for somebody outside."""
    return {"held_externally": True}


@changes.register
def placement_released(_event: PlacementReleased, _agreement: Agreement) -> AgreementChanges:
    """Let the placement go on."""
    return {"held_externally": False}


@changes.register
def policy_adopted(event: PolicyAdopted, _agreement: Agreement) -> AgreementChanges:
    """Take later allowances from the new policy."""
    return {"policy": event.policy}


@changes.register
def entry_corrected(event: EntryCorrected, agreement: Agreement) -> AgreementChanges:
    """Undo the entry, as if it had not been made."""
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
