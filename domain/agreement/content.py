"""The shapes of what people write: evidence, feedback, reflections, debriefs and syntheses."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from domain.kernel.model import Frozen, Slug, Words
from domain.kernel.vocabulary import Role
from domain.terms.parts import Label, SkillUri

Confidence = Annotated[int, Field(ge=1, le=5)]
"""1 is none, 5 is full."""


class Evidence(Frozen):
    """Something that can be looked at."""

    evidence_type: Slug
    reference: Words
    """Where it is: a document, a link, a recording."""
    shows: Words
    """What it shows."""


class ObjectiveProgress(Frozen):
    """How far one learning objective has come."""

    objective_id: Slug
    status: Literal["not_started", "in_progress", "achieved", "at_risk"]
    note: Words | None = None


class PromptAnswer(Frozen):
    """An answer to one prompt of the versioned prompt bank."""

    prompt_id: Slug
    answer: Words


class SkillObservation(Frozen):
    """A transferable skill seen at work."""

    skill_uri: SkillUri
    seen: Words


class Rating(Frozen):
    """One's own rating against a success criterion."""

    criterion_id: Slug
    rating: Confidence
    because: Words


class Anchor(Frozen):
    """What feedback is tied to: an agreed criterion or a skill."""

    kind: Literal["criterion", "skill"]
    reference: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=540)]
    """The criterion's id, or the skill's."""


class Tone(StrEnum):
    """Whether feedback praises or asks for something different."""

    PRAISE = "praise"
    CRITIQUE = "critique"


class FieldNote(Frozen):
    """One typed note of an observation."""

    about: Literal["bottleneck", "stakeholder", "routine", "question", "technique"]
    focus: Slug
    """The focus tag of the terms that it belongs to."""
    note: Words


class Reflection(Frozen):
    """What a person makes of a placement or a leg, looking at the thinking and not only the result."""

    decisions: tuple[Words, ...] = Field(min_length=1)
    criteria_weighed: tuple[Words, ...] = Field(min_length=1)
    risks: tuple[Words, ...] = Field(min_length=1)
    alternatives: tuple[Words, ...] = Field(min_length=1)
    skills: tuple[Words, ...] = Field(min_length=1)
    challenges: tuple[Words, ...] = Field(min_length=1)
    insights: tuple[Words, ...] = Field(min_length=1)


class Transfer(Frozen):
    """What of a placement carries over."""

    transfers: tuple[Words, ...] = Field(min_length=1)
    adapts: tuple[Words, ...] = Field(min_length=1)
    networks: tuple[Words, ...] = Field(min_length=1)


def _somebody_else(assessor: Role) -> Role:
    if assessor is Role.MENTEE:
        raise ValueError("must be somebody else than the mentee, whose own view is a self-assessment")
    return assessor


class SkillGain(Frozen):
    """One line of the skill map: a claim with its assessor and its evidence."""

    skill_uri: SkillUri
    framework: Slug
    framework_version: Label
    level_before: Annotated[int, Field(ge=0, le=7)]
    level_after: Annotated[int, Field(ge=0, le=7)]
    assessor: Annotated[Role, AfterValidator(_somebody_else)]
    """Who says so: never the mentee alone."""
    evidence: tuple[Evidence, ...] = Field(min_length=1)


class Trajectory(Frozen):
    """Where this may lead, held lightly."""

    directions: tuple[Words, ...] = Field(min_length=1)
    confidence: Confidence
    next_steps: tuple[Words, ...] = Field(min_length=1)
    review_on: date


class Tactic(Frozen):
    """An entry of the toolkit that a shadowing stint leaves behind."""

    tactic: Words
    context: Words
    evidence: tuple[Evidence, ...] = Field(min_length=1)


class Synthesis(Frozen):
    """The document that closes a placement: what was gained, what is next."""

    summary: Words
    skill_map: tuple[SkillGain, ...] = Field(min_length=1)
    trajectory: Trajectory
    gaps: tuple[Words, ...] = Field(min_length=1)
    transfer: Transfer
    toolkit: tuple[Tactic, ...] = ()
    """Required for shadowing."""
