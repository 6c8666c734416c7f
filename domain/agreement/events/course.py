"""Events that change the course of a placement: pivot, pause, dates."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Literal

from domain.agreement.events.base import Event, MeaningfulEvent
from domain.agreement.state import Party
from domain.kernel.classification import Audience, Subject
from domain.kernel.model import DigestOfWords, Instant, Slug, Words
from domain.terms import Terms


class PivotProposed(MeaningfulEvent):
    """The placement is less valuable than hoped; another course is proposed to those it affects."""

    type: Literal["pivot.proposed"] = "pivot.proposed"
    pivot_id: Slug
    option: Literal["re_scope", "swap", "shorten", "end"]
    reason: Annotated[Words, Audience.EVERY_SIDE, Subject.MENTEE]
    terms: Annotated[Terms, Audience.EVERY_SIDE]
    """The terms as they would be, with the new criteria."""
    digests: Annotated[Mapping[str, DigestOfWords], Audience.AUTHOR, Subject.AS_IN_THE_TERMS]
    changed: tuple[str, ...]
    affected: tuple[Party, ...]


class PivotConsented(MeaningfulEvent):
    """An affected party agreed to the pivot."""

    type: Literal["pivot.consented"] = "pivot.consented"
    pivot_id: Slug
    party: Party


class PivotRefused(MeaningfulEvent):
    """An affected party refused; the terms in force stay."""

    type: Literal["pivot.refused"] = "pivot.refused"
    pivot_id: Slug
    party: Party
    reason: Annotated[Words, Audience.EVERY_SIDE, Subject.AUTHOR]


class PivotAdopted(Event):
    """Everybody affected consented: the new terms are in force."""

    type: Literal["pivot.adopted"] = "pivot.adopted"
    pivot_id: Slug
    terms_version: int
    parties: tuple[Party, ...]


class PlacementPaused(MeaningfulEvent):
    """Everything rests until a date; nobody is nudged."""

    type: Literal["placement.paused"] = "placement.paused"
    resumes_at: Instant
    shifts_dates: bool
    reason: Annotated[Words, Audience.IN_CONFIDENCE, Subject.MENTEE]


class PlacementResumed(Event):
    """The pause is over, by its date or by a decision."""

    type: Literal["placement.resumed"] = "placement.resumed"
    shifted_days: int
    """Calendar days by which the plan moved; 0 where the pause left dates alone."""


class EndDateMoved(MeaningfulEvent):
    """The placement was extended or shortened."""

    type: Literal["end_date.moved"] = "end_date.moved"
    ends_on: date
    reason: Annotated[Words, Audience.EVERY_SIDE, Subject.MENTEE]
