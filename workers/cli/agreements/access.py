"""List who opened what is private in an agreement, for those whom it concerns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pydantic import JsonValue

from activities.data_rights.access_after_close import Told
from application.container import Container
from application.queries.one_agreement import AgreementOpenings, read_openings
from domain.agreement.events.break_glass import BreakGlassApproved, BreakGlassRequested
from domain.stream.messages import RecordedEvent
from domain.stream.serialization import read_event
from workers.cli.options import Agreement, AsJson, Onlooker
from workers.cli.run import run
from workers.cli.sign_in import principal_named
from workers.terminal.output import console, instant, print_json, table, words

_EVERYTHING = "everything"


def openings(agreement: Agreement, person: Onlooker = None, as_json: AsJson = False) -> None:
    """List who asked to read what is private in an agreement, who approved, which field, and until when.

    Every party may see it, of open and of closed agreements; the reason with --as, for those whom it is for.
    """
    principal = principal_named(person)

    async def read(container: Container) -> AgreementOpenings:
        return await read_openings(container, principal, agreement)

    rows, told = run(read)
    if as_json:
        print_json([_as_json(row, told) for row in rows])
        return
    if not rows:
        console().print("Nobody asked to read what is private here.")
        return
    console().print(table("When", "Who", "What", rows=_lines(rows, told)))


def _latest(told: Iterable[Told], row: RecordedEvent) -> list[Told]:
    """Return what became of telling each person of an opening; a later try counts."""
    return list({each.person_id: each for each in told if each.event_id == row.event_id}.values())


def _said(told: Iterable[Told]) -> str:
    return "".join(
        f"\n{each.person_id} could not be told: {each.detail}"
        if each.delivered_to is None
        else f"\n{each.person_id} was told"
        for each in told
    )


def _lines(rows: Iterable[RecordedEvent], told: Sequence[Told]) -> Iterable[tuple[str, str, str]]:
    for row in rows:
        who = f"{words(row.actor_role)} {row.actor_id}"
        field = row.data["only"] or _EVERYTHING
        match read_event(row):
            case BreakGlassRequested() as asked:
                reason = row.data["reason"]
                what = f"asked for {field}, {asked.hours} hours ({asked.request_id})\n{reason}"
            case BreakGlassApproved() as approved:
                until = instant(approved.open_until)
                what = f"opened {field} for {approved.reader_id} until {until} ({approved.request_id})"
                what += _said(_latest(told, row))
            case _:
                continue
        yield instant(row.occurred_at), who, what


def _as_json(row: RecordedEvent, told: Sequence[Told]) -> dict[str, JsonValue]:
    known: list[JsonValue] = [
        each.model_dump(mode="json", include={"person_id", "delivered_to", "detail"})
        for each in _latest(told, row)
    ]
    return {
        "type": row.type,
        "occurred_at": row.occurred_at.isoformat(),
        "actor": {"person_id": row.actor_id, "role": str(row.actor_role)},
        "after_close": row.version == 0,
        # Of an open agreement, whether notices went out is among its notices.
        "told": known if row.version == 0 else None,
        **{name: each for name, each in row.data.items() if name != "ledger"},
    }
