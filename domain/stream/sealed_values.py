"""How a sealed value stands in an event's data, and what a reader without keys makes of it.

Where a person's words would be stands an object with one member, `{"$sealed": "..."}`: nothing that a person
types can look like it. Folding needs no words, so it reads `WITHHELD` there and no key is ever needed for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, cast

from pydantic import JsonValue

from domain.kernel.model import WITHHELD

MEMBER: Final = "$sealed"
"""The only member of an object that stands for sealed words."""

ERASED: Final = "(erased)"
"""What is read where the key was destroyed on purpose: the words are gone for everybody and for ever."""


def as_sealed(text: str) -> dict[str, JsonValue]:
    """What stands in the data for this sealed text."""
    return {MEMBER: text}


def sealed_text(value: object) -> str | None:
    """The sealed text that a value stands for; None where it is anything else."""
    if not isinstance(value, Mapping):
        return None
    members = cast("Mapping[str, object]", value)
    if len(members) != 1:
        return None
    text = members.get(MEMBER)
    return text if isinstance(text, str) else None


def holds_sealed(value: JsonValue) -> bool:
    """Whether something within a value is sealed, or the value itself is."""
    if sealed_text(value) is not None:
        return True
    if isinstance(value, dict):
        return any(holds_sealed(each) for each in value.values())
    return isinstance(value, list) and any(holds_sealed(each) for each in value)


def with_sealed_replaced(
    data: Mapping[str, JsonValue], replacement: Callable[[str, str], JsonValue]
) -> dict[str, JsonValue]:
    """The data with every sealed value replaced.

    Args:
        data: Of an event, as stored.
        replacement: Given the place, such as `/terms/objectives/0/statement`, and the sealed text.
    """
    return {name: _replaced(value, f"/{name}", replacement) for name, value in data.items()}


def without_sealed(data: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """The data as folding reads it: `WITHHELD` where something is sealed."""
    return with_sealed_replaced(data, lambda _place, _text: WITHHELD)


def _replaced(value: JsonValue, place: str, replacement: Callable[[str, str], JsonValue]) -> JsonValue:
    if isinstance(value, dict):
        text = sealed_text(value)
        if text is not None:
            return replacement(place, text)
        return {name: _replaced(inner, f"{place}/{name}", replacement) for name, inner in value.items()}
    if isinstance(value, list):
        return [_replaced(inner, f"{place}/{index}", replacement) for index, inner in enumerate(value)]
    return value
