"""The long-running commands, and what prepares their ground: up, worker, gateway, migrate."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

import typer
from temporalio.service import RPCError

from activities.event_store.event_store import EventStore
from activities.postgres.pool import DatabaseUnavailableError, open_pool
from application.config.keys import with_keys_of_its_own
from application.container import Container
from application.operations.upgrade import Outcome, Upgrade
from application.settings import Settings, load_settings
from application.temporal.client import connect
from application.temporal.namespace import register_search_attributes
from application.temporal.sdk_logging import forward_sdk_logs
from application.temporal.versions import VersionNotMadeCurrentError, make_current, spelled, version_of
from deploy.embedded import Stack, StackAddresses, attribute_types
from deploy.migrate import migrate as apply_migrations
from workers.cli.options import AsJson
from workers.cli.run import run
from workers.runtime.codec_endpoint import (
    address_of,
    answering_the_local_ui,
    answering_with_tokens,
    local_socket,
)
from workers.runtime.log_output import configure_logs
from workers.runtime.worker import run_worker
from workers.terminal.failures import ExitCode, Failure
from workers.terminal.output import print_json, say
from workflows.search_attributes import ALL


def up(
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Folder for all data and logs. Default: SOJOURN_DATA, else .sojourn."
        ),
    ] = None,
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Of Temporal. Default: 7233 where free, else any.")
    ] = None,
    ui_port: Annotated[
        int | None,
        typer.Option(min=1, max=65535, help="Of the Temporal UI. Default: 8233 where free, else any."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run the whole stack in this process: Temporal with its UI, PostgreSQL and a worker. Ctrl-C stops it.

    All data and logs live in one folder and are kept between runs. Migrations are applied and search
    attributes registered. Other sojourn commands find the running stack by themselves.
    """
    settings = load_settings() if data is None else load_settings(data=data)
    forward_sdk_logs()
    asyncio.run(_up(settings, port, ui_port, as_json=as_json))


def worker(
    takes_over: Annotated[
        bool,
        typer.Option(
            "--make-current", help="Let agreements begin on this worker's version from now on, not another."
        ),
    ] = False,
) -> None:
    """Run a worker: it hosts agreements and sends notices until Ctrl-C or SIGTERM, then drains.

    Where Temporal, PostgreSQL and the mail server are is set by TEMPORAL_* and SOJOURN_*; see `sojourn
    settings`. Run as many as you like. The first worker of a deployment makes its version current; a later
    version serves what is sent to it until `--make-current` or `sojourn upgrade`.
    """
    settings = load_settings()
    configure_logs(settings)

    async def work() -> None:
        async with _until_told_to_stop() as stop:
            version = spelled(version_of(settings))
            say(f"Worker {version} on task queue {settings.task_queue}; Ctrl-C stops it.")
            await run_worker(settings, stop=stop, takes_over=takes_over)
        say("The worker has stopped.")

    asyncio.run(work())


def gateway() -> None:
    """Answer the Temporal UI, which asks here to have payloads decoded, until Ctrl-C or SIGTERM.

    Who asks brings a token (JWT); what they are shown depends on their roles in each agreement. Give the UI
    this address as TEMPORAL_CODEC_ENDPOINT, with TEMPORAL_CODEC_PASS_ACCESS_TOKEN=true. Put it behind HTTPS.
    """
    settings = load_settings()
    configure_logs(settings)

    async def answer() -> None:
        async with _until_told_to_stop() as stop, answering_with_tokens(settings) as address:
            say(f"Decoding for {settings.ui_origin} at {address}; Ctrl-C stops it.")
            await stop.wait()
        say("The gateway has stopped.")

    asyncio.run(answer())


def migrate(
    database_only: Annotated[
        bool, typer.Option("--database-only", help="Leave Temporal's search attributes alone.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Bring PostgreSQL to this release's schema, and register the search attributes that Temporal lacks.

    Safe to run again, and from several places at once. `sojourn up` does it by itself.
    """

    async def work(container: Container) -> tuple[list[str], list[str]]:
        try:
            applied = await apply_migrations(container.owner_dsn())
        except OSError as error:
            raise Failure(f"No PostgreSQL answers at the DSN: {error}.", ExitCode.UNREACHABLE) from error
        names = [f"{each.number:04d}_{each.name}" for each in applied]
        if database_only:
            return names, []
        say(f"Database: {', '.join(names) or 'nothing to do'}.")
        return names, await register_search_attributes(await connect(container.settings, payloads=False))

    names, attributes = run(work)
    if as_json:
        print_json({"migrations": list(names), "search_attributes": list(attributes)})
    elif database_only:
        say(f"Database: {', '.join(names) or 'nothing to do'}.")
    else:
        say(f"Search attributes: {', '.join(attributes) or 'nothing to do'}.")


async def _up(settings: Settings, port: int | None, ui_port: int | None, *, as_json: bool) -> None:
    codec_socket = local_socket()
    stack = Stack(
        settings.data,
        temporal_port=port,
        ui_port=ui_port,
        codec_endpoint=None if settings.without_keys else address_of(codec_socket),
        search_attributes=attribute_types(ALL),
    )
    async with _until_told_to_stop() as stop:
        say(f"Starting PostgreSQL and Temporal on {settings.data.resolve()} ...")
        starting = asyncio.create_task(stack.start())
        if not await _unless_told_to_stop(starting, stop):
            return
        addresses = starting.result()
        try:
            await _serve(settings, addresses, codec_socket, stop, as_json=as_json)
        finally:
            say("Stopping ...")
            await stack.stop()
    say("Stopped. All data is kept.")


async def _serve(
    settings: Settings,
    addresses: StackAddresses,
    codec_socket: socket.socket,
    stop: asyncio.Event,
    *,
    as_json: bool,
) -> None:
    _point_temporal_settings_at(addresses)
    inside = with_keys_of_its_own(
        load_settings(data=settings.data, database_url=addresses.dsn), addresses.data
    )
    await apply_migrations(addresses.owner_dsn)
    log = addresses.data / "logs" / "worker.log"
    with log.open("a", encoding="utf-8") as stream:
        configure_logs(inside, stream)
        async with answering_the_local_ui(inside, codec_socket, addresses.ui_url):
            serving = asyncio.create_task(run_worker(inside, stop=stop, takes_over=True))
            # A worker that cannot start says so at once; the addresses are for one that serves.
            await asyncio.wait({serving}, timeout=0.5)
            taking_over: asyncio.Task[None] | None = None
            if not serving.done():
                _print_addresses(addresses, log, inside, as_json=as_json)
                taking_over = asyncio.create_task(_take_over(inside))
            await serving
            if taking_over is not None:
                taking_over.cancel()
                await asyncio.wait({taking_over})


async def _take_over(settings: Settings) -> None:
    """What another version of the code began goes on from its record: in this stack nobody else serves it."""
    client = await connect(settings)
    upgrade = Upgrade(client, settings.task_queue, version_of(settings))
    pool = await open_pool(settings.database_dsn(), application_name="sojourn-take-over", largest=2)
    try:
        await make_current(client, version_of(settings))
        behind = [agreement_id async for agreement_id in upgrade.behind()]
        done = await upgrade.start_again(EventStore(pool), behind, lambda: None)
    except (RPCError, DatabaseUnavailableError, VersionNotMadeCurrentError) as error:
        say(f"Agreements of another version stay where they are ({error}); `sojourn upgrade` moves them.")
    else:
        again = sum(item.outcome is Outcome.STARTED_AGAIN for item in done)
        if again:
            say(f"Agreements of another version that go on from their record: {again}.")
    finally:
        await pool.close()


def _print_addresses(addresses: StackAddresses, log: Path, settings: Settings, *, as_json: bool) -> None:
    metrics = {"metrics": settings.metrics_address, "sdk_metrics": settings.sdk_metrics_address}
    if as_json:
        print_json({**addresses.model_dump(mode="json"), "worker_log": str(log), **metrics})
        return
    offered = [f"http://{address}/metrics" for address in metrics.values() if address is not None]
    say(
        "\n".join(
            [
                "Sojourn is up.",
                f"  Temporal UI  {addresses.ui_url}",
                f"  Temporal     {addresses.temporal_address} (namespace {addresses.namespace})",
                f"  PostgreSQL   {addresses.dsn}",
                f"  Logs         {log.parent}",
                *(f"  Metrics      {address}" for address in offered),
                "Other sojourn commands find it by themselves. Ctrl-C stops it; the data stays.",
            ]
        )
    )


def _point_temporal_settings_at(addresses: StackAddresses) -> None:
    """Let the worker of an embedded stack belong to it, wherever the operator's other settings point."""
    for variable in [name for name in os.environ if name.startswith("TEMPORAL_")]:
        del os.environ[variable]
    os.environ["TEMPORAL_ADDRESS"] = addresses.temporal_address
    os.environ["TEMPORAL_NAMESPACE"] = addresses.namespace
    os.environ["TEMPORAL_CONFIG_FILE"] = os.devnull


async def _unless_told_to_stop(task: asyncio.Task[StackAddresses], stop: asyncio.Event) -> bool:
    """Tell whether a task ended before we were told to stop; otherwise cancel it."""
    told = asyncio.create_task(stop.wait())
    await asyncio.wait({task, told}, return_when=asyncio.FIRST_COMPLETED)
    told.cancel()
    if task.done():
        return True
    task.cancel()
    await asyncio.wait({task})
    return False


@asynccontextmanager
async def _until_told_to_stop() -> AsyncGenerator[asyncio.Event]:
    """Give an event that Ctrl-C and SIGTERM set; a second Ctrl-C is not needed and changes nothing."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    signals = (signal.SIGINT, signal.SIGTERM)
    for each in signals:
        loop.add_signal_handler(each, stop.set)
    try:
        yield stop
    finally:
        for each in signals:
            loop.remove_signal_handler(each)
