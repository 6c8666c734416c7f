"""What was done about people's rights: holds, erasures and exports, and where a person appears at all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Literal

import asyncpg
from pydantic import JsonValue

from activities.database import Database, translated_errors
from activities.statements import STATEMENTS
from domain.model import Frozen, Instant, PersonId

RightType = Literal[
    "hold.placed",
    "hold.lifted",
    "person.erased",
    "person.exported",
    "glass.requested",
    "glass.approved",
]
"""The last two are openings of closed agreements; see `activities/openings.py`."""


class RightsEvent(Frozen):
    """One thing that was done."""

    type: RightType
    at: Instant
    actor_id: PersonId
    data: dict[str, JsonValue]


class Touched(Frozen):
    """An agreement in whose events a person appears."""

    agreement_id: str
    events: int
    """How many name them, are theirs, or hold something sealed for them."""
    sealed: int
    """How many of these hold something sealed for them."""


class Rights:
    """Reads and writes what was done about people's rights, over a pool of connections."""

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record]) -> None:
        self._pool = pool
        self._database = Database(pool)

    async def note(
        self, person_id: str, what: RightType, by: str, data: Mapping[str, JsonValue] | None = None
    ) -> None:
        """Notes that something was done.

        Args:
            person_id: About whom.
            what: What it was.
            by: Who did it.
            data: Ids, dates and references; never words.
        """
        await self._database.rows("note_right", person_id, what, by, json.dumps(data or {}))

    async def events(self, person_id: str) -> list[RightsEvent]:
        """Everything that was done about a person's rights, in order."""
        rows = await self._database.rows("rights_of", person_id)
        return [RightsEvent(**{**dict(row), "data": json.loads(row["data"])}) for row in rows]

    async def hold_on(self, person_id: str) -> RightsEvent | None:
        """The legal hold that forbids to erase somebody; None where there is none."""
        holds = [each for each in await self.events(person_id) if each.type in ("hold.placed", "hold.lifted")]
        return holds[-1] if holds and holds[-1].type == "hold.placed" else None

    async def agreements_of(self, person_id: str) -> list[Touched]:
        """Every agreement that knows a person, past parties and mere actors included.

        Reads the whole log, for as long as that takes: rights are exercised rarely, and must miss nothing.
        """
        with translated_errors("agreements_touched"):
            async with self._pool.acquire() as connection, connection.transaction(readonly=True):
                await connection.execute("SET LOCAL statement_timeout = 0")
                rows = await connection.fetch(STATEMENTS["agreements_touched"], person_id)
        return [Touched(**dict(row)) for row in rows]

    async def clear_directory(self, person_id: str) -> bool:
        """Takes out of the directory who somebody was; False where nobody has this id."""
        return await self._database.row("clear_person", person_id) is not None
