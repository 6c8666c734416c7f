"""Who opened what is private in an agreement, for those whom it concerns."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import JsonValue

from activities.opening import opened_for
from activities.openings import Openings
from domain.events.break_glass import BreakGlassApproved, BreakGlassRequested
from domain.reading import read_event
from domain.recording import RecordedEvent
from workers.command_line.options import Agreement, AsJson, Onlooker
from workers.command_line.output import console, instant, print_json, table, words
from workers.command_line.reach import Reach, reaching
from workers.command_line.show import unknown
from workers.standing import standing

_EVERYTHING = "everything"


def openings(agreement: Agreement, person: Onlooker = None, as_json: AsJson = False) -> None:
    """List who asked to read what is private in an agreement, who approved, which field, and until when.

    Every party may see it, of open and of closed agreements; the reason with --as, for those whom it is for.
    """

    async def work(reach: Reach) -> list[RecordedEvent]:
        stands = await standing(await reach.record(), agreement)
        if stands is None:
            raise unknown(agreement)
        reader = (await reach.viewpoint(person)).reader(stands)
        seals = await reach.seals()
        since = await Openings(await reach.pool(), seals).of(stands.agreement)
        shown = await opened_for(seals, [*stands.events, *since], reader)
        return [row for row in shown if row.type.startswith("break_glass.")]

    rows = reaching(work)
    if as_json:
        print_json([_as_json(row) for row in rows])
        return
    if not rows:
        console().print("Nobody asked to read what is private here.")
        return
    console().print(table("When", "Who", "What", rows=_lines(rows)))


def _lines(rows: Iterable[RecordedEvent]) -> Iterable[tuple[str, str, str]]:
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
            case _:
                continue
        yield instant(row.occurred_at), who, what


def _as_json(row: RecordedEvent) -> dict[str, JsonValue]:
    return {
        "type": row.type,
        "occurred_at": row.occurred_at.isoformat(),
        "actor": {"person_id": row.actor_id, "role": str(row.actor_role)},
        "after_close": row.version == 0,
        **{name: each for name, each in row.data.items() if name != "ledger"},
    }
