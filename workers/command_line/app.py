"""The command `sojourn`: its commands by name, and one way to end them all."""

from __future__ import annotations

import importlib
import logging
import os
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from workers.command_line.act import act
from workers.command_line.describe import commands, release, schema, settings, version
from workers.command_line.explain import explain
from workers.command_line.failures import EXIT_CODES, ExitCode, Failure, expected
from workers.command_line.find import list_agreements, list_stalled
from workers.command_line.keys import keys
from workers.command_line.lessons import BEGIN_WITH, LESSONS
from workers.command_line.metrics import metrics
from workers.command_line.mine import mine
from workers.command_line.movement import departed, leave, manager
from workers.command_line.openings import openings
from workers.command_line.operate import operate
from workers.command_line.output import say
from workers.command_line.people import people
from workers.command_line.place import place
from workers.command_line.policy import policy
from workers.command_line.rebuild import rebuild
from workers.command_line.rehydrate import rehydrate
from workers.command_line.resend import resend
from workers.command_line.resume import resume
from workers.command_line.retention import retention
from workers.command_line.rights import erase, export, hold, receipt
from workers.command_line.serve import gateway, migrate, up, worker
from workers.command_line.show import events, notices, show
from workers.command_line.sign_in import TOKEN_FILE
from workers.command_line.token import token
from workers.command_line.upgrade import upgrade
from workers.command_line.verify import verify
from workers.command_line.watch import watch
from workers.sdk_logs import forward_sdk_logs


class _Group(TyperGroup):
    """Turns what can be expected to go wrong into a sentence and an exit code."""

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
            failure = expected(error)
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
        typer.echo(release())
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
    forward_sdk_logs()


def demo(context: typer.Context) -> None:
    """Play three placements from approval to synthesis, months in seconds, on the real servers."""
    try:
        play = importlib.import_module("workers.demonstration.command").demo
    except ModuleNotFoundError as error:
        raise Failure(f"The demonstration is not part of this installation ({error.name}).") from error
    inner = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    inner.command(name="demo")(play)
    ended = typer.main.get_command(inner).main(
        args=list(context.args), prog_name="sojourn demo", standalone_mode=False
    )
    if isinstance(ended, int) and ended:
        raise typer.Exit(ended)


_FORWARDED: Mapping[str, Any] = {
    "allow_extra_args": True,
    "ignore_unknown_options": True,
    # What there is to say about its options, the demonstration says itself.
    "help_option_names": list[str](),
}

_COMMANDS: Mapping[str, Callable[..., None]] = {
    "up": up,
    "demo": demo,
    "worker": worker,
    "gateway": gateway,
    "token": token,
    "migrate": migrate,
    "people": people,
    "place": place,
    "act": act,
    "operate": operate,
    "leave": leave,
    "departed": departed,
    "manager": manager,
    "resend": resend,
    "resume": resume,
    "rehydrate": rehydrate,
    "upgrade": upgrade,
    "show": show,
    "mine": mine,
    "events": events,
    "notices": notices,
    "openings": openings,
    "list": list_agreements,
    "stalled": list_stalled,
    "explain": explain,
    "watch": watch,
    "erase": erase,
    "export": export,
    "hold": hold,
    "retention": retention,
    "receipt": receipt,
    "metrics": metrics,
    "verify": verify,
    "rebuild": rebuild,
    "schema": schema,
    "commands": commands,
    "settings": settings,
    "version": version,
}

for _name, _command in _COMMANDS.items():
    app.command(
        name=_name,
        short_help=LESSONS[_name].in_short,
        epilog=LESSONS[_name].closing,
        context_settings=dict(_FORWARDED) if _command is demo else None,
    )(_command)
app.add_typer(policy, name="policy", short_help=LESSONS["policy"].in_short, epilog=LESSONS["policy"].closing)
app.add_typer(keys, name="keys", short_help=LESSONS["keys"].in_short, epilog=LESSONS["keys"].closing)


def main() -> NoReturn:
    """The entry point of the installed command."""
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
