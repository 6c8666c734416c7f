"""The stage: the real servers on a fresh folder, a worker, the cast's mailboxes, and the way to place."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import JsonValue
from temporalio.client import Client

from activities.directory.people import Directory
from activities.event_store.event_store import EventStore
from activities.postgres.pool import open_pool
from application.config.keys import encryption_of, with_keys_of_its_own
from application.config.policy_sets import KnownPolicies
from application.placements.intake import Intake, Placement, Submission
from application.settings import Settings, load_settings
from application.temporal.client import data_converter
from application.temporal.sdk_logging import forward_sdk_logs
from application.temporal.starter import Starter
from deploy.addresses import write_addresses
from deploy.embedded import Stack, StackAddresses, attribute_types, find_running_stack
from deploy.migrate import migrate
from domain.kernel.person import Person
from domain.kernel.vocabulary import Kind
from workers.demo.examples import read_people, read_request
from workers.demo.mailboxes import Mailboxes
from workers.runtime.codec_endpoint import address_of, answering_the_local_ui, local_socket
from workers.runtime.log_output import configure_logs
from workers.runtime.worker import hosting
from workflows.search_attributes import ALL

PATIENCE = timedelta(seconds=60)
"""How long to wait for a placement to be in the record."""


class StageTakenError(RuntimeError):
    """The folder cannot be used; the text says why and what to do."""


@dataclass(frozen=True)
class Stage:
    """Everything that a performance needs."""

    addresses: StackAddresses
    client: Client
    event_store: EventStore
    directory: Directory
    mailboxes: Mailboxes
    settings: Settings

    async def place(self, kinds: tuple[Kind, ...]) -> list[Placement]:
        """Places the examples through the intake, as HR tooling does.

        Returns:
            What was placed, in the order of the kinds.

        Raises:
            RuntimeError: An example is not in order, or was placed before.
        """
        today = datetime.now(UTC).date()
        requests: list[dict[str, JsonValue]] = [read_request(kind, today) for kind in kinds]
        intake = Intake(
            self.event_store,
            self.directory,
            Starter(self.client, self.settings.task_queue),
            KnownPolicies.built_in(),
        )
        checked = await intake.check([Submission("", request) for request in requests])
        if checked.problems:
            raise RuntimeError("\n".join(str(problem) for problem in checked.problems))
        placed = await intake.place(checked, patience=PATIENCE)
        wrong = [each for each in placed if each.outcome != "placed"]
        if wrong:
            raise RuntimeError(f"{wrong[0].agreement_id} is {wrong[0].outcome}: {wrong[0].remark or ''}")
        return list(checked.placements)

    async def people(self) -> dict[str, Person]:
        """Everybody who may appear, by id."""
        return await self.directory.get(person.person_id for person in read_people())


@asynccontextmanager
async def staged(data: Path) -> AsyncGenerator[Stage]:
    """Builds the stage on an empty folder and takes it down again; the data stays.

    Raises:
        EmbeddedServerError: A server did not start.
        StackAlreadyRunningError: A stack is up on this folder.
    """
    forward_sdk_logs()
    before = find_running_stack()
    codec_socket = local_socket()
    stack = Stack(
        data,
        durable=False,
        codec_endpoint=None if load_settings().without_keys else address_of(codec_socket),
        search_attributes=attribute_types(ALL),
    )
    try:
        async with stack:
            addresses = find_running_stack(data)
            if addresses is None:
                raise RuntimeError(f"the stack on {data} does not answer")
            async with (
                Mailboxes() as mailboxes,
                _inside(addresses, mailboxes) as stage,
                answering_the_local_ui(stage.settings, codec_socket, addresses.ui_url),
            ):
                yield stage
    finally:
        # Other commands find the stack that was started last, which is to be the user's own again.
        if before is not None and find_running_stack(before.data) is not None:
            write_addresses(before)


@asynccontextmanager
async def _inside(addresses: StackAddresses, mailboxes: Mailboxes) -> AsyncGenerator[Stage]:
    chosen = load_settings(
        database_url=addresses.dsn,
        data=addresses.data,
        task_queue="sojourn",
        smtp_host=mailboxes.host,
        smtp_port=mailboxes.port,
        smtp_security="none",
        smtp_username=None,
        smtp_password=None,
        log_level="WARNING",
    )
    settings = with_keys_of_its_own(chosen, addresses.data)
    await migrate(addresses.owner_dsn)
    client = await Client.connect(
        addresses.temporal_address, namespace=addresses.namespace, data_converter=data_converter(settings)
    )
    pool = await open_pool(addresses.dsn, application_name="sojourn-demonstration", smallest=1, largest=6)
    with (addresses.data / "logs" / "worker.log").open("a", encoding="utf-8") as log:
        configure_logs(settings, log)
        try:
            encryption = encryption_of(settings, pool)
            directory = Directory(pool, encryption)
            await directory.upsert(read_people())
            async with hosting(settings, client):
                yield Stage(addresses, client, EventStore(pool, encryption), directory, mailboxes, settings)
        finally:
            await pool.close()


def clear(data: Path) -> None:
    """Removes what an earlier demonstration left in its own folder.

    Raises:
        StageTakenError: A stack is up on it.
    """
    if not data.exists():
        return
    with (data / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise StageTakenError(
                f"A demonstration is still up on {data}, perhaps kept open: stop it with Ctrl-C where it was "
                "started, or choose another folder with --data"
            ) from error
        shutil.rmtree(data)


def refuse_unless_empty(data: Path) -> None:
    """A folder of the user's choice is never cleared.

    Raises:
        StageTakenError: It holds something.
    """
    if data.exists() and (not data.is_dir() or any(data.iterdir())):
        raise StageTakenError(f"{data} is not an empty folder: name one that is empty or not there yet")
