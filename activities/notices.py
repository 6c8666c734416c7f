"""Deliver a notice: look at the obligation once more, find who is there to read it, send, and say so.

A notice that cannot be sent stays visible in the record with its reason. Nothing waits for it: neither
a signature nor the next rung of a ladder.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from typing import Literal, Protocol

import structlog

from activities.delivery import channels, invites, mail
from activities.delivery.failures import DeliveryError, PermanentDeliveryError, TemporaryDeliveryError
from activities.delivery.readers import DirectoryLookup, acquaint, reader_of, zone_of
from activities.delivery.rendering import Addressee, Message, headers_of, render
from activities.delivery.wording import KINDS, OBLIGATIONS
from activities.rows import NoticeState
from domain.model import Frozen, PersonId
from domain.notices import Meeting, Notice, NoticeKind
from domain.people import Person

_log = structlog.get_logger(__name__)

_TOLD_WHATEVER_IS_OPEN = frozenset({NoticeKind.INVITE_CANCELLED, NoticeKind.ANNOUNCEMENT})

_METHODS: dict[NoticeKind, invites.Method] = {
    NoticeKind.INVITE: "REQUEST",
    NoticeKind.INVITE_CANCELLED: "CANCEL",
}


class ObligationLookup(Protocol):
    """What the record can say about an obligation at this moment."""

    async def obligation_is_open(self, agreement_id: str, obligation_id: str) -> bool:
        """Whether somebody still owes it."""
        ...

    async def agreement_is_closed(self, agreement_id: str) -> bool:
        """Whether the agreement has ended, one way or another."""
        ...


class NoticeLedger(Protocol):
    """Where the record keeps what became of each notice."""

    async def notice_state(self, notice_id: str) -> NoticeState | None:
        """What became of it so far; None where it was never queued."""
        ...

    async def settle_notice(
        self,
        notice_id: str,
        state: NoticeState,
        *,
        error: str | None = None,
        reason: str | None = None,
        at: datetime | None = None,
    ) -> bool:
        """Note what became of it. What is `queued` or `failed` may still become `sent`."""
        ...


class OutboxRecord(ObligationLookup, NoticeLedger, Protocol):
    """Both, as the record offers them."""


class DeliveryResult(Frozen):
    """What became of a notice. It holds no address and no name, so it may travel anywhere."""

    outcome: Literal["sent", "skipped", "failed"]
    detail: str = ""
    """Why it was skipped or failed; where it was sent, which channels did not take it."""
    delivered_to: PersonId | None = None
    """Who got it: the delegate where the recipient was away."""


@dataclass(frozen=True, slots=True)
class NoticeDelivery:
    """Delivers notices by mail and by each person's further channels.

    A mailbox may see a notice twice where a worker dies between the mail server's acceptance and the
    record's note of it; both copies carry the same Message-ID.
    """

    record: OutboxRecord
    directory: DirectoryLookup
    mail: mail.MailSettings

    async def deliver(self, notice: Notice, at: datetime, *, will_retry: bool = False) -> DeliveryResult:
        """Send a notice unless it has become needless, and note what became of it.

        Args:
            notice: what to tell whom.
            at: the present, in the agreement's own time.
            will_retry: whether a temporary failure is followed by another attempt. The notice then stays
                `queued` with its error; otherwise it is noted as `failed`.

        Returns:
            `sent`, `skipped` with the reason, or `failed` where no further attempt can help.

        Raises:
            TemporaryDeliveryError: where another attempt may help.
        """
        state = await self.record.notice_state(notice.notice_id)
        if state is None:
            return DeliveryResult(outcome="failed", detail=f"no notice {notice.notice_id} was ever queued")
        if state in ("sent", "skipped"):
            return DeliveryResult(outcome="skipped", detail=f"this notice is settled already: {state}")
        known = await self._acquaint(notice)
        # Whoever is back by the day of a meeting comes in person, and who was invited is told that it is off.
        reader = reader_of(notice.recipient_id, known, notice.meeting.starts_at if notice.meeting else at)
        needless = await self._needless(notice)
        if needless is not None:
            return await self._settle(notice, DeliveryResult(outcome="skipped", detail=needless), at)
        try:
            if reader is None:
                raise PermanentDeliveryError(_nobody_reads(notice, known))
            detail = await self._send(notice, reader, known, at)
        except TemporaryDeliveryError as error:
            await self.record.settle_notice(
                notice.notice_id, "queued" if will_retry else "failed", error=str(error)
            )
            _log.warning(
                "notice_delayed", notice_id=notice.notice_id, error=str(error), will_retry=will_retry
            )
            raise
        except DeliveryError as error:
            return await self._settle(notice, DeliveryResult(outcome="failed", detail=str(error)), at)
        sent = DeliveryResult(outcome="sent", detail=detail, delivered_to=reader.person_id)
        return await self._settle(notice, sent, at)

    async def _settle(self, notice: Notice, result: DeliveryResult, at: datetime) -> DeliveryResult:
        await self.record.settle_notice(
            notice.notice_id,
            result.outcome,
            error=result.detail or None if result.outcome != "skipped" else None,
            reason=result.detail if result.outcome == "skipped" else None,
            at=at if result.outcome == "sent" else None,
        )
        _log.info(
            "notice_settled",
            agreement_id=notice.agreement_id,
            notice_id=notice.notice_id,
            kind=notice.kind.value,
            outcome=result.outcome,
            detail=result.detail,
        )
        return result

    async def _needless(self, notice: Notice) -> str | None:
        """Why this notice should not be sent after all; None where it should."""
        if notice.kind in _TOLD_WHATEVER_IS_OPEN:
            return None
        if await self.record.agreement_is_closed(notice.agreement_id):
            return "the agreement is closed"
        if notice.obligation_id is not None and not await self.record.obligation_is_open(
            notice.agreement_id, notice.obligation_id
        ):
            return "the obligation is settled"
        return None

    async def _acquaint(self, notice: Notice) -> dict[PersonId, Person]:
        attendees = notice.meeting.attendees if notice.meeting else ()
        return await acquaint(self.directory, (notice.recipient_id, *attendees))

    async def _send(
        self, notice: Notice, reader: Person, known: Mapping[PersonId, Person], at: datetime
    ) -> str:
        """Send by every way the reader has; returns which channels did not take it, if any."""
        if reader.email is None and not reader.channels:
            raise PermanentDeliveryError(
                f"{reader.person_id} has neither a mail address nor a channel: add one with `sojourn people`"
            )
        message = render(
            notice,
            Addressee(
                person_id=reader.person_id,
                name=reader.name,
                zone=zone_of(reader),
                stands_in=reader.person_id != notice.recipient_id,
            ),
        )
        if reader.email is not None:
            composed = mail.compose(
                self.mail,
                recipient=reader.email,
                subject=message.subject,
                body=message.body,
                headers=self._headers_of(notice, reader),
                at=at,
            )
            self._add_invite(composed, notice, reader, known, at)
            await mail.send(composed, self.mail)
        return await self._post(reader, message)

    async def _post(self, reader: Person, message: Message) -> str:
        refused = await channels.post(
            reader.channels,
            subject=message.subject,
            body=message.body,
            timeout_seconds=self.mail.timeout_seconds,
        )
        # Once anything was taken, another attempt would tell the same person twice.
        if refused and reader.email is None and len(refused) == len(reader.channels):
            raise TemporaryDeliveryError(f"no channel took the notice: {', '.join(refused)}")
        return f"not taken by: {', '.join(refused)}" if refused else ""

    def _headers_of(self, notice: Notice, reader: Person) -> dict[str, str]:
        message_id = mail.message_id_of(notice.notice_id, self.mail)
        return {"Message-ID": message_id, **headers_of(notice, reader.person_id)}

    def _add_invite(
        self,
        composed: EmailMessage,
        notice: Notice,
        reader: Person,
        known: Mapping[PersonId, Person],
        at: datetime,
    ) -> None:
        method = _METHODS.get(notice.kind)
        if method is None or notice.meeting is None:
            return
        entry = invites.calendar_entry(
            notice.meeting,
            method=method,
            summary=_summary_of(notice),
            organizer=self.mail.address,
            attendees=_attendees_of(notice.meeting, reader, known),
            at=at,
        )
        invites.add_entry(composed, entry, method)


def _attendees_of(
    meeting: Meeting, reader: Person, known: Mapping[PersonId, Person]
) -> tuple[invites.Attendee, ...]:
    """Everybody who meets and has an address, with whoever stands in for them on the day."""
    present = (reader_of(person_id, known, meeting.starts_at) for person_id in meeting.attendees)
    coming = {person.person_id: person for person in present if person is not None}
    coming.setdefault(reader.person_id, reader)
    return tuple(
        invites.Attendee(person.email, person.name if person is reader else None)
        for person in coming.values()
        if person.email is not None
    )


def _summary_of(notice: Notice) -> str:
    noun = OBLIGATIONS[notice.obligation_kind].noun if notice.obligation_kind else "meeting"
    return f"{noun.capitalize()} ({KINDS[notice.agreement_kind]})"


def _nobody_reads(notice: Notice, known: Mapping[PersonId, Person]) -> str:
    if notice.recipient_id in known:
        return f"{notice.recipient_id} has left and no delegate is there: reassign the role"
    return f"nobody in the directory has the id {notice.recipient_id}: add them with `sojourn people`"
