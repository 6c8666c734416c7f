"""The same command on Temporal alone: an update whose handler inserts one row, by an activity of either sort.

Written as Temporal's documentation for message passing and for local activities has it: an update with an id
of the caller's, an idempotent insert, `all_handlers_finished` before the end. Nothing is decided, hashed,
encrypted, projected or told to anybody.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from temporalio import activity, workflow

with workflow.unsafe.imports_passed_through():
    # A driver in C does not survive being imported again inside the sandbox.
    import asyncpg

TABLE = "CREATE TABLE entry (life text, command text, body text NOT NULL, PRIMARY KEY (life, command))"
INSERT = "INSERT INTO entry (life, command, body) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"
LIMIT = timedelta(seconds=5)
WORDS = "What I would do otherwise: ask who decides before the meeting, and not in it. " * 4
"""The body of every entry, 320 bytes."""


@dataclass(frozen=True)
class Entry:
    """One command's row."""

    life: str
    command: str
    body: str


class Inserts:
    """The activity over a pool of connections."""

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record]) -> None:
        self._pool = pool

    @activity.defn(name="insert_entry")
    async def insert(self, entry: Entry) -> None:
        """Insert the row unless it is there."""
        await self._pool.execute(INSERT, entry.life, entry.command, entry.body)


class _Life:
    """One life that takes commands until it is told to end."""

    def __init__(self) -> None:
        self._entries = 0
        self._over = False

    async def _until_over(self) -> int:
        await workflow.wait_condition(lambda: self._over)
        await workflow.wait_condition(workflow.all_handlers_finished)
        return self._entries


@workflow.defn
class RegularActivityLife(_Life):
    """Insert by a regular activity."""

    @workflow.run
    async def run(self) -> int:
        """Wait for the end; return how many commands there were."""
        return await self._until_over()

    @workflow.update
    async def give(self, entry: Entry) -> int:
        """Insert the row; return how many there are now."""
        await workflow.execute_activity("insert_entry", entry, start_to_close_timeout=LIMIT)
        self._entries += 1
        return self._entries

    @workflow.signal
    def end(self) -> None:
        """End the life."""
        self._over = True


@workflow.defn
class LocalActivityLife(_Life):
    """Insert by a local activity."""

    @workflow.run
    async def run(self) -> int:
        """Wait for the end; return how many commands there were."""
        return await self._until_over()

    @workflow.update
    async def give(self, entry: Entry) -> int:
        """Insert the row; return how many there are now."""
        await workflow.execute_local_activity("insert_entry", entry, start_to_close_timeout=LIMIT)
        self._entries += 1
        return self._entries

    @workflow.signal
    def end(self) -> None:
        """End the life."""
        self._over = True
