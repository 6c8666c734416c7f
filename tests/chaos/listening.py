"""When the record was told that a notice is sent: what the outbox itself does not keep."""

from __future__ import annotations

from datetime import datetime

import asyncpg

_LISTEN = """
CREATE SCHEMA chaos;
CREATE TABLE chaos.noted (notice_id text COLLATE "C" PRIMARY KEY, at timestamptz NOT NULL);
CREATE FUNCTION chaos.note() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO chaos.noted (notice_id, at) VALUES (NEW.notice_id, clock_timestamp()) ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;
CREATE TRIGGER chaos_listens AFTER UPDATE OF state ON sojourn.notice
    FOR EACH ROW WHEN (NEW.state = 'sent' AND OLD.state <> 'sent') EXECUTE FUNCTION chaos.note();
GRANT USAGE ON SCHEMA chaos TO PUBLIC;
GRANT SELECT ON chaos.noted TO PUBLIC;
"""


async def listen_in(dsn: str) -> None:
    """Has a database keep, beside the record and in its transactions, when each notice became sent.

    Args:
        dsn: Of the owner of the schema.
    """
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(_LISTEN)
    finally:
        await connection.close()


async def noted(pool: asyncpg.Pool[asyncpg.Record]) -> dict[str, datetime]:
    """By notice, when the record was first told that it is sent."""
    return {row["notice_id"]: row["at"] for row in await pool.fetch("SELECT notice_id, at FROM chaos.noted")}
