"""The worker as a process: what it needs to begin, and how it ends."""

from __future__ import annotations

import asyncio
import logging
import uuid

import pytest
from temporalio.client import Client, WorkflowFailureError

from application.settings import SettingsError, load_settings
from deploy.embedded import EmbeddedPostgres
from deploy.migrate import MigrationRefusedError
from domain.kernel.vocabulary import Kind
from workers.runtime.worker import hosting, run_worker
from workflows.contract import WORKFLOW_TYPES


async def test_a_worker_serves_until_it_is_told_to_stop(database: str, client: Client) -> None:
    """It answers what is on its queue, and returns in order once `stop` is set."""
    settings = load_settings(
        database_url=database, task_queue=f"worker-{uuid.uuid4().hex}", shutdown_seconds=2
    )
    stop = asyncio.Event()
    worker = asyncio.create_task(run_worker(settings, stop=stop, client=client))
    handle = await client.start_workflow(
        WORKFLOW_TYPES[Kind.ROTATION], {}, id=f"acme.{uuid.uuid4().hex}", task_queue=settings.task_queue
    )
    with pytest.raises(WorkflowFailureError):
        await handle.result()
    assert not worker.done()
    stop.set()
    async with asyncio.timeout(20):
        await worker


async def test_a_worker_does_not_begin_on_a_foreign_database(
    postgres: EmbeddedPostgres, client: Client
) -> None:
    """A database without this release's schema is refused with what to do, before any task is taken."""
    settings = load_settings(database_url=postgres.dsn_of("postgres"))
    with pytest.raises(MigrationRefusedError, match="sojourn migrate"):
        await run_worker(settings, stop=asyncio.Event(), client=client)


async def test_a_worker_does_not_serve_as_a_role_that_may_change_the_log(
    owner_database: str, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    """The owner's address in the wrong variable is refused; who has one role for all is warned each time."""
    settings = load_settings(
        database_url=owner_database, task_queue=f"worker-{uuid.uuid4().hex}", shutdown_seconds=2
    )
    with pytest.raises(SettingsError, match=r"may change and remove.*sojourn_application.*SOJOURN_AS_OWNER"):
        await run_worker(settings, stop=asyncio.Event(), client=client)
    chosen = settings.model_copy(update={"as_owner": True})
    with caplog.at_level(logging.WARNING):
        async with hosting(chosen, client):
            assert "no privilege then stands between a mistake and the record" in caplog.text
