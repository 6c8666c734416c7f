"""What was written in agreements expires on its date: what is due by retention class, and erasing it."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer
from pydantic import JsonValue

from activities.data_rights.log import RightsLog
from activities.integrity.snapshots import count_agreements
from activities.keys.legal_holds import OnHoldError
from activities.keys.subjects import SubjectKeys
from application.data_rights.expire import Due, Expiry
from application.data_rights.receipts import SignedReceipt, signed
from application.data_rights.temporal_histories import ClearedAway
from domain.privacy.retention import State
from workers.cli.operators import require_operator, ring_in_use
from workers.cli.options import AsJson, Operator, Yes
from workers.cli.private_files import write_private
from workers.cli.reach import Reach, reaching
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

    async def work(reach: Reach) -> list[tuple[Due, SignedReceipt | None]]:
        ring = ring_in_use(reach)
        await require_operator(reach, operator)
        pool = await reach.pool()
        event_store, rights, keys = await reach.event_store(), RightsLog(pool), SubjectKeys(pool, ring)
        expiry = Expiry(event_store, keys, rights, reach.settings.retention_periods)
        cleared_away = (
            ClearedAway(event_store, rights, await reach.client(), reach.settings.task_queue) if yes else None
        )
        done: list[tuple[Due, SignedReceipt | None]] = []
        with counting("Looking", await count_agreements(pool)) as progress:
            async for due in expiry.due(on, progress.more):
                if cleared_away is None or receipts is None or due.state is not State.DUE:
                    done.append((due, None))
                    continue
                file = receipts / f"{due.agreement_id}.json"

                def keep(receipt: dict[str, JsonValue], file: Path = file) -> dict[str, JsonValue]:
                    of = signed(ring, receipt)
                    write_private(file, of.model_dump_json(indent=2) + "\n")
                    return of.model_dump(mode="json")

                try:
                    written = await expiry.expire(
                        due, by=operator, reference=reference, cleared_away=cleared_away, kept=keep
                    )
                except OnHoldError as held:
                    # Placed since it was found to be due: told as any other that a hold keeps.
                    kept = due.model_copy(update={"state": State.ON_HOLD, "holds": held.holds})
                    done.append((kept, None))
                else:
                    done.append((due, SignedReceipt.model_validate(written)))
        return done

    found = reaching(work)
    if as_json:
        print_json([_as_json(due, written) for due, written in found])
    else:
        _print(found)
    _conclude(found, on, receipts)


def today() -> date:
    """The day it is, in UTC: dates of retention are compared with it."""
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


def _print(found: list[tuple[Due, SignedReceipt | None]]) -> None:
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


def _conclude(found: list[tuple[Due, SignedReceipt | None]], on: date, receipts: Path | None) -> None:
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
