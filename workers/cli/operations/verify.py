"""Verify that the record is whole: every chain, every read model, every workflow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from activities.integrity.findings import Difference
from application.container import Container
from application.identity.principal import Principal
from application.operations.verify import Verified, verify_installation
from workers.cli.options import AsJson
from workers.cli.run import run
from workers.runtime.privileges import INSTEAD, TOO_MUCH
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

    async def look(container: Container) -> Verified:
        with counting("Verifying", total=None) as progress:
            return await verify_installation(
                container,
                Principal.machine(),
                agreement or (),
                record_only=record_only,
                progress=progress,
            )

    verified = run(look)
    found = verified.differences
    if verified.role_may_edit_the_log:
        say(f"Warning: {TOO_MUCH} {INSTEAD}.")
    if as_json:
        print_models(found)
    else:
        _print(found)
    say(_verdict(len(found), verified.agreements))
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
