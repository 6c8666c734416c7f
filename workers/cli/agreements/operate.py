"""The same command over every agreement that matches."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, cast

import typer
from pydantic import JsonValue

from activities.event_store.event_store import EventStore
from activities.postgres.rows import StalledFilters
from application.commands.bulk import (
    Errands,
    Item,
    Order,
    batch_id_of,
    command_id_of,
    names_the_oldest,
    with_the_oldest,
)
from application.config.policy_sets import KnownPolicies
from application.queries.agreements import Filters, agreements
from application.queries.stalled import stalled_list
from domain.agreement.commands import Command
from domain.kernel.vocabulary import Kind, Phase, Role, StallReason
from workers.cli.agreements.act import build, check_people
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
from workers.cli.previews import report
from workers.cli.reach import Reach, reaching
from workers.cli.unknown_values import tell_of_unknown
from workers.terminal.failures import ExitCode, Failure
from workers.terminal.output import counting

_BATCH = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,49}")
_SAMPLE = "sample"


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
    name = build(command, person, acting_as, with_the_oldest(fields, "milestone:sample"), _SAMPLE).type
    filters = Filters(
        kinds=choices(kinds, Kind, "--kind") or None,
        phases=choices(phases, Phase, "--phase") or None,
        tenant=tenant,
        cohort=cohort,
        person_id=involved,
        only_open=True,
    )
    why, whom = choices(reasons, StallReason, "--reason"), choices(waiting_on, Role, "--waiting-on")
    _check_narrowed(
        [kinds, phases, why, whom, only_stalled, cohort, tenant, involved, ids], everything=everything
    )
    chosen_batch = _batch(batch, name, person, acting_as, fields)

    def order(agreement_id: str, policies: KnownPolicies) -> Order:
        def made(oldest: str | None) -> Command:
            command_id = command_id_of(chosen_batch, agreement_id)
            command = build(name, person, acting_as, with_the_oldest(fields, oldest), command_id)
            return policies.along_with(command)

        return Order(agreement_id, made, about_the_oldest=names_the_oldest(fields))

    async def choose(reach: Reach) -> list[str]:
        await check_people(reach, order(_SAMPLE, reach.policies()).build("milestone:sample"))
        if why or whom or only_stalled:
            found = await _stalled(await reach.event_store(), filters, why, whom)
        elif ids and not any([kinds, phases, cohort, tenant, involved]):
            return list(dict.fromkeys(ids))
        else:
            found = [row.agreement_id async for row in agreements(await reach.event_store(), **filters)]
        return [each for each in found if ids is None or not ids or each in ids]

    async def work(reach: Reach) -> list[Item]:
        chosen = await choose(reach)
        if not chosen:
            await tell_of_unknown(await reach.event_store(), tenant=tenant, cohort=cohort)
            raise Failure(
                "No open agreement matches these filters; nothing was done. `sojourn list --open` and "
                "`sojourn stalled` show what there is.",
                ExitCode.NOTHING_MATCHED,
            )
        if not dry_run and not yes:
            confirm(f"Give {name} to {_counted(len(chosen))}?")
        orders = [order(each, reach.policies()) for each in chosen]
        return await carry_out(reach, orders, wait, doing=name, dry_run=dry_run)

    report(reaching(work), batch=chosen_batch, as_json=as_json)


async def _stalled(
    event_store: EventStore, filters: Filters, reasons: Sequence[StallReason], roles: Sequence[Role]
) -> list[str]:
    given: dict[str, Sequence[object] | None] = {
        "kind": filters.get("kinds"),
        "reason": reasons,
        "waiting_on_role": roles,
        "tenant": [tenant] if (tenant := filters.get("tenant")) else None,
        "cohort": [cohort] if (cohort := filters.get("cohort")) else None,
    }
    rows = await stalled_list(
        event_store,
        filters=cast("StalledFilters", {name: values for name, values in given.items() if values}),
    )
    phases, person = filters.get("phases"), filters.get("person_id")
    found = [row.agreement_id for row in rows if not phases or row.phase in phases]
    if person is None:
        return found
    theirs = {row.agreement_id async for row in agreements(event_store, person_id=person, only_open=True)}
    return [each for each in found if each in theirs]


def _check_narrowed(filters: Sequence[object], *, everything: bool) -> None:
    if any(filters) == everything:
        raise Failure(
            "Say which agreements: at least one filter, --agreement ID, or --all for every open one; "
            "not filters and --all.",
            ExitCode.USAGE,
        )


async def carry_out(
    reach: Reach, orders: Sequence[Order], wait: float, *, doing: str, dry_run: bool
) -> list[Item]:
    """Gives orders with progress on standard error, or only decides on them."""
    client = None if dry_run else await reach.client()
    errands = Errands(await reach.event_store(), await reach.directory(), client, timedelta(seconds=wait))
    with counting(doing, total=len(orders)) as bar:
        return await errands.give(orders, bar.one_more)


def confirm(question: str) -> None:
    """Asks at a terminal; elsewhere --yes has to be said.

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


def _batch(given: str | None, name: str, person: str, acting_as: Role, fields: dict[str, JsonValue]) -> str:
    if given is None:
        content: dict[str, JsonValue] = {
            "command": name,
            "actor_id": person,
            "acting_as": str(acting_as),
            "data": json.loads(json.dumps(fields)),
        }
        return batch_id_of(content, f"{datetime.now(UTC):%Y%m%d}")
    if not _BATCH.fullmatch(given):
        raise Failure(
            f"--batch: must be 1 to 50 letters, digits, dots, colons, dashes, underscores; not {given!r}.",
            ExitCode.USAGE,
        )
    return given
