"""The terms of a shadowing stint: observe, practise, debrief, beside an expert."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from domain.kernel.classification import Subject
from domain.kernel.model import Frozen, Instant, PersonId, Slug, Words
from domain.kernel.vocabulary import Kind, Role
from domain.terms.common import CommonTerms
from domain.terms.parts import EarlyEndNotice

LONGEST_MONTHS = 6
"""Guidance gives no limit; what lasts longer than half a year is a secondment, with its protections."""


class ShadowingModel(StrEnum):
    """The three ways to shadow that host, guest and line manager choose from."""

    OBSERVE = "observe"
    BRIEFING = "briefing"
    HANDS_ON = "hands_on"


class SessionPhase(StrEnum):
    """What the mentee does in a session; a debrief follows each."""

    OBSERVE = "observe"
    PRACTISE = "practise"


class PlannedSession(Frozen):
    """One slot beside a host expert."""

    session_id: Slug
    host_expert: PersonId
    starts_at: Instant
    minutes: Annotated[int, Field(ge=15, le=600)]
    phase: SessionPhase
    focus: tuple[Slug, ...]
    """Which of the focus tags this session looks at."""
    exclusions: tuple[Words, ...] = ()
    """What the mentee does not attend or see."""


class Indicator(Frozen):
    """A measurable result that each debrief ties behaviour to."""

    indicator_id: Slug
    statement: Words


class ShadowingTerms(CommonTerms):
    """What host experts, mentee and line manager agree on."""

    own_roles: ClassVar = frozenset({Role.HOST_EXPERT})
    fields_by_role: ClassVar = {**CommonTerms.fields_by_role, Role.HOST_EXPERT: ("host_experts",)}

    kind: Literal[Kind.SHADOWING]
    minimum_feedback_sources: Annotated[int, Field(ge=1, le=20)] = 1
    host_experts: tuple[PersonId, ...]
    model: ShadowingModel
    sessions: Annotated[tuple[PlannedSession, ...], Subject.MENTEE]
    minimum_practice_share: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
    """Least share of the session minutes that is practice."""
    longest_observation_run: Annotated[int, Field(ge=1, le=20)]
    """How many observations may follow one another without practice."""
    debrief_within_days: Annotated[int, Field(ge=1, le=20)]
    """Working days from a session to its debrief."""
    focus_tags: tuple[Slug, ...]
    home_test_site: Annotated[Words, Subject.MENTEE]
    """Where in the home role the mentee tries what was seen."""
    indicators: Annotated[tuple[Indicator, ...], Subject.MENTEE]
    access_prerequisites: Annotated[tuple[Words, ...], Subject.MENTEE] = ()
    hours_cap: Annotated[float, Field(gt=0, le=1000, allow_inf_nan=False)]
    """Most hours of all sessions together."""
    early_end_notice_days: EarlyEndNotice = EarlyEndNotice(home=3, host=1, mentee=1)

    def _days_moved(self, move: Callable[[date], date]) -> dict[str, object]:
        """Move the sessions too, each at its time of day."""

        def moved(session: PlannedSession) -> PlannedSession:
            day = session.starts_at.date()
            return session.model_copy(update={"starts_at": session.starts_at + (move(day) - day)})

        return {**super()._days_moved(move), "sessions": tuple(moved(session) for session in self.sessions)}

    def _people_replaced(self, role: Role, replace: Callable[[PersonId], PersonId]) -> dict[str, object]:
        """Replace the expert of each session too."""
        replaced = super()._people_replaced(role, replace)
        if role is Role.HOST_EXPERT:
            replaced["sessions"] = tuple(
                session.model_copy(update={"host_expert": replace(session.host_expert)})
                for session in self.sessions
            )
        return replaced
