"""Tell which fields of terms name people."""

from __future__ import annotations

from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel

from domain.kernel.model import NamesAPerson


def fields_naming_people(model: type[BaseModel], *, nested: bool = False) -> frozenset[str]:
    """Return the fields of a model whose values are ids of people.

    Args:
        model: The terms of a kind.
        nested: Whether to count fields too whose values name people within, as the legs of a rotation do.
    """
    return frozenset(
        name
        for name, field in model.model_fields.items()
        if any(isinstance(mark, NamesAPerson) for mark in field.metadata)
        or _names_people(field.annotation, nested=nested)
    )


def _names_people(annotation: Any, *, nested: bool) -> bool:  # noqa: ANN401  an annotation can be any object
    if get_origin(annotation) is Annotated:
        marks = annotation.__metadata__
        if any(isinstance(mark, NamesAPerson) for mark in marks):
            return True
    if nested and isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return bool(fields_naming_people(annotation, nested=True))
    return any(_names_people(argument, nested=nested) for argument in get_args(annotation))
