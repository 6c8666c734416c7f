"""The activities as workflows call them: what they answer, and which errors end the retries."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import asyncpg
import pytest
from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory
from temporalio.testing import ActivityEnvironment

from activities.delivery.deliver import NoticeDelivery
from activities.delivery.mail import MailSettings
from activities.directory.calendars import CalendarSources
from activities.directory.people import Directory
from activities.event_store.digest_log import DigestLog
from activities.event_store.event_store import EventStore
from activities.registered import Activities
from deploy.embedded.processes import free_port
from domain.handling.activities import UNKNOWN_PERSON
from domain.handling.loaded import CalendarsWanted, Deliveries, Delivery, SettledAs
from domain.kernel.person import Person
from domain.ledger.notice import Notice, NoticeKind
from domain.stream.messages import Append, NewEvent
from domain.stream.serialization import UnreadableEvent

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
ATTEMPTS = 12
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=5), timedelta(hours=4)


@pytest.fixture
async def activities(pool: asyncpg.Pool[asyncpg.Record], event_store: EventStore) -> Activities:
    """The activities, with p-ada in the directory and a mail server that is down."""
    ada = Person(
        person_id="p-ada",
        name="Ada",
        email="ada@example.org",
        time_zone="Europe/London",
        holiday_calendar="GB-ENG",
    )
    directory = Directory(pool)
    await directory.upsert([ada])
    mail = MailSettings(
        host="127.0.0.1",
        port=free_port(),
        sender="sojourn@example.org",
        security="none",
        greets_as="localhost",
    )
    delivery = NoticeDelivery(event_store.notices, directory, mail, DigestLog(pool))
    return Activities(event_store, directory, CalendarSources(), delivery)


@pytest.fixture
async def queued_announcement(
    event_store: EventStore, make_append: Callable[..., Append], make_notice: Callable[..., Notice]
) -> Notice:
    """A notice to p-ada that is to be sent."""
    notice = make_notice(kind=NoticeKind.ANNOUNCEMENT, obligation_id=None, obligation_kind=None, due_at=None)
    await event_store.append(make_append(notices=(notice,)))
    return notice


async def test_an_agreement_that_nobody_proposed_is_loaded_as_none(activities: Activities) -> None:
    """The record says of an unknown agreement that it has none, rather than failing."""
    loaded = await ActivityEnvironment().run(activities.load_agreement, "acme.NONE-1")
    assert (loaded.agreement, loaded.commands, loaded.undelivered) == (None, (), ())


async def test_events_of_a_newer_release_are_left_to_it(
    activities: Activities, event_store: EventStore, make_append: Callable[..., Append]
) -> None:
    """What this release cannot read is an error that a newer release ends, not an agreement with a gap."""
    await event_store.append(make_append())
    with pytest.raises(UnreadableEvent, match="run a release that knows it"):
        await ActivityEnvironment().run(activities.load_agreement, "agreement-1")


async def test_calendars_cover_what_was_asked(activities: Activities) -> None:
    """A snapshot reaches over the days asked for and knows the holidays of the person's own place."""
    wanted = CalendarsWanted(person_ids=("p-ada",), first=date(2026, 12, 1), last=date(2027, 1, 31))
    calendars = await ActivityEnvironment().run(activities.resolve_calendars, wanted)
    assert calendars["p-ada"].working_day_from(date(2026, 12, 24), 1) == date(2026, 12, 29)


async def test_whoever_the_directory_lacks_is_named_at_once(activities: Activities) -> None:
    """Unknown people end the retries, and the error names every one of them."""
    wanted = CalendarsWanted(
        person_ids=("p-ada", "p-nobody", "p-noone"), first=date(2026, 12, 1), last=date(2027, 1, 31)
    )
    with pytest.raises(ApplicationError, match="p-nobody, p-noone") as refused:
        await ActivityEnvironment().run(activities.resolve_calendars, wanted)
    assert refused.value.type == UNKNOWN_PERSON
    assert refused.value.non_retryable


@pytest.mark.parametrize("attempts", [4, ATTEMPTS])
async def test_tries_are_counted_over_all_runs_of_a_workflow(
    activities: Activities, event_store: EventStore, queued_announcement: Notice, attempts: int
) -> None:
    """A run that ends after some attempts hands the rest of them over; the last try gives the notice up."""
    for tried in range(1, ATTEMPTS):
        run, attempt = divmod(tried - 1, attempts)
        with pytest.raises(ApplicationError) as delayed:
            await _deliver(activities, queued_announcement, run, attempt + 1)
        pause = min(FIRST_PAUSE * 3 ** (tried - 1), LONGEST_PAUSE)
        assert delayed.value.next_retry_delay == pause
        (row,) = await event_store.notices.of("agreement-1")
        assert (row.state, row.attempts) == ("queued", tried)
        (waiting,) = await event_store.notices.undelivered("agreement-1")
        assert waiting.not_before == row.next_try_at == NOW + pause

    run, attempt = divmod(ATTEMPTS - 1, attempts)
    assert await _deliver(activities, queued_announcement, run, attempt + 1) == "failed"
    (row,) = await event_store.notices.of("agreement-1")
    assert (row.state, row.attempts, row.next_try_at) == ("failed", ATTEMPTS, None)
    assert "mail server" in (row.last_error or "")


async def test_what_is_asked_for_again_is_tried_as_often_again(
    activities: Activities,
    event_store: EventStore,
    queued_announcement: Notice,
    make_append: Callable[..., Append],
) -> None:
    """The count begins anew with an operator's command, and the outbox still tells all attempts."""
    with pytest.raises(ApplicationError):
        await _deliver(activities, queued_announcement, run=0, attempt=1)
    assert await _deliver(activities, queued_announcement, run=0, attempt=ATTEMPTS) == "failed"
    resent = NewEvent(
        event_id=str(uuid.uuid4()),
        type="notices.resent",
        schema_version=1,
        data={"notice_ids": [queued_announcement.notice_id], "ledger": {}},
    )
    await event_store.append(make_append(expected_version=1, events=(resent,)))
    with pytest.raises(ApplicationError) as delayed:
        await _deliver(activities, queued_announcement, run=0, attempt=1)
    assert delayed.value.next_retry_delay == FIRST_PAUSE
    (row,) = await event_store.notices.of("agreement-1")
    assert (row.state, row.attempts) == ("queued", 3)


async def _deliver(activities: Activities, notice: Notice, run: int, attempt: int) -> object:
    """One attempt of a run, as Temporal schedules it."""
    environment = ActivityEnvironment()
    environment.info = dataclasses.replace(
        environment.info,
        workflow_run_id=f"run-{run}",
        attempt=attempt,
        retry_policy=RetryPolicy(
            initial_interval=FIRST_PAUSE,
            backoff_coefficient=3,
            maximum_interval=LONGEST_PAUSE,
            maximum_attempts=ATTEMPTS,
        ),
    )
    return await environment.run(activities.deliver_notice, Delivery(notice=notice, at=NOW))


async def test_a_batch_comes_back_when_its_next_notice_may_go(
    activities: Activities, event_store: EventStore, queued_announcement: Notice
) -> None:
    """Temporal is told when to try again; a morning's wait is no error that anybody is to look at."""
    for waited, tried in ((timedelta(), 1), (FIRST_PAUSE, 2), (2 * FIRST_PAUSE, 2)):
        with pytest.raises(ApplicationError, match="1 deferred until") as delayed:
            await _deliver_batch(activities, queued_announcement, waited)
        assert delayed.value.category is ApplicationErrorCategory.BENIGN
        (row,) = await event_store.notices.of("agreement-1")
        assert row.next_try_at is not None
        assert delayed.value.next_retry_delay == row.next_try_at - NOW - waited
        assert row.attempts == tried, "the third attempt comes before its time"


async def test_a_batch_says_what_became_of_each_notice(
    activities: Activities, event_store: EventStore, queued_announcement: Notice
) -> None:
    """A workflow hears in the end what became of the notices that it named, in their order."""
    await event_store.notices.settle(queued_announcement.notice_id, "skipped", reason="a test")
    settled = await _deliver_batch(activities, queued_announcement, timedelta(), "never-queued")
    assert settled == ("failed", "skipped")


async def _deliver_batch(
    activities: Activities, notice: Notice, waited: timedelta, *before: str
) -> tuple[SettledAs, ...]:
    """One attempt so long after the first one."""
    environment = ActivityEnvironment()
    environment.info = dataclasses.replace(
        environment.info, started_time=environment.info.scheduled_time + waited
    )
    deliveries = Deliveries(notice_ids=(*before, notice.notice_id), at=NOW)
    return await environment.run(activities.deliver_notices, deliveries)
