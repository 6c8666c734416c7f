"""People's rights over their data: to have it, to have it erased, and the hold that forbids that."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, NamedTuple

import typer
from pydantic import JsonValue, ValidationError

from activities.data_rights.access_after_close import AccessLog
from activities.data_rights.log import RightsLog
from activities.integrity.returned_keys import remedy, still_in_use
from activities.integrity.snapshots import count_agreements
from activities.keys.envelopes import KeyReference, named
from activities.keys.legal_holds import OnHoldError
from activities.keys.subjects import SubjectKeys
from application.data_rights.erase import Eraser, Plan
from application.data_rights.export import as_text, exported
from application.data_rights.receipts import SignedReceipt, is_genuine, keys_in, signed
from domain.kernel.model import Instant
from workers.cli.operators import require_operator, ring_in_use
from workers.cli.options import AsJson, Operator, Yes
from workers.cli.private_files import write_private
from workers.cli.reach import Reach, reaching
from workers.terminal.failures import ExitCode, Failure
from workers.terminal.output import console, counting, instant, print_json, say

_SO_FAR = "nothing is erased but what is said above."

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
    """Erase a person: destroy their keys, clear the directory, remove Temporal's histories, sign a receipt.

    Without --yes it shows what would be erased and changes nothing. It cannot be undone. Agreements, their
    hashes and everybody else's words stay. While they hold roles in open agreements, report the departure
    first (`sojourn departed`); a legal hold forbids it (`sojourn hold`). The same call again finishes what
    was interrupted.
    """
    if yes and receipt is None:
        raise Failure("--receipt: name a file for the signed receipt.", ExitCode.USAGE)
    if receipt is not None and not receipt.parent.is_dir():
        raise Failure(f"--receipt: there is no folder {receipt.parent}.", ExitCode.USAGE)

    async def work(reach: Reach) -> tuple[Plan, SignedReceipt | None]:
        ring = ring_in_use(reach)
        await require_operator(reach, operator)
        pool = await reach.pool()
        rights = RightsLog(pool)
        eraser = Eraser(
            event_store=await reach.event_store(),
            directory=await reach.directory(),
            keys=SubjectKeys(pool, ring),
            rights=rights,
        )
        with counting("Looking", await count_agreements(pool)) as progress:
            plan = await eraser.plan(person, progress.more)
        if not plan.known and not plan.keys and not plan.agreements:
            raise Failure(f"Nothing is known of {person}.", ExitCode.NOTHING_MATCHED)
        if plan.forbidden is not None:
            raise Failure(plan.forbidden)
        if not yes or receipt is None:
            return plan, None
        # Reached before anything is destroyed: half an erasure is none.
        client = await reach.client()
        try:
            done = await eraser.erase(
                plan,
                by=operator,
                reference=reference,
                client=client,
                task_queue=reach.settings.task_queue,
                told=say,
            )
        except OnHoldError as held:
            raise Failure(f"{held} It was placed meanwhile: {_SO_FAR}") from None
        written = signed(ring, done)
        # First the file: who is cut off in between gets the same by the same call again.
        write_private(receipt, written.model_dump_json(indent=2) + "\n")
        await rights.note(person, "person.erased", operator, written.model_dump(mode="json"))
        return plan, written

    plan, written = reaching(work)
    if written is None or receipt is None:
        _show(plan, as_json=as_json)
        return
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

    Each hold and its end is noted for ever, with who did it and under which reference. An erasure that runs
    meanwhile stops at it; what was erased before is told, for a hold brings nothing back.
    """

    async def work(reach: Reach) -> tuple[bool, Instant | None]:
        await require_operator(reach, operator)
        rights = RightsLog(await reach.pool())
        if not lift and not await (await reach.directory()).get([person]) and not await rights.events(person):
            raise Failure(
                f"Nobody in the directory has the id {person}, and nothing was ever done about their rights. "
                "Nobody is on hold by a mistyped id: enter them with `sojourn people` first.",
                ExitCode.NOTHING_MATCHED,
            )
        held = await rights.hold_on(person) is not None
        if held is lift:
            await rights.note(
                person, "hold.lifted" if lift else "hold.placed", operator, {"reference": reference}
            )
        return held is lift, None if lift else await rights.erased_before_hold(person)

    changed, erased_at = reaching(work)
    state = "not on legal hold" if lift else "on legal hold"
    if as_json:
        before = None if erased_at is None else erased_at.isoformat()
        print_json({"person_id": person, "on_hold": not lift, "changed": changed, "erased_before": before})
        return
    say(f"{person} is {state}{'' if changed else ' already'}.")
    if erased_at is not None:
        say(f"Keys of theirs were destroyed before, the last at {instant(erased_at)}: that stays erased.")


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
    readable = out.with_suffix(".txt")
    if readable == out:
        raise Failure("--out: name a .json file; the .txt is written beside it.", ExitCode.USAGE)
    if not out.parent.is_dir():
        raise Failure(f"--out: there is no folder {out.parent}.", ExitCode.USAGE)

    async def work(reach: Reach) -> dict[str, JsonValue]:
        ring_in_use(reach)
        await require_operator(reach, operator)
        pool, encryption = await reach.pool(), await reach.encryption()
        rights = RightsLog(pool)
        with counting("Looking", await count_agreements(pool)) as progress:
            found = await exported(
                await reach.event_store(),
                await reach.directory(),
                encryption,
                rights,
                person,
                access_log=AccessLog(pool, encryption),
                looked=progress.more,
                read=lambda left: progress.tell(f"Reading, {left} left"),
            )
        if found["directory"] is None and not found["agreements"]:
            raise Failure(f"Nothing is known of {person}.", ExitCode.NOTHING_MATCHED)
        await rights.note(person, "person.exported", operator)
        return found

    found = reaching(work)
    write_private(out, json.dumps(found, indent=2, ensure_ascii=False) + "\n")
    write_private(readable, as_text(found))
    say(f"{out} for programs, {readable} for reading.")


def receipt(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE...", help="Receipts of `sojourn erase` or `sojourn retention`."),
    ],
    in_record: Annotated[
        bool,
        typer.Option(
            "--in-record", help="Also whether what was destroyed still is, in this database: after a restore."
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Tell whether receipts of erasures are genuine and unaltered; exit code 1 where one is not.

    After a database came back from a backup, --in-record finds every erasure that the backup is older than.
    """

    async def work(reach: Reach) -> list[_Checked]:
        ring = ring_in_use(reach)
        checked: list[_Checked] = []
        for file in files:
            read = _read_receipt(file)
            genuine = is_genuine(ring, read)
            destroyed = keys_in(read.receipt) if genuine and in_record else []
            returned = await still_in_use(await reach.pool(), destroyed) if destroyed else []
            checked.append(_Checked(file, read, genuine, returned))
        return checked

    found = reaching(work)
    if as_json:
        print_json([each.as_json(in_record=in_record) for each in found])
    else:
        for each in found:
            if each.genuine:
                say(f"Genuine: {each.about}.")
    forged = [str(each.file) for each in found if not each.genuine]
    returned = [(each.file, key) for each in found for key in each.returned]
    for file, key in returned:
        say(f"{file}: the key of {named(key.subject_id)} is back, from a backup; {remedy(key)}.")
    if forged:
        raise Failure(f"{', '.join(forged)}: not as it was signed, or signed by somebody else.")
    if returned:
        raise Failure("What these receipts say was destroyed can be read again in this database.")


class _Checked(NamedTuple):
    """A receipt and what is to be said of it."""

    file: Path
    read: SignedReceipt
    genuine: bool
    returned: list[KeyReference]

    @property
    def about(self) -> str:
        """Who or what was erased, and when."""
        told = self.read.receipt
        what = told.get("person_id") or f"what was written in {told.get('agreement_id')}"
        return f"{what} was erased at {told.get('erased_at')}"

    def as_json(self, *, in_record: bool) -> JsonValue:
        """For programs."""
        back: list[JsonValue] = [
            {"subject_id": key.subject_id, "version": key.version} for key in self.returned
        ]
        return {
            "file": str(self.file),
            "genuine": self.genuine,
            "returned": back if in_record else None,
            "receipt": self.read.receipt,
        }


def _read_receipt(file: Path) -> SignedReceipt:
    try:
        return SignedReceipt.model_validate_json(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise Failure(f"{file} cannot be read: {error}.", ExitCode.USAGE) from error
    except ValidationError:
        raise Failure(f"{file} is no receipt of an erasure.", ExitCode.REFUSED) from None


def _show(plan: Plan, *, as_json: bool) -> None:
    if as_json:
        print_json(plan.model_dump(mode="json"))
        return
    out = console()
    keys = {0: "no key of theirs is left to destroy", 1: "1 key would be destroyed"}
    destroyed = keys.get(plan.keys, f"{plan.keys} keys would be destroyed")
    directory = "their row of the directory cleared" if plan.known else "the directory does not have them"
    out.print(f"{plan.person_id}: {destroyed}; {directory}.", soft_wrap=True)
    for each in plan.agreements:
        clear = f", {each.clear_events} in clear that stay" if each.clear_events else ""
        roles = ", ".join(each.roles) or "no role"
        sealed = "1 event" if each.sealed_events == 1 else f"{each.sealed_events} events"
        out.print(f"  {each.agreement_id} ({roles}): {sealed} with sealed words{clear}", soft_wrap=True)
    say("Nothing was erased. It cannot be undone: to do it, repeat with --yes --receipt FILE.")
