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
    """Keep the signature; its leg as scope sets it apart from one under the agreement."""
    signature = Signature(party=event.party, terms_version=agreement.terms_version)
    return {"signatures": (*agreement.signatures, signature)}


@changes.register
def leg_started(event: LegStarted, agreement: Agreement) -> AgreementChanges:
    """Add the leg, in the order in which legs began."""
    return {"legs_started": (*agreement.legs_started, event.leg_id)}


@changes.register
def deliverable_accepted(event: DeliverableAccepted, agreement: Agreement) -> AgreementChanges:
    """Count the deliverable of its leg as accepted."""
    accepted = f"{event.leg_id}/{event.deliverable_id}"
    return {"deliverables_accepted": agreement.deliverables_accepted | {accepted}}


@changes.register
def leg_debriefed(event: LegDebriefed, agreement: Agreement) -> AgreementChanges:
    """Count the leg as debriefed: one of two things that open the gate to the next."""
    return {"legs_debriefed": agreement.legs_debriefed | {event.leg_id}}


@changes.register
def handover_completed(event: HandoverCompleted, agreement: Agreement) -> AgreementChanges:
    """Count the leg as handed over: the other of the two."""
    return {"legs_handed_over": agreement.legs_handed_over | {event.leg_id}}
