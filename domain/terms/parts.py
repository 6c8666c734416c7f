"""The parts that the terms of every kind are made of."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from domain.kernel.model import Frozen, Instant, PersonId, Slug, Words, WrittenByPeople
from domain.kernel.vocabulary import Role

Label = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
"""The name of a thing, a place or an organisation, never of a person: one line, at most 200 characters."""

PersonalLabel = Annotated[Label, WrittenByPeople()]
"""A label that says something of a person, such as what they are cleared for: sealed as words are."""

SkillUri = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9+.-]{1,31}:[^\s]{1,500}$")]
"""The identifier of a skill in its framework, as in `http://data.europa.eu/esco/skill/...`."""

Day = Annotated[date, Field(ge=date(2000, 1, 1), le=date(2199, 12, 31))]
"""A date that a calendar can cover."""

NoticeDays = Annotated[int, Field(ge=0, le=366)]
"""Calendar days of notice."""

SkillRating = Annotated[int, Field(ge=0, le=7)]
"""A level of a skill: 0 is none, 1 to 7 are the levels of responsibility of SFIA."""


class EvidenceType(StrEnum):
    """What may show that something was achieved."""

    WORK_PRODUCT = "work_product"
    METRIC = "metric"
    DEMONSTRATION = "demonstration"
    OBSERVATION = "observation"
    STAKEHOLDER_FEEDBACK = "stakeholder_feedback"
    CERTIFICATE = "certificate"
    WRITTEN_REFLECTION = "written_reflection"


class PivotOption(StrEnum):
    """A change of course that the parties agree on beforehand."""

    RE_SCOPE = "re_scope"
    SWAP = "swap"
    SHORTEN = "shorten"
    END = "end"


class LawfulBasis(StrEnum):
    """On which ground of the GDPR, article 6, the personal data of the placement are kept."""

    CONSENT = "consent"
    CONTRACT = "contract"
    LEGAL_OBLIGATION = "legal_obligation"
    PUBLIC_TASK = "public_task"
    LEGITIMATE_INTERESTS = "legitimate_interests"


class Approval(Frozen):
    """One step of the approval that HR tooling obtained."""

    approver: PersonId
    capacity: Label
    """In which function: `line manager`, `finance`, `host director`."""
    approved_at: Instant


class SkillRef(Frozen):
    """A skill in a public framework. The version is kept because frameworks change under their ids."""

    framework: Slug
    framework_version: Label
    uri: SkillUri
    name: Label


class SkillLevel(Frozen):
    """Where the mentee stands in a skill before the placement."""

    skill: SkillRef
    level: SkillRating
    assessor: Role


class Objective(Frozen):
    """What the mentee is to learn, and which gap it closes."""

    objective_id: Slug
    statement: Words
    gap: Words
    skill: SkillRef
    authored_by: tuple[Role, ...]
    """Both sides: the mentee and at least one other."""


class Criterion(Frozen):
    """How everybody will see that an objective was met."""

    criterion_id: Slug
    objective_id: Slug
    statement: Words
    measure: Words
    evidence_type: EvidenceType
    assessor: Role
    target_date: Day


class Boundaries(Frozen):
    """What protects the mentee's present work, and which doors are open all the same."""

    capacity_percent: Annotated[int, Field(ge=1, le=100)]
    """Share of the mentee's working time that the placement takes."""
    protected_hours: tuple[Words, ...]
    protected_duties: tuple[Words, ...]
    granted_access: tuple[Words, ...]
    out_of_bounds_data: tuple[Words, ...]
    confidentiality: Words


class MentorCommitment(Frozen):
    """What the mentor gives, and when the mentor calls for help."""

    hours_per_month: Annotated[float, Field(gt=0, le=160, allow_inf_nan=False)]
    feedback_focus: tuple[Words, ...]
    escalation_triggers: tuple[Words, ...]


class Cadence(Frozen):
    """How often the parties meet, in calendar days, and for how many minutes."""

    check_in_days: Annotated[int, Field(ge=1, le=366)]
    reflective_session_days: Annotated[int, Field(ge=1, le=366)]
    plan_review_days: Annotated[int, Field(ge=1, le=366)] | None = None
    """None leaves the review to the development plan, whose clock outlives the placement."""
    check_in_minutes: Annotated[int, Field(ge=5, le=240)] = 30
    reflective_session_minutes: Annotated[int, Field(ge=5, le=480)] = 60


class Milestone(Frozen):
    """Something that is due on a date, shown by evidence and verified by somebody else."""

    milestone_id: Slug
    kind: Literal["milestone", "micro_project"]
    title: Words
    outcome: Words
    indicator: Words
    due_on: Day
    verifier: Role
    evidence_types: tuple[EvidenceType, ...]
    owner: Role = Role.MENTEE


class PolicyReference(Frozen):
    """The thresholds, ladders and calendars' rules that the agreement carries."""

    policy_set_id: Slug
    version: Annotated[int, Field(ge=1)]


class PivotTerms(Frozen):
    """When the parties reconsider, and which ways are then open."""

    triggers: tuple[Words, ...]
    options: tuple[PivotOption, ...]


class ComplianceItem(Frozen):
    """A rule that every party acknowledges by signing."""

    item_id: Slug
    statement: Words


class EarlyEndNotice(Frozen):
    """Notice owed by whoever ends the placement early, in calendar days."""

    home: NoticeDays
    host: NoticeDays
    mentee: NoticeDays
