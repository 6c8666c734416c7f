"""Rules for secondments."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from domain.kernel.model import PersonId
from domain.kernel.vocabulary import Role
from domain.terms.common import CommonTerms
from domain.terms.problems import Problem
from domain.terms.rules.people import (
    APART_FROM_APPRAISAL,
    enough_sources,
    not_the_mentee,
    people_in,
    somebody_else,
)
from domain.terms.rules.rule import Rule, months_after, outside_window, rule, too_long
from domain.terms.secondment import LONGEST_MONTHS, SHORTEST_MONTHS, SecondmentTerms


@rule("kind", "effective_from", "planned_end")
def its_length_is_customary(terms: SecondmentTerms) -> Iterator[Problem]:
    """Refuse less than three months, and more than two years."""
    earliest = months_after(terms.effective_from, SHORTEST_MONTHS) - timedelta(days=1)
    if terms.effective_from <= terms.planned_end < earliest:
        yield Problem(
            field="planned_end",
            sentence=f"must not be before {earliest}: a secondment lasts {SHORTEST_MONTHS} months at least",
        )
    yield from too_long(terms, LONGEST_MONTHS)


@rule("effective_from", "planned_end", "extension_limit")
def extensions_have_a_limit(terms: SecondmentTerms) -> Iterator[Problem]:
    """Ask for an end within the limit, and a limit within two years."""
    if terms.planned_end > terms.extension_limit:
        yield Problem(
            field="planned_end",
            sentence=f"is {terms.planned_end}, after extension_limit, which is {terms.extension_limit}",
        )
    latest = months_after(terms.effective_from, LONGEST_MONTHS)
    if terms.extension_limit > latest:
        yield Problem(
            field="extension_limit",
            sentence=f"must not be after {latest}: a secondment lasts {LONGEST_MONTHS} months at most, "
            "extensions included",
        )


@rule("effective_from", "planned_end", "end_decision_on")
def the_end_is_decided_before_it(terms: SecondmentTerms) -> Iterator[Problem]:
    """Refuse a decision date outside the placement, or on its last day."""
    if terms.end_decision_on is None:
        return
    if terms.end_decision_on == terms.planned_end:
        yield Problem(field="end_decision_on", sentence="must be before planned_end")
    yield from outside_window(terms.end_decision_on, terms, "end_decision_on")


@rule("effective_from", "planned_end", "return_plan")
def the_return_is_planned_beforehand(terms: SecondmentTerms) -> Iterator[Problem]:
    """Refuse a return meeting that is not held while the mentee is away."""
    if terms.return_plan is not None:
        yield from outside_window(terms.return_plan.meeting_due, terms, "return_plan.meeting_due")


@rule("home", "host", "internal")
def the_host_is_another_side(terms: SecondmentTerms) -> Iterator[Problem]:
    """Refuse a home that is the host, and an `internal` that is not true of them."""
    same = terms.home.organisation == terms.host.organisation
    if terms.internal and not same:
        yield Problem(
            field="host.organisation",
            sentence="must be the same as home.organisation, because internal is true",
        )
    if not terms.internal and same:
        yield Problem(
            field="host.organisation",
            sentence="must differ from home.organisation, because internal is false",
        )
    if same and terms.home.department == terms.host.department:
        yield Problem(
            field="host.department",
            sentence="must differ from home.department: nobody is seconded to their own department",
        )
    if terms.home.assignment_id == terms.host.assignment_id:
        yield Problem(field="host.assignment_id", sentence="must differ from home.assignment_id")


@rule("milestones")
def it_has_milestones(terms: SecondmentTerms) -> Iterator[Problem]:
    """Ask for milestones, which are agreed with the time frame."""
    if not terms.milestones:
        yield Problem(field="milestones", sentence="holds no milestone; a secondment needs at least one")


@rule("appraisal_owner")
def a_manager_appraises(terms: SecondmentTerms) -> Iterator[Problem]:
    """Refuse an appraisal by anybody but home or host manager."""
    if terms.appraisal_owner not in {Role.LINE_MANAGER, Role.HOST_MANAGER}:
        yield Problem(field="appraisal_owner", sentence="must be line_manager or host_manager")


@rule("recharge")
def what_is_recharged_is_invoiced(terms: SecondmentTerms) -> Iterator[Problem]:
    """Refuse a share of the cost without an invoice."""
    if terms.recharge.percent > 0 and terms.recharge.invoiced == "never":
        yield Problem(
            field="recharge.invoiced",
            sentence=f"must not be never, because recharge.percent is {terms.recharge.percent}",
        )


def _host_side(terms: CommonTerms) -> set[PersonId]:
    return {person for _, person in people_in(terms, "host_manager")}


RULES: tuple[Rule[SecondmentTerms], ...] = (
    its_length_is_customary,
    extensions_have_a_limit,
    the_end_is_decided_before_it,
    the_return_is_planned_beforehand,
    the_host_is_another_side,
    it_has_milestones,
    a_manager_appraises,
    what_is_recharged_is_invoiced,
    not_the_mentee("host_manager"),
    somebody_else("host_manager", "line_manager", "home and host are two sides"),
    somebody_else("mentor", "host_manager", APART_FROM_APPRAISAL),
    enough_sources(("host_manager",), _host_side),
)
