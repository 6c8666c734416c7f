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
    """Its notes cover their focus tags."""
    covered = {note.focus for note in event.notes}
    return {
        "sessions_logged": agreement.sessions_logged | {event.session_id},
        "focus_covered": agreement.focus_covered | covered,
    }


@changes.register
def practice_logged(event: PracticeLogged, agreement: Agreement) -> AgreementChanges:
    """It waits for its debrief."""
    return {"sessions_logged": agreement.sessions_logged | {event.session_id}}


@changes.register
def session_debriefed(event: SessionDebriefed, agreement: Agreement) -> AgreementChanges:
    """The next observation may come."""
    return {"sessions_debriefed": agreement.sessions_debriefed | {event.session_id}}


@changes.register
def experiment_recorded(_event: ExperimentRecorded, agreement: Agreement) -> AgreementChanges:
    """One more method was tried at home."""
    return {"experiments": agreement.experiments + 1}
