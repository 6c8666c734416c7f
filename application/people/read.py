"""Read people from what was handed in, and check all of them before any is written."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NamedTuple

from pydantic import JsonValue, ValidationError

from activities.directory.calendars import CalendarSources
from application.errors import UseCaseError
from application.progress import NO_PROGRESS, Progress
from domain.kernel.person import Person
from domain.terms.problems import problems_of


class PersonDocument(NamedTuple):
    """One person as they came in."""

    where: str
    """Where in the input they stood: `line 3`; empty where they came alone."""
    value: JsonValue


class PeopleRefusedError(UseCaseError):
    """Some people cannot be written; nothing was.

    Attributes:
        problems: One sentence for each, with where it stood.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join([*problems, "Nothing was written."]))
        self.problems = tuple(problems)


def read_people(documents: Sequence[PersonDocument], *, progress: Progress = NO_PROGRESS) -> list[Person]:
    """Return the people, each once, with time zones and holiday calendars that can be resolved.

    Args:
        documents: As they came in.
        progress: Told of each that was checked.

    Raises:
        PeopleRefusedError: Some are not in order, or somebody is described in two ways.
    """
    progress.start(len(documents))
    problems: list[str] = []
    first: dict[str, tuple[Person, str]] = {}
    calendars = CalendarSources()
    for document in documents:
        progress.advance()
        try:
            person = Person.model_validate_json(json.dumps(document.value), strict=True)
        except ValidationError as error:
            problems.extend(_located(document, str(problem)) for problem in problems_of(error))
            continue
        problems.extend(
            _located(document, f"{person.person_id}: {problem}") for problem in calendars.problems(person)
        )
        known, where = first.setdefault(person.person_id, (person, document.where))
        if known != person:
            otherwise = f"person_id: {person.person_id} is described otherwise in {where}"
            problems.append(_located(document, otherwise))
    if problems:
        raise PeopleRefusedError(problems)
    return [person for person, _ in first.values()]


def _located(document: PersonDocument, problem: str) -> str:
    return f"{document.where}: {problem}" if document.where else problem
