"""Keys that are gone although nobody erased anything: found by what is sealed under them, and by their rows.

No key is needed for it: a sealed text names its key in clear. Three things can have happened to a row of
`sojourn_keys.subject_key` that no erasure does. It is absent; it was absent, and the next who wrote for that
person made a key of the same name, which opens nothing of before; or it is marked as destroyed, and nothing
that was done about the person's rights accounts for that.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, TypeAlias

import asyncpg

from activities.integrity.findings import Difference, StoredAgreement
from activities.keys.envelopes import KeyReference, agreement_of, named, person_of
from activities.postgres.pool import translated_errors
from activities.postgres.statements import STATEMENTS

Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"

PAGE = 1000
"""Rows, and about as many keys, looked at by one statement."""

CLOCKS_DIFFER = timedelta(seconds=5)
"""By how much the clocks of two servers of one database, before and after a failover, are allowed to."""

REMEDY = (
    "nobody erased it: restore the schema sojourn_keys from its backup (docs/restore.md), then verify again, "
    "which names erased keys that came back with it"
)

ANEW = (
    "nobody erased it: the row in a backup opens what was written before that instant, this one what came "
    "after. Keep both, and read the former in a restored copy (docs/restore.md)"
)

_SEALED = re.compile(r'"\$sealed"\s*:\s*"[^"/]+/([^"/]+)/(\d+)/')
"""In stored JSON, where quotes that a person typed stand behind a backslash."""


class _Texts:
    """What is sealed under one key in one place of the record."""

    def __init__(self, written_at: datetime) -> None:
        self.count = 0
        self.places: list[str] = []
        self.first_at = written_at

    def add(self, place: str, written_at: datetime) -> None:
        self.count += 1
        if place not in self.places[-1:]:
            self.places.append(place)
        self.first_at = min(self.first_at, written_at)


class KeyUsage:
    """Collects under which keys something is sealed, and looks for them, many at a time.

    Args:
        pool: Connections to the record.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._noted: dict[tuple[str | None, KeyReference], _Texts] = {}

    async def look(self, kept: StoredAgreement) -> list[Difference]:
        """Take an agreement's events in.

        Returns:
            What is wrong with the keys of those that were taken in before, where it was time to look.
        """
        for row in kept.stored:
            self._note(kept.agreement_id, f"version {row['version']}", row["recorded_at"], str(row["data"]))
        return await self._enough()

    async def look_beside(self) -> AsyncGenerator[Difference]:
        """Yield what is wrong with the keys of the directory, and of reasons in the log of rights.

        Raises:
            DatabaseUnavailableError: PostgreSQL went away.
            DatabaseRefusedError: It refuses to be read.
        """
        async for row in _paged(self._pool, "sealed_people", ("",), ("person_id",)):
            columns = (row["name"], row["email"], row["channels"], row["employee_number"])
            self._note(
                None, f"directory {row['person_id']}", row["updated_at"], " ".join(filter(None, columns))
            )
            for each in await self._enough():
                yield each
        async for row in _paged(self._pool, "sealed_rights", (0,), ("position",)):
            self._note(None, f"rights_event position {row['position']}", row["at"], row["data"])
            for each in await self._enough():
                yield each
        for each in await self.rest():
            yield each

    async def rest(self) -> list[Difference]:
        """Return what is wrong with the keys of everything that was taken in and not yet looked at.

        Raises:
            DatabaseUnavailableError: PostgreSQL went away.
            DatabaseRefusedError: It refuses to be read.
        """
        noted, self._noted = self._noted, {}
        references = sorted({reference for _, reference in noted})
        with translated_errors("made_keys"):
            rows = await self._pool.fetch(
                STATEMENTS["made_keys"],
                [each.subject_id for each in references],
                [each.version for each in references],
            )
        made = {KeyReference(row["subject_id"], row["version"]): row["created_at"] for row in rows}
        return list(_lost(noted, made))

    async def _enough(self) -> list[Difference]:
        return await self.rest() if len(self._noted) >= PAGE else []

    def _note(self, agreement_id: str | None, place: str, written_at: datetime, text: str) -> None:
        for subject_id, version in _SEALED.findall(text):
            at = (agreement_id, KeyReference(subject_id, int(version)))
            self._noted.setdefault(at, _Texts(written_at)).add(place, written_at)


def _lost(
    noted: Mapping[tuple[str | None, KeyReference], _Texts], made: Mapping[KeyReference, datetime]
) -> Iterator[Difference]:
    for (agreement_id, reference), texts in noted.items():
        made_at = made.get(reference)
        if made_at is None:
            problem, remedy = "is missing", REMEDY
        elif made_at > texts.first_at + CLOCKS_DIFFER:
            problem = f"was made anew at {made_at:%Y-%m-%dT%H:%M:%SZ} in place of one that was lost"
            remedy = ANEW
        else:
            continue
        yield Difference(
            agreement_id=agreement_id or agreement_of(reference.subject_id),
            part="subject_key",
            where=_where(reference),
            problem=f"{problem}, and {_told(texts)} under it",
            remedy=remedy,
        )


async def unaccounted_keys(pool: Pool) -> AsyncGenerator[Difference]:
    """Yield keys that are marked as destroyed, and that no erasure and no expiry was noted of.

    Raises:
        DatabaseUnavailableError: PostgreSQL went away.
        DatabaseRefusedError: It refuses to be read.
    """
    async for row in _paged(pool, "unaccounted_keys", ("", 0), ("subject_id", "version")):
        if row["unaccounted"]:
            reference = KeyReference(row["subject_id"], row["version"])
            yield Difference(
                agreement_id=agreement_of(reference.subject_id),
                part="subject_key",
                where=_where(reference),
                problem=f"was destroyed at {row['destroyed_at']:%Y-%m-%dT%H:%M:%SZ}, and no erasure and no "
                "expiry is noted that did it",
                remedy=f"{REMEDY}; where an earlier release's erasure was cut off, finish that: "
                f"`sojourn erase {person_of(reference.subject_id)}`",
            )


async def _paged(
    pool: Pool, statement: str, after: tuple[Any, ...], key: tuple[str, ...]
) -> AsyncGenerator[asyncpg.Record]:
    """Yield every row of a statement, a page at a time, each of an instant of its own."""
    while True:
        with translated_errors(statement):
            rows = await pool.fetch(STATEMENTS[statement], *after, PAGE)
        for row in rows:
            yield row
        if len(rows) < PAGE:
            return
        after = tuple(rows[-1][column] for column in key)


def _where(reference: KeyReference) -> str:
    return f"{named(reference.subject_id)} (version {reference.version})"


def _told(texts: _Texts) -> str:
    several = "1 text is" if texts.count == 1 else f"{texts.count} texts are"
    return f"{several} sealed ({', '.join(texts.places)})"
