"""One named update per command, made from the catalogue of commands so that none is forgotten."""

from __future__ import annotations

from typing import Any, Protocol, TypeVar

from pydantic import ValidationError
from temporalio import workflow

from domain.agreement.commands import COMMANDS, Command
from domain.kernel.errors import RefusalCode, Refused
from domain.terms.problems import problems_of
from workflows.contract import Receipt
from workflows.failures import refusal


class TakesCommands(Protocol):
    """A workflow that checks and accepts commands."""

    def check(self, command: Command) -> None:
        """Refuse what the rules do not allow, before anything is written."""
        ...

    async def accept(self, command: Command) -> Receipt:
        """Decide, record and fold."""
        ...


Workflow = TypeVar("Workflow")


def with_command_updates(cls: type[Workflow]) -> type[Workflow]:
    """Give a workflow class an update handler and a validator for every command."""
    for name, command_type in COMMANDS.items():
        _add_update(cls, name, command_type)
    return cls


def read_command(command_type: type[Command], given: object) -> Command:
    """Return a command as its caller sent it.

    Args:
        command_type: What it is to be.
        given: Parsed JSON.

    Raises:
        ApplicationError: Of type `Refused`, with a sentence about each field.
    """
    try:
        return command_type.model_validate(given)
    except ValidationError as error:
        sentences = [str(problem) for problem in problems_of(error)]
        raise refusal(Refused(RefusalCode.INCOMPLETE, "; ".join(sentences))) from None


def _add_update(cls: type, name: str, command_type: type[Command]) -> None:
    # Taken as plain JSON: what the payload converter refuses has no code and no sentence.
    async def handle(self: TakesCommands, command: Any = None) -> Receipt:  # noqa: ANN401  as just said
        return await self.accept(read_command(command_type, command))

    def validate(self: TakesCommands, command: Any = None) -> None:  # noqa: ANN401  as just said
        self.check(read_command(command_type, command))

    handle.__name__ = name
    handle.__qualname__ = f"{cls.__qualname__}.{name}"
    summary = (command_type.__doc__ or name).splitlines()[0]
    update = workflow.update(name=name, description=summary)(handle)
    update.validator(validate)
    setattr(cls, name, update)
