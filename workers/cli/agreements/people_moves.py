"""Enter that people move: one call per person, which reaches every agreement that they are in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date, datetime, timedelta
from typing import Annotated

import typer
from pydantic import ValidationError

from application.container import Container
from application.errors import InvalidInputError, SamePersonError
from application.people.moves import (
    MoveOutcome,
    Submission,
    change_line_manager,
    enter_leave,
    report_departure,
)
from domain.kernel.calendar import Leave
from workers.cli.invalid_input import failure_of
from workers.cli.options import AsJson, DryRun, Operator, Patience
from workers.cli.previews import report_bulk
from workers.cli.run import run
from workers.cli.sign_in import principal_named
from workers.terminal.failures import ExitCode, Failure
from workers.terminal.output import counting, say

Reason = Annotated[str, typer.Option(metavar="TEXT", help="Why, for the record.")]
Mover = Annotated[str, typer.Argument(metavar="PERSON", help="Their person id.")]

_OPTIONS = {"person": "PERSON", "delegate": "--delegate", "successor": "--successor", "to": "--to"}


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
    """Enter that somebody is away, and move what they owe off those days in every open agreement.

    Notices go to the delegate meanwhile. The same call again changes nothing.
    """
    try:
        absence = Leave(first=_day(first, "--first"), last=_day(last, "--last"))
    except ValidationError as error:
        raise Failure("--last: is before --first: swap the days.", ExitCode.USAGE) from error
    principal = principal_named(operator)

    async def enter(container: Container, how: Submission) -> MoveOutcome:
        return await enter_leave(
            container, principal, person, absence, delegate_id=delegate, reason=reason, how=how
        )

    _carry_out(enter, wait, dry_run=dry_run, as_json=as_json, nowhere=f"{person} is in no open agreement.")


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
    """Enter that somebody leaves: their roles go to the successor, or are flagged and a successor is owed.

    Without --successor their delegate is proposed. Nobody succeeds a mentee: there the departure is reported.
    The same call again changes nothing.
    """
    last_day = _day(on, "--on")
    principal = principal_named(operator)

    async def enter(container: Container, how: Submission) -> MoveOutcome:
        return await report_departure(
            container, principal, person, last_day, successor_id=successor, reason=reason, how=how
        )

    nowhere = f"{person} is in no open agreement any more."
    _carry_out(enter, wait, dry_run=dry_run, as_json=as_json, nowhere=nowhere)


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
    """Give a mentee another line manager, in every open agreement in which they are the mentee.

    Open work of the former one moves; agreements that have the new one already are left alone.
    """
    principal = principal_named(operator)

    async def enter(container: Container, how: Submission) -> MoveOutcome:
        return await change_line_manager(container, principal, mentee, to, reason=reason, how=how)

    nowhere = f"{to} is the line manager of {mentee} in every open agreement, or there is none."
    _carry_out(enter, wait, dry_run=dry_run, as_json=as_json, nowhere=nowhere)


def _carry_out(
    move: Callable[[Container, Submission], Awaitable[MoveOutcome]],
    wait: float,
    *,
    dry_run: bool,
    as_json: bool,
    nowhere: str,
) -> None:
    """Carry out a move and report what became of each agreement; say `nowhere` where it concerns none."""

    async def carry_out(container: Container) -> MoveOutcome:
        with counting("Agreements", total=None) as progress:
            return await move(container, Submission(timedelta(seconds=wait), dry_run, progress))

    try:
        outcome = run(carry_out)
    except SamePersonError as error:
        raise failure_of(error, _OPTIONS, ExitCode.USAGE) from error
    except InvalidInputError as error:
        raise failure_of(error, _OPTIONS) from error
    if not outcome.results:
        say(nowhere)
    report_bulk(outcome.results, batch=outcome.batch, as_json=as_json)


def _day(text: str, option: str) -> date:
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007  a day has no time zone
    except ValueError:
        raise Failure(
            f"{option} must be a day such as 2027-05-03; {text!r} is not.", ExitCode.USAGE
        ) from None
