"""PostgreSQL from a package, as a child process with its data in one folder."""

from __future__ import annotations

import asyncio
import os
import pwd
import signal
import stat
from collections.abc import Mapping
from contextlib import suppress
from enum import Enum, auto
from pathlib import Path
from typing import TypedDict
from urllib.parse import quote

import asyncpg

from deploy.embedded.lifecycle import StartedAndStopped
from deploy.embedded.postgres_package import postgres_package
from deploy.embedded.processes import EmbeddedServerError, ServerProcess
from deploy.embedded.roles import LOGIN, OWNER, hand_over, settle_roles

_ADMINISTRATOR = "postgres"
_PORT = 5432
_START_SECONDS = 60.0
_STOP_SECONDS = 30.0
_SILENT_SECONDS = 3.0
_POLL_SECONDS = 0.05
_ORDINARY_ACCOUNT = "nobody"
"""PostgreSQL refuses to run as root; as root we borrow the account that every system has."""


class _State(Enum):
    READY = auto()
    BUSY = auto()
    SILENT = auto()


class _Identity(TypedDict, total=False):
    user: int
    group: int
    extra_groups: list[str | int]


class EmbeddedPostgres(StartedAndStopped):
    """A PostgreSQL server reached over a Unix socket; an asynchronous context manager.

    A server that still runs on the same data, left behind by a process that died, is taken over.
    """

    def __init__(
        self, data: Path, *, database: str = "sojourn", settings: Mapping[str, str] | None = None
    ) -> None:
        """Prepare a server; nothing runs yet.

        Args:
            data: The stack's folder; the cluster lives in `postgres` below it, the log in `logs`.
            database: Created where it does not exist.
            settings: Server settings beyond PostgreSQL's defaults, as in postgresql.conf.

        Raises:
            EmbeddedServerError: PostgreSQL is not installed.
        """
        self._package = postgres_package()
        self._programs = self._package.programs
        self._cluster = data.resolve() / "postgres"
        self._log = data.resolve() / "logs" / "postgres.log"
        self._database = database
        self._settings = dict(settings or {})
        self._account = _ORDINARY_ACCOUNT if os.geteuid() == 0 else ""
        self._sockets: Path | None = None
        self._process: ServerProcess | None = None
        self._adopted: int | None = None

    @property
    def dsn(self) -> str:
        """Return where asyncpg and psql find the database, for workers and commands."""
        return self.dsn_of(self._database, LOGIN)

    @property
    def owner_dsn(self) -> str:
        """Return where whoever migrates or rebuilds finds the same database."""
        return self.dsn_of(self._database, OWNER)

    def dsn_of(self, database: str, role: str = _ADMINISTRATOR) -> str:
        """Return where any database of this server is found, by default for the server's administrator.

        Raises:
            EmbeddedServerError: The server has not been started.
        """
        if self._sockets is None:
            raise EmbeddedServerError("PostgreSQL has not been started: call start() first")
        return f"postgresql://{role}@/{quote(database)}?host={quote(str(self._sockets))}&port={_PORT}"

    async def start(self) -> None:
        """Start the server on its data and create the database where needed.

        Raises:
            EmbeddedServerError: It did not start; the text carries the end of its log.
        """
        if self._process is not None or self._adopted is not None:
            return
        if not (self._cluster / "PG_VERSION").exists():
            await self._create_cluster()
        self._check_version()
        self._adopted = await self._take_over()
        if self._adopted is None:
            self._sockets = self._package.socket_folder(self._cluster, self._cluster.parent / "sockets")
            self._give_away(self._sockets)
            self._process = await self._spawn()
            await self._until_ready(self._process)
        await self._create_database()

    async def stop(self, *, crash: bool = False) -> None:
        """Stop the server; its data stays. Safe to call twice.

        Args:
            crash: Stop without a checkpoint, as a power cut would, so that the next start recovers.
        """
        request = signal.SIGQUIT if crash else signal.SIGINT
        process, self._process = self._process, None
        adopted, self._adopted = self._adopted, None
        if process is not None:
            await process.stop(request, patience=_STOP_SECONDS)
        if adopted is not None:
            await _stop_stranger(adopted, request)

    async def _create_cluster(self) -> None:
        self._cluster.mkdir(parents=True, exist_ok=True)
        if self._account:
            for folder in (self._cluster, self._programs):
                _let_pass(folder)
            self._package.give_permissions(self._programs.parent, stat.S_IRGRP | stat.S_IROTH)
            self._package.give_permissions(self._programs, stat.S_IXGRP | stat.S_IXOTH)
            self._give_away(self._cluster)
        # Sorting and case must not depend on the locale of the machine that happened to create the data.
        locale = ("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--encoding=UTF8")
        process = await asyncio.create_subprocess_exec(
            str(self._programs / "initdb"),
            *("--auth=trust", "--username", _ADMINISTRATOR, "--pgdata", str(self._cluster), *locale),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            cwd=self._cluster,
            **self._identity(),
        )
        output, _ = await process.communicate()
        if process.returncode != 0:
            raise EmbeddedServerError(
                f"PostgreSQL could not create its data in {self._cluster}:\n{output.decode(errors='replace')}"
            )

    def _check_version(self) -> None:
        found = (self._cluster / "PG_VERSION").read_text().strip()
        if found != str(self._package.version):
            raise EmbeddedServerError(
                f"{self._cluster} was written by PostgreSQL {found}; this is {self._package.version}. "
                "Use another data folder, or upgrade the data with pg_upgrade"
            )

    def _identity(self) -> _Identity:
        if not self._account:
            return {}
        entry = pwd.getpwnam(self._account)
        return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}

    def _give_away(self, folder: Path) -> None:
        if self._account:
            entry = pwd.getpwnam(self._account)
            os.chown(folder, entry.pw_uid, entry.pw_gid)
            _let_pass(folder)

    async def _take_over(self) -> int | None:
        """Return the process id of a server that already runs on this data and answers, if there is one."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        while (running := self._left_behind()) is not None:
            state = await self._state()
            if state is _State.READY:
                return running
            # One that is coming or going is waited for. A silent one is either in its very last moment, or,
            # after a power cut, another process that has the old one's number: PostgreSQL itself can tell.
            if state is _State.BUSY:
                began = loop.time()
            elif loop.time() - began > _SILENT_SECONDS:
                return None
            await asyncio.sleep(_POLL_SECONDS)
        return None

    def _left_behind(self) -> int | None:
        try:
            lines = (self._cluster / "postmaster.pid").read_text().splitlines()
            pid, self._sockets = int(lines[0]), Path(lines[4])
            os.kill(pid, 0)
        except (OSError, ValueError, IndexError):
            return None
        return pid

    async def _state(self) -> _State:
        try:
            connection = await asyncpg.connect(self.dsn_of("postgres"), timeout=5)
        except asyncpg.CannotConnectNowError:
            return _State.BUSY
        except (OSError, TimeoutError, asyncpg.PostgresError):
            return _State.SILENT
        await connection.close()
        return _State.READY

    async def _spawn(self) -> ServerProcess:
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self._sockets),
            "unix_socket_permissions": "0700",
            **self._settings,
        }
        arguments = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return await ServerProcess.start(
            [
                str(self._programs / "postgres"),
                *("-D", str(self._cluster), "-p", str(_PORT)),
                *arguments,
            ],
            log=self._log,
            account=self._account,
            death_signal=signal.SIGINT,
            folder=self._cluster,
        )

    async def _until_ready(self, process: ServerProcess) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _START_SECONDS
        while (state := await self._state()) is not _State.READY:
            if state is _State.BUSY:
                # Recovering after a crash takes as long as there is to recover.
                deadline = loop.time() + _START_SECONDS
            if process.exit_status is not None or loop.time() > deadline:
                await self.stop()
                raise EmbeddedServerError(
                    f"PostgreSQL did not start on {self._cluster}.\n{process.last_words()}"
                )
            await asyncio.sleep(_POLL_SECONDS)

    async def _create_database(self) -> None:
        connection = await asyncpg.connect(self.dsn_of("postgres"))
        name = self._database.replace('"', '""')
        try:
            await settle_roles(connection)
            known = await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", self._database)
            if known is None:
                await connection.execute(f'CREATE DATABASE "{name}" OWNER {OWNER}')
                return
            await connection.execute(f'ALTER DATABASE "{name}" OWNER TO {OWNER}')
        finally:
            await connection.close()
        connection = await asyncpg.connect(self.dsn_of(self._database))
        try:
            await hand_over(connection)
        finally:
            await connection.close()


def _let_pass(folder: Path) -> None:
    # Only the right to pass through, not to look inside: the folders above may be somebody's home.
    for parent in folder.parents:
        mode = parent.stat().st_mode
        if not mode & stat.S_IXOTH:
            parent.chmod(mode | stat.S_IXOTH)


async def _stop_stranger(pid: int, request: signal.Signals) -> None:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + _STOP_SECONDS
    with suppress(ProcessLookupError):
        os.kill(pid, request)
        while loop.time() < deadline:
            await asyncio.sleep(_POLL_SECONDS)
            os.kill(pid, 0)
        os.kill(pid, signal.SIGQUIT)
