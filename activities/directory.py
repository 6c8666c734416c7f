"""The people directory: names, addresses and working time, looked up by opaque id, kept nowhere else."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

import asyncpg
from pydantic import TypeAdapter

from activities.database import Database, DatabaseRefusedError
from domain.calendars import Leave
from domain.people import Person

_PEOPLE = TypeAdapter(list[Person])


class Directory:
    """Reads and writes people over a pool of connections.

    Every method raises `DatabaseUnavailableError` where trying again may help and `DatabaseRefusedError`
    where it cannot.
    """

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record]) -> None:
        self._database = Database(pool)

    async def upsert(self, people: Sequence[Person]) -> int:
        """Writes people as given, replacing what was known of them; others stay as they are.

        Returns:
            How many different people were written; of a person given twice, the later one.
        """
        latest = {person.person_id: person for person in people}
        await self._database.rows("upsert_people", _PEOPLE.dump_json(list(latest.values())).decode())
        return len(latest)

    async def get(self, person_ids: Iterable[str]) -> dict[str, Person]:
        """The people with these ids, by id; who is not known is not in it."""
        rows = await self._database.rows("people", sorted(set(person_ids)))
        return {row["person_id"]: _person(row) for row in rows}

    async def stood_in_for(self, person_id: str, steps: int) -> list[str]:
        """Ids of everybody whose delegate this is, or whose delegate's delegate, up to so many steps away."""
        return [row["person_id"] for row in await self._database.rows("stood_in_for", person_id, steps)]

    async def operators(self, on: date) -> list[str]:
        """Ids of who works the operators' queue and is still there on a day."""
        return [row["person_id"] for row in await self._database.rows("operators", on)]

    async def leave(self, person_id: str, on: date | None) -> None:
        """A person leaves the organisation; their last day is `on`. None takes it back.

        Raises:
            DatabaseRefusedError: Nobody has this id.
        """
        self._found(person_id, await self._database.row("person_leaves", person_id, on))

    async def away(self, person_id: str, absence: Leave) -> None:
        """A person will be away on some days. The same days again change nothing.

        Raises:
            DatabaseRefusedError: Nobody has this id.
        """
        days = json.dumps([absence.model_dump(mode="json")])
        self._found(person_id, await self._database.row("person_is_away", person_id, days))

    def _found(self, person_id: str, row: asyncpg.Record | None) -> None:
        if row is None:
            raise DatabaseRefusedError(
                f"Nobody in the directory has the id {person_id}: add them with `sojourn people`."
            )


def _person(row: asyncpg.Record) -> Person:
    fields: dict[str, Any] = dict(row)
    fields["channels"] = json.loads(row["channels"])
    fields["leave"] = json.loads(row["leave"])
    return Person(**fields)
