"""Notices of one agreement are delivered side by side, and each is told apart by what becomes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import asyncpg
import pytest

from activities.delivery.attempts import FIRST_PAUSE, MOST_TRIES, attempt_at_a_batch
from activities.delivery.batch import BatchDelivery, BatchResult
from activities.delivery.deliver import NoticeDelivery
from activities.directory.people import Directory
from activities.event_store.event_store import EventStore
from domain.kernel.person import Person
from domain.ledger.notice import Notice, NoticeKind
from domain.stream.messages import Append
from tests.activities.people_and_mail import person

if TYPE_CHECKING:
    from datetime import datetime

    from tests.activities.conftest import Mailbox

Queue = Callable[..., "list[str]"]

ATTEMPT = attempt_at_a_batch("run/1", timedelta(seconds=90))
PEOPLE = ("p-ada", "p-grace", "p-mia")


class FaultyDirectory(Directory):
    """A directory with a defect about one person."""

    async def get(self, person_ids: Iterable[str]) -> dict[str, Person]:
        """Fail where Grace is asked for."""
        wanted = set(person_ids)
        if "p-grace" in wanted:
            raise LookupError("a defect")
        return await super().get(wanted)


@pytest.fixture
async def directory(pool: asyncpg.Pool[asyncpg.Record]) -> Directory:
    """Ada, Grace and Mia."""
    people = Directory(pool)
    await people.upsert([person(person_id) for person_id in PEOPLE])
    return people


@pytest.fixture
def batches(event_store: EventStore, delivery: NoticeDelivery) -> BatchDelivery:
    """Deliveries into the mailbox."""
    return BatchDelivery(event_store.notices, delivery)


@pytest.fixture
async def announced(
    event_store: EventStore, make_append: Callable[..., Append], make_notice: Callable[..., Notice]
) -> tuple[Notice, ...]:
    """The same announcement to each of three people."""
    notices = tuple(
        make_notice(
            f"notice-{person_id}",
            kind=NoticeKind.ANNOUNCEMENT,
            recipient_id=person_id,
            obligation_id=None,
            obligation_kind=None,
            due_at=None,
        )
        for person_id in PEOPLE
    )
    await event_store.append(make_append(notices=notices))
    return notices


def _ids(notices: tuple[Notice, ...]) -> list[str]:
    return [notice.notice_id for notice in notices]


async def test_all_that_is_due_goes_out(
    batches: BatchDelivery, announced: tuple[Notice, ...], mailbox: Mailbox, now: datetime
) -> None:
    """Each recipient gets the mail, nothing is left to wait for, and a repeat sends nothing again."""
    for _ in range(2):
        result = await batches.deliver(_ids(announced), now, ATTEMPT)
        assert result == BatchResult(states=dict.fromkeys(_ids(announced), "sent"))
        assert {mail["To"] for mail in mailbox.taken} == {f"{who[2:]}@example.org" for who in PEOPLE}
        assert len(mailbox.taken) == len(PEOPLE)


async def test_nothing_goes_before_its_moment(
    batches: BatchDelivery, announced: tuple[Notice, ...], mailbox: Mailbox, now: datetime
) -> None:
    """What is not due yet waits, and the batch is to be looked at again at the first of the moments."""
    result = await batches.deliver(_ids(announced), now - timedelta(hours=3), ATTEMPT)
    assert result.again_at == now
    assert set(result.states.values()) == {"queued"}
    assert mailbox.taken == []


async def test_what_is_left_of_a_closed_agreement_waits_for_no_moment(
    batches: BatchDelivery, announced: tuple[Notice, ...], mailbox: Mailbox, now: datetime
) -> None:
    """Once the agreement is closed, announcements go out at once, or as soon as a mail server takes them."""
    early = now - timedelta(hours=3)
    mailbox.answers_data = "451 not now"
    result = await batches.deliver(_ids(announced), early, ATTEMPT, closed=True)
    later = early + FIRST_PAUSE
    assert result.again_at == later
    mailbox.answers_data = "250 OK"
    result = await batches.deliver(_ids(announced), later, ATTEMPT, closed=True)
    assert set(result.states.values()) == {"sent"}
    assert len(mailbox.taken) == len(PEOPLE)


async def test_a_mail_that_is_refused_fails_by_itself(
    batches: BatchDelivery,
    event_store: EventStore,
    announced: tuple[Notice, ...],
    directory: Directory,
    now: datetime,
) -> None:
    """A recipient who cannot be reached is noted as failed, and the others have their mail."""
    await directory.upsert([person("p-grace", email=None)])
    result = await batches.deliver(_ids(announced), now, ATTEMPT)
    assert result.again_at is None
    assert result.states == {"notice-p-ada": "sent", "notice-p-grace": "failed", "notice-p-mia": "sent"}
    assert str(result) == "2 sent, 1 failed"
    assert [row.notice.notice_id for row in await event_store.notices.failed()] == ["notice-p-grace"]


async def test_tries_at_a_dead_mail_server_are_counted_and_end(
    batches: BatchDelivery,
    event_store: EventStore,
    announced: tuple[Notice, ...],
    mailbox: Mailbox,
    now: datetime,
) -> None:
    """Every notice is tried twelve times over more than half a day, whatever becomes of the agreement."""
    mailbox.answers_data = "451 not now"
    at, result = now, await batches.deliver(_ids(announced), now, ATTEMPT)
    for tries in range(1, MOST_TRIES):
        assert {row.attempts for row in await event_store.notices.known(_ids(announced))} == {tries}
        assert result.again_at is not None
        assert result.again_at > at
        early = await batches.deliver(_ids(announced), at, ATTEMPT, closed=True)
        assert {row.attempts for row in await event_store.notices.known(_ids(announced))} == {tries}
        assert early.again_at == result.again_at
        at = result.again_at
        result = await batches.deliver(_ids(announced), at, ATTEMPT, closed=tries % 2 == 0)
    assert result == BatchResult(states=dict.fromkeys(_ids(announced), "failed"))
    assert at - now > timedelta(hours=12)
    assert mailbox.taken == []


async def test_what_another_delivery_is_at_is_left_to_it(
    batches: BatchDelivery, event_store: EventStore, announced: tuple[Notice, ...], now: datetime
) -> None:
    """A notice that the run before is still sending is looked at again some seconds later, and not tried."""
    await event_store.notices.take("notice-p-ada", "another/1", abandoned_after=timedelta(minutes=2))
    result = await batches.deliver(_ids(announced), now, ATTEMPT)
    assert result.states == {"notice-p-ada": "queued", "notice-p-grace": "sent", "notice-p-mia": "sent"}
    assert result.again_at == now + timedelta(seconds=5)
    (row,) = await event_store.notices.known(["notice-p-ada"])
    assert row.attempts == 0


async def test_a_defect_about_one_notice_keeps_no_other_waiting(
    batches: BatchDelivery,
    announced: tuple[Notice, ...],
    pool: asyncpg.Pool[asyncpg.Record],
    now: datetime,
) -> None:
    """An error of ours counts as a try at that notice alone, and names nothing that anybody wrote."""
    faulty = replace(batches.delivery, directory=FaultyDirectory(pool))
    result = await replace(batches, delivery=faulty).deliver(_ids(announced), now, ATTEMPT)
    assert result.states == {"notice-p-ada": "sent", "notice-p-grace": "queued", "notice-p-mia": "sent"}
    (row,) = await batches.notices.known(["notice-p-grace"])
    assert (row.attempts, row.last_error) == (1, "a defect of this release: LookupError")


async def test_what_was_never_queued_is_nothing_to_wait_for(batches: BatchDelivery, now: datetime) -> None:
    """A notice that the record does not have counts as failed."""
    assert await batches.deliver(["unheard-of"], now, ATTEMPT) == BatchResult(states={"unheard-of": "failed"})
