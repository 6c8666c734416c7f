"""The terms of a job swap: two people take over each other's post for a fixed time, and come back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from domain.kernel.model import Frozen, PersonId, Slug
from domain.kernel.vocabulary import Kind, Role
from domain.terms.common import CommonTerms
from domain.terms.parts import Day, EarlyEndNotice, Label

LONGEST_MONTHS = 12
"""What lasts longer than a year is a change of posts, not a swap."""


class SwappedPost(Frozen):
    """One of the two posts, and the milestone by which whoever leaves it hands it over."""

    title: Label
    department: Label
    assignment_id: Slug
    handover_milestone: Slug


class JobSwapTerms(CommonTerms):
    """What the two and their managers agree on."""

    own_roles: ClassVar = frozenset({Role.HOST_EXPERT, Role.HOST_MANAGER})
    fields_by_role: ClassVar = {
        **CommonTerms.fields_by_role,
        Role.HOST_EXPERT: ("partner",),
        Role.HOST_MANAGER: ("partner_manager",),
    }

    kind: Literal[Kind.JOB_SWAP]
    partner: PersonId
    """Who takes over the mentee's post, and shows the mentee their own."""
    partner_manager: PersonId
    """The partner's home manager, who receives the mentee."""
    own_post: SwappedPost
    """The mentee's, taken over by the partner."""
    partner_post: SwappedPost
    """The partner's, taken over by the mentee."""
    handover_days: Annotated[int, Field(ge=1, le=60)] = 14
    """Calendar days from the first day within which both posts are handed over."""
    return_agreed_by: Day
    """By when the two and their managers have settled how both come back."""
    early_end_notice_days: EarlyEndNotice

    def _days_moved(self, move: Callable[[date], date]) -> dict[str, object]:
        """Move the day of the return too."""
        return {**super()._days_moved(move), "return_agreed_by": move(self.return_agreed_by)}
