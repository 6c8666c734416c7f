"""Mail as it is written and handed over."""

import asyncio
import socket
from datetime import UTC, datetime
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from activities.delivery.failures import PermanentDeliveryError, TemporaryDeliveryError
from activities.delivery.mail import MailSettings, compose, message_id_of, send
from deploy.embedded.processes import free_port

AT = datetime(2026, 11, 20, 9, tzinfo=UTC)


class Sink:
    """Counts the messages that a server takes."""

    messages = 0

    async def handle_DATA(self, _server: SMTP, _session: Session, _envelope: Envelope) -> str:  # noqa: N802
        """Take a message; aiosmtpd calls it by this name."""
        self.messages += 1
        return "250 OK"


def _settings(port: int, **fields: Any) -> MailSettings:  # noqa: ANN401 - any setting
    known: dict[str, Any] = {"security": "none", "timeout_seconds": 5, "greets_as": "localhost"}
    return MailSettings("127.0.0.1", port, "Sojourn <sojourn@example.org>", **(known | fields))


async def test_a_server_that_never_answers_is_given_up_in_time() -> None:
    """A mail server that takes the connection and says nothing holds nobody beyond the time-out."""
    silent = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)
    async with silent:
        port = silent.sockets[0].getsockname()[1]
        settings = _settings(port, timeout_seconds=0.2)
        mail = compose(settings, recipient="mia@example.org", subject="x", body="x", headers={}, at=AT)
        with pytest.raises(TemporaryDeliveryError):
            await send(mail, settings)


async def test_a_server_that_took_the_mail_and_says_no_goodbye_has_it() -> None:
    """What comes after the server's acceptance does not make a mail that left one that has to leave again."""

    class NoGoodbye(Sink):
        async def handle_QUIT(self, _server: SMTP, _session: Session, _envelope: Envelope) -> str:  # noqa: N802
            await asyncio.sleep(60)
            return "221 Bye"

    taken, port = NoGoodbye(), free_port()
    controller = Controller(taken, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        settings = _settings(port, timeout_seconds=2)
        mail = compose(settings, recipient="mia@example.org", subject="x", body="x", headers={}, at=AT)
        await send(mail, settings)
    finally:
        controller.stop()
    assert taken.messages == 1


async def test_a_server_without_the_encryption_asked_for_gets_nothing() -> None:
    """Settings that ask for STARTTLS never fall back to clear text."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    taken = Sink()
    controller = Controller(taken, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        strict = _settings(port, security="starttls")
        mail = compose(strict, recipient="mia@example.org", subject="x", body="x", headers={}, at=AT)
        with pytest.raises(TemporaryDeliveryError, match="STARTTLS"):
            await send(mail, strict)
        await send(mail, _settings(port))
    finally:
        controller.stop()
    assert taken.messages == 1


@pytest.mark.parametrize(
    "answer",
    [
        "550 5.1.1 ilse.brandt... User unknown",
        "550 Ilse Brandt has left",
        "452 <Ilse.Brandt@example.org> is full",
    ],
)
async def test_what_a_server_answers_is_kept_without_the_name_in_the_address(answer: str) -> None:
    """The error is logged and travels: servers name whom they refuse in more ways than by address."""

    class Refusing(Sink):
        async def handle_RCPT(self, *_given: object) -> str:  # noqa: N802  aiosmtpd's name
            return answer

    controller = Controller(Refusing(), hostname="127.0.0.1", port=free_port())
    controller.start()
    try:
        to = "ilse.brandt@example.org"
        mail = compose(_settings(controller.port), recipient=to, subject="x", body="x", headers={}, at=AT)
        with pytest.raises((TemporaryDeliveryError, PermanentDeliveryError), match=answer[:3]) as raised:
            await send(mail, _settings(controller.port))
    finally:
        controller.stop()
    assert "ilse" not in str(raised.value).lower()
    assert "brandt" not in str(raised.value).lower()


def test_settings_that_would_leak_or_cannot_work_are_refused() -> None:
    """A password in clear and a sender without an address are found before anything is sent."""
    with pytest.raises(ValueError, match="would travel in clear"):
        _settings(25, username="sojourn", password="x")
    with pytest.raises(ValueError, match="is no address"):
        MailSettings("127.0.0.1", 25, "Sojourn")
    assert "hunter2" not in repr(_settings(25, security="tls", username="a", password="hunter2"))


def test_no_header_can_be_smuggled_in() -> None:
    """A line break in a value is refused instead of starting another header."""
    with pytest.raises(PermanentDeliveryError, match="header"):
        compose(
            _settings(25),
            recipient="mia@example.org",
            subject="hello\nBcc: everybody@example.org",
            body="x",
            headers={},
            at=AT,
        )


def test_the_message_id_follows_from_the_notice() -> None:
    """A repeat carries the same Message-ID, another notice another."""
    settings = _settings(25)
    assert message_id_of("n:1", settings) == message_id_of("n:1", settings)
    assert message_id_of("n:1", settings) != message_id_of("n:2", settings)
    assert message_id_of("n:1", settings).endswith("@example.org>")
