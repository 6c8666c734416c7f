"""The chain of what was done about people's rights: one for all of them, in the order of their positions.

The database computes it as it notes something (`sojourn.rights_hash_v1`); this module computes the same from
what was read. The hash is SHA-256 over, fields framed as those of an event:

    "sojourn.rights.v1" | previous hash (32 raw bytes, unframed; zeros before the first) | position |
    person id | type | at | actor id | data
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, TypeAlias

import asyncpg

from activities.hashing.framing import GENESIS, framed, microseconds
from activities.integrity.findings import RESTORE, Difference
from activities.postgres.pool import translated_errors
from activities.postgres.statements import STATEMENTS

Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"

PAGE = 1000
"""Rows read at a time."""

_SCHEME = "sojourn.rights.v1"


def rights_hash(row: Mapping[str, Any], previous: str) -> str:
    """Return what the hash of a row must be after this previous hash, both in hexadecimal."""
    digest = hashlib.sha256(framed(_SCHEME) + bytes.fromhex(previous))
    for field in (
        str(row["position"]),
        row["person_id"],
        row["type"],
        str(microseconds(row["at"])),
        row["actor_id"],
        row["data"],
    ):
        digest.update(framed(field))
    return digest.hexdigest()


async def rights_differences(pool: Pool) -> list[Difference]:
    """Find the first place where what was done about rights is not as it was noted; empty where it is.

    Raises:
        DatabaseUnavailableError: PostgreSQL went away.
        DatabaseRefusedError: It refuses to be read.
    """
    with translated_errors("rights_differences"):
        async with (
            pool.acquire() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            return await _differences(connection)


async def _differences(connection: asyncpg.pool.PoolConnectionProxy[asyncpg.Record]) -> list[Difference]:
    head = await connection.fetchrow(STATEMENTS["rights_head"])
    position, previous = 0, GENESIS
    while rows := await connection.fetch(STATEMENTS["kept_rights"], position, PAGE):
        for row in rows:
            position = row["position"]
            if row["hash"] != rights_hash(dict(row), previous):
                return [_difference(position, "it was altered, or the one before it is missing")]
            previous = row["hash"]
    if head is None:
        return [_difference(position, "nobody knows whether it is the last one")]
    if position < head["position"]:
        return [_difference(position + 1, f"it is missing: the last one is {head['position']}")]
    if (position, previous) != (head["position"], head["hash"]):
        return [_difference(position, "the chain ends at another one")]
    return []


def _difference(position: int, problem: str) -> Difference:
    return Difference(
        agreement_id=None,
        part="rights_event",
        where=f"position {position}",
        problem=problem,
        remedy=RESTORE,
    )
