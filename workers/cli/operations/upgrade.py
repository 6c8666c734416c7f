"""Running agreements move to the current worker version."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, NamedTuple

import typer
from pydantic import JsonValue
from temporalio.common import WorkerDeploymentVersion

from application.operations.upgrade import Outcome, Upgrade, Upgraded
from application.temporal.versions import current_version, make_current, spelled, version_of
from workers.cli.options import AsJson, DryRun, Patience
from workers.cli.reach import Reach, reaching
from workers.terminal.failures import ExitCode, Failure
from workers.terminal.output import NOTHING, console, counting, print_json, say, table, words


class _Done(NamedTuple):
    current: WorkerDeploymentVersion
    items: list[Upgraded]


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

    async def work(reach: Reach) -> _Done:
        current = await _current(reach, to, dry_run=dry_run)
        change = Upgrade(await reach.client(), reach.settings.task_queue, current)
        behind = [agreement_id async for agreement_id in change.behind()]
        if dry_run:
            return _Done(current, await change.would_move(behind))
        with counting(f"moving to {spelled(current)}", total=len(behind)) as bar:
            items = await change.move(behind, timedelta(seconds=wait), bar.one_more)
        left = [item.agreement_id for item in items if item.outcome is Outcome.BEHIND]
        if from_record and left:
            with counting("starting again from the record", total=len(left)) as bar:
                again = await change.start_again(await reach.event_store(), left, bar.one_more)
            items = [item for item in items if item.outcome is not Outcome.BEHIND] + again
        return _Done(current, items)

    done = reaching(work)
    _report(done, as_json=as_json)
    if any(item.outcome is Outcome.BEHIND for item in done.items):
        raise typer.Exit(ExitCode.UNKNOWN_OUTCOME)


async def _current(reach: Reach, to: str | None, *, dry_run: bool) -> WorkerDeploymentVersion:
    deployment = version_of(reach.settings).deployment_name
    client = await reach.client()
    if to is not None:
        wanted = WorkerDeploymentVersion(deployment, to)
        if not dry_run:
            await make_current(client, wanted, patience=timedelta(seconds=10))
        return wanted
    current = await current_version(client, deployment)
    if current is None:
        raise Failure(
            f"No worker of deployment {deployment} has run in namespace {client.namespace} yet: start one "
            "with `sojourn worker`, or set TEMPORAL_DEPLOYMENT_NAME or SOJOURN_TASK_QUEUE as the workers "
            "have it.",
            ExitCode.NOTHING_MATCHED,
        )
    return current


def _report(done: _Done, *, as_json: bool) -> None:
    counts = Counter(item.outcome for item in done.items)
    left_on = _left_on(done.items)
    if as_json:
        print_json(
            {
                "current": spelled(done.current),
                "counts": {outcome: counts[outcome] for outcome in Outcome},
                "left_on": left_on,
                "agreements": [item.model_dump(mode="json") for item in done.items],
            }
        )
    else:
        rows = [
            (item.agreement_id, words(item.outcome), item.version or NOTHING)
            for item in done.items
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
    """How many agreements each other version still has: one that is not named may be stopped."""
    left = [item for item in items if item.outcome in {Outcome.BEHIND, Outcome.WOULD_MOVE}]
    return dict(sorted(Counter(item.version or "no version" for item in left).items()))
