"""Everything that the record holds, agreement by agreement, while others go on writing.

A page of agreements is read in one REPEATABLE READ transaction: stream and read models of an agreement are
those of one instant, however busy its writers are. Another page is another instant, so that checking a
hundred million events holds back neither a writer nor a vacuum.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any, TypeAlias

import asyncpg

from activities.integrity.findings import RESTORE, Difference, StoredAgreement, keyed
from activities.postgres.pool import translated_errors
from activities.postgres.statements import STATEMENTS

Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"

PAGE = 100
"""Agreements read in one snapshot."""

_TABLES = (
    "agreement",
    "agreement_party",
    "obligation",
    "command",
    "notice",
    "stall",
    "stall_planned",
    "agreement_ahead",
)
_BEHIND_ALL = chr(0x10FFFF)
"""Sorts after every id, byte by byte."""
_NEXT = "\x01"
"""An id with this behind it sorts right after the id."""


class UnknownAgreementError(LookupError):
    """No table of the record has anything about an agreement."""


async def count_agreements(pool: Pool) -> int:
    """Count the agreements that have a head row: for progress."""
    with translated_errors("count_agreements"):
        return await pool.fetchval(STATEMENTS["count_agreements"])


async def stored_agreements_of(pool: Pool, agreement_ids: Sequence[str]) -> AsyncGenerator[StoredAgreement]:
    """Yield these agreements, each as of an instant of its own.

    Raises:
        UnknownAgreementError: The record has nothing about one of them.
    """
    for agreement_id in agreement_ids:
        found = False
        for kept in await _page(pool, agreement_id, agreement_id):
            found = True
            yield kept
        if not found:
            raise UnknownAgreementError(f"The record has no agreement {agreement_id}.")


async def all_stored_agreements(
    pool: Pool, *, after: str = "", page: int = PAGE
) -> AsyncGenerator[StoredAgreement]:
    """Yield every agreement that any table knows, in order of id.

    Args:
        pool: Connections to the record.
        after: Only those behind this id.
        page: How many are read in one snapshot.

    Raises:
        DatabaseUnavailableError: PostgreSQL went away.
        DatabaseRefusedError: It refuses to be read.
    """
    first = after + _NEXT if after else ""
    while True:
        with translated_errors("last_of_page"):
            last: str | None = await pool.fetchval(STATEMENTS["last_of_page"], first, page)
        for kept in await _page(pool, first, last or _BEHIND_ALL):
            yield kept
        if last is None:
            return
        first = last + _NEXT


async def tally_differences(pool: Pool) -> list[Difference]:
    """Find where the tally of what is stalled is not the sum of its parts."""
    with translated_errors("tally_differences"):
        rows = await pool.fetch(STATEMENTS["tally_differences"])
    return [
        Difference(
            agreement_id=None,
            part="stall_tally",
            where=" ".join(str(row[column]) for column in ("kind", "reason", "waiting_on_role", "level")),
            problem=f"is {row['tallied']} and should be {row['counted']}",
            remedy="run `sojourn rebuild`",
        )
        for row in rows
    ]


async def epoch_differences(pool: Pool) -> list[Difference]:
    """Find where new events would sort before those that are there."""
    with translated_errors("epoch_differences"):
        row = await pool.fetchrow(STATEMENTS["epochs"])
    current, last = (None, None) if row is None else (row["current"], row["last"])
    if current is not None and (last is None or last <= current):
        return []
    return [
        Difference(
            agreement_id=None,
            part="log_epoch",
            where="epoch",
            problem=f"is {current} and events have {last}: new ones would sort before them",
            remedy=RESTORE,
        )
    ]


async def _page(pool: Pool, first: str, last: str) -> list[StoredAgreement]:
    with translated_errors("snapshot"):
        async with (
            pool.acquire() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            return await read_page(connection, first, last)


async def read_page(
    connection: asyncpg.pool.PoolConnectionProxy[asyncpg.Record], first: str, last: str
) -> list[StoredAgreement]:
    """Read everything about the agreements from one id to another, both included.

    Args:
        connection: In a transaction in which nobody else's writes show, or under locks against them.
        first: The first id.
        last: The last id.
    """
    as_of = await connection.fetchval("SELECT clock_timestamp()")
    stored = _by_agreement(await connection.fetch(STATEMENTS["kept_event"], first, last))
    tables = {
        name: _by_agreement(await connection.fetch(STATEMENTS[f"kept_{name}"], first, last))
        for name in _TABLES
    }
    agreement_ids = sorted({*stored, *(each for rows in tables.values() for each in rows)})
    return [
        StoredAgreement(
            agreement_id=agreement_id,
            stored=tuple(dict(row) for row in stored.get(agreement_id, ())),
            tables={name: keyed(name, rows.get(agreement_id, ())) for name, rows in tables.items()},
            as_of=as_of,
        )
        for agreement_id in agreement_ids
    ]


def _by_agreement(rows: Sequence[asyncpg.Record]) -> dict[str, list[asyncpg.Record]]:
    grouped: Iterator[tuple[Any, Iterator[asyncpg.Record]]] = groupby(rows, key=itemgetter("agreement_id"))
    return {agreement_id: list(each) for agreement_id, each in grouped}
