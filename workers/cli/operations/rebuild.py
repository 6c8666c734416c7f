"""Rewrite read models from the log, while everybody goes on working."""

from __future__ import annotations

from contextlib import aclosing
from typing import Annotated

import typer
from pydantic import JsonValue

from activities.integrity.findings import Difference
from activities.integrity.rebuild import Rebuilt
from application.container import Container
from application.identity.principal import Principal
from application.operations import rebuild as operations
from workers.cli.operations.verify import Agreements
from workers.cli.options import AsJson
from workers.cli.run import run
from workers.terminal.failures import ExitCode
from workers.terminal.output import console, counting, print_json, say


def rebuild(
    agreement: Agreements = None,
    after: Annotated[
        str, typer.Option(metavar="ID", help="Only agreements behind this id: where one was broken off.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Rewrite read models that are not as the log has them, while workers and readers go on.

    Agreement by agreement, in its own transaction: broken off, it has done what it has done. The log,
    accepted commands, notices and the directory are never touched; a log that was altered is named, with
    exit code 1. Needs the role that owns the schema: SOJOURN_OWNER_DATABASE_URL.
    """

    async def rewrite(container: Container) -> list[Rebuilt]:
        done: list[Rebuilt] = []
        last = after
        finished = False
        try:
            with counting("Rebuilding", total=None) as progress:
                machine = Principal.machine()
                rebuilding = operations.rebuild(
                    container, machine, agreement or (), after=after, progress=progress
                )
                async with aclosing(rebuilding):
                    async for each in rebuilding:
                        last = each.agreement_id
                        if each.rewritten or each.left:
                            done.append(each)
            finished = True
        finally:
            if not finished and last and not agreement:
                say(f"Broken off. Go on with: sojourn rebuild --after {last}")
        return done

    done = run(rewrite)
    rewritten = [each.agreement_id for each in done if each.rewritten]
    left = [difference for each in done for difference in each.left]
    _tell(rewritten, left, as_json=as_json)
    if left:
        raise typer.Exit(ExitCode.REFUSED)


def _tell(rewritten: list[str], left: list[Difference], *, as_json: bool) -> None:
    if as_json:
        names: list[JsonValue] = list(rewritten)
        print_json({"rewritten": names, "left": [each.model_dump(mode="json") for each in left]})
    else:
        lines = console()
        for agreement_id in rewritten:
            lines.print(f"{agreement_id}: rewritten", soft_wrap=True, markup=False)
        for each in left:
            lines.print(str(each), soft_wrap=True, markup=False)
    say(
        f"Rewritten: {len(rewritten)}. "
        + (f"Not to be rebuilt: {len(left)}." if left else "Nothing is left.")
    )
