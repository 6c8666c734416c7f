"""What a command reaches for: settings, the record and Temporal, each opened when first asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, TypeVar

import asyncpg

from activities.directory.people import Directory
from activities.encryption.encrypt import FieldEncryption
from activities.event_store.event_store import EventStore
from activities.postgres.pool import open_pool
from application.config.keys import reading_encryption_of
from application.config.policy_sets import KnownPolicies
from application.queries.viewer import Viewpoint, viewpoint_of
from application.settings import Settings, SettingsError, load_settings
from deploy.migrate import check_schema
from workers.terminal.failures import ExitCode, Failure

if TYPE_CHECKING:
    from temporalio.client import Client

CONNECTIONS = 8
"""Most connections to PostgreSQL that one command opens."""

Result = TypeVar("Result")


class Reach:
    """One command's way to the world; use it through `reaching`."""

    def __init__(self, settings: Settings, opened: AsyncExitStack) -> None:
        self.settings = settings
        self._opened = opened
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None
        self._client: Client | None = None
        self._encryption: FieldEncryption | None = None
        self._policies: KnownPolicies | None = None

    async def event_store(self) -> EventStore:
        """The record, in a database that is at this release's migration."""
        return EventStore(await self.pool(), await self.encryption())

    async def directory(self) -> Directory:
        """The people directory, in the same database."""
        return Directory(await self.pool(), await self.encryption())

    async def encryption(self) -> FieldEncryption:
        """What opens sealed words; without keys it says so when it is needed."""
        if self._encryption is None:
            self._encryption = reading_encryption_of(self.settings, await self.pool())
        return self._encryption

    async def viewpoint(self, person_id: str | None) -> Viewpoint:
        """From whose point of view a command reads; None stands for an operator without a name."""
        return await viewpoint_of(await self.directory(), person_id)

    def policies(self) -> KnownPolicies:
        """The policy sets that requests and commands may name.

        Raises:
            SettingsError: A file that the settings name is not in order.
        """
        if self._policies is None:
            self._policies = KnownPolicies.read(self.settings.policy_files)
        return self._policies

    async def client(self) -> Client:
        """Temporal."""
        if self._client is None:
            # Most commands read the record alone: they need not wait until all of Temporal is imported.
            from application.temporal.client import connect  # noqa: PLC0415

            self._client = await connect(self.settings)
        return self._client

    def dsn(self) -> str:
        """Where the database is.

        Raises:
            Failure: It is set nowhere, and no embedded stack runs.
        """
        try:
            return self.settings.database_dsn()
        except SettingsError as error:
            raise Failure(str(error), ExitCode.UNREACHABLE) from error

    def owner_dsn(self) -> str:
        """Where the database is, as the role that owns its schema.

        Raises:
            Failure: It is set nowhere, and no embedded stack runs.
        """
        try:
            return self.settings.owner_dsn()
        except SettingsError as error:
            raise Failure(str(error), ExitCode.UNREACHABLE) from error

    async def pool(self) -> asyncpg.Pool[asyncpg.Record]:
        """Connections to the database."""
        if self._pool is None:
            self._pool = await self._open(self.dsn())
        return self._pool

    async def owner_pool(self) -> asyncpg.Pool[asyncpg.Record]:
        """Connections to the database as the role that owns its schema."""
        return await self._open(self.owner_dsn())

    async def _open(self, dsn: str) -> asyncpg.Pool[asyncpg.Record]:
        pool = await open_pool(
            dsn,
            application_name="sojourn-command-line",
            largest=min(CONNECTIONS, self.settings.database_pool_size),
            check=check_schema,
        )
        self._opened.push_async_callback(pool.close)
        return pool


def reaching(work: Callable[[Reach], Awaitable[Result]]) -> Result:
    """Runs a command's work and closes what it opened, whether or not it succeeds."""

    async def within() -> Result:
        async with AsyncExitStack() as opened:
            return await work(Reach(load_settings(), opened))

    return asyncio.run(within())
