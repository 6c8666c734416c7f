"""Give the same command to every agreement that matches."""

from __future__ import annotations

import json
import re
import sys
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from pydantic import JsonValue

from application.commands.authorization import authorize
from application.commands.build import build_command
from application.commands.bulk import (
    BulkCommand,
    BulkResult,
    batch_id_of,
    command_id_of,
    fill_in_oldest,
    mentions_oldest,
    submit_to_many,
)
from application.commands.submit import check_named_people
from application.container import Container
from application.queries.select import Selection, select_agreements
from domain.agreement.commands import Command
from domain.kernel.vocabulary import Kind, Phase, Role, StallReason
from workers.cli.input import read_object
from workers.cli.options import (
    AsJson,
    Cohort,
    DryRun,
    InvolvedPerson,
    Kinds,
    Operator,
    Patience,
    Phases,
    Tenant,
    Yes,
    choices,
)
from workers.cli.previews import report_bulk
from workers.cli.run import run
from workers.cli.sign_in import principal_named
from workers.cli.unknown_values import tell_of_unknown
from workers.terminal.failures import ExitCode, Failure
from workers.terminal.output import counting

_BATCH = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,49}")
_SAMPLE = "sample"
_SAMPLE_OBLIGATION = "milestone:sample"


def operate(
    *,
    command: Annotated[str, typer.Argument(metavar="COMMAND", help="One of `sojourn commands`.")],
    person: Operator,
    data: Annotated[
        str,
        typer.Option(
            metavar="JSON",
            help="The command's own fields: JSON, @FILE, or - for stdin. {oldest} in it stands for each "
            "agreement's oldest overdue obligation.",
        ),
    ] = "{}",
    role: Annotated[str, typer.Option(metavar="ROLE", help="In which role.")] = Role.OPERATOR,
    kinds: Kinds = None,
    phases: Phases = None,
    reasons: Annotated[
        list[str] | None,
        typer.Option("--reason", metavar="REASON", help="Only stalled for this reason; repeatable."),
    ] = None,
    waiting_on: Annotated[
        list[str] | None,
        typer.Option("--waiting-on", metavar="ROLE", help="Only stalled on this role; repeatable."),
    ] = None,
    only_stalled: Annotated[bool, typer.Option("--stalled", help="Only what is stalled.")] = False,
    cohort: Cohort = None,
    tenant: Tenant = None,
    involved: InvolvedPerson = None,
    ids: Annotated[
        list[str] | None,
        typer.Option("--agreement", metavar="ID", help="Only this agreement; repeatable."),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every open agreement.")] = False,
    batch: Annotated[
        str | None,
        typer.Option(
            metavar="ID",
            help="The same batch again takes effect once. Default: from the command, its fields and the day.",
        ),
    ] = None,
    wait: Patience = 60,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Give the same command to every open agreement that matches, and say of each what became of it.

    Filters narrow together. Without --yes it asks first; --dry-run decides on the record and sends nothing.
    Repeating a call gives nothing twice.
    """
    [acting_as] = choices([role], Role, "--role")
    fields = read_object(data)

    def build(command_id: str, oldest: str | None) -> Command:
        return build_command(
            command,
            fill_in_oldest(fields, oldest),
            actor_id=person,
            acting_as=acting_as,
            command_id=command_id,
        )

    sample = build(_SAMPLE, _SAMPLE_OBLIGATION)
    selection = Selection(
        kinds=choices(kinds, Kind, "--kind"),
        phases=choices(phases, Phase, "--phase"),
        reasons=choices(reasons, StallReason, "--reason"),
        waiting_on=choices(waiting_on, Role, "--waiting-on"),
        only_stalled=only_stalled,
        tenant=tenant,
        cohort=cohort,
        person_id=involved,
        agreement_ids=ids or (),
    )
    if selection.narrows == everything:
        raise Failure(
            "Say which agreements: at least one filter, --agreement ID, or --all for every open one; "
            "not filters and --all.",
            ExitCode.USAGE,
        )
    chosen_batch = _batch(batch, sample, fields)
    principal = principal_named(person)

    def command_for(agreement_id: str) -> BulkCommand:
        command_id = command_id_of(chosen_batch, agreement_id)

        def build_about(oldest: str | None) -> Command:
            return build(command_id, oldest)

        return BulkCommand(agreement_id, build_about, about_oldest=mentions_oldest(fields))

    async def give(container: Container) -> list[BulkResult]:
        authorized = await authorize(container.directory, principal, sample)
        await check_named_people(container.directory, authorized.along_with(container.policies()).command)
        chosen = await select_agreements(await container.event_store(), selection)
        if not chosen:
            await tell_of_unknown(await container.event_store(), tenant=tenant, cohort=cohort)
            raise Failure(
                "No open agreement matches these filters; nothing was done. `sojourn list --open` and "
                "`sojourn stalled` show what there is.",
                ExitCode.NOTHING_MATCHED,
            )
        if not dry_run and not yes:
            confirm(f"Give {sample.type} to {_counted(len(chosen))}?")
        with counting(sample.type, total=len(chosen)) as progress:
            return await submit_to_many(
                container,
                principal,
                acting_as,
                [command_for(each) for each in chosen],
                patience=timedelta(seconds=wait),
                dry_run=dry_run,
                progress=progress,
            )

    report_bulk(run(give), batch=chosen_batch, as_json=as_json)


def confirm(question: str) -> None:
    """Ask at a terminal; elsewhere --yes has to be said.

    Raises:
        Failure: Nobody agreed.
    """
    if not sys.stdin.isatty():
        raise Failure(
            f"{question} Add --yes to do it, or --dry-run to see what would follow.", ExitCode.USAGE
        )
    if not typer.confirm(question, err=True):
        raise Failure("Nothing was done.")


def _counted(number: int) -> str:
    return "1 agreement" if number == 1 else f"{number} agreements"


def _batch(given: str | None, sample: Command, fields: dict[str, JsonValue]) -> str:
    if given is None:
        content: dict[str, JsonValue] = {
            "command": sample.type,
            "actor_id": sample.actor_id,
            "acting_as": str(sample.acting_as),
            "data": json.loads(json.dumps(fields)),
        }
        return batch_id_of(content, f"{datetime.now(UTC):%Y%m%d}")
    if not _BATCH.fullmatch(given):
        raise Failure(
            f"--batch: must be 1 to 50 letters, digits, dots, colons, dashes, underscores; not {given!r}.",
            ExitCode.USAGE,
        )
    return given
