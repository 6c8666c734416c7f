"""Starting, watching and stopping one server process."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

_TETHER = Path(__file__).with_name("tether.py")
# A crash begins with its reason and ends in a long trace, a refusal ends with its reason: show both ends.
_HEAD = 12
_TAIL = 20
_MOST_BYTES = 262_144


class EmbeddedServerError(RuntimeError):
    """A server of the embedded stack did not start; the text says which, why, and where its log is."""


class ServerProcess:
    """One running server, in a session of its own so that Ctrl-C reaches it only through us.

    On Linux it is told to stop when this process dies. The kernel watches the very thread that starts
    it: start it from the event loop's thread, never from a thread of a pool.
    """

    def __init__(self, process: asyncio.subprocess.Process, log: Path, offset: int) -> None:
        self._process = process
        self._log = log
        self._offset = offset

    @classmethod
    async def start(
        cls,
        command: Sequence[str],
        *,
        log: Path,
        account: str = "",
        death_signal: signal.Signals = signal.SIGTERM,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
    ) -> ServerProcess:
        """Start a server whose output is appended to a log file.

        Args:
            command: Full path of the program, then its arguments.
            log: File for both output streams; its folder is created.
            account: Operating system account to run it as; empty for our own.
            death_signal: What it receives when this process dies without having stopped it.
            environment: Environment variables, instead of a copy of ours.
            folder: Working directory.
        """
        log.parent.mkdir(parents=True, exist_ok=True)
        tether = [sys.executable, "-I", "-S", str(_TETHER), str(os.getpid()), str(int(death_signal)), account]
        with log.open("ab") as output:
            offset = output.tell()
            process = await asyncio.create_subprocess_exec(
                *tether,
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=asyncio.subprocess.STDOUT,
                env=dict(environment) if environment is not None else None,
                cwd=folder,
                start_new_session=True,
            )
        return cls(process, log, offset)

    @property
    def pid(self) -> int:
        """Return the process id."""
        return self._process.pid

    @property
    def exit_status(self) -> int | None:
        """Return the exit status, or None while it runs."""
        return self._process.returncode

    async def ended(self) -> int:
        """Wait until it has ended, by itself or by a signal.

        Returns:
            Its exit status; that of a signal is its number, negative.
        """
        return await self._process.wait()

    def has_said(self, text: str) -> bool:
        """Tell whether a text is in what this process has written to its log."""
        return text in self._said()

    def last_words(self) -> str:
        """Return both ends of what this process has written to its log, for an error message."""
        lines = self._said().splitlines() or ["(it wrote nothing)"]
        shown = lines if len(lines) <= _HEAD + _TAIL else [*lines[:_HEAD], "...", *lines[-_TAIL:]]
        return "\n".join([f"From {self._log}:", *shown])

    def _said(self) -> str:
        with self._log.open("rb") as source:
            source.seek(self._offset)
            return source.read(_MOST_BYTES).decode(errors="replace")

    async def stop(self, request: signal.Signals, *, patience: float) -> None:
        """Ask the server to stop; after `patience` seconds, make it."""
        if self._process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            self._process.send_signal(request)
        try:
            await asyncio.wait_for(self._process.wait(), patience)
        except TimeoutError:
            with suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()


def port_is_free(port: int) -> bool:
    """Tell whether nothing listens on this port of the loopback interface."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """Return a port of the loopback interface on which nothing listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
