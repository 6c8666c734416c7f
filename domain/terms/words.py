"""Taking what people wrote out of a value, so that folded state holds structure only."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, TypeVar, cast, get_args, get_origin

from pydantic import BaseModel

from domain.kernel.model import WITHHELD, WrittenByPeople

Model = TypeVar("Model", bound=BaseModel)


def without_words(model: Model) -> Model:
    """Return the same value with everything that people wrote replaced by `WITHHELD`.

    Nested models, lists, mappings and optional fields keep their shape, so what comes back is valid where
    the original was: the number of triggers stays, the triggers go.
    """
    update = {
        name: _without_words(getattr(model, name), written)
        for name, written in _fields(type(model)).items()
        if name in model.model_fields_set
    }
    return model.model_copy(update=update)


@cache
def _fields(model: type[BaseModel]) -> Mapping[str, bool]:
    """Return the model's fields, and whether each holds words."""
    return {
        name: _holds_words(field.annotation)
        or any(isinstance(mark, WrittenByPeople) for mark in field.metadata)
        for name, field in model.model_fields.items()
    }


def _holds_words(annotation: Any) -> bool:  # noqa: ANN401  an annotation can be any object
    if get_origin(annotation) is Annotated and any(
        isinstance(mark, WrittenByPeople) for mark in annotation.__metadata__
    ):
        return True
    return any(_holds_words(argument) for argument in get_args(annotation))


def _without_words(value: Any, written: bool) -> Any:  # noqa: ANN401  the value of any field
    if isinstance(value, BaseModel):
        return without_words(value)
    if isinstance(value, str):
        return WITHHELD if written else value
    if isinstance(value, tuple | list | frozenset):
        items = cast("tuple[Any, ...] | list[Any] | frozenset[Any]", value)
        return type(items)(_without_words(item, written) for item in items)
    if isinstance(value, Mapping):
        entries = cast("Mapping[Any, Any]", value)
        return {key: _without_words(item, written) for key, item in entries.items()}
    return value
