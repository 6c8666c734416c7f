"""Finds the class of a name on the wire: what a family of modules declares, by the type that it carries."""

from __future__ import annotations

from collections.abc import Iterable
from types import ModuleType
from typing import TypeVar

from domain.kernel.model import Frozen

Declared = TypeVar("Declared", bound=Frozen)


def by_type(modules: Iterable[ModuleType], base: type[Declared]) -> dict[str, type[Declared]]:
    """Return every class on a base that the modules define themselves, by its type and in their order."""
    return {
        member.model_fields["type"].default: member
        for module in modules
        for member in vars(module).values()
        if isinstance(member, type) and issubclass(member, base) and member.__module__ == module.__name__
    }
