"""Commands of a shadowing stint."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, JsonValue

from domain.agreement.commands.base import ACTIVE, ACTIVE_OR_LOOKING_BACK, Command
from domain.agreement.content import FieldNote, PromptAnswer
from domain.kernel.model import Slug, Words
from domain.kernel.vocabulary import Role

_LEARNERS = frozenset({Role.MENTEE, Role.HOST_EXPERT})
_NOTE: JsonValue = {
    "about": "bottleneck",
    "focus": "triage",
    "note": "Every third case waits for one sign-off.",
}


class LogObservation(Command):
    """Log a planned observation with typed notes and questions. Its debrief is owed next."""

    given_by: ClassVar = _LEARNERS
    phases: ClassVar = ACTIVE
    example: ClassVar[dict[str, JsonValue]] = {
        "session_id": "s1",
        "notes": [_NOTE],
        "questions": ["Who may sign instead?"],
        "answers": [{"prompt_id": "where-it-waits", "answer": "At the sign-off, for the expert on duty."}],
    }

    type: Literal["log_observation"] = "log_observation"
    session_id: Slug
    notes: tuple[FieldNote, ...] = Field(min_length=1)
    questions: tuple[Words, ...] = Field(min_length=1)
    """Still open; the debrief answers them."""
    answers: tuple[PromptAnswer, ...] = ()
    """What the host answered to questions of the question bank."""


class LogPractice(Command):
    """Log a planned session in which the mentee did the work under supervision."""

    given_by: ClassVar = _LEARNERS
    phases: ClassVar = ACTIVE
    example: ClassVar[dict[str, JsonValue]] = {
        "session_id": "s2",
        "did": "Ran the morning triage of nine cases.",
        "supported_by": "The host expert stood by and stepped in once.",
        "notes": [],
    }

    type: Literal["log_practice"] = "log_practice"
    session_id: Slug
    did: Words
    supported_by: Words
    notes: tuple[FieldNote, ...] = ()


class DebriefSession(Command):
    """Talk a session through: behaviour, tied to one of the agreed indicators."""

    given_by: ClassVar = frozenset({Role.MENTEE, Role.MENTOR, Role.HOST_EXPERT})
    phases: ClassVar = ACTIVE_OR_LOOKING_BACK
    example: ClassVar[dict[str, JsonValue]] = {
        "session_id": "s1",
        "behaviour": "The expert asks for the blocker before the status.",
        "indicator_id": "waiting-time",
        "effect_on_indicator": "Cases wait half a day less where the blocker is named first.",
        "answered": ["The deputy may sign."],
        "try_next": "Open the next stand-up with blockers.",
    }

    type: Literal["debrief_session"] = "debrief_session"
    session_id: Slug
    behaviour: Words
    indicator_id: Slug
    effect_on_indicator: Words
    answered: tuple[Words, ...] = ()
    try_next: Words


class RecordExperiment(Command):
    """Record a method that was tried in the mentee's own role."""

    given_by: ClassVar = frozenset({Role.MENTEE})
    phases: ClassVar = ACTIVE_OR_LOOKING_BACK
    example: ClassVar[dict[str, JsonValue]] = {
        "hypothesis": "Naming blockers first shortens our stand-up.",
        "tried_at": "Home team, two weeks.",
        "result": "From 25 to 14 minutes.",
        "keep": True,
    }

    type: Literal["record_experiment"] = "record_experiment"
    hypothesis: Words
    tried_at: Words
    result: Words
    keep: bool
