"""The terms of a secondment: a post with another organisation or department, and the way back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from domain.kernel.classification import Subject
from domain.kernel.model import Frozen, PersonId, Slug, Words
from domain.kernel.vocabulary import Kind, Role
from domain.terms.common import CommonTerms
from domain.terms.parts import Day, EarlyEndNotice, Label, PersonalLabel

SHORTEST_MONTHS = 3
"""Guidance of public employers on secondments: three months at least."""
USUAL_MONTHS = 12
"""The same guidance: normally no longer than a year."""
LONGEST_MONTHS = 24
"""The same guidance: two years at most, extensions included."""
RETURN_MEETING_DAYS_BEFORE_END = 28
"""Return plans are made at least a month ahead; four weeks is the shortest month."""


class Organisation(Frozen):
    """One of the two sides, with the post that the mentee holds there."""

    organisation: Label
    department: Label
    assignment_id: Slug


class Recharge(Frozen):
    """Which share of the cost the host repays, and how often home sends the invoice."""

    percent: Annotated[int, Field(ge=0, le=100)]
    invoiced: Literal["monthly", "quarterly", "at_end", "never"]


class BackfillPlan(Frozen):
    """Who does the mentee's home work meanwhile."""

    plan: Words
    may_end_early: bool
    """Whether the cover can be ended when the mentee comes back sooner."""


class ReturnPlan(Frozen):
    """How the mentee comes back."""

    target_post: PersonalLabel
    meeting_due: Day
    refresher: Words
    guaranteed: bool
    """Whether the substantive post is kept."""


class SecondmentTerms(CommonTerms):
    """What home, host and mentee agree on."""

    own_roles: ClassVar = frozenset({Role.HOST_MANAGER})
    fields_by_role: ClassVar = {**CommonTerms.fields_by_role, Role.HOST_MANAGER: ("host_manager",)}

    kind: Literal[Kind.SECONDMENT]
    home: Organisation
    host: Organisation
    host_manager: PersonId
    internal: bool
    """Whether home and host belong to one organisation."""
    post_title: Label
    grade: Slug
    location: Label
    fte: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]
    rationale: Annotated[Words, Subject.MENTEE]
    """How the secondment serves the mentee's growth and the organisation's goals."""
    strategic_priority_ref: Slug
    cost_centre_home: Slug
    cost_centre_host: Slug
    recharge: Recharge
    pay_ref: Slug
    """Where pay and allowances are agreed; never the amounts."""
    backfill_plan: Annotated[BackfillPlan, Subject.MENTEE]
    clearances: Annotated[tuple[PersonalLabel, ...], Subject.MENTEE] = ()
    """What the mentee needs to be let in: to places, systems or secrets."""
    appraisal_owner: Role
    appraisal_transfer: Annotated[Words, Subject.MENTEE]
    """How the assessment reaches the other side."""
    extension_limit: Day
    """No extension goes beyond this day."""
    end_decision_on: Day | None = None
    """When the end is decided; None takes it from the policy set."""
    early_end_notice_days: EarlyEndNotice
    ip_ref: Slug
    return_plan: Annotated[ReturnPlan | None, Subject.MENTEE] = None
    watch_substantive_post: bool = True
    """Whether a change of the home post is raised with the absent mentee."""

    def _days_moved(self, move: Callable[[date], date]) -> dict[str, object]:
        """Move the day of the end decision too, where the terms give one."""
        moved = super()._days_moved(move)
        if self.end_decision_on is not None:
            moved["end_decision_on"] = move(self.end_decision_on)
        return moved
