"""Events of a shadowing stint: observe, practise, debrief, try at home."""

from __future__ import annotations

from typing import Literal

from domain.agreement.content import FieldNote, PromptAnswer
from domain.agreement.events.base import MeaningfulEvent
from domain.kernel.model import Slug, Words


class ObservationLogged(MeaningfulEvent):
    """A session beside the host expert, with typed notes and questions."""

    type: Literal["observation.logged"] = "observation.logged"
    session_id: Slug
    notes: tuple[FieldNote, ...]
    questions: tuple[Words, ...]
    question_bank: str | None = None
    """The version of the bank that the answers are from; None where none was asked from it."""
    answers: tuple[PromptAnswer, ...] = ()


class PracticeLogged(MeaningfulEvent):
    """A session in which the mentee did the work under supervision."""

    type: Literal["practice.logged"] = "practice.logged"
    session_id: Slug
    did: Words
    supported_by: Words
    notes: tuple[FieldNote, ...]


class SessionDebriefed(MeaningfulEvent):
    """A session was talked through: behaviour, tied to a measurable result."""

    type: Literal["session.debriefed"] = "session.debriefed"
    session_id: Slug
    behaviour: Words
    indicator_id: Slug
    effect_on_indicator: Words
    answered: tuple[Words, ...]
    try_next: Words


class ExperimentRecorded(MeaningfulEvent):
    """A method seen at the host was tried in the mentee's own role."""

    type: Literal["experiment.recorded"] = "experiment.recorded"
    hypothesis: Words
    tried_at: Words
    result: Words
    keep: bool
