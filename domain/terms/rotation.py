"""The terms of a rotation: several posts in a row, each with a challenge of its own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from domain.kernel.classification import Subject
from domain.kernel.model import Frozen, PersonId, Slug, Words
from domain.kernel.vocabulary import Kind, Role
from domain.terms.common import CommonTerms
from domain.terms.parts import Day, EarlyEndNotice, Label

LONGEST_MONTHS = 36
"""Rotational training programmes run for up to three years."""
SHORTEST_LEG_DAYS = 28
"""Training programmes rotate every four to eight weeks; a shorter leg is an introduction."""


class Deliverable(Frozen):
    """What a leg leaves behind, accepted by its verifier."""

    deliverable_id: Slug
    statement: Words
    verifier: Role


class Leg(Frozen):
    """One post of the sequence, with its own annex to the agreement."""

    leg_id: Slug
    order: Annotated[int, Field(ge=1, le=50)]
    """The place in the sequence, from 1."""
    area: Label
    manager: PersonId
    sponsor: PersonId
    """Who opens doors in this area; somebody else than the leg's manager."""
    starts_on: Day
    ends_on: Day
    """The leg's last day, included."""
    challenge: Words
    challenge_id: Slug
    """Names the challenge, so that no two legs set the same one."""
    deliverables: tuple[Deliverable, ...]
    partner_teams: tuple[Label, ...]
    exposure: tuple[Slug, ...]
    """Leadership styles, decision frameworks and stakeholders that this leg shows."""
    gate: Words
    """What must be true before the next leg may start."""
    cover_plan: Words
    """Who covers the work at home during this leg."""
    handover_in: Words | None = None
    handover_out: Words | None = None
    gap_explanation: Words | None = None
    """Why the days before this leg belong to none."""


class RotationTerms(CommonTerms):
    """What the areas, the mentee and the home side agree on."""

    own_roles: ClassVar = frozenset({Role.LEG_MANAGER, Role.SPONSOR})

    kind: Literal[Kind.ROTATION]
    legs: Annotated[tuple[Leg, ...], Subject.MENTEE]
    transition_gap_days_allowed: Annotated[int, Field(ge=0, le=60)]
    """Calendar days between two legs that need no explanation."""
    notice_weeks: Annotated[int, Field(ge=0, le=52)] = 12
    """Weeks before a leg by which its details are given: twelve in the practice of training programmes."""
    home_anchor_manager: PersonId
    """Who keeps contact from home throughout."""
    swap_rules: Annotated[Words, Subject.MENTEE]
    final_destination_decision_on: Day
    early_end_notice_days: EarlyEndNotice

    def _days_moved(self, move: Callable[[date], date]) -> dict[str, object]:
        """Move the legs and the decision on the final destination too."""
        return {
            **super()._days_moved(move),
            "final_destination_decision_on": move(self.final_destination_decision_on),
            "legs": tuple(
                leg.model_copy(update={"starts_on": move(leg.starts_on), "ends_on": move(leg.ends_on)})
                for leg in self.legs
            ),
        }

    def _people_replaced(self, role: Role, replace: Callable[[PersonId], PersonId]) -> dict[str, object]:
        """Replace the manager or the sponsor of each leg too."""
        replaced = super()._people_replaced(role, replace)
        field = {Role.LEG_MANAGER: "manager", Role.SPONSOR: "sponsor"}.get(role)
        if field is not None:
            replaced["legs"] = tuple(
                leg.model_copy(update={field: replace(getattr(leg, field))}) for leg in self.legs
            )
        return replaced
