"""What the events of a shadowing stint change."""

from __future__ import annotations

from domain.agreement.events.shadowing import (
    ExperimentRecorded,
    ObservationLogged,
    PracticeLogged,
    SessionDebriefed,
)
from domain.agreement.evolvers.registry import changes
from domain.agreement.state import Agreement, AgreementChanges


@changes.register
def observation_logged(event: ObservationLogged, agreement: Agreement) -> AgreementChanges:
    """Count the session, and the focus tags of its notes as covered."""
    covered = {note.focus for note in event.notes}
    return {
        "sessions_logged": agreement.sessions_logged | {event.session_id},
        "focus_covered": agreement.focus_covered | covered,
    }


@changes.register
def practice_logged(event: PracticeLogged, agreement: Agreement) -> AgreementChanges:
    """Count the session; it waits for its debrief."""
    return {"sessions_logged": agreement.sessions_logged | {event.session_id}}


@changes.register
def session_debriefed(event: SessionDebriefed, agreement: Agreement) -> AgreementChanges:
    """Count the session as debriefed, so that the next observation may come."""
    return {"sessions_debriefed": agreement.sessions_debriefed | {event.session_id}}


@changes.register
def experiment_recorded(_event: ExperimentRecorded, agreement: Agreement) -> AgreementChanges:
    """Count one more method that was tried at home."""
    return {"experiments": agreement.experiments + 1}
