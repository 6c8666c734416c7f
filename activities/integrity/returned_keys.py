"""Keys that an erasure destroyed and a backup brought back: found by the receipts, wherever they are kept."""

from __future__ import annotations

from collections.abc import Collection

import asyncpg

from activities.integrity.findings import Difference
from activities.keys.envelopes import KeyReference, agreement_of, named, person_of
from activities.postgres.pool import Database


async def returned_keys(pool: asyncpg.Pool[asyncpg.Record]) -> list[Difference]:
    """Return keys in use of which the database itself knows that they were destroyed.

    So it is after the schema of the keys alone came back from a backup.

    Raises:
        DatabaseUnavailableError: PostgreSQL went away.
        DatabaseRefusedError: It refuses to be read.
    """
    rows = await Database(pool).rows("returned_keys")
    return [_difference(KeyReference(row["subject_id"], row["version"])) for row in rows]


async def still_in_use(
    pool: asyncpg.Pool[asyncpg.Record], destroyed: Collection[KeyReference]
) -> list[KeyReference]:
    """Return which of these keys, destroyed as somebody's receipt says, this database has in use.

    So it is after the whole database came back from a backup.
    """
    keys = sorted(destroyed)
    rows = await Database(pool).rows(
        "subject_keys", [each.subject_id for each in keys], [each.version for each in keys]
    )
    return [KeyReference(row["subject_id"], row["version"]) for row in rows if row["destroyed_at"] is None]


def remedy(key: KeyReference) -> str:
    """Return how to destroy it again."""
    again = f"`sojourn erase {person_of(key.subject_id)}` again"
    if agreement_of(key.subject_id) is None:
        return f"run {again}"
    return f"run `sojourn retention` where its date has come, else {again}"


def _difference(key: KeyReference) -> Difference:
    return Difference(
        agreement_id=agreement_of(key.subject_id),
        part="subject_key",
        where=f"{named(key.subject_id)} (version {key.version})",
        problem="is in use, and is noted to be destroyed: a backup brought it back",
        remedy=remedy(key),
    )
