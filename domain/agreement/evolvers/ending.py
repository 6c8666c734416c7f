"""What the events of the end change."""

from __future__ import annotations

from domain.agreement.events.ending import (
    AgreementClosedIncomplete,
    AgreementCompleted,
    DebriefConcluded,
    DebriefSubmitted,
    EndBroughtForward,
    EndDecided,
    PlacementEnded,
    ReturnPlanned,
    SynthesisSigned,
    SynthesisSubmitted,
)
from domain.agreement.evolvers.registry import changes, closed
from domain.agreement.state import Agreement, AgreementChanges
from domain.kernel.vocabulary import Outcome, Phase


@changes.register
def end_decided(event: EndDecided, _agreement: Agreement) -> AgreementChanges:
    """Keep what was decided, so that the last day may come."""
    return {"end_decision": event.decision}


@changes.register
def return_planned(_event: ReturnPlanned, _agreement: Agreement) -> AgreementChanges:
    """Note that the return is planned."""
    return {"return_planned": True}


@changes.register
def end_brought_forward(event: EndBroughtForward, _agreement: Agreement) -> AgreementChanges:
    """Move the end nearer and count it as decided."""
    return {"ends_on": event.ends_on, "ended_early_by": event.by, "end_decision": "end"}


@changes.register
def placement_ended(event: PlacementEnded, agreement: Agreement) -> AgreementChanges:
    """Begin the debrief; only matters that concern people outlive the last day."""
    return {
        "phase": Phase.DEBRIEF,
        "ended_at": event.at,
        "silent_at": None,
        "pivot": None,
        "held_externally": False,
        "matters": {
            key: matter for key, matter in agreement.matters.items() if matter.outlives_the_placement
        },
    }


@changes.register
def debrief_submitted(event: DebriefSubmitted, agreement: Agreement) -> AgreementChanges:
    """Add the party to those who have looked back."""
    return {"debriefs": (*agreement.debriefs, event.party)}


@changes.register
def debrief_concluded(_event: DebriefConcluded, _agreement: Agreement) -> AgreementChanges:
    """Begin the synthesis: both sides have looked back."""
    return {"phase": Phase.SYNTHESIS}


@changes.register
def synthesis_submitted(event: SynthesisSubmitted, _agreement: Agreement) -> AgreementChanges:
    """Count the version, which has no signature yet."""
    return {"synthesis_versions": event.synthesis_version, "synthesis_signatures": ()}


@changes.register
def synthesis_signed(event: SynthesisSigned, agreement: Agreement) -> AgreementChanges:
    """Add the party's signature."""
    return {"synthesis_signatures": (*agreement.synthesis_signatures, event.party)}


@changes.register
def agreement_completed(_event: AgreementCompleted, agreement: Agreement) -> AgreementChanges:
    """Close with the synthesis, as completed or as ended early."""
    return closed(Outcome.COMPLETED if agreement.ended_early_by is None else Outcome.ENDED_EARLY)


@changes.register
def agreement_closed_incomplete(_event: AgreementClosedIncomplete, _agreement: Agreement) -> AgreementChanges:
    """Close, never called complete."""
    return closed(Outcome.CLOSED_INCOMPLETE)
