"""Find who is named by a value, and in which field: for checks against the people directory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

from pydantic import BaseModel

from domain.kernel.model import NamesAPerson, PersonId
from domain.terms.problems import path


def named_people(value: BaseModel) -> Mapping[PersonId, str]:
    """Return everybody whom a value names by id, each with the dotted path of the first field that does."""
    found: dict[PersonId, str] = {}
    for person_id, where in _walk(value, ""):
        found.setdefault(person_id, where)
    return found


def _walk(value: Any, where: str) -> Iterator[tuple[PersonId, str]]:  # noqa: ANN401  the value of any field
    if isinstance(value, BaseModel):
        for name, info in type(value).model_fields.items():
            inside = path(*([where] if where else []), name)
            part = getattr(value, name)
            if _names_people(info.annotation) or any(
                isinstance(mark, NamesAPerson) for mark in info.metadata
            ):
                yield from _ids(part, inside)
            else:
                yield from _walk(part, inside)
    elif isinstance(value, tuple | list):
        for index, part in enumerate(cast("tuple[Any, ...]", value)):
            yield from _walk(part, path(where, index))


def _ids(value: Any, where: str) -> Iterator[tuple[PersonId, str]]:  # noqa: ANN401  an id, a list of them or None
    if isinstance(value, str):
        yield value, where
    elif isinstance(value, tuple | list):
        for index, part in enumerate(cast("tuple[Any, ...]", value)):
            yield from _ids(part, path(where, index))


def _names_people(annotation: Any) -> bool:  # noqa: ANN401  an annotation can be any object
    """Tell whether an annotation is an id of a person, optional or in a list."""
    if any(isinstance(mark, NamesAPerson) for mark in getattr(annotation, "__metadata__", ())):
        return True
    return any(_names_people(part) for part in getattr(annotation, "__args__", ()))
