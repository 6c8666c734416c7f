"""Let every open agreement run again on a Temporal that knows nothing of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated

import typer

from application.container import Container
from application.identity.principal import Principal
from application.operations import rehydrate as operations
from application.operations.rehydrate import Outcome, Rehydrated
from workers.cli.options import AsJson, DryRun, Patience
from workers.cli.run import run
from workers.terminal.failures import ExitCode
from workers.terminal.output import NOTHING, console, counting, print_json, say, table, words

_EXIT_CODES: Mapping[Outcome, ExitCode] = {
    Outcome.UNREADABLE: ExitCode.REFUSED,
    Outcome.NOT_STARTED: ExitCode.UNREACHABLE,
    Outcome.UNANSWERED: ExitCode.UNKNOWN_OUTCOME,
}
"""The first that applies to any agreement is what the command ends with."""


def rehydrate(
    ids: Annotated[
        list[str] | None,
        typer.Option("--agreement", metavar="ID", help="Only this agreement; repeatable. Default: all."),
    ] = None,
    wait: Patience = 60,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Start every open agreement from the record: after Temporal was lost, or on an empty namespace.

    Each goes on exactly where it was: the same version, the same obligations, the same next timer, and no
    notice is sent twice. What runs already is left alone, so that an interrupted call is simply repeated.
    Registers the search attributes that the namespace lacks. A worker has to run (`sojourn worker`).
    """

    async def start(container: Container) -> list[Rehydrated]:
        with counting("rehydrating", total=None) as progress:
            return await operations.rehydrate(
                container,
                Principal.machine(),
                ids or (),
                patience=timedelta(seconds=wait),
                dry_run=dry_run,
                progress=progress,
            )

    items = run(start)
    counts = Counter(item.outcome for item in items)
    if as_json:
        print_json(
            {
                "counts": {outcome: counts[outcome] for outcome in Outcome},
                "agreements": [item.model_dump(mode="json") for item in items],
            }
        )
    else:
        told = (item for item in items if item.outcome is not Outcome.RUNNING)
        rows = [(item.agreement_id, words(item.outcome), _what(item)) for item in told]
        if rows:
            console().print(table("Agreement", "Outcome", "What", rows=rows))
    counted = ", ".join(f"{counts[outcome]} {words(outcome)}" for outcome in Outcome if counts[outcome])
    say(f"{counted or 'No open agreement is in the record'}.")
    if counts[Outcome.UNANSWERED]:
        say("Is a worker running (`sojourn worker`)? The same call again starts nothing twice.")
    code = next((code for outcome, code in _EXIT_CODES.items() if counts[outcome]), ExitCode.OK)
    if code is not ExitCode.OK:
        raise typer.Exit(code)


def _what(item: Rehydrated) -> str:
    if item.sentence:
        return item.sentence
    return NOTHING if item.version is None else f"version {item.version}"
