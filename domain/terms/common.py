"""The terms that a placement of every kind carries."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from domain.kernel.model import Frozen, Instant, PersonId, Slug, Words
from domain.kernel.vocabulary import Kind
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
    """What HR approved and the parties sign, whatever the kind of the placement."""

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
    retroactive_reason: Words | None = None
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
    objectives: tuple[Objective, ...]
    success_criteria: tuple[Criterion, ...]
    development_plan_ref: Slug
    """The item of the mentee's development plan that this serves; the plan outlives the placement."""
    skills_baseline: tuple[SkillLevel, ...]
    boundaries: Boundaries
    mentor_commitment: MentorCommitment
    cadence: Cadence
    milestones: tuple[Milestone, ...]
    policy_set: PolicyReference
    pivot_terms: PivotTerms
    compliance: tuple[ComplianceItem, ...]
    """The checklist that every signature acknowledges."""
    minimum_feedback_sources: Annotated[int, Field(ge=1, le=20)] = 2
    """How many different people must give the mentee feedback."""
    audience_policy: Slug
    """Which rules say who may read what people write."""
    retention_class: Slug
    lawful_basis: LawfulBasis
    data_residency: Slug
    accommodations_flag: bool = False
    """Whether adjustments were agreed; what they are stays with HR."""
