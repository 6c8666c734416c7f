"""The criteria linter: what cannot be assessed as it is written, whatever anybody does."""

from __future__ import annotations

import re
from collections.abc import Iterator

from domain.kernel.model import WITHHELD
from domain.terms.common import CommonTerms
from domain.terms.parts import Criterion
from domain.terms.problems import Problem, path
from domain.terms.rules.rule import Rule, rule

PLACEHOLDERS = frozenset(
    {"tbd", "tba", "tbc", "tbs", "todo", "na", "none", "nil", "unknown", "open", "pending", "later"}
    | {"tofollow", "xxx", "x", "draft", "seeabove", "seebelow", "asdiscussed", "asagreed"}
    | {f"tobe{word}" for word in ("agreed", "announced", "confirmed", "decided", "defined", "determined")}
)
"""What people write where they have not decided yet: its letters, lower case, without the gaps."""

VAGUE = frozenset(
    {"better", "best", "good", "great", "well", "ok", "okay", "improve", "improved", "improvement", "more"}
    | {"progress", "satisfactory", "satisfied", "success", "successful", "successfully", "appropriate"}
    | {
        "as",
        "is",
        "be",
        "are",
        "a",
        "an",
        "the",
        "and",
        "or",
        "of",
        "to",
        "in",
        "very",
        "much",
        "it",
        "quality",
    }
)
"""Words that leave open what would be seen: a measure of nothing else measures nothing."""


def unassessable(terms: CommonTerms) -> dict[str, str]:
    """Return the criteria that nobody could assess, each with what is wrong with it.

    Args:
        terms: With their words; what is withheld is not judged.
    """
    found = ((criterion, _what_is_wrong(criterion)) for criterion in terms.success_criteria)
    return {criterion.criterion_id: wrong for criterion, wrong in found if wrong is not None}


@rule("success_criteria")
def criteria_can_be_assessed(terms: CommonTerms) -> Iterator[Problem]:
    """Warn of what is not decided yet, and has to be before anybody can sign."""
    wrong = unassessable(terms)
    for index, criterion in enumerate(terms.success_criteria):
        if criterion.criterion_id in wrong:
            yield Problem(
                field=path("success_criteria", index),
                sentence=f"{wrong[criterion.criterion_id]}; nobody can sign until the terms are amended",
            )


def _what_is_wrong(criterion: Criterion) -> str | None:
    if WITHHELD in {criterion.statement, criterion.measure}:
        return None
    statement, measure = _plain(criterion.statement), _plain(criterion.measure)
    for name, text in (("statement", statement), ("measure", measure)):
        if not text or text.replace(" ", "") in PLACEHOLDERS:
            return f"{name} is a placeholder"
    if not set(measure.split()) - VAGUE:
        return "measure says nothing that could be seen"
    if measure == statement:
        return "measure repeats the statement: it has to say how it is seen"
    return None


def _plain(text: str) -> str:
    """Return letters and digits in lower case, with single spaces."""
    return " ".join(re.findall(r"[^\W_]+", text.casefold()))


RULES: tuple[Rule[CommonTerms], ...] = (criteria_can_be_assessed,)
