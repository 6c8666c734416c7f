"""Everything that can happen to an agreement, in past tense."""

from __future__ import annotations

from collections.abc import Mapping

from domain.agreement.events import (
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
from domain.agreement.events.base import Event, MeaningfulEvent
from domain.kernel.registry import by_type

_MODULES = (forming, progress, notes, matters, shadowing, rotation, course, operations, break_glass, ending)

EVENTS: Mapping[str, type[Event]] = by_type(_MODULES, Event)
"""Wire type to class, of the current schema versions."""

__all__ = ["EVENTS", "Event", "MeaningfulEvent"]
