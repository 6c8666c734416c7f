"""Commands that change the course of a placement: pivot, pause, dates."""

from __future__ import annotations

from datetime import date
from typing import ClassVar, Literal

from pydantic import JsonValue

from domain.agreement.commands.base import ACTIVE, EVERYBODY, HR, MANAGERS, PAIR, Command
from domain.kernel.model import Slug, Words
from domain.terms import Terms


class ProposePivot(Command):
    """Propose another course; those it affects have to consent before it counts."""

    given_by: ClassVar = PAIR | MANAGERS | HR
    phases: ClassVar = ACTIVE
    example: ClassVar[dict[str, JsonValue]] = {
        "pivot_id": "v1",
        "option": "re_scope",
        "reason": "The supplier programme was stopped.",
        "terms": {"...": "the complete terms with the new criteria"},
    }

    type: Literal["propose_pivot"] = "propose_pivot"
    pivot_id: Slug
    option: Literal["re_scope", "swap", "shorten", "end"]
    reason: Words
    terms: Terms


class ConsentToPivot(Command):
    """Agree to a proposed pivot."""

    given_by: ClassVar = EVERYBODY
    phases: ClassVar = ACTIVE
    example: ClassVar[dict[str, JsonValue]] = {"pivot_id": "v1"}

    type: Literal["consent_to_pivot"] = "consent_to_pivot"
    pivot_id: Slug


class RefusePivot(Command):
    """Refuse a proposed pivot; the terms in force stay."""

    given_by: ClassVar = EVERYBODY
    phases: ClassVar = ACTIVE
    example: ClassVar[dict[str, JsonValue]] = {"pivot_id": "v1", "reason": "The new scope needs no mentor."}

    type: Literal["refuse_pivot"] = "refuse_pivot"
    pivot_id: Slug
    reason: Words


class PausePlacement(Command):
    """Let everything rest until a date. Nobody is nudged; it resumes by itself."""

    given_by: ClassVar = PAIR | MANAGERS | HR
    phases: ClassVar = ACTIVE
    example: ClassVar[dict[str, JsonValue]] = {
        "until": "2027-05-03",
        "shifts_dates": True,
        "reason": "Parental leave.",
    }

    type: Literal["pause_placement"] = "pause_placement"
    until: date
    shifts_dates: bool
    """Whether due dates and the end move by the length of the pause."""
    reason: Words


class ResumePlacement(Command):
    """End a pause before its date."""

    given_by: ClassVar = PAIR | MANAGERS | HR
    phases: ClassVar = ACTIVE
    example: ClassVar[dict[str, JsonValue]] = {}

    type: Literal["resume_placement"] = "resume_placement"


class ExtendPlacement(Command):
    """Move the end to a later day."""

    given_by: ClassVar = MANAGERS | HR
    phases: ClassVar = ACTIVE
    example: ClassVar[dict[str, JsonValue]] = {
        "ends_on": "2027-09-30",
        "reason": "The launch moved to September.",
    }

    type: Literal["extend_placement"] = "extend_placement"
    ends_on: date
    reason: Words


class ShortenPlacement(Command):
    """Move the end to an earlier day that is still ahead."""

    given_by: ClassVar = MANAGERS | HR
    phases: ClassVar = ACTIVE
    example: ClassVar[dict[str, JsonValue]] = {
        "ends_on": "2027-06-30",
        "reason": "The objectives are reached early.",
    }

    type: Literal["shorten_placement"] = "shorten_placement"
    ends_on: date
    reason: Words
