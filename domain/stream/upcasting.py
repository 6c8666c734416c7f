"""Reading old schema versions for ever: one function per step, from JSON to JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pydantic import JsonValue

Data = Mapping[str, JsonValue]
Upcaster = Callable[[Data], Data]

UPCASTERS: Mapping[tuple[str, int], Upcaster] = {}
"""From (type, schema version) to the next version's data. Additive changes need none: give a default."""


def upcast(
    event_type: str,
    schema_version: int,
    data: Data,
    upcasters: Mapping[tuple[str, int], Upcaster] = UPCASTERS,
) -> Data:
    """The data as the newest schema version has it."""
    while (step := upcasters.get((event_type, schema_version))) is not None:
        data = step(data)
        schema_version += 1
    return data
