"""The real servers, shared by all tests: one of each per test process, started when first asked for."""

from __future__ import annotations

import base64
import importlib.util
import logging
import math
import os
import shutil
import tempfile
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest
import structlog
from temporalio.client import Client
from temporalio.common import SearchAttributeKey

from application.settings import load_settings
from application.temporal.client import data_converter
from deploy.embedded import EmbeddedPostgres, EmbeddedTemporal, attribute_types
from deploy.embedded.roles import LOGIN, OWNER
from deploy.migrate import migrate
from tests.fixtures.slowest_files import SlowestFiles
from workers.runtime.log_output import HANDLER

pytest_plugins = ["tests.fixtures.command_line"]

_TEMPLATE = "migrated"
_PLENTY = 4 * 2**30
"""Bytes; all servers of one test process keep some 300 MB at once."""

KEYS = f"of-the-tests:{base64.b64encode(bytes(range(32))).decode()}"
"""What every test finds in SOJOURN_KEYS: all of them seal."""


LONGEST_FIRST = (
    "workflows/test_personal_data_stays_secret.py",
    "workers/demo/test_command.py",
    "workers/cli/system/test_serve.py",
    "chaos/test_chaos.py",
    "workflows/test_whole_lives.py",
    "workflows/test_paths.py",
    "workflows/test_upgrade.py",
    "workflows/test_one_stalled_set.py",
    "workflows/test_restored.py",
    "application/data_rights/test_erase_and_export.py",
    "application/data_rights/test_expire.py",
    "workers/cli/agreements/test_act_dry_run.py",
    "application/data_rights/test_nothing_on_disk.py",
    "activities/postgres/test_stalled_plans.py",
)
"""Files in which single tests take long: one that began last would keep every other process waiting.

The last one shares what is long to set up: begun first it stays in one process, which sets it up once.
"""


def pytest_configure(config: pytest.Config) -> None:
    """Say at the end which files took longest."""
    config.pluginmanager.register(SlowestFiles(), "slowest-files")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Lets each of the test processes begin with its share of the longest."""
    # Each has an even stretch of the list before it; who is through takes over from the end of another's.
    processes = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    tests = Path(__file__).parent
    long = {tests / name: list[pytest.Item]() for name in LONGEST_FIRST}
    if gone := [path.name for path in long if not path.exists()]:
        raise pytest.UsageError(
            f"LONGEST_FIRST in tests/conftest.py names what is no more: {', '.join(gone)}."
        )
    rest = [item for item in items if item.path not in long]
    for item in items:
        if item.path in long:
            long[item.path].append(item)
    size = math.ceil(len(items) / processes)
    dealt: list[pytest.Item] = []
    for process in range(processes):
        first = [item for path in [*long][process::processes] for item in long[path]]
        room = max(0, size - len(first))
        dealt += [*first, *rest[:room]]
        rest = rest[room:]
    items[:] = dealt + rest


@pytest.fixture(scope="session", autouse=True)
def keys_for_everybody() -> Iterator[None]:
    """Gives keys to fixtures that outlive a test, too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOJOURN_KEYS", KEYS)
        yield


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keeps the settings and the running stack of whoever runs the tests out of them; gives them keys."""
    for variable in [name for name in os.environ if name.startswith(("SOJOURN_", "TEMPORAL_", "PG"))]:
        monkeypatch.delenv(variable)
    monkeypatch.setenv("SOJOURN_KEYS", KEYS)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


@pytest.fixture(autouse=True)
def logs_beside_standard_output() -> Iterator[None]:
    """Sends what is logged in this process through `logging`: what a command prints beside it stays clean.

    What a test has logs sent to is not written to any more once it is over.
    """
    root = logging.getLogger()
    level = root.level
    structlog.configure(
        processors=[structlog.stdlib.render_to_log_kwargs],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    yield
    structlog.reset_defaults()
    root.handlers = [kept for kept in root.handlers if kept.name != HANDLER]
    root.setLevel(level)
    logging.captureWarnings(capture=False)


def _in_memory() -> Path | None:
    """A file system in memory, where there is one with plenty of room.

    Each test's database is some 300 files: on a disk that others use too, they are what tests wait for most.
    """
    memory = Path("/dev/shm")  # noqa: S108  folders in it get names of their own
    return memory if memory.is_dir() and shutil.disk_usage(memory).free > _PLENTY else None


@contextmanager
def _folder() -> Generator[Path]:
    # Not one of pytest's: each new pytest on the machine closes their common parent to other accounts, and
    # PostgreSQL, which refuses to run as root, is another account where tests run as root.
    with tempfile.TemporaryDirectory(
        prefix="sojourn-", dir=_in_memory(), ignore_cleanup_errors=True
    ) as folder:
        yield Path(folder).resolve()


@pytest.fixture
def data_folder() -> Iterator[Path]:
    """An empty folder in which servers may keep their data; use it instead of `tmp_path` for them."""
    with _folder() as folder:
        yield folder


@pytest.fixture(scope="session")
async def postgres() -> AsyncIterator[EmbeddedPostgres]:
    """A PostgreSQL server; tests get databases of their own on it."""
    # Tests survive a process that is killed, not a power cut.
    settings = {"fsync": "off", "full_page_writes": "off", "max_connections": "200"}
    with _folder() as folder:
        async with EmbeddedPostgres(folder, settings=settings) as server:
            yield server


@pytest.fixture(scope="session")
async def cluster(postgres: EmbeddedPostgres) -> AsyncIterator[asyncpg.Connection]:
    """A connection to the server itself, by which databases come and go."""
    connection = await asyncpg.connect(postgres.dsn_of("postgres"))
    yield connection
    await connection.close()


@pytest.fixture(scope="session")
async def migrated_template(postgres: EmbeddedPostgres, cluster: asyncpg.Connection) -> str:
    """The name of a migrated, empty database to copy: far quicker than migrating for every test."""
    await cluster.execute(f"CREATE DATABASE {_TEMPLATE} OWNER {OWNER}")
    await migrate(postgres.dsn_of(_TEMPLATE, OWNER))
    return _TEMPLATE


@pytest.fixture
async def database(
    postgres: EmbeddedPostgres, cluster: asyncpg.Connection, migrated_template: str
) -> AsyncIterator[str]:
    """The DSN of a migrated, empty database that no other test sees, as the application connects to it."""
    name = f"test_{uuid.uuid4().hex}"
    # File by file costs half as much as block by block through the log, which is the server's default.
    copied = f"TEMPLATE {migrated_template} STRATEGY FILE_COPY"
    await cluster.execute(f"CREATE DATABASE {name} OWNER {OWNER} {copied}")
    yield postgres.dsn_of(name, LOGIN)
    await cluster.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def owner_database(postgres: EmbeddedPostgres, database: str) -> str:
    """The DSN of the same database as the role that owns its schema."""
    return postgres.dsn_of(urlsplit(database).path.lstrip("/"), OWNER)


@pytest.fixture
async def administrator(postgres: EmbeddedPostgres, database: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection to the test's database as who administrates the server, whom no privilege holds back."""
    connection = await asyncpg.connect(postgres.dsn_of(urlsplit(database).path.lstrip("/")))
    yield connection
    await connection.close()


@pytest.fixture(scope="session")
async def temporal() -> AsyncIterator[EmbeddedTemporal]:
    """A Temporal server without UI, which suggests to continue as new early so that tests see it happen."""
    async with _new_temporal() as server:
        yield server


@pytest.fixture
async def another_client() -> AsyncIterator[Client]:
    """A client of a second Temporal server, which knows nothing of the first one."""
    async with _new_temporal() as server:
        yield await Client.connect(
            server.address,
            namespace=server.namespace,
            data_converter=data_converter(load_settings(keys=KEYS)),
        )


@asynccontextmanager
async def _new_temporal() -> AsyncGenerator[EmbeddedTemporal]:
    with _folder() as folder:
        async with EmbeddedTemporal(
            folder,
            headless=True,
            in_memory=True,
            search_attributes=attribute_types(_search_attributes()),
            dynamic_config={
                "limit.historyCount.suggestContinueAsNew": 50,
                # A run's first task waits a second where its predecessor was younger, while months pass.
                "history.workflowIdReuseMinimalInterval": "1ms",
                # Each test's task queue is a deployment of its own; servers keep a hundred by default.
                "matching.maxDeployments": 100_000,
            },
        ) as server:
            yield server


@pytest.fixture(scope="session")
async def client(temporal: EmbeddedTemporal) -> Client:
    """A client of the Temporal server, with the data converter of every process."""
    return await Client.connect(
        temporal.address,
        namespace=temporal.namespace,
        data_converter=data_converter(load_settings(keys=KEYS)),
    )


def _search_attributes() -> tuple[SearchAttributeKey[Any], ...]:
    if importlib.util.find_spec("workflows.search_attributes") is None:
        return ()
    return importlib.import_module("workflows.search_attributes").ALL
