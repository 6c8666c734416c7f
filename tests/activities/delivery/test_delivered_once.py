"""A notice is told once: by one delivery at a time, and whatever keeps the record from hearing of it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

from activities.delivery import deliver as notices
from activities.delivery.attempts import Attempt
from activities.delivery.deliver import NoticeDelivery
from activities.delivery.failures import TemporaryDeliveryError
from activities.delivery.mail import MailSettings
from activities.delivery.record_sent import until_noted
from activities.directory.people import Directory
from activities.event_store.digest_log import DigestKey, DigestLog
from activities.event_store.event_store import EventStore
from activities.event_store.notice_outbox import NoticeOutbox
from activities.postgres.pool import DatabaseUnavailableError
from domain.kernel.person import Person
from domain.ledger.notice import Notice, NoticeKind
from domain.ledger.obligation import LedgerChange, Obligation
from domain.stream.messages import Append

if TYPE_CHECKING:
    from tests.activities.conftest import Mailbox

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
THIS_RUN = Attempt("run-1/5", most_tries=12, another_follows=True)
NEXT_RUN = Attempt("run-2/1", most_tries=12, another_follows=True)


class ForgetfulNotices(NoticeOutbox):
    """A record that goes away right when it is to hear what became of a notice."""

    away = 2
    """How often."""

    async def settle(self, *of_what: Any, **became: Any) -> bool:  # noqa: ANN401  whatever it is told
        """Hears of it the third time."""
        if self.away:
            self.away -= 1
            raise DatabaseUnavailableError("settle_notice: connection lost")
        return await super().settle(*of_what, **became)


class ForgetfulDays(DigestLog):
    """Likewise, for the mail of a day."""

    away = 2

    async def settle(
        self, key: DigestKey, notice_ids: Sequence[str], at: datetime, error: str | None = None
    ) -> None:
        """Hears of it the third time."""
        if self.away:
            self.away -= 1
            raise DatabaseUnavailableError("settle_digest: connection lost")
        await super().settle(key, notice_ids, at, error)


@pytest.fixture
async def directory(pool: asyncpg.Pool[asyncpg.Record]) -> Directory:
    """Ada."""
    people = Directory(pool)
    ada = {"person_id": "p-ada", "name": "Ada", "email": "ada@example.org"}
    place = {"time_zone": "Europe/London", "holiday_calendar": "GB-ENG"}
    await people.upsert([Person.model_validate(ada | place)])
    return people


@pytest.fixture
def delivering(
    directory: Directory, settings: MailSettings
) -> Callable[[NoticeOutbox, DigestLog], NoticeDelivery]:
    """Delivers into the mailbox what a record holds."""
    return lambda notices, days: NoticeDelivery(notices, directory, settings, days)


@pytest.fixture
def delivery(
    delivering: Callable[[NoticeOutbox, DigestLog], NoticeDelivery], event_store: EventStore, days: DigestLog
) -> NoticeDelivery:
    """Delivery from the record of the test."""
    return delivering(event_store.notices, days)


@pytest.fixture
async def announcement(
    event_store: EventStore, make_append: Callable[..., Append], make_notice: Callable[..., Notice]
) -> Notice:
    """A notice to Ada that goes out by itself."""
    notice = make_notice(kind=NoticeKind.ANNOUNCEMENT, obligation_id=None, obligation_kind=None, due_at=None)
    await event_store.append(make_append(notices=(notice,)))
    return notice


@pytest.fixture
async def reminder(
    event_store: EventStore,
    make_append: Callable[..., Append],
    make_notice: Callable[..., Notice],
    make_obligation: Callable[..., Obligation],
) -> Notice:
    """A notice to Ada that goes into the one mail of her day."""
    owed = make_obligation()
    notice = make_notice(kind=NoticeKind.REMINDER, level=1, due_at=owed.due_at)
    await event_store.append(make_append([LedgerChange(opened=(owed,))], notices=(notice,)))
    return notice


async def test_the_next_run_waits_for_the_delivery_that_is_at_it(
    delivery: NoticeDelivery, announcement: Notice, mailbox: Mailbox
) -> None:
    """A run that hands over while a mail is being taken does not have the next run send it again."""
    mailbox.pauses = threading.Event()
    this_run = asyncio.create_task(delivery.deliver(announcement, AT, THIS_RUN))
    assert await asyncio.to_thread(mailbox.asked.wait, 5)
    next_run = asyncio.create_task(delivery.deliver(announcement, AT, NEXT_RUN))
    assert await asyncio.wait({next_run}, timeout=0.5) == (set(), {next_run})
    mailbox.pauses.set()
    assert (await this_run).outcome == "sent"
    assert (await next_run).detail == "this notice is settled already: sent"
    assert len(mailbox.taken) == 1


async def test_whoever_waits_too_long_comes_again_without_a_try(
    delivery: NoticeDelivery, announcement: Notice, event_store: EventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While another delivery is at it nothing is noted: neither a try nor an error is anybody's."""
    monkeypatch.setattr(notices, "_LOOKS", 2)
    assert await event_store.notices.take(announcement.notice_id, "run-1/5", abandoned_after=THIS_RUN.longest)
    with pytest.raises(TemporaryDeliveryError, match="another delivery is at it") as delayed:
        await delivery.deliver(announcement, AT, NEXT_RUN)
    assert delayed.value.again_after is None
    (row,) = await event_store.notices.of("agreement-1")
    assert (row.state, row.attempts, row.last_error) == ("queued", 0, None)


async def test_what_a_dead_delivery_left_behind_is_taken_over(
    delivery: NoticeDelivery, announcement: Notice, event_store: EventStore, mailbox: Mailbox
) -> None:
    """Its own next attempt goes on at once; another delivery once no attempt can last so long."""
    assert await event_store.notices.take(announcement.notice_id, "run-1/5", abandoned_after=THIS_RUN.longest)
    again = await event_store.notices.take(
        announcement.notice_id, "run-1/5", abandoned_after=THIS_RUN.longest
    )
    assert again is not None
    assert again.tries == 0
    late = Attempt("run-2/1", longest=timedelta(0), most_tries=12, another_follows=True)
    assert (await delivery.deliver(announcement, AT, late)).outcome == "sent"
    assert len(mailbox.taken) == 1


async def test_a_record_that_goes_away_after_the_mail_left_is_told_until_it_hears(
    delivering: Callable[[NoticeOutbox, DigestLog], NoticeDelivery],
    pool: asyncpg.Pool[asyncpg.Record],
    days: DigestLog,
    announcement: Notice,
    mailbox: Mailbox,
) -> None:
    """PostgreSQL that restarts between the mail server's answer and the note of it costs no second mail."""
    notices = ForgetfulNotices(pool)
    delivery = delivering(notices, days)
    assert (await delivery.deliver(announcement, AT, THIS_RUN)).outcome == "sent"
    assert notices.away == 0
    (row,) = await notices.of("agreement-1")
    assert (row.state, row.attempts) == ("sent", 1)
    assert len(mailbox.taken) == 1


async def test_the_mail_of_a_day_is_noted_likewise(
    delivering: Callable[[NoticeOutbox, DigestLog], NoticeDelivery],
    pool: asyncpg.Pool[asyncpg.Record],
    event_store: EventStore,
    reminder: Notice,
    mailbox: Mailbox,
) -> None:
    """What went out in the one mail of a day does not go out again for want of the record's ear."""
    days = ForgetfulDays(pool)
    delivery = delivering(event_store.notices, days)
    at = AT.replace(hour=10)
    assert (await delivery.deliver(reminder, at, THIS_RUN)).outcome == "sent"
    assert days.away == 0
    (row,) = await event_store.notices.of("agreement-1")
    assert (row.state, row.attempts) == ("sent", 1)
    assert len(mailbox.taken) == 1


async def test_a_record_that_stays_away_is_not_waited_for_beyond_patience() -> None:
    """A note that cannot be made ends the attempt, so that another worker may make the next one."""

    async def away() -> None:
        raise DatabaseUnavailableError("settle_notice: connection refused")

    with pytest.raises(DatabaseUnavailableError):
        await until_noted(away, patience=timedelta(0))


@pytest.mark.parametrize(("tries", "pause"), [(1, 5), (2, 15), (4, 135), (9, 14_400), (4_000, 14_400)])
def test_pauses_grow_over_the_whole_life_of_a_notice(tries: int, pause: int) -> None:
    """However often it was tried before, the next try is as far away as its number says."""
    attempt = Attempt("run-1/5", first_pause=timedelta(seconds=5), factor=3, longest_pause=timedelta(hours=4))
    assert attempt.pause_after(tries) == timedelta(seconds=pause)
