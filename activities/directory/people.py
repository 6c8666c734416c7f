"""The people directory: names, addresses and working time, looked up by opaque id, kept nowhere else.

Who somebody is stands there sealed; see `activities/directory/encrypted_people.py`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import date

import asyncpg

from activities.directory.encrypted_people import decrypt_people, encrypt_people
from activities.encryption.encrypt import FieldEncryption
from activities.postgres.pool import Database, DatabaseRefusedError
from domain.kernel.calendar import Leave
from domain.kernel.model import Frozen, Instant
from domain.kernel.organisation_calendar import OrganisationCalendar
from domain.kernel.person import Person


class AppliedCalendar(Frozen):
    """A version of an organisation's calendar that is in force, or was."""

    calendar: OrganisationCalendar
    applied_by: str
    applied_at: Instant
    people: int
    """How many work by the calendar now, whichever version."""


class Directory:
    """Reads and writes people over a pool of connections.

    Every method raises `DatabaseUnavailableError` where trying again may help and `DatabaseRefusedError`
    where it cannot.

    Args:
        pool: Connections to a database at this release's migration.
        encryption: Seals and opens who people are; None keeps it in clear, and opens nothing that is sealed.
    """

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record], encryption: FieldEncryption | None = None) -> None:
        self._database = Database(pool)
        self._encryption = FieldEncryption(None) if encryption is None else encryption

    async def upsert(self, people: Sequence[Person], *, by: str | None = None) -> int:
        """Write people as given, replacing what was known of them; others stay as they are.

        Args:
            people: Whom.
            by: Who does it: noted of everybody whom that makes an operator, or one no longer. None notes
                nothing, for what changes no operator.

        Returns:
            How many different people were written; of a person given twice, the later one.

        Raises:
            KeysError: There are no keys to seal with.
        """
        latest = {person.person_id: person for person in people}
        rows = await encrypt_people(self._encryption, list(latest.values()))
        await self._database.rows("upsert_people", json.dumps(rows), by)
        return len(latest)

    async def get(self, person_ids: Iterable[str]) -> dict[str, Person]:
        """Return the people with these ids, by id; who is not known is not in it.

        Raises:
            KeysError: A key is missing or wrong.
            DecryptionError: A field is not as it was sealed.
        """
        rows = await self._database.rows("people", sorted(set(person_ids)))
        return await decrypt_people(self._encryption, rows)

    async def stood_in_for(self, person_id: str, steps: int) -> list[str]:
        """Return ids of everybody whose delegate this is, directly or up to so many steps away."""
        return [row["person_id"] for row in await self._database.rows("stood_in_for", person_id, steps)]

    async def operators(self, on: date) -> list[str]:
        """Return ids of who works the operators' queue and is still there on a day."""
        return [row["person_id"] for row in await self._database.rows("operators", on)]

    async def leave(self, person_id: str, on: date | None) -> None:
        """Note that a person leaves the organisation; their last day is `on`. None takes it back.

        Raises:
            DatabaseRefusedError: Nobody has this id.
        """
        self._found(person_id, await self._database.row("person_leaves", person_id, on))

    async def away(self, person_id: str, absence: Leave) -> None:
        """Note that a person will be away on some days. The same days again change nothing.

        Raises:
            DatabaseRefusedError: Nobody has this id.
        """
        days = json.dumps([absence.model_dump(mode="json")])
        self._found(person_id, await self._database.row("person_is_away", person_id, days))

    async def organisation_calendars(self, calendar_ids: Iterable[str]) -> dict[str, OrganisationCalendar]:
        """The versions in force of these calendars of organisations, by id; others are not in it."""
        rows = await self._database.rows("organisation_calendars", sorted(set(calendar_ids)))
        return {row["calendar_id"]: OrganisationCalendar.model_validate_json(row["document"]) for row in rows}

    async def organisation_calendar_versions(self) -> list[AppliedCalendar]:
        """Every version of every organisation's calendar, by id and version."""
        rows = await self._database.rows("organisation_calendar_versions")
        return [
            AppliedCalendar(
                calendar=OrganisationCalendar.model_validate_json(row["document"]),
                applied_by=row["applied_by"],
                applied_at=row["applied_at"],
                people=row["people"],
            )
            for row in rows
        ]

    async def apply_calendar(self, calendar: OrganisationCalendar, by: str) -> bool:
        """Put a version of an organisation's calendar in force; False where it or a later one is there."""
        row = await self._database.row(
            "apply_organisation_calendar",
            calendar.calendar_id,
            calendar.version,
            calendar.model_dump_json(),
            by,
        )
        return row is not None

    async def people_of_calendar(self, calendar_id: str) -> list[str]:
        """Ids of everybody who works by an organisation's calendar."""
        rows = await self._database.rows("people_of_organisation_calendar", calendar_id)
        return [row["person_id"] for row in rows]

    def _found(self, person_id: str, row: asyncpg.Record | None) -> None:
        if row is None:
            raise DatabaseRefusedError(
                f"Nobody in the directory has the id {person_id}: add them with `sojourn people`."
            )
