"""What a migrated schema consists of, written down once, so that whatever is missing later is named.

A migration number says what was done, not what is still there: a dropped table, a missing partition or a
trigger that was switched off would otherwise show as a puzzling error in the middle of an append.
"""

from __future__ import annotations

import asyncpg

SHOWN_AT_MOST = 5

_OBJECTS = """
SELECT array_agg(object ORDER BY object COLLATE "C")
FROM (
    SELECT format(
        '%s sojourn.%s',
        CASE relkind WHEN 'v' THEN 'view' WHEN 'S' THEN 'sequence' WHEN 'i' THEN 'index' WHEN 'I' THEN 'index'
            ELSE 'table' END,
        relname
    ) AS object
    FROM pg_class
    WHERE relnamespace = 'sojourn'::regnamespace AND relkind IN ('r', 'p', 'v', 'S', 'i', 'I')
    UNION ALL
    SELECT format('column sojourn.%s.%s', relname, attname)
    FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
    WHERE relnamespace = 'sojourn'::regnamespace AND relkind IN ('r', 'p', 'v')
        AND attnum > 0 AND NOT attisdropped
    UNION ALL
    SELECT format('function sojourn.%s(%s)', proname, pg_get_function_identity_arguments(oid))
    FROM pg_proc
    WHERE pronamespace = 'sojourn'::regnamespace
    UNION ALL
    SELECT format('trigger %s on sojourn.%s', tgname, relname)
    FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
    WHERE relnamespace = 'sojourn'::regnamespace AND NOT tgisinternal AND tgenabled <> 'D'
) AS objects
"""

SETTLE_TABLE = """
CREATE TABLE IF NOT EXISTS sojourn.inventory (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    objects text[] NOT NULL
)
"""


async def take(connection: asyncpg.Connection, *, anew: bool) -> None:
    """Write down what there is: after migrations anew, otherwise only where nothing is written down yet."""
    changed = "UPDATE SET objects = excluded.objects" if anew else "NOTHING"
    await connection.execute(
        f"INSERT INTO sojourn.inventory (objects) {_OBJECTS} ON CONFLICT (only_row) DO {changed}"
    )


async def missing(connection: asyncpg.Connection) -> list[str]:
    """Return what was there after the last migration and is gone or switched off."""
    if not await connection.fetchval("SELECT to_regclass('sojourn.inventory') IS NOT NULL"):
        return []
    rows = await connection.fetch(
        f"""
        SELECT unnest(objects) AS object FROM sojourn.inventory
        EXCEPT
        SELECT unnest(({_OBJECTS}))
        ORDER BY object
        """  # noqa: S608
    )
    return [row["object"] for row in rows]


def shortened(objects: list[str]) -> str:
    """Name the first of them, and say how many more there are."""
    # A table or view that is gone takes its columns, indexes and triggers along.
    whole = [each for each in objects if each.startswith(("table", "view"))] or objects
    first = whole[:SHOWN_AT_MOST]
    more = len(whole) - len(first)
    return ", ".join(first) + (f" and {more} more" if more else "")
