"""Where each event's effect on the state registers, beside its effect on the ledger."""

from __future__ import annotations

from functools import singledispatch

from domain.agreement.events import Event
from domain.agreement.state import Agreement, AgreementChanges
from domain.kernel.vocabulary import Outcome, Phase


@singledispatch
def changes(_event: Event, _agreement: Agreement) -> AgreementChanges:
    """Return the fields to which an event gives new values; none for events that touch the ledger only."""
    return {}


def closed(outcome: Outcome) -> AgreementChanges:
    """Return what every end has in common: nothing is open, paused or held any more."""
    return {
        "phase": Phase.CLOSED,
        "outcome": outcome,
        "silent_at": None,
        "paused_at": None,
        "paused_until": None,
        "pivot": None,
        "matters": {},
        "held_externally": False,
    }
