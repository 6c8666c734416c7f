"""Place requests from the command line."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated

import typer
from pydantic import JsonValue

from application.container import Container
from application.identity.principal import Principal
from application.placements.batch import Submission
from application.placements.intake import Checked, Placed, PlacementOutcome, place_requests
from workers.cli.input import read_values
from workers.cli.options import AsJson
from workers.cli.run import run
from workers.terminal.failures import ExitCode
from workers.terminal.output import console, counting, print_json, say, table, words

IDS_AT_MOST = 5
"""How many ids one sentence names."""


def place(
    *,
    files: Annotated[
        list[str], typer.Argument(metavar="FILE", help="JSON object, array or JSON lines; - for stdin.")
    ],
    allow_overlap: Annotated[
        bool,
        typer.Option(
            "--allow-overlap",
            help="Place also where the mentee is in another placement on the same days, or the mentor "
            "promises more hours than they can give; both are warned about.",
        ),
    ] = False,
    check_only: Annotated[bool, typer.Option("--check", help="Only check; place nothing.")] = False,
    wait: Annotated[
        float, typer.Option("--wait", min=1, metavar="SECONDS", help="How long to wait for each agreement.")
    ] = 60,
    as_json: AsJson = False,
) -> None:
    """Place requests: check all of them, then start one agreement for each.

    Nothing starts unless every request is in order. Each problem names where the request stands and
    the field. People described inline are written to the directory first; ids alone must be there
    already. The same request again starts nothing and says so; the same request id with other content is
    refused. The agreement's id is the tenant, a dot and the request id.
    """
    submissions = [Submission(found.where, found.value) for found in read_values(files)]

    async def place_all(container: Container) -> PlacementOutcome:
        with counting("Placing", total=None) as progress:
            return await place_requests(
                container,
                Principal.machine(),
                submissions,
                allow_overlap=allow_overlap,
                check_only=check_only,
                patience=timedelta(seconds=wait),
                progress=progress,
            )

    checked, placed = run(place_all)
    for warning in checked.warnings:
        say(f"Warning: {warning}")
    for problem in checked.problems:
        say(str(problem))
    if as_json:
        print_json(_as_json(checked, placed))
    elif placed:
        _print(placed)
    if checked.problems:
        say(f"Nothing was placed: {_counted(len(checked.problems), 'problem')} to put right.")
        raise typer.Exit(ExitCode.REFUSED)
    if check_only:
        say(f"{_counted(len(checked.placements), 'request')} in order; nothing was placed.")
        return
    _end(placed)


def _end(placed: Sequence[Placed]) -> None:
    before = [each for each in placed if each.outcome == "already_placed"]
    if before:
        say(f"{_counted(len(before), 'request')} placed before: nothing was started for {_ids(before)}.")
    waiting = [each for each in placed if each.outcome == "unconfirmed"]
    for each in waiting:
        say(f"{each.agreement_id} was started and is not confirmed: {each.remark}")
    if waiting:
        say(
            "Is a worker running (`sojourn worker`)? The same call again starts nothing twice and asks again."
        )
        raise typer.Exit(ExitCode.UNKNOWN_OUTCOME)


def _ids(placed: Sequence[Placed]) -> str:
    shown = ", ".join(each.agreement_id for each in placed[:IDS_AT_MOST])
    return shown if len(placed) <= IDS_AT_MOST else f"{shown} and {len(placed) - IDS_AT_MOST} more"


def _print(placed: Sequence[Placed]) -> None:
    out = console()
    out.print(
        table(
            "Agreement",
            "Kind",
            "Outcome",
            "Version",
            rows=(
                (
                    each.agreement_id,
                    each.kind,
                    words(each.outcome),
                    "" if each.version is None else each.version,
                )
                for each in placed
            ),
        )
    )


def _as_json(checked: Checked, placed: Sequence[Placed]) -> dict[str, JsonValue]:
    return {
        "placements": [each.model_dump(mode="json") for each in placed],
        "problems": [each.model_dump(mode="json") for each in checked.problems],
        "warnings": [each.model_dump(mode="json") for each in checked.warnings],
    }


def _counted(count: int, thing: str) -> str:
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"
