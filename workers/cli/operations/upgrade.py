"""Move running agreements to the current worker version."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated

import typer
from pydantic import JsonValue

from application.container import Container
from application.identity.principal import Principal
from application.operations import upgrade as operations
from application.operations.upgrade import Outcome, Upgraded, UpgradeOutcome
from application.temporal.versions import spelled
from workers.cli.options import AsJson, DryRun, Patience
from workers.cli.run import run
from workers.terminal.failures import ExitCode
from workers.terminal.output import NOTHING, console, counting, print_json, say, table, words


def upgrade(
    to: Annotated[
        str | None,
        typer.Option(
            metavar="BUILD", help="Make this build id current first: new agreements begin on it from now on."
        ),
    ] = None,
    wait: Patience = 180,
    from_record: Annotated[
        bool,
        typer.Option(
            "--from-record",
            help="Start what does not come in time again from the record: for a version without workers.",
        ),
    ] = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Bring running agreements to the current worker version, and say which have come.

    Wakes every agreement on another version with a signal that changes nothing; it hands over to a run on the
    current version and goes on where it was. Workers of both versions have to run meanwhile; stop the old
    ones once this ends with 0. Repeating it is safe.
    """

    async def move(container: Container) -> UpgradeOutcome:
        with counting("moving", total=None) as progress:
            return await operations.upgrade(
                container,
                Principal.machine(),
                to_build=to,
                patience=timedelta(seconds=wait),
                from_record=from_record,
                dry_run=dry_run,
                progress=progress,
            )

    done = run(move)
    _report(done, as_json=as_json)
    if any(item.outcome is Outcome.BEHIND for item in done.agreements):
        raise typer.Exit(ExitCode.UNKNOWN_OUTCOME)


def _report(done: UpgradeOutcome, *, as_json: bool) -> None:
    counts = Counter(item.outcome for item in done.agreements)
    left_on = _left_on(done.agreements)
    if as_json:
        print_json(
            {
                "current": spelled(done.current),
                "counts": {outcome: counts[outcome] for outcome in Outcome},
                "left_on": left_on,
                "agreements": [item.model_dump(mode="json") for item in done.agreements],
            }
        )
    else:
        rows = [
            (item.agreement_id, words(item.outcome), item.version or NOTHING)
            for item in done.agreements
            if item.outcome is not Outcome.MOVED
        ]
        if rows:
            console().print(table("Agreement", "Outcome", "On version", rows=rows))
    counted = ", ".join(f"{counts[outcome]} {words(outcome)}" for outcome in Outcome if counts[outcome])
    say(f"Current is {spelled(done.current)}. {counted or 'Every running agreement is on it'}.")
    if counts[Outcome.BEHIND]:
        left = ", ".join(f"{version} ({number})" for version, number in left_on.items())
        say(
            f"Still on another version: {left}. Keep its workers and repeat the call; where none runs any "
            "more, add --from-record."
        )


def _left_on(items: Sequence[Upgraded]) -> dict[str, JsonValue]:
    """Return how many agreements each other version still has: one that is not named may be stopped."""
    left = [item for item in items if item.outcome in {Outcome.BEHIND, Outcome.WOULD_MOVE}]
    return dict(sorted(Counter(item.version or "no version" for item in left).items()))
