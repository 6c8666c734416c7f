"""Every open agreement runs again on a Temporal that knows nothing of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated

import typer

from application.operations.rehydrate import Outcome, Rehydrated, Rehydration
from workers.cli.options import AsJson, DryRun, Patience
from workers.cli.reach import Reach, reaching
from workers.cli.system.search_attributes import register_search_attributes
from workers.terminal.failures import ExitCode, Failure
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

    async def work(reach: Reach) -> list[Rehydrated]:
        event_store, client = await reach.event_store(), await reach.client()
        known = await event_store.read_models.to_be_run()
        chosen = known if not ids else [each for each in known if each in ids]
        if ids and not chosen:
            raise Failure(
                "None of these is an open agreement of the record, or a closed one with notices to send. "
                "Nothing was started; `sojourn list --open` shows what there is.",
                ExitCode.NOTHING_MATCHED,
            )
        if not dry_run:
            await register_search_attributes(client)
        rehydration = Rehydration(event_store, client, reach.settings.task_queue, timedelta(seconds=wait))
        with counting("rehydrating", total=len(chosen)) as bar:
            return await rehydration.run(chosen, bar.one_more, dry_run=dry_run)

    items = reaching(work)
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
    say(f"{counted or 'No open agreement is in the event_store'}.")
    if counts[Outcome.UNANSWERED]:
        say("Is a worker running (`sojourn worker`)? The same call again starts nothing twice.")
    code = next((code for outcome, code in _EXIT_CODES.items() if counts[outcome]), ExitCode.OK)
    if code is not ExitCode.OK:
        raise typer.Exit(code)


def _what(item: Rehydrated) -> str:
    if item.sentence:
        return item.sentence
    return NOTHING if item.version is None else f"version {item.version}"
