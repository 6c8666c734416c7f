"""`evolve`: how each event changes the folded state. The only place that knows the state."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from domain.agreement.events import Event
from domain.agreement.events.forming import AgreementProposed
from domain.agreement.evolvers import changes
from domain.agreement.state import Agreement, MeetingSeries
from domain.kernel.vocabulary import ObligationKind, Phase
from domain.ledger.ledger import apply
from domain.ledger.obligation import MEETING_KINDS, LedgerChange, ObligationId
from domain.terms import without_words


def evolve(agreement: Agreement | None, event: Event) -> Agreement:
    """Return the agreement after one more event. Total over streams that `decide` produced.

    Args:
        agreement: The state before; None before the first event.
        event: What happened.

    Raises:
        ValueError: If the event cannot follow: another first event than a proposal, a second proposal, or a
            ledger change that contradicts the ledger. Such a stream was edited.
    """
    if isinstance(event, AgreementProposed):
        if agreement is not None:
            raise ValueError("an agreement is proposed once, as the first event of its stream")
        agreement = _proposed(event)
    elif agreement is None:
        raise ValueError(f"a stream begins with agreement.proposed, not with {event.type}")
    changed = agreement.model_copy(update=changes(event, agreement))
    parties = {party.person_id for party in changed.parties}
    silent_at = event.ledger.silent_at
    return changed.model_copy(
        update={
            "version": agreement.version + 1,
            "obligations": apply(agreement.obligations, event.ledger),
            "meetings": _meetings_scheduled(changed.meetings, event.ledger),
            "nudges": _of_what_is_owed(changed.nudges, event.ledger),
            "snoozed": _of_what_is_owed(changed.snoozed, event.ledger),
            "departed": changed.departed & parties,
            "absent": {person: absence for person, absence in changed.absent.items() if person in parties},
            "last_activity_at": event.at if event.meaningful else changed.last_activity_at,
            "silent_at": changed.silent_at if silent_at is None else silent_at,
        }
    )


def fold(events: Iterable[Event], agreement: Agreement | None = None) -> Agreement | None:
    """Return the agreement after all these events; None where there are none."""
    for event in events:
        agreement = evolve(agreement, event)
    return agreement


def _proposed(event: AgreementProposed) -> Agreement:
    return Agreement(
        agreement_id=event.agreement_id,
        version=0,
        terms=without_words(event.terms),
        terms_version=1,
        request_digest=event.request_digest,
        digests=event.digests,
        policy=event.policy,
        calendars=event.calendars,
        parties=event.parties,
        phase=Phase.AGREEMENT,
        proposed_at=event.at,
        expires_at=event.expires_at,
        starts_on=event.terms.effective_from,
        ends_on=event.terms.planned_end,
        obligations={},
        last_activity_at=event.at,
    )


def _meetings_scheduled(
    meetings: Mapping[ObligationKind, MeetingSeries], change: LedgerChange
) -> Mapping[ObligationKind, MeetingSeries]:
    """Count the meetings that an event put on the ledger."""
    after = dict(meetings)
    for opened in change.opened:
        if opened.kind in MEETING_KINDS:
            series = after.get(opened.kind, MeetingSeries())
            after[opened.kind] = series.model_copy(update={"scheduled": series.scheduled + 1})
    return after


def _of_what_is_owed(counted: Mapping[ObligationId, int], change: LedgerChange) -> Mapping[ObligationId, int]:
    """Return the counts without those of obligations that left the ledger."""
    if not counted:
        return counted
    settled = {settlement.obligation_id for settlement in change.settled}
    return {key: count for key, count in counted.items() if key not in settled}
