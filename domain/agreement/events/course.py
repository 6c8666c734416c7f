"""Events that change the course of a placement: pivot, pause, dates, people."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Literal

from domain.agreement.events.base import Event, MeaningfulEvent
from domain.agreement.state import Party
from domain.kernel.model import DigestOfWords, Instant, PersonId, Slug, Words
from domain.kernel.vocabulary import Role
from domain.ledger.obligation import ObligationId
from domain.terms import Terms


class PivotProposed(MeaningfulEvent):
    """The placement is less valuable than hoped; another course is proposed to those it affects."""

    type: Literal["pivot.proposed"] = "pivot.proposed"
    pivot_id: Slug
    option: Literal["re_scope", "swap", "shorten", "end"]
    reason: Words
    terms: Terms
    """The terms as they would be, with the new criteria."""
    digests: Mapping[str, DigestOfWords]
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
    reason: Words


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
    reason: Words


class PlacementResumed(Event):
    """The pause is over, by its date or by a decision."""

    type: Literal["placement.resumed"] = "placement.resumed"
    shifted_days: int
    """Calendar days by which the plan moved; 0 where the pause left dates alone."""


class EndDateMoved(MeaningfulEvent):
    """The placement was extended or shortened."""

    type: Literal["end_date.moved"] = "end_date.moved"
    ends_on: date
    reason: Words


class RoleReassigned(MeaningfulEvent):
    """Another person holds a role: open work moves, done work stays."""

    type: Literal["role.reassigned"] = "role.reassigned"
    role: Role
    from_person: PersonId
    to_person: PersonId
    reason: Words


class ObligationWaived(MeaningfulEvent):
    """An obligation is given up, with a reason and a name."""

    type: Literal["obligation.waived"] = "obligation.waived"
    obligation_id: ObligationId
    reason: Words


class ObligationEscalated(Event):
    """An obligation reached a rung of its ladder."""

    type: Literal["obligation.escalated"] = "obligation.escalated"
    obligation_id: ObligationId
    level: int
