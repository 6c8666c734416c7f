"""The terms that a placement of every kind carries."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field

from domain.kernel.classification import Audience, Subject
from domain.kernel.model import Frozen, Instant, PersonId, Slug, Words
from domain.kernel.vocabulary import Kind, Role
from domain.terms.parts import (
    Approval,
    Boundaries,
    Cadence,
    ComplianceItem,
    Criterion,
    Day,
    Label,
    LawfulBasis,
    MentorCommitment,
    Milestone,
    Objective,
    PivotTerms,
    PolicyReference,
    SkillLevel,
)


class CommonTerms(Frozen):
    """What HR approved and the parties sign, whatever the kind of the placement.

    The terms of a kind narrow `kind`, add their own fields, say which roles those fill, and extend
    `_days_moved` and `_people_replaced` where they hold days and people of their own.
    """

    own_roles: ClassVar[frozenset[Role]] = frozenset()
    """The roles that only the terms of this kind fill."""
    fields_by_role: ClassVar[Mapping[Role, tuple[str, ...]]] = {
        Role.MENTOR: ("mentor",),
        Role.LINE_MANAGER: ("line_manager",),
        Role.HRBP: ("hrbp",),
        Role.PROGRAMME_OWNER: ("programme_owner",),
        Role.SPONSOR: ("sponsors",),
        Role.OBSERVER: ("observers",),
    }
    """The top-level fields that name the people of a role, one person or several each."""

    schema_version: Literal[1]
    request_id: Slug
    """The idempotency key: the same request twice starts one placement."""
    source_system: Slug
    source_record_ref: Label
    kind: Kind
    tenant: Slug
    approved_at: Instant
    approved_by: PersonId
    approval_chain: tuple[Approval, ...]
    effective_from: Day
    """The first day."""
    planned_end: Day
    """The last day, included."""
    retroactive_reason: Annotated[Words | None, Subject.MENTEE] = None
    """Why the placement was approved after it began."""
    programme: Slug | None = None
    cohort: Slug | None = None
    mentee: PersonId
    mentor: PersonId
    line_manager: PersonId
    """The mentee's home manager."""
    hrbp: PersonId
    programme_owner: PersonId
    observers: tuple[PersonId, ...] = ()
    sponsors: tuple[PersonId, ...] = ()
    objectives: Annotated[tuple[Objective, ...], Subject.MENTEE]
    success_criteria: Annotated[tuple[Criterion, ...], Subject.MENTEE]
    development_plan_ref: Slug
    """The item of the mentee's development plan that this serves; the plan outlives the placement."""
    skills_baseline: Annotated[tuple[SkillLevel, ...], Audience.EVERY_SIDE]
    boundaries: Annotated[Boundaries, Subject.MENTEE]
    mentor_commitment: Annotated[MentorCommitment, Subject.MENTOR]
    cadence: Cadence
    milestones: Annotated[tuple[Milestone, ...], Subject.MENTEE]
    policy_set: PolicyReference
    pivot_terms: Annotated[PivotTerms, Subject.MENTEE]
    compliance: Annotated[tuple[ComplianceItem, ...], Subject.MENTEE]
    """The checklist that every signature acknowledges."""
    minimum_feedback_sources: Annotated[int, Field(ge=1, le=20)] = 2
    """How many different people must give the mentee feedback."""
    audience_policy: Slug
    """Which rules say who may read what people write."""
    retention_class: Slug
    lawful_basis: LawfulBasis
    data_residency: Slug
    accommodations_flag: Annotated[bool, Audience.IN_CONFIDENCE] = False
    """Whether adjustments were agreed; what they are stays with HR."""

    def shift(self, days: int, *, after: date) -> Self:
        """Return the terms with every planned day later than `after` moved by so many calendar days."""
        if days == 0:
            return self
        by = timedelta(days=days)
        return self.model_copy(update=self._days_moved(lambda day: day + by if day > after else day))

    def with_successor(self, role: Role, from_person: PersonId, to_person: PersonId) -> Self:
        """Return the terms with one person in a role replaced by another, wherever they hold that role."""
        return self.model_copy(
            update=self._people_replaced(
                role, lambda person_id: to_person if person_id == from_person else person_id
            )
        )

    def _days_moved(self, move: Callable[[date], date]) -> dict[str, object]:
        """Return the fields that hold planned days, with each day moved."""
        return {
            "planned_end": move(self.planned_end),
            "milestones": tuple(
                milestone.model_copy(update={"due_on": move(milestone.due_on)})
                for milestone in self.milestones
            ),
            "success_criteria": tuple(
                criterion.model_copy(update={"target_date": move(criterion.target_date)})
                for criterion in self.success_criteria
            ),
        }

    def _people_replaced(self, role: Role, replace: Callable[[PersonId], PersonId]) -> dict[str, object]:
        """Return the fields that name people in a role, with each person replaced."""
        update: dict[str, object] = {}
        for field in self.fields_by_role.get(role, ()):
            named: PersonId | tuple[PersonId, ...] = getattr(self, field)
            people = (named,) if isinstance(named, str) else named
            replaced = tuple(dict.fromkeys(replace(person_id) for person_id in people))
            update[field] = replaced[0] if isinstance(named, str) else replaced
        return update
