"""Reading all events in order while others write: nothing missed, nothing twice."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import TypeAlias

import asyncpg

from activities.event_store.event_store import EventStore
from activities.postgres.pool import Database
from activities.postgres.rows import START, Cursor
from domain.ledger.obligation import LedgerChange
from domain.stream.messages import Append, RecordedEvent

Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"
MakeAppend = Callable[..., Append]


class OneConnection:
    """A pool of a single connection: appends through it stay inside whatever transaction it is in."""

    def __init__(self, connection: object) -> None:
        self.fetch = connection.fetch  # pyright: ignore
        self.fetchrow = connection.fetchrow  # pyright: ignore


@asynccontextmanager
async def held_open(pool: Pool, commit: bool) -> AsyncGenerator[EventStore]:
    """A record whose one append stays uncommitted until the block ends."""
    async with pool.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        yield EventStore(OneConnection(connection))  # pyright: ignore[reportArgumentType]
        await (transaction.commit() if commit else transaction.rollback())


async def read_until(event_store: EventStore, cursor: Cursor, done: asyncio.Event) -> list[RecordedEvent]:
    """What a reader sees that goes on until the writers are done, and once more after that."""
    seen: list[RecordedEvent] = []
    while True:
        last_round = done.is_set()
        page = await event_store.read_all(cursor, limit=7)
        seen += page.events
        cursor = page.cursor
        if last_round and not page.events:
            return seen
        await asyncio.sleep(0)


async def test_an_event_is_not_shown_before_an_older_transaction_has_ended(
    pool: Pool, event_store: EventStore, make_append: MakeAppend
) -> None:
    """A cursor never passes a transaction that may still write events before it."""
    async with held_open(pool, commit=True) as slow:
        await slow.append(make_append(agreement_id="slow", head={"request_id": "slow"}))
        await event_store.append(make_append(agreement_id="quick", head={"request_id": "quick"}))
        assert (await event_store.read_all()).events == ()
        assert (await event_store.read_all()).cursor == START
    page = await event_store.read_all()
    assert [event.agreement_id for event in page.events] == ["slow", "quick"]
    assert (await event_store.read_all(page.cursor)).events == ()


async def test_a_tailing_reader_misses_nothing(
    pool: Pool, event_store: EventStore, make_append: MakeAppend
) -> None:
    """Whatever order writers commit in, or roll back, a reader sees each event once and streams in order."""
    chance = random.Random(7)  # noqa: S311  the order of a test, not a secret
    done = asyncio.Event()

    async def write(writer: int) -> None:
        version = 0
        for _ in range(25):
            commit = chance.random() > 0.15
            count = chance.randint(1, 3)
            async with held_open(pool, commit) as slow:
                append = make_append(
                    (LedgerChange(),) * count,
                    agreement_id=f"a{writer}",
                    expected_version=version,
                    head={"request_id": f"r{writer}"},
                )
                assert (await slow.append(append)).outcome == "appended"
                await asyncio.sleep(chance.random() / 100)
            version += count if commit else 0

    async def write_all() -> None:
        try:
            await asyncio.gather(*(write(writer) for writer in range(8)))
        finally:
            done.set()

    seen, _ = await asyncio.gather(read_until(event_store, START, done), write_all())
    by_stream = {f"a{writer}": await event_store.stream(f"a{writer}") for writer in range(8)}
    assert len(seen) == sum(len(stream) for stream in by_stream.values())
    for agreement_id, stream in by_stream.items():
        assert [event for event in seen if event.agreement_id == agreement_id] == stream


async def test_events_after_a_restore_sort_after_every_earlier_cursor(
    owner: Pool, event_store: EventStore, make_append: MakeAppend
) -> None:
    """Transaction ids start again on another cluster; the epoch keeps cursors true."""
    await event_store.append(make_append())
    before = await event_store.read_all()
    far_ahead = before.cursor.model_copy(update={"tx": before.cursor.tx + 1_000_000})
    await owner.execute("UPDATE sojourn.log_epoch SET system_identifier = system_identifier + 1")
    await owner.execute("SELECT sojourn.begin_epoch_v1()")
    await owner.execute("SELECT sojourn.begin_epoch_v1()")
    await event_store.append(make_append(expected_version=1))
    page = await event_store.read_all(far_ahead)
    assert [event.version for event in page.events] == [2]
    assert page.cursor.epoch == before.cursor.epoch + 1


async def test_the_order_is_by_number_not_by_text(pool: Pool, owner: Pool) -> None:
    """Transaction 10 comes after transaction 9: the id is sorted before it is turned into text."""
    for number, tx in enumerate((10, 9, 100), start=1):
        await owner.execute(
            "INSERT INTO sojourn.event (agreement_id, version, event_id, type, schema_version, data, "
            "occurred_at, recorded_at, actor_id, actor_role, command_id, previous_hash, hash, tx, epoch) "
            "SELECT 'a', $1, gen_random_uuid(), 't', 1, '{}', now(), now(), 'p', 'mentee', 'c', z, z, "
            "$2::text::xid8, 1 FROM (SELECT decode(repeat('00', 32), 'hex') AS z) AS zeros",
            number,
            str(tx),
        )
    rows = await Database(pool).rows("read_all", 0, "0", 0, 10)
    assert [row["transaction_id"] for row in rows] == ["9", "10", "100"]
