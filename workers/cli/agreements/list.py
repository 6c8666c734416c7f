"""List agreements: which there are, and which are stalled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, cast

import typer
from pydantic import JsonValue
from rich.table import Table

from activities.postgres.rows import AgreementRow, StalledFilters, StalledPlace
from application.container import Container
from application.identity.principal import Principal
from application.queries import lists as queries
from application.queries.agreements import Filters, StalledAgreement
from domain.kernel.vocabulary import Kind, Phase, Role, StallReason
from workers.cli.input import read_instant
from workers.cli.options import AsJson, AsOf, Cohort, InvolvedPerson, Kinds, Onlooker, Phases, Tenant, choices
from workers.cli.run import run
from workers.cli.sign_in import principal_named
from workers.cli.unknown_values import tell_of_unknown
from workers.terminal.failures import ExitCode, Failure
from workers.terminal.output import NOTHING, console, instant, print_json, print_models, table, words


def list_agreements(
    *,
    kinds: Kinds = None,
    phases: Phases = None,
    tenant: Tenant = None,
    cohort: Cohort = None,
    person: InvolvedPerson = None,
    only_open: Annotated[bool, typer.Option("--open", help="Leave out closed ones.")] = False,
    as_json: AsJson = False,
) -> None:
    """List agreements, in order of id; --json prints an array."""
    filters = _filters(kinds, phases, tenant, cohort, person, only_open=only_open)

    async def read(container: Container) -> list[AgreementRow]:
        found = await queries.list_agreements(container, Principal.machine(), filters)
        if not found:
            await tell_of_unknown(await container.event_store(), tenant=tenant, cohort=cohort)
        return found

    rows = run(read)
    if as_json:
        print_json([_as_json(row) for row in rows])
        return
    if not rows:
        console().print("No agreements.")
        return
    console().print(
        table(
            "Agreement",
            "Kind, phase",
            "From, to",
            "Mentee, mentor",
            rows=(
                (
                    row.agreement_id,
                    f"{row.head.kind}\n{words(row.head.outcome) if row.head.outcome else row.head.phase}",
                    f"{row.head.starts_on}\n{row.head.ends_on}",
                    f"{_holder(row, Role.MENTEE) or NOTHING}\n{_holder(row, Role.MENTOR) or NOTHING}",
                )
                for row in rows
            ),
        )
    )


def list_stalled(
    *,
    onlooker: Onlooker = None,
    as_of: AsOf = None,
    kinds: Kinds = None,
    reasons: Annotated[
        list[str] | None, typer.Option("--reason", metavar="REASON", help="Only this reason; repeatable.")
    ] = None,
    roles: Annotated[
        list[str] | None,
        typer.Option("--role", metavar="ROLE", help="Only waiting on this role; repeatable."),
    ] = None,
    waiting_on: Annotated[
        str | None, typer.Option("--waiting-on", metavar="PERSON", help="Only waiting on this person.")
    ] = None,
    levels: Annotated[
        list[int] | None,
        typer.Option("--level", min=0, max=6, metavar="LEVEL", help="Only on this rung; repeatable."),
    ] = None,
    tenant: Tenant = None,
    cohort: Cohort = None,
    limit: Annotated[
        int | None, typer.Option(min=1, metavar="ROWS", help="At most so many; all where left out.")
    ] = None,
    after: Annotated[
        str | None,
        typer.Option(metavar="SINCE,AGREEMENT", help="The next page: what comes after this row of the last."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List what is stalled: why, since when, on whom it waits, and what happens next. Longest first.

    Read from the record, so it works while no worker runs. Without --as-of each agreement is looked at now,
    or at its last event where its own time runs ahead of the clock, as it does after a demonstration. A past
    instant counts only what had happened by then; a future one asks what would be stalled if nothing else
    happens.

    With --as PERSON parties see their own agreements and operators all, but no concern about themselves.
    """
    moment = None if as_of is None else read_instant(as_of, "--as-of")
    place = None if after is None else _place(after)
    given: dict[str, object] = {
        "kind": choices(kinds, Kind, "--kind"),
        "reason": choices(reasons, StallReason, "--reason"),
        "waiting_on_role": choices(roles, Role, "--role"),
        "waiting_on_id": [waiting_on] if waiting_on else [],
        "level": levels,
        "tenant": [tenant] if tenant else [],
        "cohort": [cohort] if cohort else [],
    }
    filters = cast("StalledFilters", {name: values for name, values in given.items() if values})

    principal = principal_named(onlooker)

    async def read(container: Container) -> tuple[list[StalledAgreement], StalledPlace | None]:
        found, more = await queries.list_stalled(
            container, principal, moment, filters, after=place, limit=limit
        )
        if not found:
            await tell_of_unknown(await container.event_store(), tenant=tenant, cohort=cohort)
        return found, more

    rows, more = run(read)
    if as_json:
        print_models(rows)
        return
    if not rows:
        console().print("Nothing is stalled." if place is None else "Nothing more is stalled.")
        return
    console().print(stalled_table(rows))
    if more is not None:
        console().print(f"\nMore: --after {more.since.isoformat()},{more.agreement_id}", soft_wrap=True)


def _place(after: str) -> StalledPlace:
    since, comma, agreement_id = after.partition(",")
    if not comma or not agreement_id:
        raise Failure(
            f"--after must be the `since` and the id of a row, joined by a comma, not {after!r}.",
            ExitCode.USAGE,
        )
    return StalledPlace(since=read_instant(since, "--after"), agreement_id=agreement_id)


def stalled_table(rows: Sequence[StalledAgreement]) -> Table:
    """Make a table of what is stalled, as people are shown it."""
    return table(
        "Stalled",
        "Waiting on, and what comes next",
        rows=((_what(row), _on_whom(row)) for row in rows),
    )


def _what(row: StalledAgreement) -> str:
    level = "" if row.level is None else f", level {row.level}"
    lines = [
        row.agreement_id,
        f"{row.kind}, {row.phase}",
        f"{words(row.reason)}{level}",
        f"since {instant(row.since)}",
    ]
    return "\n".join(lines)


def _on_whom(row: StalledAgreement) -> str:
    lines = [f"{words(row.waiting_on.role)} {row.waiting_on.person_id}", row.obligation_id, row.next]
    return "\n".join(line for line in lines if line)


def _filters(
    kinds: list[str] | None,
    phases: list[str] | None,
    tenant: str | None,
    cohort: str | None,
    person: str | None,
    *,
    only_open: bool,
) -> Filters:
    return Filters(
        kinds=choices(kinds, Kind, "--kind") or None,
        phases=choices(phases, Phase, "--phase") or None,
        tenant=tenant,
        cohort=cohort,
        person_id=person,
        only_open=only_open,
    )


def _as_json(row: AgreementRow) -> dict[str, JsonValue]:
    flat = row.model_dump(mode="json")
    head = flat.pop("head")
    return {**flat, **head, "mentee_id": _holder(row, Role.MENTEE), "mentor_id": _holder(row, Role.MENTOR)}


def _holder(row: AgreementRow, role: Role) -> str | None:
    return next((party.person_id for party in row.head.parties if party.role is role), None)
