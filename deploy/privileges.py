"""What the application may do in its database, and nothing else: one list, granted whenever one migrates.

The schema belongs to whoever migrates. Workers, commands and figures connect as members of `APPLICATION`:
they append through one function and read, and the log is beyond their reach: they can neither change nor
remove an event, switch a trigger off, nor create anything. A new table is out of their reach until it is
named here.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import asyncpg

APPLICATION = "sojourn_application"
"""The role, without a login of its own, that every login of the application is a member of."""

REPORTING = "sojourn_reporting"
"""The role, without a login of its own, for reporting tools: what stands where, and not the log. Optional."""

REPORTED = (
    "agreement",
    "agreement_ahead",
    "agreement_party",
    "obligation",
    "stall",
    "stall_mark",
    "stall_tally",
    "stall_planned",
    "stalled",
)
"""What `REPORTING` reads, in `sojourn`: the read models that the list of what is stalled is made of. A view
that calls a function needs the function's tables, too: they hold ids, dates and codes."""

SCHEMAS = ("sojourn", "sojourn_keys")
"""Whose objects the application reaches at all."""

READABLE = "SELECT"
"""For everything in `sojourn` that is not named below: the log and its read models among it."""

WRITABLE: Mapping[str, str] = MappingProxyType(
    {
        # What became of a notice and when it may be sent; whose it is and about what belongs to the append.
        "sojourn.notice": "UPDATE ({columns})",
        "sojourn.person": "INSERT, UPDATE",
        "sojourn.organisation_calendar": "INSERT",
        "sojourn.digest": "INSERT, UPDATE, DELETE",
        "sojourn.rights_event": "INSERT",
        # A key is made here. It is destroyed through a function alone, and wrapped anew by the owner: whoever
        # may write another wrapping in its place could destroy it so.
        "sojourn_keys.subject_key": "SELECT, INSERT (subject_id, version, key_id, wrapped)",
    }
)
"""Tables that the application writes by itself, and how. Never TRUNCATE, REFERENCES or TRIGGER."""

NOTICE_SETTLED = (
    "state",
    "attempts",
    "last_error",
    "reason",
    "sent_at",
    "digest_id",
    "next_try_at",
    # Which delivery is at it.
    "taken_by",
    "taken_at",
    # Put off into the recipient's working time, here and in the message itself.
    "not_before",
    "notice",
)
"""Columns of a notice that say what became of it, and when it may be sent."""

LOG = ("sojourn.event", "sojourn.command", "sojourn.rights_event")
"""What is written once. Only the owner could change it, and has to switch a trigger off first."""

WRITES = (
    r"sojourn.append\_events\_v%",
    r"sojourn.destroy\_keys\_v%",
    r"sojourn.note\_unless\_held\_v%",
    r"sojourn.note\_opening\_v%",
    r"sojourn.clear\_person\_v%",
)
"""The functions that write as the owner: events, what a legal hold may forbid, what came too late."""


class NoApplicationRoleError(Exception):
    """The role of the application is not there, and whoever migrates may not create it."""


async def grant(connection: asyncpg.Connection) -> None:
    """Bring privileges to these lists, in one transaction: nobody is without them meanwhile.

    Args:
        connection: Of the role that owns the schema.

    Raises:
        NoApplicationRoleError: The role has to be created by somebody who may.
    """
    async with connection.transaction():
        await _settle_role(connection)
        for schema in await connection.fetch(
            "SELECT nspname AS name FROM pg_namespace WHERE nspname = ANY ($1)", list(SCHEMAS)
        ):
            await connection.execute(
                f"REVOKE ALL ON ALL TABLES IN SCHEMA {schema['name']} FROM {APPLICATION}"
            )
            await connection.execute(f"GRANT USAGE ON SCHEMA {schema['name']} TO {APPLICATION}")
        await connection.execute(f"GRANT {READABLE} ON ALL TABLES IN SCHEMA sojourn TO {APPLICATION}")
        for table, rights in WRITABLE.items():
            columns = await connection.fetch(
                "SELECT attname AS name FROM pg_attribute WHERE attrelid = to_regclass($1) AND attnum > 0",
                table,
            )
            known = [column["name"] for column in columns]
            if known:
                settled = ", ".join(name for name in NOTICE_SETTLED if name in known)
                await connection.execute(
                    f"GRANT {rights.format(columns=settled)} ON {table} TO {APPLICATION}"
                )
        for function in await connection.fetch(
            "SELECT oid::regprocedure::text AS name FROM pg_proc "
            "WHERE pronamespace::regnamespace || '.' || proname LIKE ANY ($1)",
            list(WRITES),
        ):
            await connection.execute(f"REVOKE ALL ON FUNCTION {function['name']} FROM PUBLIC")
            await connection.execute(f"GRANT EXECUTE ON FUNCTION {function['name']} TO {APPLICATION}")
        await _grant_reporting(connection)


async def _grant_reporting(connection: asyncpg.Connection) -> None:
    """Grant the reporting role what it reads, where somebody created it; to do without it is no fault."""
    if not await connection.fetchval("SELECT count(*) FROM pg_roles WHERE rolname = $1", REPORTING):
        return
    await connection.execute(f"REVOKE ALL ON ALL TABLES IN SCHEMA sojourn FROM {REPORTING}")
    await connection.execute(f"GRANT USAGE ON SCHEMA sojourn TO {REPORTING}")
    for name in REPORTED:
        if await connection.fetchval("SELECT to_regclass($1)", f"sojourn.{name}") is not None:
            await connection.execute(f"GRANT {READABLE} ON sojourn.{name} TO {REPORTING}")


async def may_edit_the_log(
    connection: asyncpg.Connection | asyncpg.pool.PoolConnectionProxy[asyncpg.Record],
) -> bool:
    """Tell whether a connection's role could change the log by hand, as the schema's owner can."""
    return await connection.fetchval(
        "SELECT bool_or(pg_has_role(relowner, 'MEMBER') OR has_table_privilege(oid, 'DELETE, TRUNCATE') "
        "OR has_any_column_privilege(oid, 'UPDATE')) FROM pg_class WHERE oid = ANY ($1::regclass[])",
        list(LOG),
    )


async def _settle_role(connection: asyncpg.Connection) -> None:
    try:
        async with connection.transaction():
            if not await connection.fetchval("SELECT count(*) FROM pg_roles WHERE rolname = $1", APPLICATION):
                await connection.execute(f"CREATE ROLE {APPLICATION} NOLOGIN")
    except (asyncpg.DuplicateObjectError, asyncpg.UniqueViolationError):
        # Roles are the cluster's: another database's migration was quicker.
        return
    except asyncpg.InsufficientPrivilegeError as error:
        raise NoApplicationRoleError(
            f"The role {APPLICATION} does not exist and this role may not create it. Have an administrator "
            f"of the cluster run `CREATE ROLE {APPLICATION} NOLOGIN`, and migrate again."
        ) from error
