"""The whole embedded stack on one data folder."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from pydantic import JsonValue

from deploy.addresses import StackAddresses, read_addresses, remove_addresses, write_addresses
from deploy.embedded.lifecycle import StartedAndStopped
from deploy.embedded.postgres import EmbeddedPostgres
from deploy.embedded.temporal import EmbeddedTemporal

_NO_WAIT_FOR_THE_DISK = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}


class StackAlreadyRunningError(RuntimeError):
    """Another process holds the stack of this data folder up; the text says which and where."""


class Stack(StartedAndStopped):
    """PostgreSQL and Temporal with everything they keep in one folder; an asynchronous context manager.

    While it is up, other processes find it with `find_running_stack`. `postgres` and `temporal` may be
    stopped and started again one by one, on the same data and the same addresses.
    """

    def __init__(
        self,
        data: Path,
        *,
        temporal_port: int | None = None,
        ui_port: int | None = None,
        headless: bool = False,
        codec_endpoint: str | None = None,
        durable: bool = True,
        search_attributes: Sequence[tuple[str, str]] = (),
        dynamic_config: Mapping[str, JsonValue] | None = None,
    ) -> None:
        """Prepare a stack; nothing runs yet.

        Args:
            data: Folder for all data and logs; created where missing.
            temporal_port: For Temporal clients; None takes 7233 if it is free, else any.
            ui_port: For the Temporal UI; None takes 8233 if it is free, else any.
            headless: Leave the UI out.
            codec_endpoint: Where the UI has payloads decoded; None leaves them as they are.
            durable: Whether a power cut takes nothing. Without, neither server waits for the disk, and
                everything is still there after a stop and after a killed process.
            search_attributes: Name and type of those to register; see `attribute_types`.
            dynamic_config: Temporal server settings beyond ours.
        """
        self._data = data.resolve()
        self._lock: IO[str] | None = None
        self._running = AsyncExitStack()
        self.postgres = EmbeddedPostgres(self._data, settings={} if durable else _NO_WAIT_FOR_THE_DISK)
        self.temporal = EmbeddedTemporal(
            self._data,
            port=temporal_port,
            ui_port=ui_port,
            usual_ports=True,
            headless=headless,
            codec_endpoint=codec_endpoint,
            durable=durable,
            search_attributes=search_attributes,
            dynamic_config=dynamic_config,
        )

    async def start(self) -> StackAddresses:
        """Start both servers and let other processes find them.

        Raises:
            StackAlreadyRunningError: A stack is up on this folder.
            EmbeddedServerError: One of the servers did not start.
        """
        self._data.mkdir(parents=True, exist_ok=True)
        self._claim()
        try:
            await self._running.enter_async_context(self.postgres)
            await self._running.enter_async_context(self.temporal)
            addresses = StackAddresses(
                temporal_address=self.temporal.address,
                namespace=self.temporal.namespace,
                ui_url=self.temporal.ui_url,
                dsn=self.postgres.dsn,
                owner_dsn=self.postgres.owner_dsn,
                data=self._data,
                pid=os.getpid(),
                started_at=datetime.now(UTC),
            )
            write_addresses(addresses)
        except BaseException:
            await self.stop()
            raise
        return addresses

    async def stop(self) -> None:
        """Stop both servers; the data stays. Safe to call twice."""
        if self._lock is None:
            return
        try:
            remove_addresses(self._data)
            await self._running.aclose()
        finally:
            self._lock.close()
            self._lock = None

    def _claim(self) -> None:
        # A lock of the operating system rather than a file with a process id: it dies with its holder.
        lock = (self._data / ".lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock.close()
            raise StackAlreadyRunningError(self._who_holds_it()) from error
        self._lock = lock

    def _who_holds_it(self) -> str:
        holder = read_addresses(self._data)
        if holder is None:
            return f"A stack is just starting or stopping on {self._data}: wait for it, or use another --data"
        return (
            f"A stack is already running on {self._data} (process {holder.pid}, Temporal at "
            f"{holder.temporal_address}, since {holder.started_at:%Y-%m-%d %H:%M} UTC): use it, stop it with "
            f"Ctrl-C where it was started, or start this one with another --data"
        )
