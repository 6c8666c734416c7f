"""Read models from the log, agreement by agreement, while workers append and readers read.

Every read model belongs to one agreement, so each is mended in a transaction of its own, under the lock of
its head row, which is what an append takes: an append of the same agreement waits for milliseconds, all
others do not notice, and a reader sees the rows before or the rows after. Building second tables and
swapping them would read faster from an empty start, but needs twice the room, must catch up with appends,
and locks every reader out for the swap.

Only what differs is written, so that a rebuild may be broken off and begun again at any time. The log,
accepted commands among it, notices and the directory are never touched: they follow from nothing else.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Sequence
from datetime import date, datetime
from typing import TypeAlias

import asyncpg

from activities.event_store.projection import Table, project
from activities.integrity.findings import NO_HEAD, Difference, StoredAgreement, differences_of, recorded_event
from activities.integrity.snapshots import (
    all_stored_agreements,
    read_page,
    stored_agreements_of,
    tally_differences,
)
from activities.postgres.pool import translated_errors
from activities.postgres.statements import STATEMENTS
from domain.kernel.model import Frozen

Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"

_NOT_REBUILT = frozenset({"event", "command", "notice"})


class Rebuilt(Frozen):
    """What became of one agreement."""

    agreement_id: str
    rewritten: bool
    """Whether its read models were other than the log has them."""
    left: tuple[Difference, ...] = ()
    """What cannot be rebuilt: faults of the log itself. Where events are at fault, nothing was written."""


async def rebuild_read_models(
    pool: Pool, *, agreement_ids: Sequence[str] | None = None, after: str = ""
) -> AsyncGenerator[Rebuilt]:
    """Look at one agreement after another, and rewrite the read models of those where they differ.

    Args:
        pool: Connections as the role that owns the schema.
        agreement_ids: Only these; None for all.
        after: Only those behind this id: where a rebuild before this one was broken off.

    Raises:
        UnknownAgreementError: The record has nothing about one of these ids.
        DatabaseUnavailableError: PostgreSQL went away; what was rebuilt stays so.
        DatabaseRefusedError: The role may not write the read models.
    """
    several = (
        all_stored_agreements(pool, after=after)
        if agreement_ids is None
        else stored_agreements_of(pool, agreement_ids)
    )
    async for kept in several:
        if any(True for _ in differences_of(kept)):
            yield await _mend(pool, kept.agreement_id)
        else:
            yield Rebuilt(agreement_id=kept.agreement_id, rewritten=False)
    if await tally_differences(pool):
        await _count_anew(pool)


async def _mend(pool: Pool, agreement_id: str) -> Rebuilt:
    with translated_errors("rebuild"):
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute(STATEMENTS["lock_head"], agreement_id)
            # Read anew: what was found was as of a moment ago, and nobody writes this agreement from here on.
            [kept] = await read_page(connection, agreement_id, agreement_id) or [None]
            if kept is None:
                return Rebuilt(agreement_id=agreement_id, rewritten=False)
            found = list(differences_of(kept))
            left = tuple(each for each in found if each.part in _NOT_REBUILT and each.problem != NO_HEAD)
            # What follows from altered events must not stand in the read models either.
            rewritten = len(found) > len(left) and not any(each.part == "event" for each in left)
            if rewritten:
                await _write(connection, kept)
    return Rebuilt(agreement_id=agreement_id, rewritten=rewritten, left=left)


async def _write(connection: asyncpg.pool.PoolConnectionProxy[asyncpg.Record], kept: StoredAgreement) -> None:
    tables = project([recorded_event(stored) for stored in kept.stored])
    for name in ("agreement_party", "obligation"):
        await connection.execute(STATEMENTS[f"rebuild_{name}"], kept.agreement_id, _json(kept, tables[name]))
    if kept.stored:
        # Its trigger plans anew when the agreement will be stalled, and whether it is ahead of the clock.
        await connection.execute(STATEMENTS["rebuild_agreement"], _json(kept, tables["agreement"]))
    else:
        await connection.execute(STATEMENTS["forget_stalls"], kept.agreement_id)
        await connection.execute(STATEMENTS["forget_ahead"], kept.agreement_id)


async def _count_anew(pool: Pool) -> None:
    with translated_errors("count_stalls_anew"):
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute(STATEMENTS["lock_tally"])
            await connection.execute(STATEMENTS["settle_mark"])
            await connection.execute(STATEMENTS["forget_tally"])
            await connection.execute(STATEMENTS["count_stalls_anew"])


def _json(kept: StoredAgreement, table: Table) -> str:
    rows = [{**row, "agreement_id": kept.agreement_id} for row in table.values()]
    return json.dumps(rows, default=_plain)


def _plain(value: object) -> str:
    if isinstance(value, datetime | date):
        # As the append wrote instants into JSON columns.
        return value.isoformat().replace("+00:00", "Z")
    raise TypeError(f"{value!r} is nothing that a column holds")
