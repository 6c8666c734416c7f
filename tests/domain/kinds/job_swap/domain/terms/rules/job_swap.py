"""Rules for job swaps."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from domain.terms.job_swap import LONGEST_MONTHS, JobSwapTerms, SwappedPost

from domain.kernel.model import PersonId
from domain.kernel.vocabulary import Role
from domain.terms.common import CommonTerms
from domain.terms.problems import Problem, path
from domain.terms.rules.people import enough_sources, not_the_mentee, people_in, somebody_else
from domain.terms.rules.rule import Rule, outside_window, rule, too_long


@rule("kind", "effective_from", "planned_end")
def it_is_for_a_time(terms: JobSwapTerms) -> Iterator[Problem]:
    """Refuse a swap for good."""
    yield from too_long(terms, LONGEST_MONTHS)


@rule("own_post", "partner_post")
def the_posts_differ(terms: JobSwapTerms) -> Iterator[Problem]:
    """Refuse a swap of one post, or one handover for two posts."""
    for field in ("assignment_id", "handover_milestone"):
        if getattr(terms.own_post, field) == getattr(terms.partner_post, field):
            yield Problem(field=path("partner_post", field), sentence=f"must differ from own_post.{field}")


@rule("own_post", "partner_post", "milestones", "effective_from", "handover_days")
def both_posts_are_handed_over(terms: JobSwapTerms) -> Iterator[Problem]:
    """Ask of whoever leaves a post for a milestone of the first days by which it is handed over."""
    yield from _handed_over(terms, "own_post", terms.own_post, Role.MENTEE)
    yield from _handed_over(terms, "partner_post", terms.partner_post, Role.HOST_EXPERT)


def _handed_over(terms: JobSwapTerms, field: str, post: SwappedPost, leaves: Role) -> Iterator[Problem]:
    named = path(field, "handover_milestone")
    milestone = next(
        (each for each in terms.milestones if each.milestone_id == post.handover_milestone), None
    )
    if milestone is None:
        yield Problem(field=named, sentence=f"is {post.handover_milestone!r}, which is no milestone")
        return
    if milestone.owner is not leaves:
        yield Problem(field=named, sentence=f"must be owned by the {leaves}, who leaves the post")
    latest = terms.effective_from + timedelta(days=terms.handover_days)
    if milestone.due_on > latest:
        yield Problem(field=named, sentence=f"is due on {milestone.due_on}, after {latest}")


@rule("return_agreed_by", "effective_from", "planned_end")
def the_return_is_agreed_beforehand(terms: JobSwapTerms) -> Iterator[Problem]:
    """Ask for a return that is settled while the swap runs."""
    yield from outside_window(terms.return_agreed_by, terms, "return_agreed_by")


def _other_side(terms: CommonTerms) -> set[PersonId]:
    return {person for field in ("partner", "partner_manager") for _, person in people_in(terms, field)}


RULES: tuple[Rule[JobSwapTerms], ...] = (
    it_is_for_a_time,
    the_posts_differ,
    both_posts_are_handed_over,
    the_return_is_agreed_beforehand,
    not_the_mentee("partner"),
    not_the_mentee("partner_manager"),
    somebody_else("partner", "mentor", "the mentor stands beside the swap"),
    somebody_else("partner_manager", "line_manager", "each post has a manager of its own"),
    enough_sources(("partner", "partner_manager"), _other_side),
)
