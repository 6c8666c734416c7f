"""The roles of the embedded PostgreSQL: the same division of rights as on a cluster of one's own.

Only the administrator of the server, `postgres`, is a superuser: that migrations need none is tried whenever
a stack is started.
"""

from __future__ import annotations

import asyncpg

OWNER = "sojourn_owner"
"""Owns the database and its schema: migrates and rebuilds."""
LOGIN = "sojourn"
"""What workers and commands connect as: a member of the application's role, and no more."""

_SETTLE_ROLES = """
DO $$
DECLARE
    statement text;
BEGIN
    FOREACH statement IN ARRAY ARRAY[
        'CREATE ROLE sojourn_application NOLOGIN',
        'CREATE ROLE sojourn_reporting NOLOGIN',
        'CREATE ROLE sojourn_owner LOGIN',
        'CREATE ROLE sojourn LOGIN IN ROLE sojourn_application'
    ] LOOP
        IF split_part(statement, ' ', 3) NOT IN (SELECT rolname FROM pg_roles) THEN
            EXECUTE statement;
        END IF;
    END LOOP;
END
$$
"""

_HAND_OVER = """
DO $$
DECLARE
    statement text;
BEGIN
    FOR statement IN
        SELECT format('ALTER SCHEMA %I OWNER TO sojourn_owner', nspname)
        FROM pg_namespace
        WHERE nspname LIKE 'sojourn%' AND nspowner <> 'sojourn_owner'::regrole
        UNION ALL
        SELECT format('ALTER TABLE %s OWNER TO sojourn_owner', oid::regclass)
        FROM pg_class
        WHERE relnamespace::regnamespace::text LIKE 'sojourn%' AND relkind IN ('r', 'p', 'v')
            AND relowner <> 'sojourn_owner'::regrole
        UNION ALL
        SELECT format('ALTER ROUTINE %s OWNER TO sojourn_owner', oid::regprocedure)
        FROM pg_proc
        WHERE pronamespace::regnamespace::text LIKE 'sojourn%' AND proowner <> 'sojourn_owner'::regrole
    LOOP
        EXECUTE statement;
    END LOOP;
END
$$
"""


async def settle_roles(connection: asyncpg.Connection) -> None:
    """Create the roles that the cluster lacks."""
    await connection.execute(_SETTLE_ROLES)


async def hand_over(connection: asyncpg.Connection) -> None:
    """Give the owner what a release before this one had the administrator own."""
    await connection.execute(_HAND_OVER)
