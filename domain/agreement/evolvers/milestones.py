"""How events of milestones change the state."""

from __future__ import annotations

from domain.agreement.events.milestones import (
    MilestoneCompleted,
    MilestoneReplanned,
    MilestoneReturned,
    MilestoneVerified,
)
from domain.agreement.evolvers.registry import changes
from domain.agreement.state import Agreement, AgreementChanges
from domain.kernel.vocabulary import ObligationKind


@changes.register
def milestone_completed(event: MilestoneCompleted, agreement: Agreement) -> AgreementChanges:
    """Count it as completed; it waits for its verifier."""
    return {"milestones_completed": agreement.milestones_completed | {event.milestone_id}}


@changes.register
def milestone_returned(event: MilestoneReturned, agreement: Agreement) -> AgreementChanges:
    """Take the completion back: it is owed again, even where it had been waived."""
    return {
        "milestones_completed": agreement.milestones_completed - {event.milestone_id},
        "waived": agreement.waived - {f"{ObligationKind.MILESTONE}:{event.milestone_id}"},
    }


@changes.register
def milestone_verified(event: MilestoneVerified, agreement: Agreement) -> AgreementChanges:
    """Count it as verified."""
    return {"milestones_verified": agreement.milestones_verified | {event.milestone_id}}


@changes.register
def milestone_replanned(event: MilestoneReplanned, agreement: Agreement) -> AgreementChanges:
    """Give the milestone its new day in the terms in force."""
    milestones = tuple(
        milestone.model_copy(update={"due_on": event.due_on})
        if milestone.milestone_id == event.milestone_id
        else milestone
        for milestone in agreement.terms.milestones
    )
    return {"terms": agreement.terms.model_copy(update={"milestones": milestones})}
