"""Everything that somebody can ask of an agreement, in the imperative."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from domain.commands import (
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
from domain.commands.base import Command, CommandId
from domain.commands.forming import ProposeAgreement

_MODULES = (forming, progress, notes, matters, shadowing, rotation, course, operations, break_glass, ending)


def _declared() -> Iterator[type[Command]]:
    for module in _MODULES:
        for member in vars(module).values():
            if (
                isinstance(member, type)
                and issubclass(member, Command)
                and member.__module__ == module.__name__
                and member is not ProposeAgreement
            ):
                yield member


COMMANDS: Mapping[str, type[Command]] = {
    command.model_fields["type"].default: command for command in _declared()
}
"""Name to class, of every command that a person can give, in the order of a placement's life."""

__all__ = ["COMMANDS", "Command", "CommandId", "ProposeAgreement"]
