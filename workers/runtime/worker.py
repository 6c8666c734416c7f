"""The worker: hosts the workflows and the activities until it is told to stop. Only wiring."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

import asyncpg
from temporalio.client import Client
from temporalio.common import VersioningBehavior
from temporalio.worker import Interceptor, Replayer, Worker, WorkerDeploymentConfig

from activities.delivery.deliver import NoticeDelivery
from activities.directory.calendars import CalendarSources
from activities.directory.people import Directory
from activities.encryption.encrypt import FieldEncryption
from activities.event_store.digest_log import DigestLog
from activities.event_store.event_store import EventStore
from activities.postgres.pool import open_pool
from activities.registered import Activities
from application.config.keys import checked_encryption_of
from application.config.mail import mail_settings
from application.settings import Settings
from application.temporal.client import connect, data_converter
from application.temporal.namespace import check_search_attributes
from application.temporal.versions import make_current, spelled, version_of
from deploy.migrate import check_schema
from workers.runtime.metrics_endpoints import sdk_runtime, serving_metrics
from workers.runtime.privileges import refuse_to_serve_as_owner
from workers.runtime.sandbox import workflow_runner
from workflows.placements import WORKFLOWS

_log = logging.getLogger(__name__)


async def run_worker(
    settings: Settings, *, stop: asyncio.Event, client: Client | None = None, takes_over: bool = False
) -> None:
    """Hosts everything until `stop` is set, then lets running activities finish. Offers metrics meanwhile.

    Args:
        settings: Where the record, the mail server and Temporal are, and the limits of this process.
        stop: Set it to drain and return.
        client: A connection to use instead of opening one; the SDK's metrics are then its own affair.
        takes_over: As for `hosting`.

    Raises:
        NoTemporalError: Temporal does not answer.
        NamespaceNotReadyError: Its namespace lacks our search attributes.
        DatabaseUnavailableError: PostgreSQL does not answer.
        DatabaseRefusedError: The database is not one that this release can use.
        SettingsError: Metrics cannot be offered at the address set for them, there are no keys, or the
            database role may change the log.
        KeysError: The keys do not open what is sealed in the database.
        VersionNotMadeCurrentError: No agreement could begin.
    """
    with serving_metrics(settings):
        if client is None:
            client = await connect(settings, runtime=sdk_runtime(settings))
        await check_search_attributes(client)
        async with hosting(settings, client, takes_over=takes_over):
            await stop.wait()


@asynccontextmanager
async def hosting(
    settings: Settings,
    client: Client,
    *,
    interceptors: Sequence[Interceptor] = (),
    takes_over: bool = False,
) -> AsyncGenerator[Worker]:
    """A running worker with its own pool of database connections, once agreements can begin.

    Args:
        settings: What it is to know.
        client: The way to Temporal.
        interceptors: For its workflows and activities.
        takes_over: Whether its version becomes the current one where another is; the first one does anyhow.

    Raises:
        SettingsError: There are no keys to seal with, or the database role may change the log, and nobody
            chose so.
        KeysError: The keys do not open what is sealed in the database.
        VersionNotMadeCurrentError: Temporal refuses its version.
    """
    pool = await open_pool(settings.database_dsn(), largest=settings.database_pool_size, check=check_schema)
    try:
        await refuse_to_serve_as_owner(settings, pool)
        encryption = await checked_encryption_of(settings, pool)
        async with worker_of(settings, client, pool, encryption, interceptors) as worker:
            version = version_of(settings)
            if not await make_current(client, version, instead=takes_over):
                _log.info("agreements begin on another version than %s", spelled(version))
            yield worker
    finally:
        await pool.close()


def worker_of(
    settings: Settings,
    client: Client,
    pool: asyncpg.Pool[asyncpg.Record],
    encryption: FieldEncryption,
    interceptors: Sequence[Interceptor] = (),
) -> Worker:
    """The worker over an open pool."""
    return Worker(
        client,
        # Which process of which host to look at, unlike that of the client, which gives people's commands.
        identity=f"{os.getpid()}@{socket.gethostname()}",
        task_queue=settings.task_queue,
        workflows=WORKFLOWS,
        activities=activities_of(settings, pool, encryption).all(),
        workflow_runner=workflow_runner(),
        interceptors=interceptors,
        deployment_config=_deployment_of(settings),
        max_cached_workflows=settings.max_cached_workflows,
        max_concurrent_activities=settings.max_concurrent_activities,
        # Each of them is a call of PostgreSQL: one that has to wait for a connection uses up its short time.
        max_concurrent_local_activities=settings.database_pool_size,
        graceful_shutdown_timeout=timedelta(seconds=settings.shutdown_seconds),
    )


def _deployment_of(settings: Settings) -> WorkerDeploymentConfig:
    """The version under which its tasks are taken."""
    return WorkerDeploymentConfig(
        version=version_of(settings),
        use_worker_versioning=True,
        # Every type says so itself, but a task that holds nothing for its code, as one for changed options,
        # the SDK completes without asking it. Without this, such a run would count as unversioned from then
        # on, and Temporal would offer and withdraw its next activity without end.
        default_versioning_behavior=VersioningBehavior.PINNED,
    )


def replayer(settings: Settings) -> Replayer:
    """Replays histories as this release's workers would, to find out whether it can take them over."""
    return Replayer(
        workflows=WORKFLOWS, workflow_runner=workflow_runner(), data_converter=data_converter(settings)
    )


def activities_of(
    settings: Settings, pool: asyncpg.Pool[asyncpg.Record], encryption: FieldEncryption
) -> Activities:
    """The activities over an open pool."""
    event_store, directory = EventStore(pool, encryption), Directory(pool, encryption)
    calendars, mail = CalendarSources(), mail_settings(settings)
    delivery = NoticeDelivery(event_store.notices, directory, mail, DigestLog(pool), calendars)
    return Activities(event_store, directory, calendars, delivery)
