"""Rules for placements of every kind."""

from __future__ import annotations

from collections.abc import Iterator

from domain.kernel.vocabulary import Role
from domain.terms.common import CommonTerms
from domain.terms.parts import Milestone
from domain.terms.problems import Problem, path
from domain.terms.rules import people
from domain.terms.rules.rule import ROLE_FIELDS, Rule, not_held, outside_window, repeated, rule


@rule("effective_from", "planned_end")
def it_ends_after_it_begins(terms: CommonTerms) -> Iterator[Problem]:
    """Refuse a last day before the first."""
    if terms.planned_end < terms.effective_from:
        yield Problem(
            field="planned_end",
            sentence=f"is {terms.planned_end}, before effective_from, which is {terms.effective_from}",
        )


@rule("approved_at", "effective_from", "retroactive_reason")
def a_late_approval_says_why(terms: CommonTerms) -> Iterator[Problem]:
    """Ask what is approved after it began for the reason."""
    if terms.approved_at.date() > terms.effective_from and terms.retroactive_reason is None:
        yield Problem(
            field="retroactive_reason",
            sentence=f"is required, because approved_at ({terms.approved_at.date()}) is after "
            f"effective_from ({terms.effective_from})",
        )


@rule("approved_at", "approved_by", "approval_chain")
def the_approval_chain_is_complete(terms: CommonTerms) -> Iterator[Problem]:
    """Ask for a final approval that is the last of those in the chain."""
    if not terms.approval_chain:
        yield Problem(field="approval_chain", sentence="names nobody who approved the placement")
    elif terms.approved_by not in {approval.approver for approval in terms.approval_chain}:
        yield Problem(field="approved_by", sentence="must be one of the approvers in approval_chain")
    for index, approval in enumerate(terms.approval_chain):
        if approval.approved_at > terms.approved_at:
            yield Problem(
                field=path("approval_chain", index, "approved_at"), sentence="must not be after approved_at"
            )


@rule("objectives", *ROLE_FIELDS)
def objectives_are_written_by_both_sides(terms: CommonTerms) -> Iterator[Problem]:
    """Ask for an objective, written by neither side alone."""
    if not terms.objectives:
        yield Problem(
            field="objectives", sentence="holds no learning objective; a placement needs at least one"
        )
    yield from repeated((each.objective_id for each in terms.objectives), "objectives", field="objective_id")
    for index, objective in enumerate(terms.objectives):
        field = path("objectives", index, "authored_by")
        if Role.MENTEE not in objective.authored_by or len(set(objective.authored_by)) == 1:
            yield Problem(
                field=field, sentence="must hold mentee and at least one other role: both sides write"
            )
        for author in objective.authored_by:
            yield from not_held(author, terms, field)


@rule("objectives", "success_criteria")
def every_objective_has_a_criterion(terms: CommonTerms) -> Iterator[Problem]:
    """Refuse an objective without a criterion, and a criterion without its objective."""
    known = {objective.objective_id for objective in terms.objectives}
    judged = {criterion.objective_id for criterion in terms.success_criteria}
    for index, objective in enumerate(terms.objectives):
        if objective.objective_id not in judged:
            yield Problem(
                field=path("objectives", index),
                sentence="has no success criterion; add one to success_criteria whose objective_id is "
                f"{objective.objective_id!r}",
            )
    for index, criterion in enumerate(terms.success_criteria):
        if criterion.objective_id not in known:
            yield Problem(
                field=path("success_criteria", index, "objective_id"),
                sentence=f"is {criterion.objective_id!r}, which no objective has",
            )


@rule("success_criteria", *ROLE_FIELDS)
def somebody_can_assess_every_criterion(terms: CommonTerms) -> Iterator[Problem]:
    """Ask for an assessor of each criterion who takes part, and is not the one it judges."""
    criteria = terms.success_criteria
    yield from repeated((each.criterion_id for each in criteria), "success_criteria", field="criterion_id")
    for index, criterion in enumerate(criteria):
        field = path("success_criteria", index, "assessor")
        if criterion.assessor is Role.MENTEE:
            yield Problem(field=field, sentence=people.NOT_THE_MENTEE)
        yield from not_held(criterion.assessor, terms, field)


@rule("success_criteria", "effective_from", "planned_end")
def criteria_are_assessed_during_the_placement(terms: CommonTerms) -> Iterator[Problem]:
    """Refuse a target date outside the placement."""
    for index, criterion in enumerate(terms.success_criteria):
        field = path("success_criteria", index, "target_date")
        yield from outside_window(criterion.target_date, terms, field)


@rule("milestones", "effective_from", "planned_end")
def milestones_lie_inside_the_placement(terms: CommonTerms) -> Iterator[Problem]:
    """Refuse a milestone that is due while the placement does not run."""
    for index, milestone in enumerate(terms.milestones):
        yield from outside_window(milestone.due_on, terms, path("milestones", index, "due_on"))


@rule("milestones", *ROLE_FIELDS)
def milestones_are_verified_by_somebody_else(terms: CommonTerms) -> Iterator[Problem]:
    """Ask each milestone for an owner, evidence, and a verifier who is neither its owner nor the mentee."""
    yield from repeated((each.milestone_id for each in terms.milestones), "milestones", field="milestone_id")
    for index, milestone in enumerate(terms.milestones):
        yield from _verification(milestone, terms, index)


def _verification(milestone: Milestone, terms: CommonTerms, index: int) -> Iterator[Problem]:
    verifier = path("milestones", index, "verifier")
    if milestone.verifier is Role.MENTEE:
        yield Problem(field=verifier, sentence=people.NOT_THE_MENTEE)
    elif milestone.verifier is milestone.owner:
        yield Problem(field=verifier, sentence="must be a role other than the milestone's owner")
    yield from not_held(milestone.verifier, terms, verifier)
    yield from not_held(milestone.owner, terms, path("milestones", index, "owner"))
    if not milestone.evidence_types:
        yield Problem(
            field=path("milestones", index, "evidence_types"),
            sentence="names no evidence; say what will show that the milestone is reached",
        )


@rule("skills_baseline", *ROLE_FIELDS)
def the_baseline_names_each_skill_once(terms: CommonTerms) -> Iterator[Problem]:
    """Ask for one level before per skill, assessed by somebody who takes part."""
    first: set[tuple[str, str]] = set()
    for index, known in enumerate(terms.skills_baseline):
        skill = (known.skill.uri, known.skill.framework_version)
        if skill in first:
            yield Problem(
                field=path("skills_baseline", index, "skill"),
                sentence="repeats a skill that an earlier entry of skills_baseline gives a level",
            )
        first.add(skill)
        yield from not_held(known.assessor, terms, path("skills_baseline", index, "assessor"))


@rule("cadence", "effective_from", "planned_end")
def meetings_fit_the_placement(terms: CommonTerms) -> Iterator[Problem]:
    """Ask for time for a check-in, and for reflective sessions that are no more frequent."""
    days = (terms.planned_end - terms.effective_from).days + 1
    if 0 < days < terms.cadence.check_in_days:
        yield Problem(
            field="cadence.check_in_days",
            sentence=f"is {terms.cadence.check_in_days}, longer than the placement, which lasts {days} days",
        )
    if terms.cadence.reflective_session_days < terms.cadence.check_in_days:
        yield Problem(
            field="cadence.reflective_session_days",
            sentence="must not be less than cadence.check_in_days: reflective sessions are the rarer ones",
        )


@rule("mentor_commitment")
def the_mentor_says_what_and_when(terms: CommonTerms) -> Iterator[Problem]:
    """Ask a commitment for its focus, and for when it calls for help."""
    if not terms.mentor_commitment.feedback_focus:
        yield Problem(field="mentor_commitment.feedback_focus", sentence="names nothing to give feedback on")
    if not terms.mentor_commitment.escalation_triggers:
        yield Problem(
            field="mentor_commitment.escalation_triggers",
            sentence="says of nothing when the mentor escalates it",
        )


@rule("pivot_terms")
def a_change_of_course_is_prepared(terms: CommonTerms) -> Iterator[Problem]:
    """Ask version 1 already when and how the course may change."""
    if not terms.pivot_terms.triggers:
        yield Problem(
            field="pivot_terms.triggers", sentence="says of nothing that it makes the parties reconsider"
        )
    if not terms.pivot_terms.options:
        yield Problem(field="pivot_terms.options", sentence="leaves no way open; name at least one")
    yield from repeated(terms.pivot_terms.options, "pivot_terms", "options", field="")


@rule("compliance")
def there_is_a_checklist(terms: CommonTerms) -> Iterator[Problem]:
    """Ask for at least one rule that signatures acknowledge."""
    if not terms.compliance:
        yield Problem(field="compliance", sentence="holds no rule for the parties to acknowledge")
    yield from repeated((item.item_id for item in terms.compliance), "compliance", field="item_id")


RULES: tuple[Rule[CommonTerms], ...] = (
    it_ends_after_it_begins,
    a_late_approval_says_why,
    the_approval_chain_is_complete,
    *people.RULES,
    objectives_are_written_by_both_sides,
    every_objective_has_a_criterion,
    somebody_can_assess_every_criterion,
    criteria_are_assessed_during_the_placement,
    milestones_lie_inside_the_placement,
    milestones_are_verified_by_somebody_else,
    the_baseline_names_each_skill_once,
    meetings_fit_the_placement,
    the_mentor_says_what_and_when,
    a_change_of_course_is_prepared,
    there_is_a_checklist,
)
