"""Events of the end: decision, debriefs, synthesis, close."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from domain.agreement.content import Evidence, Reflection, Synthesis
from domain.agreement.events.base import Event, MeaningfulEvent
from domain.agreement.state import Party
from domain.kernel.classification import Audience, Subject, WithheldAsAWhole
from domain.kernel.model import Words


class EndDecided(MeaningfulEvent):
    """It is settled what follows the end date."""

    type: Literal["end.decided"] = "end.decided"
    decision: Literal["return", "convert", "next_role", "end"]
    reason: Annotated[Words, Audience.EVERY_SIDE, Subject.MENTEE]


class ReturnPlanned(MeaningfulEvent):
    """How the mentee comes back to the home post is settled."""

    type: Literal["return.planned"] = "return.planned"
    target_post: Annotated[Words, Audience.IN_CONFIDENCE, Subject.MENTEE]
    first_weeks: Annotated[tuple[Words, ...], Audience.IN_CONFIDENCE, Subject.MENTEE]
    use_of_learning: Annotated[Words, Audience.IN_CONFIDENCE, Subject.MENTEE]


class EndBroughtForward(MeaningfulEvent):
    """Home, host or mentee ends the placement early, with reason and notice."""

    type: Literal["end.brought_forward"] = "end.brought_forward"
    by: Literal["home", "host", "mentee"]
    reason: Annotated[Words, Audience.IN_CONFIDENCE, Subject.MENTEE]
    notice_days: int
    ends_on: date


class PlacementEnded(Event):
    """The last day has passed and the end is decided: time to debrief."""

    type: Literal["placement.ended"] = "placement.ended"
    ended_on: date
    unfinished: tuple[str, ...]
    """Obligations that were open and are now superseded."""


class DebriefSubmitted(MeaningfulEvent):
    """One side's reflective debrief."""

    type: Literal["debrief.submitted"] = "debrief.submitted"
    party: Party
    reflection: Annotated[Reflection, Audience.PAIR, Subject.AUTHOR]
    evidence: Annotated[tuple[Evidence, ...], Audience.PAIR, Subject.AUTHOR]


class DebriefConcluded(Event):
    """Both sides have debriefed."""

    type: Literal["debrief.concluded"] = "debrief.concluded"


class SynthesisSubmitted(MeaningfulEvent):
    """The synthesis is written and goes out for signature."""

    type: Literal["synthesis.submitted"] = "synthesis.submitted"
    synthesis_version: int
    synthesis: Annotated[Synthesis, Audience.EVERY_SIDE, Subject.MENTEE, WithheldAsAWhole()]


class SynthesisSigned(MeaningfulEvent):
    """A party signed the synthesis."""

    type: Literal["synthesis.signed"] = "synthesis.signed"
    synthesis_version: int
    party: Party


class SynthesisReturned(MeaningfulEvent):
    """A party asks for changes to the synthesis before signing."""

    type: Literal["synthesis.returned"] = "synthesis.returned"
    synthesis_version: int
    party: Party
    what: Annotated[Words, Audience.EVERY_SIDE, Subject.AUTHOR]


class AgreementCompleted(Event):
    """The synthesis is signed by everybody: the agreement has done what it was for."""

    type: Literal["agreement.completed"] = "agreement.completed"
    unfinished: tuple[str, ...]
    """Lesser obligations that were open and are now superseded."""


class AgreementClosedIncomplete(MeaningfulEvent):
    """Closed without debrief or synthesis, with a reason and a name."""

    type: Literal["agreement.closed_incomplete"] = "agreement.closed_incomplete"
    reason: Annotated[Words, Audience.IN_CONFIDENCE, Subject.MENTEE]
    missing: tuple[str, ...]
