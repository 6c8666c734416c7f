"""Nudges over several agreements of the same people: one mail each a day, on the real servers."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from activities.delivery.digest import DIGEST, read_items
from domain.notifications.timing import NUDGES, first_slot, next_days_slot

if TYPE_CHECKING:
    from activities.postgres.rows import NoticeRow
    from tests.workflows.conftest import House, Placement

A_MOMENT = timedelta(seconds=30)


async def test_two_agreements_of_one_person_are_one_mail_a_day(house: House) -> None:
    """The second agreement's heads-up of the same day comes the next working morning, and not before."""
    first, second = await house.place("secondment"), await house.place("secondment")
    mentee = first.terms.mentee
    signature = f"signature:mentee:{mentee}:v1"
    agreement = await first.agreement()
    calendar = agreement.calendar_of(mentee)
    slot = first_slot(calendar, agreement.obligations[signature].ladder[0].at)

    await _live_until(first, slot + A_MOMENT)
    await _told(house, first, signature)
    await _live_until(second, slot + A_MOMENT)
    morning = next_days_slot(calendar, slot)
    waiting = await _put_off(house, second, signature, beyond=slot)
    assert (waiting.state, waiting.notice.not_before) == ("queued", morning)
    assert waiting.reason == f"the reminders of {calendar.local_date(slot)} have gone out"

    await _live_until(second, morning - timedelta(minutes=1))
    assert len(await _mails_to(house, mentee)) == 1
    await _live_until(second, morning + A_MOMENT)
    await _told(house, second, signature)
    about = [items[0]["X-Sojourn-Agreement"] for items in map(read_items, await _mails_to(house, mentee))]
    assert about == [first.agreement_id, second.agreement_id]


async def test_agreements_that_climb_side_by_side_send_nobody_two_mails_a_day(house: House) -> None:
    """Whatever two ladders of the same five people have to say in three weeks is a mail a day at most."""
    placements = [await house.place("secondment") for _ in range(2)]
    for placement in placements:
        # Beyond a step the server may skip the working hours of a run that has just taken over.
        placement.longest_step = timedelta(days=1)
    await asyncio.gather(*(placement.fast_forward(timedelta(weeks=3)) for placement in placements))
    rows = [
        row for placement in placements for row in await house.event_store.notices.of(placement.agreement_id)
    ]
    nudges = [row for row in rows if row.notice.kind in NUDGES]
    told = [row for row in nudges if row.state == "sent"]
    assert len(told) > 10
    assert {row.state for row in nudges} <= {"sent", "queued", "skipped"}
    people = await house.directory.get({row.notice.recipient_id for row in rows})
    zones = {person.email: ZoneInfo(person.time_zone) for person in people.values()}
    days = Counter(
        (mail["To"], _sent_at(mail).astimezone(zones[mail["To"]]).date())
        for mail in house.mailbox.mails
        if mail[DIGEST]
    )
    assert set(days.values()) == {1}
    assert sum(len(read_items(mail)) for mail in house.mailbox.mails) == len(told)


async def _live_until(placement: Placement, instant: datetime) -> None:
    await placement.fast_forward(instant - await placement.now())


async def _told(house: House, placement: Placement, obligation_id: str) -> None:
    async def states() -> set[str]:
        rows = await house.event_store.notices.of(placement.agreement_id)
        return {row.state for row in rows if _is_about(row, obligation_id)}

    await house.eventually(states, lambda found: found == {"sent"})


async def _put_off(house: House, placement: Placement, obligation_id: str, *, beyond: datetime) -> NoticeRow:
    async def waiting() -> list[NoticeRow]:
        rows = await house.event_store.notices.of(placement.agreement_id)
        return [row for row in rows if _is_about(row, obligation_id) and row.notice.not_before > beyond]

    (row,) = await house.eventually(waiting, bool)
    return row


def _is_about(row: NoticeRow, obligation_id: str) -> bool:
    return row.notice.obligation_id == obligation_id and row.notice.kind in NUDGES


async def _mails_to(house: House, person_id: str) -> list[EmailMessage]:
    person = (await house.directory.get([person_id]))[person_id]
    return [mail for mail in house.mailbox.mails if mail["To"] == person.email and mail[DIGEST]]


def _sent_at(mail: EmailMessage) -> datetime:
    return parsedate_to_datetime(str(mail["Date"]))
