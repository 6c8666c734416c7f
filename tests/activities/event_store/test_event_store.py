"""Appending: exactly once, whatever is sent again, however many race."""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from collections.abc import Callable
from typing import Literal, TypeAlias

import asyncpg
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pydantic import JsonValue

from activities.event_store.event_store import EventStore
from activities.postgres.pool import DatabaseRefusedError, DatabaseUnavailableError, open_pool
from domain.ledger.obligation import LedgerChange
from domain.stream.messages import Append, Appended, NewEvent

Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"
Make = Callable[..., Append]

TWO = (LedgerChange(), LedgerChange())


async def test_an_append_is_read_back_as_it_was_written(event_store: EventStore, make_append: Make) -> None:
    """What a command wrote is what a fold reads, in order and with who, when and by which command."""
    append = make_append(TWO, data={"words": "Grüße, 日本", "rating": 4.5, "none": None, "list": [1, "2"]})
    assert await event_store.append(append) == Appended(outcome="appended", version=2)
    events = await event_store.stream("agreement-1")
    assert [event.version for event in events] == [1, 2]
    for sent, event in zip(append.events, events, strict=True):
        assert (event.event_id, event.type, event.schema_version) == (sent.event_id, sent.type, 1)
        assert event.data == sent.data
        assert (event.actor_id, event.actor_role) == (append.actor_id, append.actor_role)
        assert (event.command_id, event.occurred_at) == (append.command_id, append.occurred_at)
    assert await event_store.stream("agreement-1", after_version=1) == events[1:]
    assert await event_store.stream("agreement-2") == []


async def test_the_same_append_again_is_a_duplicate(event_store: EventStore, make_append: Make) -> None:
    """A retry gets the answer of the first attempt and writes nothing, also after the stream went on."""
    first = make_append(TWO)
    await event_store.append(first)
    types = tuple(event.type for event in first.events)
    assert await event_store.append(first) == Appended(outcome="duplicate", version=2, event_types=types)
    await event_store.append(make_append(expected_version=2))
    assert await event_store.append(first) == Appended(outcome="duplicate", version=2, event_types=types)
    assert len(await event_store.stream("agreement-1")) == 3


async def test_a_command_sent_again_at_the_present_version_is_a_duplicate(
    event_store: EventStore, make_append: Make
) -> None:
    """A command counts once even if whoever sends it again has folded the stream in the meantime."""
    await event_store.append(make_append(command_id="once"))
    again = make_append(command_id="once", expected_version=1)
    assert (await event_store.append(again)).outcome == "duplicate"
    assert len(await event_store.stream("agreement-1")) == 1


async def test_another_version_is_a_conflict(event_store: EventStore, make_append: Make) -> None:
    """A writer that has not read the latest events writes nothing and learns where the stream stands."""
    await event_store.append(make_append(TWO))
    for expected in (0, 1, 3):
        append = make_append(expected_version=expected, command_id=f"late-{expected}")
        assert await event_store.append(append) == Appended(outcome="conflict", version=2)
    unknown = make_append(agreement_id="agreement-9", expected_version=4)
    assert await event_store.append(unknown) == Appended(outcome="conflict", version=0)
    assert len(await event_store.stream("agreement-1")) == 2


async def test_a_known_command_with_other_content_is_refused(
    event_store: EventStore, make_append: Make
) -> None:
    """A command id never stands for two different commands."""
    await event_store.append(make_append())
    changed = make_append(command_digest="e" * 64)
    assert await event_store.append(changed) == Appended(outcome="different_content", version=1)
    assert await event_store.append(changed.model_copy(update={"expected_version": 1})) == Appended(
        outcome="different_content", version=1
    )


@pytest.mark.parametrize("agreement_id", ["agreement-1", "agreement-2"])
@pytest.mark.parametrize("digest", ["f" * 64, "d" * 64])
async def test_a_request_opens_one_agreement(
    event_store: EventStore, make_append: Make, agreement_id: str, digest: str
) -> None:
    """A request id that is taken is refused with other content, or under another agreement's id."""
    await event_store.append(make_append())
    second = make_append(
        agreement_id=agreement_id, command_id="another", head={"request_digest": digest}, expected_version=0
    )
    same = agreement_id == "agreement-1" and digest == "d" * 64
    assert (await event_store.append(second)).outcome == ("conflict" if same else "different_content")
    assert await event_store.stream("agreement-2") == []


async def test_one_of_sixteen_racers_appends(pool: Pool, event_store: EventStore, make_append: Make) -> None:
    """Racing commands never both land on one version, at the opening of a stream and later."""
    for expected in range(8):
        racers = [
            make_append(TWO, expected_version=2 * expected, command_id=f"{expected}-{racer}")
            for racer in range(16)
        ]
        outcomes = await asyncio.gather(*(event_store.append(racer) for racer in racers))
        assert Counter(outcome.outcome for outcome in outcomes) == {"appended": 1, "conflict": 15}
    events = await event_store.stream("agreement-1")
    assert [event.version for event in events] == list(range(1, 17))
    in_order = await pool.fetch("SELECT version FROM sojourn.event ORDER BY epoch, event.tx, position")
    assert [row["version"] for row in in_order] == list(range(1, 17))
    assert await event_store.verify_chain("agreement-1") is None


async def test_sixteen_attempts_of_one_append_write_it_once(
    event_store: EventStore, make_append: Make
) -> None:
    """Attempts thought dead that come back at the same time agree on what was written."""
    for expected in range(8):
        append = make_append(expected_version=expected)
        outcomes = await asyncio.gather(*(event_store.append(append) for _ in range(16)))
        assert Counter(outcome.outcome for outcome in outcomes) == {"appended": 1, "duplicate": 15}
        assert {outcome.version for outcome in outcomes} == {expected + 1}
    assert len(await event_store.stream("agreement-1")) == 8


async def test_racing_requests_open_one_agreement(event_store: EventStore, make_append: Make) -> None:
    """Two workflows started at once for one request id do not both open an agreement."""
    racers = [make_append(agreement_id=f"agreement-{number}") for number in range(8)]
    outcomes = await asyncio.gather(*(event_store.append(racer) for racer in racers))
    assert Counter(outcome.outcome for outcome in outcomes) == {"appended": 1, "different_content": 7}
    assert len(await event_store.read_models.agreements()) == 1


async def test_an_append_that_fails_leaves_nothing(
    pool: Pool, event_store: EventStore, make_append: Make
) -> None:
    """Events, read models and notices are written together or not at all."""
    await event_store.append(make_append())
    broken = LedgerChange.model_validate(
        {"settled": [{"obligation_id": "never-opened", "status": "fulfilled"}]}
    )
    with pytest.raises(
        DatabaseRefusedError, match="version 3 of agreement agreement-1 settles 1 obligations"
    ):
        await event_store.append(make_append((LedgerChange(), broken), expected_version=1))
    assert len(await event_store.stream("agreement-1")) == 1
    assert await pool.fetchval("SELECT version FROM sojourn.agreement") == 1
    assert await pool.fetchval("SELECT count(*) FROM sojourn.command") == 1


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"events": ()}, "brings no events"),
        ({"events": (NewEvent(event_id="7", type="a", schema_version=1, data={}),)}, "uuid"),
        ({"data": {"words": "a\x00b"}}, "NUL character"),
        ({"data": {"words": "\ud800"}}, "cannot be written as JSON"),
        ({"data": {"rating": float("inf")}}, "cannot be written as JSON"),
        ({"expected_version": -1}, "version of 0 or more"),
    ],
)
async def test_what_cannot_be_stored_is_refused_for_good(
    event_store: EventStore, make_append: Make, changes: dict[str, object], problem: str
) -> None:
    """An append that can never succeed says why, instead of being tried for ever."""
    with pytest.raises(DatabaseRefusedError, match=problem):
        await event_store.append(make_append(**changes))
    assert await event_store.stream("agreement-1") == []


@pytest.mark.parametrize(
    ("isolation", "first"), [("read_committed", "pg_current_xact_id()"), ("repeatable_read", "1")]
)
async def test_an_append_inside_a_transaction_is_refused(
    pool: Pool, isolation: Literal["read_committed", "repeatable_read"], first: str
) -> None:
    """A transaction id drawn before the append could sort an event before its predecessor."""
    arguments = "'a', 0, 'c', 't', 'd', 'p', 'r', now(), '{}', '{}', '{}', '{}', '{}', '[]'"
    async with pool.acquire() as connection, connection.transaction(isolation=isolation):
        await connection.execute(f"SELECT {first}")
        with pytest.raises(asyncpg.PostgresError, match="must be the first write"):
            await connection.fetchrow(f"SELECT sojourn.append_events_v2({arguments})")


@pytest.mark.parametrize("statement", ["UPDATE {} SET type = 'x'", "DELETE FROM {}", "TRUNCATE {}"])
@pytest.mark.parametrize("table", ["sojourn.event", "sojourn.command"])
async def test_the_log_refuses_change(
    owner: Pool, event_store: EventStore, make_append: Make, statement: str, table: str
) -> None:
    """Not even the owner of the tables edits or removes an event by mistake."""
    await event_store.append(make_append())
    with pytest.raises(asyncpg.PostgresError, match="the log is append-only"):
        await owner.execute(statement.format(table))


async def test_a_database_that_is_away_may_be_tried_again(
    database: str, pool: Pool, event_store: EventStore, make_append: Make
) -> None:
    """A lost connection is told from a refusal; the next attempt finds a new connection."""
    narrow = await open_pool(database, largest=1)
    process = await narrow.fetchval("SELECT pg_backend_pid()")
    async with narrow.acquire() as connection:
        with pytest.raises(asyncpg.PostgresError):
            await connection.execute("SELECT pg_terminate_backend($1)", process)
    await narrow.close()
    with pytest.raises(DatabaseUnavailableError):
        await EventStore(narrow).append(make_append())
    with pytest.raises(DatabaseUnavailableError, match="No PostgreSQL answers"):
        await open_pool("postgresql://postgres@/sojourn?host=/nowhere")
    assert (await event_store.append(make_append())).outcome == "appended"
    assert await pool.fetchval("SELECT count(*) FROM sojourn.event") == 1


async def test_a_wrong_set_up_is_refused_with_what_to_check(database: str) -> None:
    """Whoever deploys learns that it is the address, not the moment."""
    absent = database.replace("/test_", "/absent_")
    with pytest.raises(DatabaseRefusedError, match="database name"):
        await open_pool(absent)
    with pytest.raises(DatabaseRefusedError, match="Check user, password"):
        await open_pool("not a dsn")


async def test_a_pool_limits_what_a_session_may_do(database: str) -> None:
    """A forgotten transaction cannot hold back the readers of the global order."""
    opened = await open_pool(database, application_name="sojourn-test")
    settings = await opened.fetchrow(
        "SELECT current_setting('application_name') AS name, "
        "current_setting('statement_timeout') AS statement, "
        "current_setting('idle_in_transaction_session_timeout') AS idle, current_setting('timezone') AS zone"
    )
    await opened.close()
    assert settings is not None
    assert dict(settings) == {"name": "sojourn-test", "statement": "15s", "idle": "10s", "zone": "UTC"}


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**80), 2**80)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("a\\ü😀", max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=JSON)
@example(value="a backslash before \\u0000 is no NUL")
async def test_any_json_survives_and_verifies(
    event_store: EventStore, make_append: Make, value: JsonValue
) -> None:
    """The database stores exactly the text that was hashed, and reading gives the same values back."""
    agreement_id = f"agreement-{uuid.uuid4()}"
    head = {"request_id": agreement_id}
    await event_store.append(make_append(agreement_id=agreement_id, data={"value": value}, head=head))
    [event] = await event_store.stream(agreement_id)
    assert event.data["value"] == value
    assert await event_store.verify_chain(agreement_id) is None
