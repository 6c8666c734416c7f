"""The cast's mailboxes: a real SMTP server on this machine that reads what Sojourn sends."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple

from aiosmtpd.smtp import SMTP, Envelope
from icalendar import Calendar

from activities.delivery.digest import read_items
from deploy.embedded.lifecycle import StartedAndStopped
from domain.kernel.vocabulary import Role
from domain.ledger.notice import NoticeKind
from domain.ledger.obligation import Obligation

ASKING = frozenset(
    {NoticeKind.OBLIGATION_OPENED, NoticeKind.HEADS_UP, NoticeKind.REMINDER, NoticeKind.INVITE}
)
"""Letters that ask their reader for something."""

_HOST = "127.0.0.1"


class Letter(NamedTuple):
    """One notice, as far as its reader needs it to act: from the headers and the invite of its mail."""

    agreement_id: str
    notice_id: str
    kind: NoticeKind
    obligation_id: str | None
    person_id: str
    """Who got it: a delegate while the recipient is away."""
    role: Role
    """In which role the recipient is told."""
    sent_at: datetime
    """In the agreement's own time."""
    moves: int | None
    """How often the meeting of its invite was moved; None without an invite."""


class Mailboxes(StartedAndStopped):
    """Takes mail on a free port of the loopback interface while it is entered."""

    def __init__(self) -> None:
        self._letters: dict[str, list[Letter]] = defaultdict(list)
        self._asked: dict[tuple[str, str], list[Letter]] = defaultdict(list)
        self._news = asyncio.Condition()
        self._server: asyncio.Server | None = None

    @property
    def host(self) -> str:
        """Where it listens."""
        return _HOST

    @property
    def port(self) -> int:
        """On which port.

        Raises:
            RuntimeError: It is not entered.
        """
        if self._server is None:
            raise RuntimeError("the mailboxes are not open")
        return int(self._server.sockets[0].getsockname()[1])

    async def start(self) -> None:
        """Opens them, on a port of their own."""
        loop = asyncio.get_running_loop()
        # A host name of its own: looking one up can take as long as DNS does.
        self._server = await loop.create_server(
            lambda: SMTP(self, hostname="localhost", loop=loop), host=_HOST, port=0
        )

    async def stop(self) -> None:
        """Closes them; what arrived stays."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def handle_DATA(self, _server: SMTP, _session: Any, envelope: Envelope) -> str:  # noqa: ANN401, N802  as aiosmtpd calls it
        """Takes one mail from the server's conversation."""
        content = envelope.content
        if not isinstance(content, bytes):
            return "500 no content"
        for letter in read_letters(content):
            await self.take(letter)
        return "250 OK"

    async def take(self, letter: Letter) -> None:
        """Puts a letter where its reader finds it."""
        async with self._news:
            self._letters[letter.agreement_id].append(letter)
            if letter.kind in ASKING and letter.obligation_id is not None:
                self._asked[letter.agreement_id, letter.obligation_id].append(letter)
            self._news.notify_all()

    def letters(self, agreement_id: str) -> list[Letter]:
        """Every letter about an agreement, in the order of arrival."""
        return self._letters[agreement_id]

    def asked_at(self, agreement_id: str, owed: Obligation, readers: Collection[str]) -> datetime | None:
        """When somebody was first asked for what they owe; None while they do not know.

        Args:
            agreement_id: Of which agreement.
            owed: What is owed.
            readers: Its owner, and who reads the owner's mail while they are away.
        """
        return min(
            (
                letter.sent_at
                for letter in self._asked[agreement_id, owed.obligation_id]
                if letter.role is owed.owner_role and letter.person_id in readers
            ),
            default=None,
        )

    async def until_asked(
        self, agreement_id: str, owed: Obligation, readers: Collection[str], *, patience: float
    ) -> bool:
        """Waits until somebody was asked for what they owe.

        Args:
            agreement_id: Of which agreement.
            owed: What is owed.
            readers: As for `asked_at`.
            patience: Seconds to wait at most.

        Returns:
            Whether the letter came in time.
        """
        try:
            async with asyncio.timeout(patience), self._news:
                await self._news.wait_for(lambda: self.asked_at(agreement_id, owed, readers) is not None)
        except TimeoutError:
            return False
        return True


def read_letters(content: bytes) -> list[Letter]:
    """The notices of a mail, as its reader's tooling understands them: several where it is a day's nudges."""
    # A long header travels encoded; this policy reads it as it was written.
    message = message_from_bytes(content, policy=default)
    # A value that had to go on a line of its own comes with the blank before it.
    items = read_items(message) or [{name: str(value).strip() for name, value in message.items()}]
    return [_letter(item, message) for item in items]


def _letter(headers: Mapping[str, str], message: EmailMessage) -> Letter:
    return Letter(
        agreement_id=headers["X-Sojourn-Agreement"],
        notice_id=headers["X-Sojourn-Notice"],
        kind=NoticeKind(headers["X-Sojourn-Kind"]),
        obligation_id=headers.get("X-Sojourn-Obligation"),
        person_id=headers["X-Sojourn-Person"],
        role=Role(headers["X-Sojourn-Role"]),
        sent_at=parsedate_to_datetime(str(message["Date"])),
        moves=_sequence(message),
    )


def _sequence(message: EmailMessage) -> int | None:
    for part in message.walk():
        if part.get_content_type() == "text/calendar":
            entry = part.get_payload(decode=True)
            if isinstance(entry, bytes):
                return Calendar.from_ical(entry.decode()).events[0].sequence
    return None
