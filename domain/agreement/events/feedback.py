"""Events of feedback, self-assessments, wins, endorsements and notes."""

from __future__ import annotations

from typing import Annotated, Literal

from domain.agreement.content import (
    Anchor,
    Confidence,
    Rating,
    Tone,
)
from domain.agreement.events.base import Event, MeaningfulEvent
from domain.agreement.state import Party
from domain.kernel.classification import Audience, ChosenIn, Subject, WithheldAsAWhole
from domain.kernel.model import PersonId, Words
from domain.ledger.obligation import ObligationId


class FeedbackGiven(MeaningfulEvent):
    """Behaviour, effect and next step, tied to a criterion or a skill."""

    type: Literal["feedback.given"] = "feedback.given"
    giver: Party
    receiver_id: PersonId
    about: ObligationId | None
    behaviour: Annotated[Words, Audience.ADDRESSEE, Subject.RECEIVER]
    effect: Annotated[Words, Audience.ADDRESSEE, Subject.RECEIVER]
    next_step: Annotated[Words, Audience.ADDRESSEE, Subject.RECEIVER]
    anchor: Anchor
    tone: Annotated[Tone, Audience.ADDRESSEE]
    rating: Annotated[Confidence | None, Audience.PAIR] = None


class PeerFeedbackRequested(MeaningfulEvent):
    """A colleague who saw the work is asked what they saw."""

    type: Literal["peer_feedback.requested"] = "peer_feedback.requested"
    peer: Party
    question: Annotated[Words, Audience.ADDRESSEE, Subject.MENTEE]


class SelfAssessmentRecorded(MeaningfulEvent):
    """The mentee rated themselves against the agreed criteria."""

    type: Literal["self_assessment.recorded"] = "self_assessment.recorded"
    ratings: Annotated[tuple[Rating, ...], Audience.PAIR, Subject.MENTEE, WithheldAsAWhole()]


class WinOrSetbackRecorded(MeaningfulEvent):
    """Something went well or did not, with the lesson."""

    type: Literal["win_or_setback.recorded"] = "win_or_setback.recorded"
    is_win: Annotated[bool, Audience.PAIR]
    what: Annotated[Words, Audience.PAIR, Subject.AUTHOR]
    lesson: Annotated[Words, Audience.PAIR, Subject.AUTHOR]


class EndorsementGiven(MeaningfulEvent):
    """An observer or sponsor vouches for the mentee, with consent to be named."""

    type: Literal["endorsement.given"] = "endorsement.given"
    endorser: Party
    statement: Annotated[Words, Audience.EVERY_SIDE, Subject.MENTEE]
    skill_uri: str


class EndorsementRevoked(MeaningfulEvent):
    """An endorser takes an endorsement back."""

    type: Literal["endorsement.revoked"] = "endorsement.revoked"
    endorser: Party
    reason: Annotated[Words | None, Audience.AUTHOR, Subject.AUTHOR]


class NoteKept(Event):
    """Somebody kept a note. It ends no silence: others may not even read it."""

    type: Literal["note.kept"] = "note.kept"
    note: Annotated[Words, Audience.AUTHOR, ChosenIn("audience"), Subject.AUTHOR]
    audience: Literal[Audience.AUTHOR, Audience.PAIR]
