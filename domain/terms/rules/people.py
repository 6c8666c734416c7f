"""Who may not be whom."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from domain.kernel.model import PersonId
from domain.terms.common import CommonTerms
from domain.terms.problems import Problem, path
from domain.terms.rules.rule import Rule, repeated, rule

NOT_THE_MENTEE = "must be somebody other than the mentee"


def people_in(terms: CommonTerms, field: str) -> list[tuple[str, PersonId]]:
    """Return the person or people that a field names, each with its path."""
    value: PersonId | tuple[PersonId, ...] = getattr(terms, field)
    if isinstance(value, str):
        return [(field, value)]
    return [(path(field, index), person) for index, person in enumerate(value)]


def not_the_mentee(field: str) -> Rule[CommonTerms]:
    """Make a rule: nobody named by this field is the mentee."""

    def check(terms: CommonTerms) -> Iterator[Problem]:
        for where, person in people_in(terms, field):
            if person == terms.mentee:
                yield Problem(field=where, sentence=NOT_THE_MENTEE)

    return Rule(name=f"{field}_is_not_the_mentee", reads=frozenset({"mentee", field}), check=check)


def somebody_else(field: str, other: str, because: str) -> Rule[CommonTerms]:
    """Make a rule: two fields name different people."""

    def check(terms: CommonTerms) -> Iterator[Problem]:
        others = {person for _, person in people_in(terms, other)}
        for where, person in people_in(terms, field):
            if person in others:
                yield Problem(
                    field=where, sentence=f"must be somebody other than the {named(other)}: {because}"
                )

    return Rule(name=f"{field}_is_not_{other}", reads=frozenset({field, other}), check=check)


def named(field: str) -> str:
    """Return a field's name as words of a sentence."""
    return field.replace("_", " ")


def enough_sources(
    reads: tuple[str, ...], others: Callable[[CommonTerms], set[PersonId]]
) -> Rule[CommonTerms]:
    """Make a rule: there are as many people around the mentee as must give feedback.

    Args:
        reads: The fields that `others` reads.
        others: The people whom only this kind of placement has.
    """

    @rule("minimum_feedback_sources", "mentee", "mentor", "line_manager", "observers", "sponsors", *reads)
    def there_are_enough_feedback_sources(terms: CommonTerms) -> Iterator[Problem]:
        around = {terms.mentor, terms.line_manager, *terms.observers, *terms.sponsors, *others(terms)}
        sources = len(around - {terms.mentee})
        if terms.minimum_feedback_sources > sources:
            yield Problem(
                field="minimum_feedback_sources",
                sentence=f"is {terms.minimum_feedback_sources}, but only {sources} people of this placement "
                "can give the mentee feedback",
            )

    return there_are_enough_feedback_sources


@rule("observers")
def observers_are_named_once(terms: CommonTerms) -> Iterator[Problem]:
    """Refuse an observer who is named twice."""
    yield from repeated(terms.observers, "observers", field="")


@rule("sponsors")
def sponsors_are_named_once(terms: CommonTerms) -> Iterator[Problem]:
    """Refuse a sponsor who is named twice."""
    yield from repeated(terms.sponsors, "sponsors", field="")


@rule("mentee", "approval_chain")
def the_mentee_approves_nothing(terms: CommonTerms) -> Iterator[Problem]:
    """Refuse a mentee who approves their own placement."""
    for index, approval in enumerate(terms.approval_chain):
        if approval.approver == terms.mentee:
            yield Problem(field=path("approval_chain", index, "approver"), sentence=NOT_THE_MENTEE)


APART_FROM_APPRAISAL = "who appraises the mentee's work cannot also be the one to confide in"
CONCERNS_GO_ELSEWHERE = "a concern must have somebody to go to who is not part of it"

RULES: tuple[Rule[CommonTerms], ...] = (
    *(
        not_the_mentee(field)
        for field in (
            "mentor",
            "line_manager",
            "hrbp",
            "programme_owner",
            "observers",
            "sponsors",
            "approved_by",
        )
    ),
    the_mentee_approves_nothing,
    somebody_else("mentor", "line_manager", APART_FROM_APPRAISAL),
    somebody_else("hrbp", "mentor", CONCERNS_GO_ELSEWHERE),
    somebody_else("hrbp", "line_manager", CONCERNS_GO_ELSEWHERE),
    observers_are_named_once,
    sponsors_are_named_once,
)
