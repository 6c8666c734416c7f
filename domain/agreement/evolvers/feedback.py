"""How feedback and endorsements change the state."""

from __future__ import annotations

from domain.agreement.events.feedback import (
    EndorsementGiven,
    EndorsementRevoked,
    FeedbackGiven,
    PeerFeedbackRequested,
)
from domain.agreement.evolvers.registry import changes
from domain.agreement.state import Agreement, AgreementChanges


@changes.register
def feedback_given(event: FeedbackGiven, agreement: Agreement) -> AgreementChanges:
    """Count the feedback, and its giver as a source where it is for the mentee."""
    given: AgreementChanges = {"feedback_given": agreement.feedback_given + 1}
    if event.receiver_id == agreement.mentee_id:
        given["feedback_sources"] = agreement.feedback_sources | {event.giver.person_id}
    return given


@changes.register
def peer_feedback_requested(event: PeerFeedbackRequested, agreement: Agreement) -> AgreementChanges:
    """Add the peer to the parties."""
    return {} if event.peer in agreement.parties else {"parties": (*agreement.parties, event.peer)}


@changes.register
def endorsement_given(event: EndorsementGiven, agreement: Agreement) -> AgreementChanges:
    """Add the endorser."""
    return {"endorsers": agreement.endorsers | {event.endorser.person_id}}


@changes.register
def endorsement_revoked(event: EndorsementRevoked, agreement: Agreement) -> AgreementChanges:
    """Remove the endorser, who does not consent to be named any more."""
    return {"endorsers": agreement.endorsers - {event.endorser.person_id}}
