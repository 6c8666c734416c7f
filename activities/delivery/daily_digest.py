"""One mail of nudges per person and day: whose turn it is to send it, and what goes into it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import Literal, NamedTuple

import structlog

from activities.delivery import mail
from activities.delivery.digest import add_items, headers_of_digest, render_digest
from activities.delivery.failures import DeliveryError, TemporaryDeliveryError
from activities.delivery.record_sent import until_noted
from activities.delivery.sending import addressed, hand_over
from activities.directory.recipients import DirectoryLookup, read_by
from activities.event_store.digest_log import DigestKey, DigestLog
from activities.event_store.notice_outbox import NoticeOutbox
from domain.kernel.person import Person
from domain.ledger.notice import Notice
from domain.notifications.timing import is_gathered, reason_to_skip

_log = structlog.get_logger(__name__)

_LOOKS = 100
_BETWEEN_LOOKS = timedelta(milliseconds=250)
"""For how long a delivery waits to see what becomes of another's: well within one attempt at its own."""

SUPERSEDED = "a later nudge about the same goes out"


class DayTold(NamedTuple):
    """What became of a nudge on a day."""

    outcome: Literal["sent", "skipped", "day_taken", "settled"]
    """`day_taken`: the reader has had the mail of this day. `settled`: another delivery has just told it."""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Digests:
    """Sends each reader's one mail of a day.

    Of all the deliveries that find a day unclaimed one claims it, by a row of the record, and takes along
    whatever else waits for the same reader. Where it dies, its next attempt goes on with the claim, or, where
    there is none, the next delivery to come along. A mail that tells the same has the same Message-ID.
    """

    days: DigestLog
    notices: NoticeOutbox
    directory: DirectoryLookup
    mail: mail.MailSettings

    async def tell(self, notice: Notice, reader: Person, key: DigestKey, at: datetime) -> DayTold:
        """Send the mail of a day with this notice in it, unless that mail has gone out already.

        Args:
            notice: What gives reason to send it now.
            reader: Who gets it.
            key: Their day.
            at: The present, in the agreement's own time.

        Raises:
            TemporaryDeliveryError: Where another attempt may help; the day is free again.
            PermanentDeliveryError: Where none will; likewise.
        """
        claim = await self._claim(key, notice)
        if claim == "sent":
            return DayTold("day_taken", f"the reminders of {key.local_day} have gone out")
        if claim == "settled":
            return DayTold("settled")
        told = await self._what_is_open(await self._gathered(notice, reader, at))
        if not told:
            await self.days.release(key, notice.notice_id)
            return DayTold("settled")
        try:
            detail = await self._send(told, reader, key, at)
        except DeliveryError:
            await self.days.release(key, notice.notice_id)
            raise
        gone = [each.notice_id for each in told]
        await until_noted(lambda: self.days.settle(key, gone, at, detail or None))
        _log.info("digest_sent", digest_id=key.digest_id, notices=len(told), detail=detail)
        if notice not in told:
            return DayTold("skipped", SUPERSEDED)
        return DayTold("sent", detail)

    async def _claim(self, key: DigestKey, notice: Notice) -> Literal["claimed", "sent", "settled"]:
        """Wait while another delivery sends the reader a mail: this notice may be in it."""
        for _ in range(_LOOKS):
            claim = await self.days.claim(key, notice.notice_id, abandoned_after=self._longest_sending)
            if await self.notices.state(notice.notice_id) in ("sent", "skipped"):
                if claim == "claimed":
                    await self.days.release(key, notice.notice_id)
                return "settled"
            if claim != "under_way":
                return claim
            await asyncio.sleep(_BETWEEN_LOOKS / timedelta(seconds=1))
        raise TemporaryDeliveryError(f"another delivery holds the mail {key.digest_id}")

    @property
    def _longest_sending(self) -> timedelta:
        """Return how long a mail may take to send; a claim that is older was left behind."""
        return 2 * timedelta(seconds=self.mail.timeout_seconds) + timedelta(seconds=10)

    async def _gathered(self, notice: Notice, reader: Person, at: datetime) -> list[Notice]:
        """Return this notice and what else waits for the same reader, what has been due for longest first."""
        recipients = await read_by(self.directory, reader, at)
        waiting = [
            each
            for each in await self.days.gatherable(recipients.keys() | {notice.recipient_id}, at)
            if is_gathered(each) and each.notice_id != notice.notice_id
        ]
        return sorted([*waiting, notice], key=lambda each: each.due_at or at)

    async def _what_is_open(self, gathered: Sequence[Notice]) -> list[Notice]:
        """Look at each obligation once more; settle what is needless, and all but one about the same."""
        reasons = {each.notice_id: await self._reason_to_skip(each) for each in gathered}
        still = [each for each in gathered if reasons[each.notice_id] is None]
        for each in still:
            if any(_supersedes(other, each) for other in still):
                reasons[each.notice_id] = SUPERSEDED
        for notice_id, reason in reasons.items():
            if reason is not None:
                await self.notices.settle(notice_id, "skipped", reason=reason)
        return [each for each in still if reasons[each.notice_id] is None]

    async def _reason_to_skip(self, notice: Notice) -> str | None:
        context = await self.days.sending_context(notice)
        return "its agreement is not in the record" if context is None else reason_to_skip(notice, context)

    async def _send(self, told: Sequence[Notice], reader: Person, key: DigestKey, at: datetime) -> str:
        def complete(composed: EmailMessage) -> None:
            add_items(composed, told, reader.person_id)

        return await hand_over(
            render_digest([(notice, addressed(reader, notice.recipient_id)) for notice in told]),
            reader,
            self.mail,
            headers={
                "Message-ID": mail.message_id_of(name_of(told), self.mail),
                **headers_of_digest(key.digest_id, told, reader.person_id),
            },
            at=at,
            complete=complete,
        )


def name_of(told: Sequence[Notice]) -> str:
    """Return what the Message-ID of a mail is made of: a repeat that tells more is another message."""
    return " ".join(sorted(notice.notice_id for notice in told))


def _supersedes(other: Notice, notice: Notice) -> bool:
    """Tell whether the other says the same, from a higher rung or, on the same rung, from later on."""
    same = (other.agreement_id, other.obligation_id, other.recipient_id) == (
        notice.agreement_id,
        notice.obligation_id,
        notice.recipient_id,
    )
    return same and _rank(other) > _rank(notice)


def _rank(notice: Notice) -> tuple[int, datetime, str]:
    return (-1 if notice.level is None else notice.level, notice.not_before, notice.notice_id)
