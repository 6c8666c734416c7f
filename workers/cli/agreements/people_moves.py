"""People move: one call per person, which reaches every agreement that they are in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import date, datetime, timedelta
from typing import Annotated

import typer
from pydantic import JsonValue, ValidationError

from activities.postgres.rows import AgreementRow
from application.commands.bulk import Errands, Item, Order, batch_id_of, command_id_of
from application.commands.preview import Expected
from application.queries.agreements import agreements
from domain.agreement.commands import Command
from domain.kernel.calendar import Leave
from domain.kernel.person import Person
from domain.kernel.vocabulary import Role
from workers.cli.agreements.act import build
from workers.cli.options import AsJson, DryRun, Operator, Patience
from workers.cli.previews import report
from workers.cli.reach import Reach, reaching
from workers.terminal.failures import ExitCode, Failure
from workers.terminal.output import counting, say

Reason = Annotated[str, typer.Option(metavar="TEXT", help="Why, for the record.")]
Mover = Annotated[str, typer.Argument(metavar="PERSON", help="Their person id.")]


def leave(
    *,
    person: Mover,
    first: Annotated[str, typer.Option(metavar="DAY", help="The first day away: 2027-05-03.")],
    last: Annotated[str, typer.Option(metavar="DAY", help="The last day away.")],
    operator: Operator,
    delegate: Annotated[
        str | None, typer.Option(metavar="PERSON", help="Who acts for them meanwhile.")
    ] = None,
    reason: Reason = "Leave.",
    wait: Patience = 60,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Somebody is away: enter it, and move what they owe off those days in every open agreement.

    Notices go to the delegate meanwhile. The same call again changes nothing.
    """
    try:
        absence = Leave(first=_day(first, "--first"), last=_day(last, "--last"))
    except ValidationError as error:
        raise Failure("--last: is before --first: swap the days.", ExitCode.USAGE) from error
    batch = batch_id_of({"leave": person, "first": first, "last": last, "reason": reason}, "leave")

    async def work(reach: Reach) -> list[Item]:
        known = await _people(reach, person=person, operator=operator, delegate=delegate)
        changes: dict[str, object] = {"leave": tuple(dict.fromkeys((*known[person].leave, absence)))}
        if delegate is not None:
            changes["delegate_id"] = delegate
        away = Person.model_validate({**known[person].model_dump(), **changes})
        if not dry_run:
            directory = await reach.directory()
            await directory.away(person, absence)
            if delegate is not None:
                await directory.upsert([await _with_delegate(reach, person, delegate)])
        orders = [
            _order(batch, row, "read_calendar_again", operator, {"person_id": person, "reason": reason})
            for row in await _open_agreements(reach, person)
        ]
        return await _give(reach, orders, wait, expected=away, dry_run=dry_run)

    _conclude(work, batch, as_json=as_json, nowhere=f"{person} is in no open agreement.")


def departed(
    *,
    person: Mover,
    on: Annotated[str, typer.Option("--on", metavar="DAY", help="Their last day: 2027-03-31.")],
    reason: Reason,
    operator: Operator,
    successor: Annotated[
        str | None, typer.Option(metavar="PERSON", help="Who takes over every role they hold.")
    ] = None,
    wait: Patience = 60,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Somebody leaves: their roles go to the successor, or are flagged and a successor is owed.

    Without --successor their delegate is proposed. Nobody succeeds a mentee: there the departure is reported.
    The same call again changes nothing.
    """
    last_day = _day(on, "--on")
    batch = batch_id_of({"departed": person, "on": on, "successor": successor, "reason": reason}, "departed")

    async def work(reach: Reach) -> list[Item]:
        known = await _people(reach, person=person, operator=operator, successor=successor)
        if not dry_run:
            await (await reach.directory()).leave(person, last_day)
        report_it: dict[str, JsonValue] = {"person_id": person, "reason": reason}
        if known[person].delegate_id is not None:
            report_it["proposed_successor"] = known[person].delegate_id
        orders = [
            order
            for row in await _open_agreements(reach, person)
            for order in _departures(batch, row, operator, successor, report_it)
        ]
        return await _give(reach, orders, wait, dry_run=dry_run)

    _conclude(work, batch, as_json=as_json, nowhere=f"{person} is in no open agreement any more.")


def manager(
    *,
    mentee: Annotated[str, typer.Argument(metavar="MENTEE", help="Whose line manager changes.")],
    to: Annotated[str, typer.Option("--to", metavar="PERSON", help="The new line manager.")],
    reason: Reason,
    operator: Operator,
    wait: Patience = 60,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Somebody has another line manager: in every open agreement in which they are the mentee.

    Open work of the former one moves; agreements that have the new one already are left alone.
    """
    batch = batch_id_of({"manager_of": mentee, "to": to, "reason": reason}, "manager")

    async def work(reach: Reach) -> list[Item]:
        await _people(reach, person=mentee, operator=operator, to=to)
        orders = [
            _order(
                batch,
                row,
                "reassign_role",
                operator,
                {"role": Role.LINE_MANAGER, "from_person": held, "to_person": to, "reason": reason},
            )
            for row in await _open_agreements(reach, mentee)
            if mentee in _holders(row, Role.MENTEE)
            for held in _holders(row, Role.LINE_MANAGER)
            if held != to
        ]
        return await _give(reach, orders, wait, dry_run=dry_run)

    nowhere = f"{to} is the line manager of {mentee} in every open agreement, or there is none."
    _conclude(work, batch, as_json=as_json, nowhere=nowhere)


def _departures(
    batch: str, row: AgreementRow, operator: str, successor: str | None, report_it: dict[str, JsonValue]
) -> list[Order]:
    person = report_it["person_id"]
    roles = sorted({party.role for party in row.head.parties if party.person_id == person})
    reported = _order(f"{batch}/left", row, "report_departure", operator, report_it)
    if successor is None:
        return [reported]
    handed_over = [
        _order(
            f"{batch}/{role}",
            row,
            "reassign_role",
            operator,
            {
                "role": role,
                "from_person": person,
                "to_person": successor,
                "reason": report_it["reason"],
            },
        )
        for role in roles
        if role is not Role.MENTEE
    ]
    return [*handed_over, reported] if Role.MENTEE in roles else handed_over


def _order(batch: str, row: AgreementRow, name: str, operator: str, data: dict[str, JsonValue]) -> Order:
    command_id = command_id_of(batch, row.agreement_id)

    def made(_oldest: str | None) -> Command:
        return build(name, operator, Role.OPERATOR, data, command_id)

    return Order(row.agreement_id, made)


async def _give(
    reach: Reach, orders: Sequence[Order], wait: float, *, dry_run: bool, expected: Person | None = None
) -> list[Item]:
    """A few orders at a time; each agreement takes its own one after another."""
    errands = Errands(
        await reach.event_store(),
        await reach.directory(),
        None if dry_run else await reach.client(),
        timedelta(seconds=wait),
        expected=None if expected is None else Expected(people={expected.person_id: expected}),
    )
    with counting("Agreements", total=len(orders)) as bar:
        return await errands.give(orders, bar.one_more)


def _conclude(
    work: Callable[[Reach], Awaitable[list[Item]]], batch: str, *, as_json: bool, nowhere: str
) -> None:
    items = reaching(work)
    if not items:
        say(nowhere)
    report(items, batch=batch, as_json=as_json)


async def _open_agreements(reach: Reach, person: str) -> list[AgreementRow]:
    return [row async for row in agreements(await reach.event_store(), person_id=person, only_open=True)]


def _holders(row: AgreementRow, role: Role) -> list[str]:
    return [party.person_id for party in row.head.parties if party.role is role]


async def _with_delegate(reach: Reach, person: str, delegate: str) -> Person:
    known = (await (await reach.directory()).get([person]))[person]
    return Person.model_validate({**known.model_dump(), "delegate_id": delegate})


async def _people(reach: Reach, **named: str | None) -> dict[str, Person]:
    """Everybody named, who must be in the directory; the operator must be one.

    Raises:
        Failure: Somebody is missing, or is no operator, or stands in for themselves.
    """
    known = await (await reach.directory()).get([each for each in named.values() if each is not None])
    options = {"person": "PERSON", "operator": "--as"}
    missing = [
        f"{options.get(field, f'--{field}')}: {each} is not in the directory; add them with `sojourn people`."
        for field, each in named.items()
        if each is not None and each not in known
    ]
    if missing:
        raise Failure("\n".join(missing))
    if not known[named["operator"] or ""].is_operator:
        raise Failure(f'--as: {named["operator"]} is no operator ("is_operator": true in the directory).')
    for field in ("delegate", "successor", "to"):
        if named.get(field) == named["person"]:
            raise Failure(f"--{field}: names the person themselves; name somebody else.", ExitCode.USAGE)
    return known


def _day(text: str, option: str) -> date:
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007  a day has no time zone
    except ValueError:
        raise Failure(
            f"{option} must be a day such as 2027-05-03; {text!r} is not.", ExitCode.USAGE
        ) from None
