"""E-mail over SMTP: how a message is addressed, and what a refusal means."""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from hashlib import sha256
from typing import Literal, NoReturn

import aiosmtplib

from activities.delivery.failures import PermanentDeliveryError, TemporaryDeliveryError

_PERMANENT = 500
_A_NAME = 3
"""Letters of the shortest part of an address that is taken for a name."""
"""SMTP replies from here on say that the same message will be refused again."""
_GOODBYE_SECONDS = 1.0
"""How long a server that has taken the message is waited for: the record has yet to hear of it."""


@dataclass(frozen=True, slots=True)
class MailSettings:
    """Where mail is handed over, and in whose name.

    Raises:
        ValueError: if a password would travel in clear, or the sender is no address.
    """

    host: str
    port: int
    sender: str
    """As in `Sojourn <sojourn@example.org>`; it is also the organizer of invites."""
    security: Literal["none", "starttls", "tls"] = "starttls"
    """`starttls` refuses a server that does not offer it; `tls` is encrypted from the first byte."""
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    timeout_seconds: float = 30
    """From connecting to the server's acceptance."""
    greets_as: str | None = None
    """The host name given in the greeting; looked up where None, which can take as long as DNS does."""

    def __post_init__(self) -> None:
        if "@" not in self.address:
            raise ValueError(
                f"the sender {self.sender!r} is no address: give one such as sojourn@example.org"
            )
        if self.username is not None and self.security == "none":
            raise ValueError("a password would travel in clear: set the security to starttls or tls")

    @property
    def address(self) -> str:
        """Return the sender without its display name."""
        return parseaddr(self.sender)[1]

    @property
    def domain(self) -> str:
        """Return the domain that Message-IDs belong to."""
        return self.address.rpartition("@")[2]


def compose(
    settings: MailSettings,
    *,
    recipient: str,
    subject: str,
    body: str,
    headers: dict[str, str],
    at: datetime,
) -> EmailMessage:
    """Write a mail, plain text first; anything else is added by the caller.

    Args:
        settings: in whose name it is sent.
        recipient: one address.
        subject: a line without a line break.
        body: plain text.
        headers: further headers.
        at: when it was written.

    Raises:
        PermanentDeliveryError: if a header holds what no header can, such as a line break.
    """
    message = EmailMessage()
    fields = {
        "From": settings.sender,
        "To": recipient,
        "Subject": subject,
        "Date": format_datetime(at),
        # No vacation responder answers a machine (RFC 3834).
        "Auto-Submitted": "auto-generated",
    }
    try:
        for name, value in (fields | headers).items():
            message[name] = value
    except ValueError as error:
        raise PermanentDeliveryError(
            f"a header cannot be written: {_without_addresses(str(error))}"
        ) from None
    message.set_content(body)
    return message


def message_id_of(notice_id: str, settings: MailSettings) -> str:
    """Return a notice's Message-ID, the same on every attempt: a mailbox shows a repeat once."""
    return f"<{sha256(notice_id.encode()).hexdigest()[:40]}@{settings.domain}>"


async def send(message: EmailMessage, settings: MailSettings) -> None:
    """Hand one mail over to the server, and return once the server has taken it.

    Raises:
        TemporaryDeliveryError: where the same message may be taken later.
        PermanentDeliveryError: where it never will be.
    """
    try:
        await _hand_over(message, settings)
    except (TemporaryDeliveryError, PermanentDeliveryError) as error:
        raise type(error)(_without_name(str(error), str(message["To"]))) from None


async def _hand_over(message: EmailMessage, settings: MailSettings) -> None:
    session = aiosmtplib.SMTP(
        hostname=settings.host,
        port=settings.port,
        username=settings.username,
        password=settings.password,
        local_hostname=settings.greets_as,
        use_tls=settings.security == "tls",
        start_tls=settings.security == "starttls",
        timeout=settings.timeout_seconds,
    )
    try:
        async with asyncio.timeout(settings.timeout_seconds):
            await session.connect()
            await session.send_message(message)
        await _take_leave(session)
    except aiosmtplib.SMTPRecipientsRefused as error:
        _refuse(error.recipients[0])
    except (aiosmtplib.SMTPConnectError, aiosmtplib.SMTPAuthenticationError) as error:
        # A server that greets with a refusal or knows no such user is put right by its operator.
        raise TemporaryDeliveryError(f"no session with the mail server: {_text_of(error)}") from None
    except aiosmtplib.SMTPResponseException as error:
        _refuse(error)
    except aiosmtplib.SMTPNotSupported as error:
        raise PermanentDeliveryError(f"the mail server cannot take this message: {_text_of(error)}") from None
    except (aiosmtplib.SMTPException, TimeoutError, OSError) as error:
        raise TemporaryDeliveryError(f"the mail server cannot be reached: {_text_of(error)}") from None
    except ValueError as error:
        raise PermanentDeliveryError(f"the message cannot be addressed: {_text_of(error)}") from None
    finally:
        session.close()


async def _take_leave(session: aiosmtplib.SMTP) -> None:
    """Say goodbye, as a client should; the message is the server's now, whatever it answers to that."""
    with suppress(aiosmtplib.SMTPException, TimeoutError, OSError):
        async with asyncio.timeout(_GOODBYE_SECONDS):
            await session.quit()


def _refuse(error: aiosmtplib.SMTPResponseException) -> NoReturn:
    kind = PermanentDeliveryError if error.code >= _PERMANENT else TemporaryDeliveryError
    # The causes are cut off: their texts hold the address, and they would travel with the error.
    raise kind(f"the mail server answered {error.code}: {_without_addresses(error.message)}") from None


def _text_of(error: Exception) -> str:
    return _without_addresses(str(error)) or type(error).__name__


def _without_addresses(text: str) -> str:
    return re.sub(r"[^\s<>\"']+@[^\s<>\"']+", "(address)", text)


def _without_name(text: str, address: str) -> str:
    """Leave out the name in an address as well: servers answer `ilse.brandt... User unknown`, too."""
    name = address.rpartition("@")[0].strip("<\"' ")
    parts = {name, *re.split(r"[^\w]+|_", name)}
    told = "|".join(re.escape(part) for part in sorted(parts, key=len, reverse=True) if len(part) >= _A_NAME)
    return re.sub(rf"(?<![^\W_])(?:{told})(?![^\W_])", "(name)", text, flags=re.IGNORECASE) if told else text
