"""One message to one person, by every way that they can be reached."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from email.message import EmailMessage

from activities.delivery import channels, mail
from activities.delivery.failures import PermanentDeliveryError, TemporaryDeliveryError
from activities.delivery.rendering import Addressee, Message
from activities.directory.recipients import zone_of
from domain.kernel.model import PersonId
from domain.kernel.person import Person


def addressed(reader: Person, recipient_id: PersonId) -> Addressee:
    """Return the reader, as the text of a notice to this recipient speaks to them."""
    return Addressee(
        person_id=reader.person_id,
        name=reader.name,
        zone=zone_of(reader),
        stands_in=reader.person_id != recipient_id,
    )


async def hand_over(
    message: Message,
    reader: Person,
    settings: mail.MailSettings,
    *,
    headers: Mapping[str, str],
    at: datetime,
    complete: Callable[[EmailMessage], None] = lambda _: None,
) -> str:
    """Send a message by mail and post it to the reader's channels.

    Args:
        message: Subject and text.
        reader: Who gets it.
        settings: The mail server.
        headers: Of the mail, its Message-ID among them.
        at: When it is sent, in the agreement's own time.
        complete: Adds to the mail what is more than text.

    Returns:
        Which channels did not take it; empty where all did.

    Raises:
        TemporaryDeliveryError: Nothing took it, and another attempt may help.
        PermanentDeliveryError: Nothing will ever take it.
    """
    if reader.email is None and not reader.channels:
        raise PermanentDeliveryError(
            f"{reader.person_id} has neither a mail address nor a channel: add one with `sojourn people`"
        )
    if reader.email is not None:
        composed = mail.compose(
            settings,
            recipient=reader.email,
            subject=message.subject,
            body=message.body,
            headers=dict(headers),
            at=at,
        )
        complete(composed)
        await mail.send(composed, settings)
    refused = await channels.post(
        reader.channels,
        subject=message.subject,
        body=message.body,
        timeout_seconds=settings.timeout_seconds,
    )
    # Once anything was taken, another attempt would tell the same person twice.
    if refused and reader.email is None and len(refused) == len(reader.channels):
        raise TemporaryDeliveryError(f"no channel took the notice: {', '.join(refused)}")
    return f"not taken by: {', '.join(refused)}" if refused else ""
