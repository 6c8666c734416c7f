"""What a workflow was started with, checked: all that is wrong is said at once, field by field."""

from __future__ import annotations

from pydantic import ValidationError

from domain.kernel.vocabulary import Kind
from domain.terms import Terms
from domain.terms.problems import RequestRefused, problems_of
from domain.terms.requests import split
from workflows.contract import AgreementInput, agreement_id_of
from workflows.failures import request_refused


def read_input(given: object) -> AgreementInput:
    """Return the input as a model.

    Args:
        given: Whatever the caller sent, as parsed JSON.

    Raises:
        ApplicationError: Of type `RequestRefused`, with a sentence for each field.
    """
    try:
        started_with = AgreementInput.model_validate(given)
    except ValidationError as error:
        raise request_refused([str(problem) for problem in problems_of(error)]) from error
    if (started_with.terms is None) == (started_with.agreement_id is None):
        raise request_refused(
            ["the request: give terms to propose an agreement, or agreement_id to resume one"]
        )
    return started_with


def read_terms(started_with: AgreementInput, kind: Kind, workflow_id: str) -> Terms:
    """Return the terms of a new agreement.

    Args:
        started_with: The input.
        kind: What the workflow type is for.
        workflow_id: Under which the caller started it.

    Raises:
        ApplicationError: Of type `RequestRefused`, with a sentence for each field.
    """
    try:
        people, terms = split(dict(started_with.terms or {}))
    except RequestRefused as refused:
        raise request_refused([str(problem) for problem in refused.problems]) from refused
    sentences: list[str] = []
    if people:
        described = ", ".join(person.person_id for person in people)
        sentences.append(
            f"the request: people are named by id here; put {described} into the directory first "
            "(`sojourn people FILE`, or place the request with `sojourn place FILE`)"
        )
    if terms.kind is not kind:
        sentences.append(
            f"kind: a {terms.kind} is started with its own workflow type, not with that of a {kind}"
        )
    if workflow_id != agreement_id_of(terms):
        sentences.append(
            f"request_id: the workflow id of this request is {agreement_id_of(terms)}, not {workflow_id}"
        )
    if sentences:
        raise request_refused(sentences)
    return terms
