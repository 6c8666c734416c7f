"""Whether the record is whole: every chain, every read model, every workflow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from activities.integrity.findings import Difference
from activities.integrity.snapshots import count_agreements
from application.operations.verify import verify as find_differences
from workers.cli.options import AsJson
from workers.cli.reach import Reach, reaching
from workers.runtime.privileges import INSTEAD, TOO_MUCH, could_edit_the_log
from workers.terminal.failures import ExitCode
from workers.terminal.output import console, counting, print_models, say

SHOWN_AT_MOST = 1000
"""Lines for people; --json has all."""

Agreements = Annotated[
    list[str] | None,
    typer.Option("--agreement", metavar="ID", help="Only this agreement; repeat for several."),
]


def verify(
    agreement: Agreements = None,
    record_only: Annotated[
        bool, typer.Option("--record-only", help="Leave the workflows in Temporal out.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Recompute every hash chain, fold every stream, and compare: read models and running workflows.

    Says of each difference where it is and what to do, and exits with 1. May run while others write.
    """

    async def work(reach: Reach) -> tuple[list[Difference], int]:
        pool = await reach.pool()
        if await could_edit_the_log(pool):
            say(f"Warning: {TOO_MUCH} {INSTEAD}.")
        client = None if record_only else await reach.client()
        total = len(agreement) if agreement else await count_agreements(pool)
        with counting("Verifying", total) as progress:
            found = await find_differences(
                pool,
                client,
                task_queue=reach.settings.task_queue,
                agreement_ids=agreement or None,
                looked=progress.one_more,
            )
        return found, total

    found, seen = reaching(work)
    if as_json:
        print_models(found)
    else:
        _print(found)
    say(_verdict(len(found), seen))
    if found:
        raise typer.Exit(ExitCode.REFUSED)


def _print(found: Sequence[Difference]) -> None:
    lines = console()
    for each in found[:SHOWN_AT_MOST]:
        lines.print(str(each), soft_wrap=True, markup=False)
    if len(found) > SHOWN_AT_MOST:
        say(f"{len(found) - SHOWN_AT_MOST} more; --json prints all.")


def _verdict(differences_found: int, seen: int) -> str:
    agreements = "1 agreement" if seen == 1 else f"{seen} agreements"
    if not differences_found:
        return f"{agreements} verified: nothing differs."
    number = "1 difference" if differences_found == 1 else f"{differences_found} differences"
    return f"{agreements} verified: {number}."
