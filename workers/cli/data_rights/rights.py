"""People's rights over their data: to have it, to have it erased, and the hold that forbids that."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, NamedTuple

import typer
from pydantic import JsonValue, ValidationError

from activities.integrity.returned_keys import remedy
from activities.keys.envelopes import named
from application.container import Container
from application.data_rights.erase import Plan, erase_person, plan_erasure
from application.data_rights.export import as_text, export_person
from application.data_rights.legal_holds import HoldOutcome, set_legal_hold
from application.data_rights.receipts import CheckedReceipt, SignedReceipt, check_receipts
from application.errors import OnLegalHoldError
from application.identity.principal import Principal
from workers.cli.options import AsJson, Operator, Yes
from workers.cli.private_files import write_private
from workers.cli.run import run
from workers.cli.sign_in import principal_named
from workers.terminal.failures import ExitCode, Failure
from workers.terminal.output import console, counting, instant, print_json, say

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

    principal = principal_named(operator)

    async def erase_it(container: Container) -> tuple[Plan, SignedReceipt | None]:
        with counting("Looking", total=None) as progress:
            plan = await plan_erasure(container, principal, person, progress=progress)
        if not yes or receipt is None:
            return plan, None
        file = receipt

        def keep(signed: SignedReceipt) -> None:
            write_private(file, signed.model_dump_json(indent=2) + "\n")

        written = await erase_person(container, principal, plan, reference=reference, keep=keep, told=say)
        return plan, written

    try:
        plan, written = run(erase_it)
    except OnLegalHoldError as held:
        raise Failure(f"{held} It was placed meanwhile: nothing is erased but what is said above.") from held
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
    principal = principal_named(operator)

    async def place_or_lift(container: Container) -> HoldOutcome:
        return await set_legal_hold(container, principal, person, reference=reference, lift=lift)

    changed, erased_at = run(place_or_lift)
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

    principal = principal_named(operator)

    async def read(container: Container) -> dict[str, JsonValue]:
        with counting("Looking", total=None) as progress:
            return await export_person(container, principal, person, progress=progress)

    found = run(read)
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

    async def check(container: Container) -> list[_CheckedFile]:
        checked: list[_CheckedFile] = []
        for file in files:
            read = _read_receipt(file)
            [found] = await check_receipts(container, Principal.machine(), [read], in_record=in_record)
            checked.append(_CheckedFile(file, found))
        return checked

    found = run(check)
    if as_json:
        print_json([each.as_json(in_record=in_record) for each in found])
    else:
        for each in found:
            if each.checked.genuine:
                say(f"Genuine: {each.about}.")
    forged = [str(each.file) for each in found if not each.checked.genuine]
    returned = [(each.file, key) for each in found for key in each.checked.returned]
    for file, key in returned:
        say(f"{file}: the key of {named(key.subject_id)} is back, from a backup; {remedy(key)}.")
    if forged:
        raise Failure(f"{', '.join(forged)}: not as it was signed, or signed by somebody else.")
    if returned:
        raise Failure("What these receipts say was destroyed can be read again in this database.")


class _CheckedFile(NamedTuple):
    """A file with a receipt, and what is to be said of it."""

    file: Path
    checked: CheckedReceipt

    @property
    def about(self) -> str:
        """Who or what was erased, and when."""
        told = self.checked.receipt.receipt
        what = told.get("person_id") or f"what was written in {told.get('agreement_id')}"
        return f"{what} was erased at {told.get('erased_at')}"

    def as_json(self, *, in_record: bool) -> JsonValue:
        """Return it for programs."""
        back: list[JsonValue] = [
            {"subject_id": key.subject_id, "version": key.version} for key in self.checked.returned
        ]
        return {
            "file": str(self.file),
            "genuine": self.checked.genuine,
            "returned": back if in_record else None,
            "receipt": self.checked.receipt.receipt,
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
