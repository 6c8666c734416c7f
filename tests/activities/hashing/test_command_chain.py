"""The chain of commands is the documented one, in SQL and in Python."""

from __future__ import annotations

from typing import TypeAlias

import asyncpg

from activities.hashing.command_chain import Accepted, command_faults, command_hash, notices_hash
from activities.hashing.framing import GENESIS

Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"

COMMAND = Accepted(
    agreement_id="agreement-1",
    command_id="command-1",
    first_version=1,
    last_version=2,
    event_hash="ab" * 32,
    type="sign_agreement",
    digest="d" * 64,
    notices_hash=notices_hash(['{"notice_id": "1"}', '{"words": "Grüße", "notice_id": "2"}']),
    hash="",
    queued=None,
)


async def test_sql_and_python_hash_alike(pool: Pool) -> None:
    """What the append writes down is what verify expects, whatever stands in the fields."""
    notices = await pool.fetchval(
        "SELECT encode(sojourn.notices_hash_v1(ARRAY["
        """'{"notice_id": "2", "words": "Grüße", "not_before": "x"}'::jsonb, '{"notice_id": "1"}'::jsonb"""
        "]), 'hex')"
    )
    in_sql = await pool.fetchval(
        "SELECT encode(sojourn.command_hash_v1("
        "NULL, decode($1, 'hex'), decode($2, 'hex'), $3, $4, $5, $6, 1, 2), 'hex')",
        COMMAND.event_hash,
        notices,
        COMMAND.agreement_id,
        COMMAND.command_id,
        COMMAND.type,
        COMMAND.digest,
    )
    assert notices == COMMAND.notices_hash
    assert in_sql == command_hash(COMMAND, GENESIS)


async def test_the_hash_is_the_documented_one() -> None:
    """The scheme is a promise to auditors: no release computes another value."""
    assert (
        command_hash(COMMAND, GENESIS) == "b108a3e8f4bfba566533db83926ff27521abfbece19eca524f289f44a9105da7"
    )


def test_no_commands_are_no_fault() -> None:
    """An agreement whose commands were all accepted before there was a chain has nothing to be checked."""
    assert list(command_faults([], None)) == []
