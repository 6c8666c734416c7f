"""Where in an event's data the words of people stand: derived from the models, never listed by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel, JsonValue

from domain.agreement.events import EVENTS
from domain.kernel.model import WrittenByPeople

Change = Callable[[str, str], JsonValue]
"""Given the place, such as `/terms/objectives/0/statement`, and the words there."""


@dataclass
class _Shape:
    """What of a value is words: the value itself, or what is inside its members or items."""

    words: bool = False
    members: dict[str, _Shape] = field(default_factory=dict["str", "_Shape"])
    inside: _Shape | None = None
    """Of every item of an array and every entry of a mapping."""

    def __bool__(self) -> bool:
        """Return whether there are any."""
        return self.words or bool(self.members) or self.inside is not None


def with_words_changed(
    event_type: str, data: Mapping[str, JsonValue], change: Change
) -> dict[str, JsonValue]:
    """Return an event's data with all words replaced; all else is the same object as before.

    Args:
        event_type: Its wire type; of an unknown one nothing is words.
        data: As it is appended.
        change: Gives the replacement.
    """
    shapes = _of_event(event_type)
    return {
        name: _changed(value, shapes[name], f"/{name}", change) if name in shapes else value
        for name, value in data.items()
    }


def places_of_words(model: type[BaseModel]) -> Iterator[str]:
    """Yield every place below a model where words may stand, with `*` for each item or entry."""
    for name, shape in _of_model(model).items():
        yield from _places(shape, f"/{name}")


def _places(shape: _Shape, place: str) -> Iterator[str]:
    if shape.words:
        yield place
    for name, inner in shape.members.items():
        yield from _places(inner, f"{place}/{name}")
    if shape.inside is not None:
        yield from _places(shape.inside, f"{place}/*")


def _changed(value: JsonValue, shape: _Shape, place: str, change: Change) -> JsonValue:
    if isinstance(value, str):
        return change(place, value) if shape.words else value
    if isinstance(value, list):
        inside = shape.inside
        if inside is None:
            return value
        return [_changed(item, inside, f"{place}/{index}", change) for index, item in enumerate(value)]
    if isinstance(value, dict):
        return {
            name: _changed(entry, inner, f"{place}/{name}", change)
            if (inner := shape.members.get(name, shape.inside))
            else entry
            for name, entry in value.items()
        }
    return value


def _of_event(event_type: str) -> Mapping[str, _Shape]:
    known = EVENTS.get(event_type)
    return {} if known is None else _of_model(known)


def _of_model(model: type[BaseModel]) -> Mapping[str, _Shape]:
    return _shapes(model)  # Of a subclass, pyright thinks that it cannot be hashed because its values cannot.


@cache
def _shapes(model: type[BaseModel]) -> Mapping[str, _Shape]:
    shapes = {
        name: _Shape(words=True)
        if any(isinstance(mark, WrittenByPeople) for mark in info.metadata)
        else _of_annotation(info.annotation)
        for name, info in model.model_fields.items()
    }
    return {name: shape for name, shape in shapes.items() if shape}


def _of_annotation(annotation: Any) -> _Shape:  # noqa: ANN401  an annotation can be any object
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return _Shape(members=dict(_of_model(annotation)))
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        described, *marks = arguments
        written = any(isinstance(mark, WrittenByPeople) for mark in marks)
        return _Shape(words=True) if written else _of_annotation(described)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return _around(_of_annotation(arguments[1]))
    if origin in (tuple, list, frozenset):
        return _around(_merged(arguments))
    return _merged(arguments)


def _around(inside: _Shape) -> _Shape:
    return _Shape(inside=inside) if inside else _Shape()


def _merged(annotations: tuple[Any, ...]) -> _Shape:
    """Return the union of several; the models of one union agree on which fields are words."""
    merged = _Shape()
    for annotation in annotations:
        shape = _of_annotation(annotation)
        merged.words |= shape.words
        for name, inner in shape.members.items():
            known = merged.members.get(name)
            merged.members[name] = inner if known is None else _joined(known, inner)
        merged.inside = shape.inside if merged.inside is None else _joined(merged.inside, shape.inside)
    return merged


def _joined(one: _Shape, other: _Shape | None) -> _Shape:
    if other is None or one == other:
        return one
    members = dict(one.members)
    for name, inner in other.members.items():
        members[name] = _joined(members[name], inner) if name in members else inner
    inside = other.inside if one.inside is None else _joined(one.inside, other.inside)
    return _Shape(words=one.words or other.words, members=members, inside=inside)
