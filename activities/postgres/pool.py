"""The way to PostgreSQL: a pool with sane limits, and errors that say whether to try again.

Two errors leave this layer. `DatabaseUnavailableError` is about the moment: the same call may succeed later.
`DatabaseRefusedError` is about the call or the set-up: trying again changes nothing; the text says what does.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import asyncpg

from activities.postgres.statements import STATEMENTS

_OF_THE_MOMENT = (
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionRollbackError,
    asyncpg.LockNotAvailableError,
    asyncpg.ReadOnlySQLTransactionError,
    OSError,
)
"""A server that is away, restarting, full, failing over or busy."""

_OF_THE_SETUP = (
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.ClientConfigurationError,
    asyncpg.InsufficientPrivilegeError,
    ValueError,
)


class DatabaseUnavailableError(Exception):
    """PostgreSQL cannot answer now. Safe to try again: an append that did land is a duplicate then."""


class DatabaseRefusedError(Exception):
    """PostgreSQL will never accept this call, or this set-up, as it is."""


async def open_pool(
    dsn: str,
    *,
    application_name: str = "sojourn",
    smallest: int = 1,
    largest: int = 10,
    statement_timeout: timedelta = timedelta(seconds=15),
    idle_in_transaction_timeout: timedelta = timedelta(seconds=10),
    check: Callable[[asyncpg.Connection], Awaitable[None]] | None = None,
) -> asyncpg.Pool[asyncpg.Record]:
    """Open a pool of connections and make sure that the database is the right one.

    Args:
        dsn: `postgresql://user:password@host:port/database`.
        application_name: How the connections show in pg_stat_activity.
        smallest: Connections kept open.
        largest: Connections at most; no fewer than the activities that run at once.
        statement_timeout: A statement that runs longer is ended by the server.
        idle_in_transaction_timeout: A forgotten transaction is ended: it would hold back every reader of the
            global order.
        check: Run once on a connection, to refuse a database at another migration; its errors pass through.

    Raises:
        DatabaseRefusedError: The DSN is malformed, or the server refuses its user, password or database.
        DatabaseUnavailableError: No server answers there.
    """
    settings = {
        "application_name": application_name,
        "statement_timeout": f"{statement_timeout // timedelta(milliseconds=1)}",
        "idle_in_transaction_session_timeout": f"{idle_in_transaction_timeout // timedelta(milliseconds=1)}",
        "timezone": "UTC",
        # Compiling a plan costs more than any statement here takes.
        "jit": "off",
    }
    try:
        pool = await asyncpg.create_pool(dsn, min_size=smallest, max_size=largest, server_settings=settings)
    except _OF_THE_SETUP as error:
        raise DatabaseRefusedError(
            f"PostgreSQL refuses the connection: {error}. Check user, password and database name of the DSN "
            "(postgresql://user:password@host:port/database)."
        ) from error
    except _OF_THE_MOMENT as error:
        raise DatabaseUnavailableError(
            f"No PostgreSQL answers at the DSN: {error or type(error).__name__}. Is the server running, and "
            "are host, port or socket folder right?"
        ) from error
    if check is not None:
        try:
            connection = await asyncpg.connect(dsn, server_settings=settings)
            try:
                await check(connection)
            finally:
                await connection.close()
        except BaseException:
            await pool.close()
            raise
    return pool


@contextmanager
def translated_errors(doing: str) -> Generator[None]:
    """Turn the driver's errors into the two of this layer.

    Args:
        doing: The name of the statement, for the text.

    Raises:
        DatabaseUnavailableError: Try again later.
        DatabaseRefusedError: Do not.
    """
    try:
        yield
    except _OF_THE_MOMENT as error:
        raise DatabaseUnavailableError(f"{doing}: {error or type(error).__name__}") from error
    except asyncpg.PostgresError as error:
        hint = getattr(error, "hint", None)
        raise DatabaseRefusedError(f"{doing}: {error}" + (f" {hint}" if hint else "")) from error
    except asyncpg.InterfaceError as error:
        # The driver blames an argument with a ValueError; all else is a lost connection or a closing pool.
        kind = DatabaseRefusedError if isinstance(error, ValueError) else DatabaseUnavailableError
        raise kind(f"{doing}: {error}") from error


class Database:
    """Runs the named statements of `statements.sql` over a pool, with this layer's errors."""

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record]) -> None:
        self._pool = pool

    async def rows(self, name: str, *arguments: object) -> list[asyncpg.Record]:
        """Return all rows of a statement."""
        with translated_errors(name):
            return await self._pool.fetch(STATEMENTS[name], *arguments)

    async def row(self, name: str, *arguments: object) -> asyncpg.Record | None:
        """Return the first row of a statement, if any."""
        with translated_errors(name):
            return await self._pool.fetchrow(STATEMENTS[name], *arguments)

    @property
    def pool(self) -> asyncpg.Pool[asyncpg.Record]:
        """Return the pool itself, for what spans several statements."""
        return self._pool


def columns_of(row: asyncpg.Record, fields: Mapping[str, object]) -> dict[str, Any]:
    """Return those columns of a row that a model has fields for, by name."""
    return {name: value for name, value in row.items() if name in fields}
