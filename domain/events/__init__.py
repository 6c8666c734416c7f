"""Everything that can happen to an agreement, in past tense."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from domain.events import (
    break_glass,
    course,
    ending,
    forming,
    matters,
    notes,
    operations,
    progress,
    rotation,
    shadowing,
)
from domain.events.base import Event, MeaningfulEvent

_MODULES = (forming, progress, notes, matters, shadowing, rotation, course, operations, break_glass, ending)


def _declared() -> Iterator[type[Event]]:
    for module in _MODULES:
        for member in vars(module).values():
            if (
                isinstance(member, type)
                and issubclass(member, Event)
                and member.__module__ == module.__name__
            ):
                yield member


EVENTS: Mapping[str, type[Event]] = {event.model_fields["type"].default: event for event in _declared()}
"""Wire type to class, of the current schema versions."""

__all__ = ["EVENTS", "Event", "MeaningfulEvent"]
