"""What agreements live on, as real processes: PostgreSQL, Temporal on its file, workers; a mail server."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import asyncpg
from temporalio.client import Client
from temporalio.runtime import LoggingConfig, Runtime, TelemetryConfig
from temporalio.service import RPCError
from temporalio.testing import TimeSkipper

from activities.directory.people import Directory
from activities.encryption.encrypt import FieldEncryption
from activities.encryption.payload_converter import converter_with
from activities.event_store.event_store import EventStore
from activities.keys.sources import ensure_key_file, ring_of_file
from activities.keys.subjects import SubjectKeys
from activities.postgres.pool import DatabaseUnavailableError, open_pool
from application.config.keys import key_file_of
from application.errors import NoAnswerError, NotRunningError
from deploy.embedded import EmbeddedPostgres, EmbeddedTemporal, attribute_types
from deploy.migrate import migrate
from tests.chaos.listening import listen_in
from tests.chaos.post import HOST, PostOffice
from tests.chaos.processes import Workers
from workers.demo.examples import read_people
from workflows.search_attributes import ALL

TASK_QUEUE = "chaos"
MAIL_SECONDS = 2.0
"""How long workers wait for the mail server's answer."""
WORKERS = 2

_PAUSE_SECONDS = 0.2
_PATIENCE_SECONDS = 360.0
"""A notice whose worker was killed is tried again after 90 seconds, and time is not skipped meanwhile."""
_ATTEMPT_SECONDS = 45.0
_NO_WAIT_FOR_THE_DISK = {"fsync": "off", "full_page_writes": "off", "max_connections": "200"}
"""Processes are killed here, no machine loses its power."""

Answer = TypeVar("Answer")


class NotYetError(Exception):
    """What is waited for has not come."""


_OF_THE_MOMENT = (
    DatabaseUnavailableError,
    RPCError,
    NoAnswerError,
    # An agreement whose workflow was lost is started again.
    NotRunningError,
    NotYetError,
    TimeoutError,
)


@dataclass
class Surroundings:
    """What a run breaks, and the ways by which actors and checks reach it."""

    folder: Path
    postgres: EmbeddedPostgres
    temporal: EmbeddedTemporal
    workers: Workers
    post: PostOffice
    client: Client
    skipper: TimeSkipper
    pool: asyncpg.Pool[asyncpg.Record]
    event_store: EventStore
    directory: Directory
    lost_temporal: int = 0
    """How often Temporal forgot everything."""


async def patiently(doing: Callable[[], Awaitable[Answer]]) -> Answer:
    """Does what cannot be done while a server is away until it can.

    Args:
        doing: Safe to do again.

    Raises:
        TimeoutError: It could not for minutes, which no fault of a run explains.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + _PATIENCE_SECONDS
    while True:
        try:
            async with asyncio.timeout(_ATTEMPT_SECONDS):
                return await doing()
        except _OF_THE_MOMENT as error:
            if loop.time() > deadline:
                raise TimeoutError(f"not within {_PATIENCE_SECONDS:g} seconds: {error!r}") from error
        await asyncio.sleep(_PAUSE_SECONDS)


@asynccontextmanager
async def surroundings(folder: Path) -> AsyncGenerator[Surroundings]:
    """Everything up on an empty folder, with workers as processes of their own; nothing is left running."""
    async with AsyncExitStack() as stack:
        postgres = await stack.enter_async_context(EmbeddedPostgres(folder, settings=_NO_WAIT_FOR_THE_DISK))
        temporal = await stack.enter_async_context(
            EmbeddedTemporal(
                folder,
                headless=True,
                durable=False,
                search_attributes=attribute_types(ALL),
                # Runs are handed over within a run of this suite, not after thousands of events.
                dynamic_config={
                    "limit.historyCount.suggestContinueAsNew": 200,
                    "history.workflowIdReuseMinimalInterval": "1ms",
                },
            )
        )
        await migrate(postgres.owner_dsn)
        await listen_in(postgres.owner_dsn)
        post = await stack.enter_async_context(PostOffice(WORKERS))
        pool = await open_pool(postgres.dsn, application_name="sojourn-chaos", smallest=0, largest=8)
        # Whatever still hangs on a server that was broken is not waited for.
        stack.callback(pool.terminate)
        ring = ring_of_file(ensure_key_file(key_file_of(folder)))
        client = await Client.connect(
            temporal.address,
            namespace=temporal.namespace,
            data_converter=converter_with(ring),
            runtime=_quiet_runtime(),
        )
        encryption = FieldEncryption(SubjectKeys(pool, ring))
        directory = Directory(pool, encryption)
        await directory.upsert(read_people())
        workers = Workers(
            folder / "logs",
            _settings(folder, postgres, temporal),
            # A way to the mail server for each, so that it knows who brings what.
            [{"SOJOURN_SMTP_PORT": str(port)} for port in post.ports],
        )
        workers.start()
        stack.push_async_callback(workers.stop)
        yield Surroundings(
            folder,
            postgres,
            temporal,
            workers,
            post,
            client,
            TimeSkipper(client),
            pool,
            EventStore(pool, encryption),
            directory,
        )


def _quiet_runtime() -> Runtime:
    # That a server does not answer is no news here.
    logging = LoggingConfig(filter="ERROR")
    return Runtime(telemetry=TelemetryConfig(logging=logging))


def _settings(folder: Path, postgres: EmbeddedPostgres, temporal: EmbeddedTemporal) -> dict[str, str]:
    return {
        "SOJOURN_DATABASE_URL": postgres.dsn,
        "SOJOURN_DATA": str(folder),
        "SOJOURN_KEY_FILE": str(key_file_of(folder)),
        "SOJOURN_TASK_QUEUE": TASK_QUEUE,
        "SOJOURN_SMTP_HOST": HOST,
        "SOJOURN_SMTP_SECURITY": "none",
        "SOJOURN_SMTP_TIMEOUT_SECONDS": str(MAIL_SECONDS),
        "SOJOURN_LOG_FORMAT": "json",
        "TEMPORAL_ADDRESS": temporal.address,
        "TEMPORAL_NAMESPACE": temporal.namespace,
        "TEMPORAL_CONFIG_FILE": os.devnull,
    }
