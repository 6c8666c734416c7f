"""Deliver a notice: look at the obligation once more, find who is there to read it, send, and say so.

A notice that cannot be sent stays visible in the record with its reason. Nothing waits for it: neither
a signature nor the next rung of a ladder.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.message import EmailMessage
from functools import partial
from typing import Literal

import structlog

from activities.delivery import invites, mail
from activities.delivery.attempts import Attempt
from activities.delivery.daily_digest import Digests
from activities.delivery.failures import DeliveryError, PermanentDeliveryError, TemporaryDeliveryError
from activities.delivery.record_sent import until_noted
from activities.delivery.rendering import headers_of, render
from activities.delivery.sending import addressed, hand_over
from activities.delivery.wording import KINDS, OBLIGATIONS
from activities.directory.calendars import CalendarSources
from activities.directory.recipient_calendar import working_time_of
from activities.directory.recipients import DirectoryLookup, acquaint, reader_of
from activities.event_store.digest_log import DigestKey, DigestLog
from activities.event_store.notice_outbox import NoticeOutbox
from activities.keys.ring import KeysError
from activities.postgres.pool import DatabaseUnavailableError
from activities.postgres.rows import TakenNotice
from domain.kernel.model import Frozen, Instant, PersonId
from domain.kernel.person import Person
from domain.ledger.notice import Meeting, Notice, NoticeKind
from domain.notifications.timing import first_slot, is_gathered, is_nudge, next_days_slot, reason_to_skip
from domain.privacy.confidentiality import matters_of

_log = structlog.get_logger(__name__)

_METHODS: dict[NoticeKind, invites.Method] = {
    NoticeKind.INVITE: "REQUEST",
    NoticeKind.INVITE_CANCELLED: "CANCEL",
}


_ONLY_ATTEMPT = Attempt("the only one")
_LOOKS = 40
_BETWEEN_LOOKS = timedelta(milliseconds=250)
"""For how long a delivery waits for another one. All attempts of one together outlast a dead one's."""


class DeliveryResult(Frozen):
    """What became of a notice. It holds no address and no name, so it may travel anywhere."""

    outcome: Literal["sent", "skipped", "failed", "deferred"]
    detail: str = ""
    """Why it was skipped, failed or deferred; where it was sent, which channels did not take it."""
    delivered_to: PersonId | None = None
    """Who got it: the delegate where the recipient was away."""
    until: Instant | None = None
    """Where it was deferred: when to try again."""


@dataclass(frozen=True, slots=True)
class NoticeDelivery:
    """Delivers notices by mail and by each person's further channels.

    A nudge goes out in its reader's working time only, and all that somebody gets on a day are one mail.
    One delivery at a time is at a notice. A mailbox may see a message twice where a worker dies between the
    mail server's acceptance and the record's note of it; both copies carry the same Message-ID.
    """

    notices: NoticeOutbox
    directory: DirectoryLookup
    mail: mail.MailSettings
    days: DigestLog
    calendars: CalendarSources = field(default_factory=CalendarSources)

    async def deliver(self, notice: Notice, at: datetime, attempt: Attempt = _ONLY_ATTEMPT) -> DeliveryResult:
        """Send a notice unless it has become needless, and note what became of it.

        Args:
            notice: what to tell whom.
            at: the present, in the agreement's own time.
            attempt: which one this is. While others follow, a temporary failure leaves the notice `queued`
                with its error and the instant of the next try; after the last one it is noted as `failed`.

        Returns:
            `sent`, `skipped` with the reason, `deferred` until a later instant, or `failed` where there is no
            further attempt, or none can help.

        Raises:
            TemporaryDeliveryError: where another attempt follows.
        """
        taken = await self._take(notice, attempt)
        if taken is None:
            return DeliveryResult(outcome="failed", detail=f"no notice {notice.notice_id} was ever queued")
        if taken.state in ("sent", "skipped"):
            return _settled_already(taken.state)
        if taken.tries is None:
            # What becomes of it is the other delivery's to note.
            raise TemporaryDeliveryError("another delivery is at it")
        try:
            return await self._tell_unless_needless(notice, at)
        except TemporaryDeliveryError as error:
            return await self._tried_in_vain(notice, at, attempt, taken.tries + 1, error)
        except DeliveryError as error:
            return await self._settle(notice, "failed", str(error), at)
        except (DatabaseUnavailableError, KeysError):
            raise
        except Exception as error:
            # A defect counts as a try, or one notice would keep those beside it from ever being settled.
            _log.exception("notice_not_delivered", notice_id=notice.notice_id)
            defect = TemporaryDeliveryError(f"a defect of this release: {type(error).__name__}")
            return await self._tried_in_vain(notice, at, attempt, taken.tries + 1, defect)

    async def _take(self, notice: Notice, attempt: Attempt) -> TakenNotice | None:
        """Take a notice, waiting for a while where another delivery is at it, as of an earlier run."""
        taken = None
        for _ in range(_LOOKS):
            taken = await self.notices.take(
                notice.notice_id, attempt.delivery_id, abandoned_after=attempt.longest
            )
            if taken is None or taken.tries is not None or taken.state in ("sent", "skipped"):
                return taken
            await asyncio.sleep(_BETWEEN_LOOKS / timedelta(seconds=1))
        return taken

    async def _tried_in_vain(
        self, notice: Notice, at: datetime, attempt: Attempt, tries: int, error: TemporaryDeliveryError
    ) -> DeliveryResult:
        if attempt.is_last(tries):
            return await self._settle(notice, "failed", str(error), at)
        pause = attempt.pause_after(tries)
        await self.notices.settle(notice.notice_id, "queued", error=str(error), next_try_at=at + pause)
        _log.warning("notice_delayed", notice_id=notice.notice_id, error=str(error), tries=tries)
        raise TemporaryDeliveryError(str(error), again_after=pause) from None

    async def _tell_unless_needless(self, notice: Notice, at: datetime) -> DeliveryResult:
        context = await self.days.sending_context(notice)
        reason = None if context is None else reason_to_skip(notice, context)
        if reason is not None:
            return await self._settle(notice, "skipped", reason, at)
        return await self._tell(notice, at)

    async def _tell(self, notice: Notice, at: datetime) -> DeliveryResult:
        known = await self._acquaint(notice)
        # Whoever is back by the day of a meeting comes in person, and who was invited is told that it is off.
        moment = notice.meeting.starts_at if notice.meeting else at
        reader = reader_of(notice.recipient_id, _who_may_stand_in(notice, known), moment)
        if reader is None:
            raise PermanentDeliveryError(_nobody_reads(notice, known))
        if is_nudge(notice):
            return await self._nudge(notice, reader, known, at)
        return await self._send(notice, reader, known, at)

    async def _nudge(
        self, notice: Notice, reader: Person, known: Mapping[PersonId, Person], at: datetime
    ) -> DeliveryResult:
        """Send in working time only, with whatever else the reader is nudged about on that day."""
        calendar = await working_time_of(reader, at, self.calendars, self.directory)
        gathered = is_gathered(notice)
        slot = first_slot(calendar, at) if gathered else calendar.next_working_moment(at)
        if slot > at:
            return await self._defer(notice, slot, "waits for its reader's working time")
        if not gathered:
            return await self._send(notice, reader, known, at)
        key = DigestKey(reader_id=reader.person_id, local_day=calendar.local_date(at))
        told = await Digests(self.days, self.notices, self.directory, self.mail).tell(notice, reader, key, at)
        match told.outcome:
            case "day_taken":
                return await self._defer(notice, next_days_slot(calendar, at), told.detail)
            case "settled":
                return _settled_already(str(await self.notices.state(notice.notice_id)))
            case "skipped":
                return _logged(notice, DeliveryResult(outcome="skipped", detail=told.detail))
            case "sent":
                sent = DeliveryResult(outcome="sent", detail=told.detail, delivered_to=reader.person_id)
                return _logged(notice, sent)

    async def _defer(self, notice: Notice, until: datetime, why: str) -> DeliveryResult:
        await self.days.defer(notice.notice_id, until, why)
        return _logged(notice, DeliveryResult(outcome="deferred", detail=why, until=until))

    async def _settle(
        self,
        notice: Notice,
        outcome: Literal["sent", "skipped", "failed"],
        detail: str,
        at: datetime,
        delivered_to: PersonId | None = None,
    ) -> DeliveryResult:
        await self.notices.settle(
            notice.notice_id,
            outcome,
            error=detail or None if outcome != "skipped" else None,
            reason=detail if outcome == "skipped" else None,
            at=at if outcome == "sent" else None,
        )
        return _logged(notice, DeliveryResult(outcome=outcome, detail=detail, delivered_to=delivered_to))

    async def _acquaint(self, notice: Notice) -> dict[PersonId, Person]:
        attendees = notice.meeting.attendees if notice.meeting else ()
        return await acquaint(self.directory, (notice.recipient_id, *attendees))

    async def _send(
        self, notice: Notice, reader: Person, known: Mapping[PersonId, Person], at: datetime
    ) -> DeliveryResult:
        """Send it by itself, by every way the reader has."""
        detail = await hand_over(
            render(notice, addressed(reader, notice.recipient_id)),
            reader,
            self.mail,
            headers={
                "Message-ID": mail.message_id_of(notice.notice_id, self.mail),
                **headers_of(notice, reader.person_id),
            },
            at=at,
            complete=partial(self._add_invite, notice=notice, reader=reader, known=known, at=at),
        )
        return await until_noted(lambda: self._settle(notice, "sent", detail, at, reader.person_id))

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


def _logged(notice: Notice, result: DeliveryResult) -> DeliveryResult:
    _log.info(
        f"notice_{'deferred' if result.outcome == 'deferred' else 'settled'}",
        agreement_id=notice.agreement_id,
        notice_id=notice.notice_id,
        kind=notice.kind.value,
        outcome=result.outcome,
        detail=result.detail,
    )
    return result


def _who_may_stand_in(notice: Notice, known: Mapping[PersonId, Person]) -> Mapping[PersonId, Person]:
    """Return the recipient and their delegates, but nobody's for a concern or a breach.

    It might be about the delegate, or they might have raised it. Who answers in the place of somebody who is
    away the agreement decides, and tells them in their own right.
    """
    in_confidence = matters_of(notice.obligation_id or "")
    return {each: known[each] for each in {notice.recipient_id} & known.keys()} if in_confidence else known


def _settled_already(state: str) -> DeliveryResult:
    return DeliveryResult(outcome="skipped", detail=f"this notice is settled already: {state}")


def _attendees_of(
    meeting: Meeting, reader: Person, known: Mapping[PersonId, Person]
) -> tuple[invites.Attendee, ...]:
    """Return everybody who meets and has an address, with whoever stands in for them on the day."""
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
