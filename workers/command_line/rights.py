"""People's rights over their data: to have it, to have it erased, and the hold that forbids that."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated

import typer
from pydantic import JsonValue, ValidationError

from activities.keys.ring import KeyRing
from activities.keys.subjects import SubjectKeys
from activities.openings import Openings
from activities.rights import Rights
from workers.command_line.failures import ExitCode, Failure
from workers.command_line.options import AsJson, Operator, Yes
from workers.command_line.output import console, print_json, say
from workers.command_line.reach import Reach, reaching
from workers.erasing import Eraser, Plan
from workers.exporting import as_text, exported
from workers.keyring import key_ring
from workers.receipts import SignedReceipt, is_genuine, signed

Whom = Annotated[str, typer.Argument(metavar="PERSON", help="Their person id.")]
Reference = Annotated[
    str, typer.Option(metavar="REFERENCE", help="The case it belongs to, such as DSR-2027-004: never a name.")
]


def erase(
    *,
    person: Whom,
    operator: Operator,
    reference: Reference,
    receipt: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Where the signed receipt goes; wanted with --yes."),
    ] = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Erase a person: destroy their key, clear the directory, remove Temporal's histories, sign a receipt.

    Without --yes it shows what would be erased and changes nothing. It cannot be undone. Agreements, their
    hashes and everybody else's words stay. While they hold roles in open agreements, report the departure
    first (`sojourn departed`); a legal hold forbids it (`sojourn hold`). The same call again finishes what
    was interrupted.
    """
    if yes and receipt is None:
        raise Failure("--receipt: name a file for the signed receipt.", ExitCode.USAGE)

    async def work(reach: Reach) -> tuple[Plan, SignedReceipt | None]:
        ring = _ring(reach)
        await _is_operator(reach, operator)
        pool = await reach.pool()
        rights = Rights(pool)
        eraser = Eraser(
            record=await reach.record(),
            directory=await reach.directory(),
            keys=SubjectKeys(pool, ring),
            rights=rights,
        )
        plan = await eraser.plan(person)
        if not plan.known and not plan.keys and not plan.agreements:
            raise Failure(f"Nothing is known of {person}.", ExitCode.NOTHING_MATCHED)
        if plan.forbidden is not None:
            raise Failure(plan.forbidden)
        if not yes:
            return plan, None
        # Reached before anything is destroyed: half an erasure is none.
        client = await reach.client()
        done = await eraser.erase(
            plan,
            by=operator,
            reference=reference,
            client=client,
            task_queue=reach.settings.task_queue,
            told=say,
        )
        written = signed(ring, done)
        await rights.note(person, "person.erased", operator, written.model_dump(mode="json"))
        return plan, written

    plan, written = reaching(work)
    if written is None or receipt is None:
        _show(plan, as_json=as_json)
        return
    _write(receipt, written.model_dump_json(indent=2) + "\n")
    if as_json:
        print_json(written.model_dump(mode="json"))
        return
    say(f"{person} is erased. The signed receipt is in {receipt}.")


def hold(
    *,
    person: Whom,
    operator: Operator,
    reference: Reference,
    lift: Annotated[bool, typer.Option("--lift", help="End the hold instead.")] = False,
    as_json: AsJson = False,
) -> None:
    """Place somebody on legal hold, or lift it: while it lasts, nothing of theirs can be erased.

    Each hold and its end is noted for ever, with who did it and under which reference.
    """

    async def work(reach: Reach) -> bool:
        await _is_operator(reach, operator)
        rights = Rights(await reach.pool())
        held = await rights.hold_on(person) is not None
        if held is lift:
            await rights.note(
                person, "hold.lifted" if lift else "hold.placed", operator, {"reference": reference}
            )
        return held is lift

    changed = reaching(work)
    state = "not on legal hold" if lift else "on legal hold"
    if as_json:
        print_json({"person_id": person, "on_hold": not lift, "changed": changed})
        return
    say(f"{person} is {state}{'' if changed else ' already'}.")


def export(
    *,
    person: Whom,
    operator: Operator,
    out: Annotated[Path, typer.Option(metavar="FILE", help="For programs; beside it a .txt for reading.")],
) -> None:
    """Write everything held about a person to two files, mode 0600: one for programs, one for reading.

    It holds their row of the directory, their roles and what they owe, every event that they caused or that
    names them, and the words that are theirs. Other people's words are withheld; others are named by role.
    """

    async def work(reach: Reach) -> dict[str, JsonValue]:
        _ring(reach)
        await _is_operator(reach, operator)
        rights = Rights(await reach.pool())
        found = await exported(
            await reach.record(),
            await reach.directory(),
            await reach.seals(),
            rights,
            person,
            openings=Openings(await reach.pool(), await reach.seals()),
        )
        if found["directory"] is None and not found["agreements"]:
            raise Failure(f"Nothing is known of {person}.", ExitCode.NOTHING_MATCHED)
        await rights.note(person, "person.exported", operator)
        return found

    found = reaching(work)
    readable = out.with_suffix(".txt")
    if readable == out:
        raise Failure("--out: name a .json file; the .txt is written beside it.", ExitCode.USAGE)
    _write(out, json.dumps(found, indent=2, ensure_ascii=False) + "\n")
    _write(readable, as_text(found))
    say(f"{out} for programs, {readable} for reading.")


def receipt(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A receipt of `sojourn erase`.")],
    as_json: AsJson = False,
) -> None:
    """Tell whether a receipt of an erasure is genuine and unaltered; exit code 1 where it is not."""

    async def work(reach: Reach) -> tuple[SignedReceipt, bool]:
        try:
            read = SignedReceipt.model_validate_json(file.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise Failure(f"{file} cannot be read: {error}.", ExitCode.USAGE) from error
        except ValidationError:
            raise Failure(f"{file} is no receipt of an erasure.", ExitCode.REFUSED) from None
        return read, is_genuine(_ring(reach), read)

    read, genuine = reaching(work)
    if as_json:
        print_json({"genuine": genuine, "receipt": read.receipt})
    if not genuine:
        raise Failure(f"{file} is not as it was signed, or was signed by somebody else.")
    if not as_json:
        say(f"Genuine: {read.receipt['person_id']} was erased at {read.receipt['erased_at']}.")


def _show(plan: Plan, *, as_json: bool) -> None:
    if as_json:
        print_json(plan.model_dump(mode="json"))
        return
    out = console()
    out.print(f"{plan.person_id}: {plan.keys} key(s) would be destroyed and the directory cleared.")
    for each in plan.agreements:
        clear = f", {each.clear_events} in clear that stay" if each.clear_events else ""
        roles = ", ".join(each.roles) or "no role"
        out.print(f"  {each.agreement_id} ({roles}): {each.sealed_events} events with sealed words{clear}")
    out.print("Nothing was erased. It cannot be undone: to do it, repeat with --yes --receipt FILE.")


def _write(path: Path, text: str) -> None:
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    except OSError as error:
        raise Failure(f"{path} cannot be written: {error.strerror}.", ExitCode.USAGE) from error
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        stream.write(text)


def _ring(reach: Reach) -> KeyRing:
    ring = key_ring(reach.settings)
    if ring is None:
        raise Failure("SOJOURN_WITHOUT_KEYS is set: nothing is sealed, so nothing can be erased or opened.")
    return ring


async def _is_operator(reach: Reach, operator: str) -> None:
    known = await (await reach.directory()).get([operator])
    if operator not in known or not known[operator].is_operator:
        raise Failure(f'--as: {operator} is no operator ("is_operator": true in the directory).')
