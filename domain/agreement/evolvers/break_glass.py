"""What a request to read what is private changes: it waits, and once approved it is open for a time."""

from __future__ import annotations

from domain.agreement.events.break_glass import BreakGlassApproved, BreakGlassRequested
from domain.agreement.evolvers.registry import changes
from domain.agreement.state import Agreement, AgreementChanges, BreakGlass


@changes.register
def break_glass_requested(event: BreakGlassRequested, agreement: Agreement) -> AgreementChanges:
    """Keep the request; it opens nothing yet."""
    request = BreakGlass(
        request_id=event.request_id,
        reader_id=event.reader_id,
        only=event.only,
        hours=event.hours,
        lapses_at=event.lapses_at,
    )
    return {"break_glass": {**agreement.break_glass, event.request_id: request}}


@changes.register
def break_glass_approved(event: BreakGlassApproved, agreement: Agreement) -> AgreementChanges:
    """Open it until its instant; nothing has to close it."""
    request = agreement.break_glass[event.request_id]
    opened = request.model_copy(update={"open_until": event.open_until})
    return {"break_glass": {**agreement.break_glass, event.request_id: opened}}
