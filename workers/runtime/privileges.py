"""Whether this process could change the log by hand, which nothing that serves agreements should."""

from __future__ import annotations

import logging

import asyncpg

from activities.postgres.pool import translated_errors
from application.settings import Settings, SettingsError
from deploy.privileges import may_edit_the_log

_log = logging.getLogger(__name__)

TOO_MUCH = (
    "The database role of SOJOURN_DATABASE_URL may change and remove what is in the log, as its owner or a "
    "superuser can: no privilege then stands between a mistake and the record."
)
"""What is wrong, for people."""
INSTEAD = (
    "Connect as a login that is a member of sojourn_application and of nothing else (docs/record.md, Who may "
    "do what)"
)
"""What to do about it."""


async def could_edit_the_log(pool: asyncpg.Pool[asyncpg.Record]) -> bool:
    """Whether the role of these connections could change what is written once.

    Raises:
        DatabaseUnavailableError: PostgreSQL went away.
    """
    with translated_errors("may_edit_the_log"):
        async with pool.acquire() as connection:
            return await may_edit_the_log(connection)


async def refuse_to_serve_as_owner(settings: Settings, pool: asyncpg.Pool[asyncpg.Record]) -> None:
    """Refuses a role that could edit the log; where somebody chose to do with one role, warns of it.

    Args:
        settings: Of the process that is about to serve.
        pool: Its connections.

    Raises:
        SettingsError: The role may, and nobody chose so.
    """
    if not await could_edit_the_log(pool):
        return
    if not settings.as_owner:
        raise SettingsError(
            f"{TOO_MUCH} {INSTEAD}, or set SOJOURN_AS_OWNER=true to do without this protection."
        )
    _log.warning("%s %s.", TOO_MUCH, INSTEAD)
