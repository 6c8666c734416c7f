"""What blockers, concerns, proposals and breaches change."""

from __future__ import annotations

from domain.agreement.events.matters import (
    BlockerRaised,
    BreachReported,
    ConcernRaised,
    MatterSettled,
    ProposalMade,
)
from domain.agreement.evolvers.registry import changes
from domain.agreement.state import Agreement, AgreementChanges, Matter
from domain.kernel.vocabulary import ObligationKind


def _raised(agreement: Agreement, matter: Matter) -> AgreementChanges:
    return {"matters": {**agreement.matters, matter.matter_id: matter}}


@changes.register
def blocker_raised(event: BlockerRaised, agreement: Agreement) -> AgreementChanges:
    """Keep it open until settled, or until the placement ends."""
    matter = Matter(
        matter_id=event.matter_id, kind=ObligationKind.BLOCKER, raised_by=event.raised_by, raised_at=event.at
    )
    return _raised(agreement, matter)


@changes.register
def proposal_made(event: ProposalMade, agreement: Agreement) -> AgreementChanges:
    """Keep it open until answered, or until the placement ends."""
    matter = Matter(
        matter_id=event.matter_id, kind=ObligationKind.PROPOSAL, raised_by=event.raised_by, raised_at=event.at
    )
    return _raised(agreement, matter)


@changes.register
def concern_raised(event: ConcernRaised, agreement: Agreement) -> AgreementChanges:
    """Keep it open until settled, beyond the last day too."""
    matter = Matter(
        matter_id=event.matter_id,
        kind=ObligationKind.CONCERN,
        raised_by=event.raised_by,
        raised_at=event.at,
        about=event.about,
    )
    return _raised(agreement, matter)


@changes.register
def breach_reported(event: BreachReported, agreement: Agreement) -> AgreementChanges:
    """Keep it open until settled; a breach of ethics holds the placement."""
    matter = Matter(
        matter_id=event.matter_id,
        kind=ObligationKind.BREACH,
        raised_by=event.raised_by,
        raised_at=event.at,
        about=event.about,
        holds=event.breaches == "ethics",
    )
    return _raised(agreement, matter)


@changes.register
def matter_settled(event: MatterSettled, agreement: Agreement) -> AgreementChanges:
    """Drop the matter; the record keeps it."""
    return {"matters": {key: matter for key, matter in agreement.matters.items() if key != event.matter_id}}
