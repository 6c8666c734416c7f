"""How changes of course change the state."""

from __future__ import annotations

from datetime import timedelta

from domain.agreement.events.course import (
    EndDateMoved,
    PivotAdopted,
    PivotConsented,
    PivotProposed,
    PivotRefused,
    PlacementPaused,
    PlacementResumed,
)
from domain.agreement.evolvers.forming import terms_in_force
from domain.agreement.evolvers.registry import changes
from domain.agreement.state import Agreement, AgreementChanges, Pivot
from domain.terms import without_words


@changes.register
def pivot_proposed(event: PivotProposed, _agreement: Agreement) -> AgreementChanges:
    """Keep the pivot, which waits for those it affects."""
    pivot = Pivot(
        pivot_id=event.pivot_id,
        option=event.option,
        terms=without_words(event.terms),
        digests=event.digests,
        changed=event.changed,
        waiting_for=event.affected,
    )
    return {"pivot": pivot}


@changes.register
def pivot_consented(event: PivotConsented, agreement: Agreement) -> AgreementChanges:
    """Wait for one party less."""
    if agreement.pivot is None:
        raise ValueError("a pivot is consented to but none is open")
    waiting = tuple(party for party in agreement.pivot.waiting_for if party != event.party)
    return {"pivot": agreement.pivot.model_copy(update={"waiting_for": waiting})}


@changes.register
def pivot_refused(_event: PivotRefused, _agreement: Agreement) -> AgreementChanges:
    """Drop the pivot; the terms in force stay."""
    return {"pivot": None}


@changes.register
def pivot_adopted(event: PivotAdopted, agreement: Agreement) -> AgreementChanges:
    """Put the pivot's terms in force."""
    pivot = agreement.pivot
    if pivot is None:
        raise ValueError("a pivot is adopted but none is open")
    in_force = terms_in_force(
        agreement,
        pivot.terms,
        digests=pivot.digests,
        changed=pivot.changed,
        parties=event.parties,
        version=event.terms_version,
    )
    return {**in_force, "pivot": None}


@changes.register
def placement_paused(event: PlacementPaused, _agreement: Agreement) -> AgreementChanges:
    """Suspend the placement until a date."""
    return {"paused_at": event.at, "paused_until": event.resumes_at, "pause_shifts_dates": event.shifts_dates}


@changes.register
def placement_resumed(event: PlacementResumed, agreement: Agreement) -> AgreementChanges:
    """End the pause; where it shifts dates, move the plan and the one that a pivot proposes."""
    days = event.shifted_days
    after = agreement.local_date(agreement.paused_at or event.at)
    pivot = agreement.pivot
    if pivot is not None:
        pivot = pivot.model_copy(update={"terms": pivot.terms.shift(days, after=after)})
    return {
        "paused_at": None,
        "paused_until": None,
        "ends_on": agreement.ends_on + timedelta(days=days),
        "terms": agreement.terms.shift(days, after=after),
        "pivot": pivot,
    }


@changes.register
def end_date_moved(event: EndDateMoved, agreement: Agreement) -> AgreementChanges:
    """Move the end: a later one is decided anew and takes an early end back, an earlier one does not."""
    if event.ends_on < agreement.ends_on:
        return {"ends_on": event.ends_on}
    return {"ends_on": event.ends_on, "end_decision": None, "ended_early_by": None}
