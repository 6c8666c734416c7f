"""What the events of the agreement phase change."""

from __future__ import annotations

from collections.abc import Mapping

from domain.agreement.events.forming import (
    AgreementConcluded,
    AgreementDeclined,
    AgreementExpired,
    AgreementSigned,
    AgreementWithdrawn,
    CalendarsSnapshotted,
    PlacementStarted,
    TermsAmended,
)
from domain.agreement.evolvers.registry import changes, closed
from domain.agreement.state import Agreement, AgreementChanges, Party, Signature
from domain.agreement.succession import in_present_names
from domain.kernel.vocabulary import Outcome, Phase
from domain.terms import Terms, without_words


@changes.register
def calendars_snapshotted(event: CalendarsSnapshotted, agreement: Agreement) -> AgreementChanges:
    """Replace older snapshots by newer ones."""
    return {"calendars": {**agreement.calendars, **event.calendars}}


@changes.register
def agreement_signed(event: AgreementSigned, agreement: Agreement) -> AgreementChanges:
    """Keep the party's newest signature."""
    signature = Signature(party=event.party, terms_version=event.terms_version)
    others = tuple(known for known in agreement.signatures if known.party != event.party)
    return {"signatures": (*others, signature)}


@changes.register
def terms_amended(event: TermsAmended, agreement: Agreement) -> AgreementChanges:
    """Put the new terms in force and drop the signatures of those whom the change affects."""
    return {
        **terms_in_force(
            agreement,
            event.terms,
            digests=event.digests,
            changed=event.changed,
            parties=event.parties,
            version=event.terms_version,
        ),
        "signatures": tuple(known for known in agreement.signatures if known.party not in event.affected),
    }


def terms_in_force(
    agreement: Agreement,
    terms: Terms,
    *,
    digests: Mapping[str, str],
    changed: tuple[str, ...],
    parties: tuple[Party, ...],
    version: int,
) -> AgreementChanges:
    """Replace the fields that new terms change, and no other.

    What a pause, an extension or a new day for a milestone did to the other fields stays as it is, and a
    document that names somebody's predecessor means the successor.
    """
    named = in_present_names(without_words(terms), agreement.reassignments)
    changed_terms: AgreementChanges = {
        "terms": agreement.terms.model_copy(update={field: getattr(named, field) for field in changed}),
        "digests": digests,
        "terms_version": version,
        "parties": parties,
    }
    if "effective_from" in changed:
        changed_terms["starts_on"] = named.effective_from
    if "planned_end" in changed:
        changed_terms["ends_on"] = named.planned_end
    return changed_terms


@changes.register
def agreement_concluded(event: AgreementConcluded, _agreement: Agreement) -> AgreementChanges:
    """Note when it was concluded; it waits for its first day."""
    return {"concluded_at": event.at}


@changes.register
def agreement_declined(_event: AgreementDeclined, _agreement: Agreement) -> AgreementChanges:
    """Close: one party would not sign."""
    return closed(Outcome.DECLINED)


@changes.register
def agreement_withdrawn(_event: AgreementWithdrawn, _agreement: Agreement) -> AgreementChanges:
    """Close before the placement began."""
    return closed(Outcome.WITHDRAWN)


@changes.register
def agreement_expired(_event: AgreementExpired, _agreement: Agreement) -> AgreementChanges:
    """Close: nobody finished signing."""
    return closed(Outcome.EXPIRED_UNSIGNED)


@changes.register
def placement_started(event: PlacementStarted, _agreement: Agreement) -> AgreementChanges:
    """Begin the placement; its first day counts as activity."""
    return {
        "phase": Phase.ACTIVE,
        "started_at": event.at,
        "starts_on": event.starts_on,
        "last_activity_at": event.at,
    }
