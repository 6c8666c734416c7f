"""The hash chain: whoever edits the log behind everybody's back is found out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TypeAlias

import asyncpg
import pytest

from activities.event_store.event_store import EventStore
from activities.hashing.event_chain import canonical_json, chain_hash, hash_of
from activities.hashing.framing import GENESIS
from activities.postgres.pool import DatabaseRefusedError
from domain.ledger.obligation import LedgerChange
from domain.stream.messages import Append

Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"
MakeAppend = Callable[..., Append]


@pytest.fixture
async def written(event_store: EventStore, make_append: MakeAppend) -> EventStore:
    """A record with five events in one stream, and one in another."""
    await event_store.append(make_append((LedgerChange(),) * 3))
    await event_store.append(make_append((LedgerChange(),) * 2, expected_version=3))
    await event_store.append(make_append(agreement_id="agreement-2", head={"request_id": "request-2"}))
    return event_store


async def tamper(owner: Pool, statement: str) -> None:
    """Does what only somebody who owns the database can do."""
    async with owner.acquire() as connection, connection.transaction():
        await connection.execute("ALTER TABLE sojourn.event DISABLE TRIGGER event_is_append_only")
        await connection.execute(statement)
        await connection.execute("ALTER TABLE sojourn.event ENABLE ALWAYS TRIGGER event_is_append_only")


async def test_an_untouched_stream_verifies(written: EventStore) -> None:
    """The chain that SQL wrote is the chain that Python expects, also over an export without stored text."""
    assert await written.verify_chain("agreement-1") is None
    previous = GENESIS
    for event in await written.stream("agreement-1"):
        assert event.previous_hash == previous
        assert event.hash == hash_of(event, previous_hash=previous)
        previous = event.hash


EDITS = [
    "UPDATE sojourn.event SET data = '{\"ledger\":{}}'",
    "UPDATE sojourn.event SET data = (data::text || ' ')::json",
    "UPDATE sojourn.event SET type = 'story.other'",
    "UPDATE sojourn.event SET schema_version = 2",
    "UPDATE sojourn.event SET event_id = gen_random_uuid()",
    "UPDATE sojourn.event SET occurred_at = occurred_at - interval '1 microsecond'",
    "UPDATE sojourn.event SET recorded_at = recorded_at + interval '1 microsecond'",
    "UPDATE sojourn.event SET actor_id = 'p-somebody'",
    "UPDATE sojourn.event SET actor_role = 'mentor'",
    "UPDATE sojourn.event SET command_id = 'another'",
    "UPDATE sojourn.event SET hash = sha256('forged')",
]


@pytest.mark.parametrize("edit", EDITS)
async def test_an_edited_field_is_found(owner: Pool, written: EventStore, edit: str) -> None:
    """No field that says what happened can be changed by hand without a trace."""
    await tamper(owner, f"{edit} WHERE agreement_id = 'agreement-1' AND version = 3")
    fault = await written.verify_chain("agreement-1")
    assert fault is not None
    assert (fault.version, fault.problem) == (3, "its content was altered")


RENUMBERED = """
    DELETE FROM sojourn.event WHERE agreement_id = 'agreement-1' AND version = 2;
    UPDATE sojourn.event SET version = version - 1 WHERE agreement_id = 'agreement-1' AND version > 2;
    UPDATE sojourn.agreement SET version = version - 1 WHERE agreement_id = 'agreement-1'
"""
SWAPPED = """
    UPDATE sojourn.event SET version = 20 WHERE version = 2;
    UPDATE sojourn.event SET version = 2 WHERE version = 3;
    UPDATE sojourn.event SET version = 3 WHERE version = 20
"""
ADDED = """
    INSERT INTO sojourn.event (
        agreement_id, version, event_id, type, schema_version, data, occurred_at, recorded_at, actor_id,
        actor_role, command_id, previous_hash, hash, epoch
    )
    SELECT
        agreement_id, 6, event_id, type, schema_version, data, occurred_at, recorded_at, actor_id, actor_role,
        command_id, hash, sha256('forged'), epoch
    FROM sojourn.event WHERE version = 5
"""
TRANSPLANTED = """
    DELETE FROM sojourn.event WHERE agreement_id = 'agreement-2';
    INSERT INTO sojourn.event (
        agreement_id, version, event_id, type, schema_version, data, occurred_at, recorded_at, actor_id,
        actor_role, command_id, previous_hash, hash, epoch
    )
    SELECT
        'agreement-2', version, event_id, type, schema_version, data, occurred_at, recorded_at, actor_id,
        actor_role, command_id, previous_hash, hash, epoch
    FROM sojourn.event WHERE version = 1
"""


@pytest.mark.parametrize(
    ("statement", "version", "problem"),
    [
        ("DELETE FROM sojourn.event WHERE version = 2", 2, "missing from the stream"),
        (
            "DELETE FROM sojourn.event WHERE agreement_id = 'agreement-1' AND version > 3",
            4,
            "the tail is missing",
        ),
        ("DELETE FROM sojourn.event WHERE agreement_id = 'agreement-1'", 1, "the tail is missing"),
        (RENUMBERED, 2, "does not follow the event before it"),
        (SWAPPED, 2, "does not follow the event before it"),
        (ADDED, 6, "its content was altered"),
        (
            "UPDATE sojourn.agreement SET last_hash = sha256('forged') WHERE agreement_id = 'agreement-1'",
            5,
            "the head row knows another event",
        ),
        ("DELETE FROM sojourn.agreement WHERE agreement_id = 'agreement-1'", 5, "no head row"),
    ],
)
async def test_a_removed_swapped_or_added_event_is_found(
    owner: Pool, written: EventStore, statement: str, version: int, problem: str
) -> None:
    """Removing, renumbering, swapping and appending by hand each show, at the first version they touch."""
    await tamper(owner, statement)
    fault = await written.verify_chain("agreement-1")
    assert fault is not None
    assert fault.version == version
    assert problem in fault.problem


async def test_an_event_of_another_stream_does_not_fit(owner: Pool, written: EventStore) -> None:
    """A valid first event is not valid as the first event of another agreement."""
    await tamper(owner, TRANSPLANTED)
    fault = await written.verify_chain("agreement-2")
    assert fault is not None
    assert fault.problem == "its content was altered"


async def test_an_unknown_agreement_is_not_called_whole(event_store: EventStore) -> None:
    """A mistyped id is an error, not a clean bill of health."""
    with pytest.raises(DatabaseRefusedError, match="no agreement nowhere"):
        await event_store.verify_chain("nowhere")


async def test_no_two_lists_of_fields_hash_alike(written: EventStore) -> None:
    """A character that moves from one field to the next changes the hash."""
    [event] = await written.stream("agreement-2")
    moved = event.model_copy(update={"type": event.type + "1", "schema_version": 1})
    shorter = event.model_copy(update={"actor_id": "p-ad", "command_id": "a" + event.command_id})
    hashes = {hash_of(each, previous_hash=GENESIS) for each in (event, moved, shorter)}
    assert len(hashes) == 3


async def test_the_hash_is_the_documented_one(pool: Pool, now: datetime) -> None:
    """The scheme is a promise to auditors: neither SQL nor Python ever computes another value."""
    promised = "9dee5df19689ae705d5c407d0ba097a7eeba2f6afd086939605be99ce0aa8943"
    data = canonical_json({"words": "Grüße", "ledger": {}})
    in_python = chain_hash(
        previous_hash=GENESIS,
        agreement_id="agreement-1",
        version=1,
        event_id="00000000-0000-4000-8000-000000000001",
        type="agreement.opened",
        schema_version=1,
        occurred_at=now,
        recorded_at=now,
        actor_id="p-ada",
        actor_role="mentee",
        command_id="command-1",
        data=data,
    )
    in_sql = await pool.fetchval(
        "SELECT encode(sojourn.chain_hash_v1(decode(repeat('00', 32), 'hex'), 'agreement-1', 1, "
        "'00000000-0000-4000-8000-000000000001', 'agreement.opened', 1, $1, $1, 'p-ada', 'mentee', "
        "'command-1', $2), 'hex')",
        now,
        data,
    )
    assert (in_python, in_sql) == (promised, promised)
