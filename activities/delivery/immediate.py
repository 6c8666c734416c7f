"""A notice that no workflow keeps: sent at once by whoever causes it, and tried again where one asks to."""

from __future__ import annotations

from datetime import datetime

from activities.delivery import mail
from activities.delivery.failures import PermanentDeliveryError
from activities.delivery.rendering import headers_of, render
from activities.delivery.sending import addressed, hand_over
from activities.directory.recipients import PeopleLookup, acquaint, reader_of
from domain.kernel.model import PersonId
from domain.ledger.notice import Notice


async def send_at_once(
    notice: Notice, directory: PeopleLookup, settings: mail.MailSettings, at: datetime
) -> tuple[PersonId, str]:
    """Send a notice to its recipient, or to whoever stands in for them.

    The mail has the Message-ID that any other try at the same notice has, so that a mailbox can tell.

    Args:
        notice: What to tell whom.
        directory: Where people are.
        settings: The mail server.
        at: Now.

    Returns:
        Who got it, and which channels did not take it.

    Raises:
        DeliveryError: Nobody got it; the text names no address.
    """
    known = await acquaint(directory, (notice.recipient_id,))
    reader = reader_of(notice.recipient_id, known, at)
    if reader is None:
        raise PermanentDeliveryError("nobody in the directory reads for them: they left, or are not in it")
    detail = await hand_over(
        render(notice, addressed(reader, notice.recipient_id)),
        reader,
        settings,
        headers={
            "Message-ID": mail.message_id_of(notice.notice_id, settings),
            **headers_of(notice, reader.person_id),
        },
        at=at,
    )
    return reader.person_id, detail
