"""Let what was written in agreements expire on its date: what is due by retention class, and erasing it."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer
from pydantic import JsonValue

from application.container import Container
from application.data_rights.expire import Due, ExpiryOutcome, erase_due, list_due
from application.data_rights.receipts import SignedReceipt
from domain.privacy.retention import State
from workers.cli.options import AsJson, Operator, Yes
from workers.cli.private_files import write_private
from workers.cli.run import run
from workers.cli.sign_in import principal_named
from workers.terminal.failures import ExitCode, Failure
from workers.terminal.output import NOTHING, console, counting, print_json, say, table, words


def retention(
    *,
    operator: Operator,
    reference: Annotated[
        str, typer.Option(metavar="REFERENCE", help="The rule or run it belongs to: never a name.")
    ] = "retention",
    receipts: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Where each agreement's signed receipt goes; wanted with --yes."),
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="DATE", help="What will be due by then; only without --yes.")
    ] = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """List the agreements whose words are kept no longer, by class and date; with --yes, erase these words.

    A class lasts from an agreement's close for as long as its name says (placement-7y, trial-90d) or as
    SOJOURN_RETENTION_PERIODS says. Keys are destroyed for this agreement alone; its people, hashes and
    reports stay. A legal hold on anybody in it keeps all of it. Safe to run daily: the same call again
    finishes what was cut off and does nothing twice. Exit code 1 where a class has no period.
    """
    on = _day(until, yes=yes)
    if yes and (receipts is None or not receipts.is_dir()):
        raise Failure("--receipts: name a folder that is there, for the signed receipts.", ExitCode.USAGE)

    principal = principal_named(operator)

    async def list_or_erase(container: Container) -> list[ExpiryOutcome]:
        with counting("Looking", total=None) as progress:
            if not yes or receipts is None:
                return await list_due(container, principal, on, progress=progress)
            folder = receipts

            def keep(agreement_id: str, receipt: SignedReceipt) -> None:
                write_private(folder / f"{agreement_id}.json", receipt.model_dump_json(indent=2) + "\n")

            return await erase_due(
                container, principal, on, reference=reference, keep=keep, progress=progress
            )

    found = run(list_or_erase)
    if as_json:
        print_json([_as_json(due, written) for due, written in found])
    else:
        _print(found)
    _conclude(found, on, receipts)


def today() -> date:
    """Return the day it is, in UTC: dates of retention are compared with it."""
    return datetime.now(UTC).date()


def _day(until: str | None, *, yes: bool) -> date:
    if until is None:
        return today()
    try:
        day = date.fromisoformat(until)
    except ValueError:
        raise Failure(f"--until: {until!r} is no date such as 2027-03-01.", ExitCode.USAGE) from None
    if yes and day > today():
        raise Failure("--until: nothing is erased before its date; leave --yes out.", ExitCode.USAGE)
    return day


def _as_json(due: Due, written: SignedReceipt | None) -> JsonValue:
    receipt = None if written is None else written.model_dump(mode="json")
    return {**due.model_dump(mode="json"), "erased": written is not None, "receipt": receipt}


def _print(found: list[ExpiryOutcome]) -> None:
    if not found:
        return
    by_date = sorted(found, key=lambda each: (each[0].retention_class, each[0].due_on or date.max))
    rows = [
        (
            due.retention_class,
            NOTHING if due.due_on is None else due.due_on.isoformat(),
            due.agreement_id,
            due.keys,
            "erased" if written is not None else words(due.state) + _held(due),
        )
        for due, written in by_date
    ]
    console().print(table("Class", "Due", "Agreement", "Keys", "State", rows=rows))


def _held(due: Due) -> str:
    return "".join(f"; {person_id}: {reference}" for person_id, reference in sorted(due.holds.items()))


def _conclude(found: list[ExpiryOutcome], on: date, receipts: Path | None) -> None:
    states = Counter(due.state for due, written in found if written is None)
    erased = len(found) - states.total()
    if erased:
        say(f"The words of {erased} agreement{'' if erased == 1 else 's'} are erased; receipts: {receipts}.")
    if states[State.DUE]:
        say(
            f"{states[State.DUE]} due by {on}; nothing was erased. It cannot be undone: to do it, repeat "
            "with --yes --receipts FOLDER."
        )
    if states[State.ON_HOLD]:
        say(f"{states[State.ON_HOLD]} kept by a legal hold; `sojourn hold PERSON --lift` ends one.")
    if not found:
        say(f"Nothing is due by {on}.")
    if states[State.WITHOUT_DATE]:
        unknown = sorted({due.retention_class for due, _ in found if due.state is State.WITHOUT_DATE})
        raise Failure(
            f"Nobody has said how long {', '.join(unknown)} lasts: name a period for each, such as "
            f"SOJOURN_RETENTION_PERIODS={unknown[0]}=7y."
        )
