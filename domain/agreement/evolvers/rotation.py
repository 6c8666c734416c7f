"""What the events of a rotation change."""

from __future__ import annotations

from domain.agreement.events.rotation import (
    AnnexSigned,
    DeliverableAccepted,
    HandoverCompleted,
    LegDebriefed,
    LegStarted,
)
from domain.agreement.evolvers.registry import changes
from domain.agreement.state import Agreement, AgreementChanges, Signature


@changes.register
def annex_signed(event: AnnexSigned, agreement: Agreement) -> AgreementChanges:
    """Its party carries the leg as scope, so that it is no signature under the agreement itself."""
    signature = Signature(party=event.party, terms_version=agreement.terms_version)
    return {"signatures": (*agreement.signatures, signature)}


@changes.register
def leg_started(event: LegStarted, agreement: Agreement) -> AgreementChanges:
    """Legs are kept in the order in which they began."""
    return {"legs_started": (*agreement.legs_started, event.leg_id)}


@changes.register
def deliverable_accepted(event: DeliverableAccepted, agreement: Agreement) -> AgreementChanges:
    """Deliverables are told apart by leg."""
    accepted = f"{event.leg_id}/{event.deliverable_id}"
    return {"deliverables_accepted": agreement.deliverables_accepted | {accepted}}


@changes.register
def leg_debriefed(event: LegDebriefed, agreement: Agreement) -> AgreementChanges:
    """One of the two things that open the gate to the next leg."""
    return {"legs_debriefed": agreement.legs_debriefed | {event.leg_id}}


@changes.register
def handover_completed(event: HandoverCompleted, agreement: Agreement) -> AgreementChanges:
    """The other one."""
    return {"legs_handed_over": agreement.legs_handed_over | {event.leg_id}}
