"""One named update per command, made from the catalogue of commands so that none is forgotten."""

from __future__ import annotations

from typing import Protocol, TypeVar

from temporalio import workflow

from domain.commands import COMMANDS, Command
from workflows.contract import Receipt


class TakesCommands(Protocol):
    """A workflow that checks and accepts commands."""

    def check(self, command: Command) -> None:
        """Refuses what the rules do not allow, before anything is written."""
        ...

    async def accept(self, command: Command) -> Receipt:
        """Decides, records and folds."""
        ...


Workflow = TypeVar("Workflow")


def with_command_updates(cls: type[Workflow]) -> type[Workflow]:
    """Gives a workflow class an update handler and a validator for every command."""
    for name, command_type in COMMANDS.items():
        _add_update(cls, name, command_type)
    return cls


def _add_update(cls: type, name: str, command_type: type[Command]) -> None:
    async def handle(self: TakesCommands, command: Command) -> Receipt:
        return await self.accept(command)

    def validate(self: TakesCommands, command: Command) -> None:
        self.check(command)

    # The payload converter reads the argument's type from these, so each handler takes just its command.
    handle.__annotations__ = {"command": command_type, "return": Receipt}
    validate.__annotations__ = {"command": command_type, "return": None}
    handle.__name__ = name
    handle.__qualname__ = f"{cls.__qualname__}.{name}"
    summary = (command_type.__doc__ or name).splitlines()[0]
    update = workflow.update(name=name, description=summary)(handle)
    update.validator(validate)
    setattr(cls, name, update)
