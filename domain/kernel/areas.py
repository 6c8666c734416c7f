"""The areas of an agreement's life: the one list that commands, events, evolvers and decisions share.

Each of the four packages has one module per area under the same name. Whoever adds an area adds it here and
one module to each.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

AREAS = (
    "forming",
    "meetings",
    "milestones",
    "feedback",
    "matters",
    "shadowing",
    "rotation",
    "course",
    "people",
    "operations",
    "break_glass",
    "ending",
)
"""In the order of a placement's life."""


def import_areas(package: str) -> tuple[ModuleType, ...]:
    """Import the module of every area in a package, and with it whatever the module registers.

    Args:
        package: The package's dotted name.

    Returns:
        The modules, in the order of `AREAS`.

    Raises:
        ModuleNotFoundError: An area has no module there.
    """
    return tuple(import_module(f"{package}.{area}") for area in AREAS)
