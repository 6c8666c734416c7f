"""What use cases work with: settings, event store, directory, Temporal, each opened when first asked for."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

import asyncpg

from activities.data_rights.access_after_close import AccessLog
from activities.data_rights.log import RightsLog
from activities.directory.people import Directory
from activities.encryption.encrypt import FieldEncryption
from activities.event_store.event_store import EventStore
from activities.keys.ring import KeyRing
from activities.keys.subjects import SubjectKeys
from activities.postgres.pool import open_pool
from application.config.keys import key_ring, reading_encryption_of
from application.config.policy_sets import KnownPolicies
from application.errors import NoDatabaseError, NoKeysError
from application.settings import Settings, SettingsError
from deploy.migrate import check_schema

if TYPE_CHECKING:
    from temporalio.client import Client

CONNECTIONS = 8
"""Most connections to PostgreSQL that one short-lived process opens."""


class Container:
    """The dependencies of use cases. Make one with `open_container`, which closes what was opened."""

    def __init__(
        self, settings: Settings, opened: AsyncExitStack, *, application_name: str, connections: int
    ) -> None:
        self.settings = settings
        self._opened = opened
        self._application_name = application_name
        self._connections = connections
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None
        self._client: Client | None = None
        self._encryption: FieldEncryption | None = None
        self._policies: KnownPolicies | None = None

    async def pool(self) -> asyncpg.Pool[asyncpg.Record]:
        """Return connections to a database that is at this release's migration."""
        if self._pool is None:
            self._pool = await self._open(self.dsn())
        return self._pool

    async def owner_pool(self) -> asyncpg.Pool[asyncpg.Record]:
        """Open connections to the same database as the role that owns its schema."""
        return await self._open(self.owner_dsn())

    async def event_store(self) -> EventStore:
        """Return the event store."""
        return EventStore(await self.pool(), await self.encryption())

    async def directory(self) -> Directory:
        """Return the people directory."""
        return Directory(await self.pool(), await self.encryption())

    async def rights(self) -> RightsLog:
        """Return the log of what was done about people's rights."""
        return RightsLog(await self.pool())

    async def access_log(self) -> AccessLog:
        """Return the log of who opened what is private in closed agreements."""
        return AccessLog(await self.pool(), await self.encryption())

    async def encryption(self) -> FieldEncryption:
        """Return what opens encrypted words; without keys it says so when it is needed."""
        if self._encryption is None:
            self._encryption = reading_encryption_of(self.settings, await self.pool())
        return self._encryption

    def key_ring(self) -> KeyRing:
        """Return the key-encryption keys.

        Raises:
            NoKeysError: Nothing is encrypted here.
        """
        ring = key_ring(self.settings)
        if ring is None:
            raise NoKeysError
        return ring

    async def subject_keys(self) -> SubjectKeys:
        """Return people's keys.

        Raises:
            NoKeysError: Nothing is encrypted here.
        """
        return SubjectKeys(await self.pool(), self.key_ring())

    def policies(self) -> KnownPolicies:
        """Return the policy sets that requests and commands may name.

        Raises:
            SettingsError: A file that the settings name is not in order.
        """
        if self._policies is None:
            self._policies = KnownPolicies.read(self.settings.policy_files)
        return self._policies

    async def temporal(self) -> Client:
        """Return a client of Temporal."""
        if self._client is None:
            # Most use cases read the record alone: they need not wait until all of Temporal is imported.
            from application.temporal.client import connect  # noqa: PLC0415

            self._client = await connect(self.settings)
        return self._client

    def dsn(self) -> str:
        """Return the address of the database.

        Raises:
            NoDatabaseError: It is set nowhere, and no embedded stack runs.
        """
        try:
            return self.settings.database_dsn()
        except SettingsError as error:
            raise NoDatabaseError(str(error)) from error

    def owner_dsn(self) -> str:
        """Return the address of the database for the role that owns its schema.

        Raises:
            NoDatabaseError: It is set nowhere, and no embedded stack runs.
        """
        try:
            return self.settings.owner_dsn()
        except SettingsError as error:
            raise NoDatabaseError(str(error)) from error

    async def _open(self, dsn: str) -> asyncpg.Pool[asyncpg.Record]:
        pool = await open_pool(
            dsn,
            application_name=self._application_name,
            largest=min(self._connections, self.settings.database_pool_size),
            check=check_schema,
        )
        self._opened.push_async_callback(pool.close)
        return pool


@asynccontextmanager
async def open_container(
    settings: Settings, *, application_name: str = "sojourn-command-line", connections: int = CONNECTIONS
) -> AsyncGenerator[Container]:
    """Give use cases what they work with, and close what they opened.

    Args:
        settings: Of this process.
        application_name: How PostgreSQL's own views name the connections.
        connections: Most of them; the settings may say fewer.
    """
    async with AsyncExitStack() as opened:
        yield Container(settings, opened, application_name=application_name, connections=connections)
