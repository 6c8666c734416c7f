"""Everything that can happen to an agreement, in past tense."""

from __future__ import annotations

from collections.abc import Mapping

from domain.agreement.events.base import Event, MeaningfulEvent
from domain.kernel.areas import import_areas
from domain.kernel.registry import by_type

EVENTS: Mapping[str, type[Event]] = by_type(import_areas(__name__), Event)
"""Wire type to class, of the current schema versions."""

__all__ = ["EVENTS", "Event", "MeaningfulEvent"]
