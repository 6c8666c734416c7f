"""A real mail server that can be made to refuse, to say nothing, and to take mail without ever saying so."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from enum import Enum, auto
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope

from deploy.embedded.lifecycle import StartedAndStopped
from deploy.embedded.processes import free_port
from domain.ledger.notice import NoticeKind
from workers.demo.mailboxes import read_letters

HOST = "127.0.0.1"


class Manners(Enum):
    """How the mail server treats whoever connects."""

    OPEN = auto()
    REFUSES = auto()
    SILENT = auto()
    SWALLOWS = auto()


@dataclass
class Letter:
    """One notice of a mail that arrived, whether or not its sender ever learned of it."""

    agreement_id: str
    notice_id: str
    message_id: str
    mail: frozenset[str]
    """The notices that came in the same mail, this one among them."""
    kind: NoticeKind
    obligation_id: str | None
    connected_at: datetime
    """When its sender came to the door: the ledger was looked at before."""
    arrived_at: datetime
    sender: int
    """The number of the worker that brought it."""
    heard: bool = False
    """Whether its sender went on after the server had said that it has taken it: only then does it know."""


class _Session(SMTP):
    """A conversation that knows when it began, with whom, and which letters it has taken."""

    connected_at: datetime
    port: int
    taken: list[Letter]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody connects."""
        self.connected_at = datetime.now(UTC)
        self.port = transport.get_extra_info("sockname")[1]
        self.taken = []
        super().connection_made(transport)


class PostOffice(StartedAndStopped):
    """Takes mail on a port of the loopback interface for each worker, in the manner of the moment.

    Args:
        workers: How many there are.
    """

    def __init__(self, workers: int) -> None:
        self.ports = [free_port() for _ in range(workers)]
        self.letters: list[Letter] = []
        self._manners = Manners.REFUSES
        self._servers: list[asyncio.Server] = []
        self._mended = asyncio.Event()

    async def behave(self, manners: Manners) -> None:
        """Treats whoever connects from now on like this; conversations that hang are ended."""
        self._mended.set()
        self._mended = asyncio.Event()
        self._manners = manners
        if manners is Manners.REFUSES:
            await self._close()
        elif not self._servers:
            loop = asyncio.get_running_loop()
            for port in self.ports:
                self._servers.append(await loop.create_server(self._receive, host=HOST, port=port))

    async def start(self) -> None:
        """Takes mail."""
        await self.behave(Manners.OPEN)

    async def stop(self) -> None:
        """Refuses whoever comes."""
        await self.behave(Manners.REFUSES)

    async def _close(self) -> None:
        servers, self._servers = self._servers, []
        for server in servers:
            server.close()

    def _receive(self) -> asyncio.BaseProtocol:
        if self._manners is Manners.SILENT:
            return _Mute(self._mended)
        # A host name of its own: looking one up can take as long as DNS does.
        return _Session(self, hostname="localhost", loop=asyncio.get_running_loop())

    async def handle_DATA(self, server: _Session, _session: Any, envelope: Envelope) -> str:  # noqa: ANN401, N802  as aiosmtpd calls it
        """Takes one mail."""
        content = envelope.content
        if not isinstance(content, bytes):
            return "500 no content"
        letters = _letters(content, server.connected_at, self.ports.index(server.port))
        self.letters += letters
        if self._manners is Manners.SWALLOWS:
            await self._mended.wait()
            return "421 nobody will ever know"
        server.taken = letters
        return "250 OK"

    async def handle_QUIT(self, server: _Session, _session: Any, _envelope: Envelope) -> str:  # noqa: ANN401, N802  likewise
        """Whoever takes leave has read the answer to what it brought."""
        for letter in server.taken:
            letter.heard = True
        return "221 Bye"


def _letters(content: bytes, connected_at: datetime, sender: int) -> list[Letter]:
    """The notices of one mail."""
    message_id = str(message_from_bytes(content, policy=policy.default)["Message-ID"]).strip()
    found = read_letters(content)
    return [
        Letter(
            agreement_id=each.agreement_id,
            notice_id=each.notice_id,
            message_id=message_id,
            mail=frozenset(letter.notice_id for letter in found),
            kind=each.kind,
            obligation_id=each.obligation_id,
            connected_at=connected_at,
            arrived_at=datetime.now(UTC),
            sender=sender,
        )
        for each in found
    ]


class _Mute(asyncio.Protocol):
    """Hears everything and says nothing, until the server is mended."""

    def __init__(self, mended: asyncio.Event) -> None:
        self._mended = mended
        self._ending: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody connects, and waits."""
        self._ending = asyncio.create_task(self._until_mended(transport))

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  as asyncio calls it
        """They have had enough."""
        if self._ending is not None:
            self._ending.cancel()

    async def _until_mended(self, transport: asyncio.BaseTransport) -> None:
        await self._mended.wait()
        transport.close()
