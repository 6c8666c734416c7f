"""What there is to send and to set: schemas, commands, settings, version."""

from __future__ import annotations

import difflib
import importlib.metadata
import inspect
import json
from collections.abc import Iterable
from typing import Annotated, Any

import typer
from pydantic import JsonValue
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from application.settings import describe_settings, load_settings
from domain.agreement.commands import COMMANDS, Command
from domain.kernel.field_docs import field_meanings
from domain.kernel.vocabulary import Kind, Phase, Role
from domain.kinds import kinds_taking
from domain.terms.requests import request_schema
from workers.cli.options import AsJson
from workers.terminal.failures import ExitCode, Failure
from workers.terminal.output import console, print_json, print_models, table

INDENT = 2


def schema(
    what: Annotated[str, typer.Argument(metavar="[request|command|all]", help="Of what.")] = "all",
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="Which command; without it, all of them by name.")
    ] = None,
) -> None:
    """Print the JSON Schema of placement requests and commands.

    `request` is what `sojourn place` takes: each person an id, or an object as in the directory. `command
    NAME` is what an update of that name takes. `all` is an object with both.
    """
    if name is not None and what != "command":
        raise Failure(f"A name goes with `command` only: sojourn schema command {name}.", ExitCode.USAGE)
    commands: dict[str, JsonValue] = {each: kind.model_json_schema() for each, kind in COMMANDS.items()}
    match what:
        case "request":
            print_json(_titled(request_schema()))
        case "command" if name is not None:
            print_json(_titled(_known(name).model_json_schema()))
        case "command" | "commands":
            print_json(commands)
        case "all":
            print_json({"request": request_schema(), "commands": commands})
        case _:
            raise Failure(
                f"There is a schema of request, command NAME and all, not of {what!r}.", ExitCode.USAGE
            )


def commands(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="Only this command, with all its fields.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List every command: what it does, who may give it when, and an example to copy."""
    chosen = [_known(name)] if name is not None else list(COMMANDS.values())
    if as_json:
        print_json(_described(chosen[0]) if name is not None else [*map(_described, chosen)])
        return
    out = console()
    for command in chosen:
        described = _described(command)
        out.print(str(described["name"]), style="bold")
        for line in (
            f"{described['description']}",
            f"Given by: {_listed(described['given_by'])}",
            f"In phase: {_listed(described['phases'])}; of: {_listed(described['kinds'])}",
        ):
            out.print(Padding(Text(line), (0, 0, 0, INDENT)))
        if name is not None:
            out.print()
            out.print(Padding(_fields(command), (0, 0, 0, INDENT)))
            out.print()
        # Not folded at the window's width: it is there to be copied.
        example = json.dumps(command.example, ensure_ascii=False).replace("'", "'\\''")
        out.print(
            f"  sojourn act AGREEMENT {described['name']} --as PERSON --data '{example}'",
            soft_wrap=True,
            markup=False,
        )
        out.print()


def settings(as_json: AsJson = False) -> None:
    """List every setting with its meaning, default and present value; secrets are masked."""
    rows = describe_settings(load_settings())
    if as_json:
        print_models(rows)
        return
    console().print(
        table(
            "Variable",
            "Meaning",
            "Now (default)",
            rows=(
                (
                    row.variable,
                    row.meaning,
                    row.current if row.current == row.default else f"{row.current} ({row.default})",
                )
                for row in rows
            ),
        )
    )


def version() -> None:
    """Print the version of Sojourn."""
    console().print(importlib.metadata.version("sojourn"))


def _known(name: str) -> type[Command]:
    found = COMMANDS.get(name.replace("-", "_"))
    if found is None:
        close = difflib.get_close_matches(name, COMMANDS, n=3)
        hint = f"did you mean {' or '.join(close)}?" if close else "`sojourn commands` lists those there are."
        raise Failure(f"There is no command {name}: {hint}", ExitCode.USAGE)
    return found


def _described(command: type[Command]) -> dict[str, JsonValue]:
    return {
        "name": command.model_fields["type"].default,
        "description": " ".join((inspect.getdoc(command) or "").split()),
        "given_by": _in_order(Role, command.given_by),
        "phases": _in_order(Phase, command.phases),
        "kinds": _in_order(Kind, kinds_taking(command)),
        "example": command.example,
    }


def _in_order(every: Iterable[str], chosen: frozenset[Any]) -> list[JsonValue]:
    return [str(each) for each in every if each in chosen]


def _listed(names: JsonValue) -> str:
    return ", ".join(map(str, names)) if isinstance(names, list) else ""


def _fields(command: type[Command]) -> Table:
    own = [field for field in command.model_fields if field not in {*Command.model_fields, "type"}]
    meanings = field_meanings(command)
    return table(
        "Field",
        "Needed",
        "Meaning",
        rows=(
            (
                field,
                "yes" if command.model_fields[field].is_required() else "no",
                " ".join(meanings.get(field, "").split()),
            )
            for field in own
        ),
    )


def _titled(made: dict[str, Any]) -> dict[str, JsonValue]:
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made}
