"""Events of a shadowing stint: observe, practise, debrief, try at home."""

from __future__ import annotations

from typing import Annotated, Literal

from domain.agreement.content import FieldNote, PromptAnswer
from domain.agreement.events.base import MeaningfulEvent
from domain.kernel.classification import Audience, Subject
from domain.kernel.model import Slug, Words


class ObservationLogged(MeaningfulEvent):
    """A session beside the host expert, with typed notes and questions."""

    type: Literal["observation.logged"] = "observation.logged"
    session_id: Slug
    notes: Annotated[tuple[FieldNote, ...], Audience.PAIR_AND_HOST_EXPERTS, Subject.AUTHOR]
    questions: Annotated[tuple[Words, ...], Audience.PAIR_AND_HOST_EXPERTS, Subject.AUTHOR]
    question_bank: str | None = None
    """The version of the bank that the answers are from; None where none was asked from it."""
    answers: Annotated[tuple[PromptAnswer, ...], Audience.PAIR_AND_HOST_EXPERTS, Subject.AUTHOR] = ()


class PracticeLogged(MeaningfulEvent):
    """A session in which the mentee did the work under supervision."""

    type: Literal["practice.logged"] = "practice.logged"
    session_id: Slug
    did: Annotated[Words, Audience.PAIR_AND_HOST_EXPERTS, Subject.MENTEE]
    supported_by: Annotated[Words, Audience.PAIR_AND_HOST_EXPERTS, Subject.MENTEE]
    notes: Annotated[tuple[FieldNote, ...], Audience.PAIR_AND_HOST_EXPERTS, Subject.MENTEE]


class SessionDebriefed(MeaningfulEvent):
    """A session was talked through: behaviour, tied to a measurable result."""

    type: Literal["session.debriefed"] = "session.debriefed"
    session_id: Slug
    behaviour: Annotated[Words, Audience.PAIR_AND_HOST_EXPERTS, Subject.MENTEE]
    indicator_id: Slug
    effect_on_indicator: Annotated[Words, Audience.PAIR_AND_HOST_EXPERTS, Subject.MENTEE]
    answered: Annotated[tuple[Words, ...], Audience.PAIR_AND_HOST_EXPERTS, Subject.MENTEE]
    try_next: Annotated[Words, Audience.PAIR_AND_HOST_EXPERTS, Subject.MENTEE]


class ExperimentRecorded(MeaningfulEvent):
    """A method seen at the host was tried in the mentee's own role."""

    type: Literal["experiment.recorded"] = "experiment.recorded"
    hypothesis: Annotated[Words, Audience.CLOSE_TO_THE_WORK, Subject.MENTEE]
    tried_at: Annotated[Words, Audience.CLOSE_TO_THE_WORK, Subject.MENTEE]
    result: Annotated[Words, Audience.CLOSE_TO_THE_WORK, Subject.MENTEE]
    keep: Annotated[bool, Audience.CLOSE_TO_THE_WORK]
