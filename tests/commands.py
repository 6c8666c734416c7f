"""Every command of the program, each imported as it would be once it is chosen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from workers.cli import app
from workers.cli.app import command_named


def every_command() -> Iterator[tuple[str, Any]]:
    """Names such as `show` and `policy check`, with what typer's own click makes of each."""
    for listed in app.registered_commands:
        assert listed.name is not None
        command = command_named(listed.name)
        if hasattr(command, "commands"):
            yield from ((f"{listed.name} {name}", inner) for name, inner in command.commands.items())
        else:
            yield listed.name, command
