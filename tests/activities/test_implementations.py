"""The activities as workflows call them: what they answer, and which errors end the retries."""

from __future__ import annotations

import dataclasses
import socket
from collections.abc import Callable
from datetime import UTC, date, datetime

import asyncpg
import pytest
from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.calendars import CalendarSources
from activities.delivery.failures import TemporaryDeliveryError
from activities.delivery.mail import MailSettings
from activities.digest_record import DigestRecord
from activities.directory import Directory
from activities.implementations import UNKNOWN_PERSON, Activities
from activities.notices import NoticeDelivery
from activities.record import Record
from domain.loading import CalendarsWanted, Delivery
from domain.notices import Notice, NoticeKind
from domain.people import Person
from domain.reading import UnreadableEvent
from domain.recording import Append

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
ATTEMPTS = 12


@pytest.fixture
def closed_port() -> int:
    """A port of this machine on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
async def activities(pool: asyncpg.Pool[asyncpg.Record], record: Record, closed_port: int) -> Activities:
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
        port=closed_port,
        sender="sojourn@example.org",
        security="none",
        greets_as="localhost",
    )
    delivery = NoticeDelivery(record, directory, mail, DigestRecord(pool))
    return Activities(record, directory, CalendarSources(), delivery)


@pytest.fixture
async def queued_announcement(
    record: Record, make_append: Callable[..., Append], make_notice: Callable[..., Notice]
) -> Notice:
    """A notice to p-ada that is to be sent."""
    notice = make_notice(kind=NoticeKind.ANNOUNCEMENT, obligation_id=None, obligation_kind=None, due_at=None)
    await record.append(make_append(notices=(notice,)))
    return notice


async def test_an_agreement_that_nobody_proposed_is_loaded_as_none(activities: Activities) -> None:
    """The record says of an unknown agreement that it has none, rather than failing."""
    loaded = await ActivityEnvironment().run(activities.load_agreement, "acme.NONE-1")
    assert (loaded.agreement, loaded.commands, loaded.undelivered) == (None, (), ())


async def test_events_of_a_newer_release_are_left_to_it(
    activities: Activities, record: Record, make_append: Callable[..., Append]
) -> None:
    """What this release cannot read is an error that a newer release ends, not an agreement with a gap."""
    await record.append(make_append())
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


@pytest.mark.parametrize(("attempt", "state"), [(1, "queued"), (ATTEMPTS, "failed")])
async def test_only_the_last_attempt_gives_a_notice_up(
    activities: Activities,
    record: Record,
    queued_announcement: Notice,
    attempt: int,
    state: str,
) -> None:
    """While attempts are left a notice stays queued with its error; the last one leaves it failed."""
    environment = ActivityEnvironment()
    environment.info = dataclasses.replace(
        environment.info, attempt=attempt, retry_policy=RetryPolicy(maximum_attempts=ATTEMPTS)
    )
    with pytest.raises(TemporaryDeliveryError):
        await environment.run(activities.deliver_notice, Delivery(notice=queued_announcement, at=NOW))
    (row,) = await record.notices("agreement-1")
    assert row.state == state
    assert row.last_error is not None
