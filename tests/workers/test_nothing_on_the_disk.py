"""Whoever takes the disk, or a dump, learns nothing that people wrote and nobody's name."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from pathlib import Path

import asyncpg
import pytest
from pydantic import JsonValue

from activities.opening import opened
from activities.record import Record
from activities.seals import Seals
from deploy.embedded import EmbeddedPostgres
from deploy.migrate import migrate
from domain.agreement import Agreement
from domain.people import Person
from domain.vocabulary import Kind
from domain.written import with_words_changed

Lives = Callable[..., Awaitable[Agreement]]
Told = Callable[[str], Awaitable[set[str]]]

SHORTEST = 16
"""Characters from which a text is nobody's id, code or label by chance."""


@pytest.fixture
async def server(data_folder: Path) -> AsyncIterator[EmbeddedPostgres]:
    """A server of this test's own: its files hold nothing that another test wrote."""
    async with EmbeddedPostgres(data_folder, settings={"fsync": "off"}) as server:
        await migrate(server.owner_dsn)
        yield server


@pytest.fixture
def database(server: EmbeddedPostgres) -> str:
    """The database of that server, instead of the one that tests share."""
    return server.dsn


@pytest.fixture
async def written_out(server: EmbeddedPostgres) -> Callable[[], Awaitable[None]]:
    """Makes the server write everything to its files."""

    async def write() -> None:
        connection = await asyncpg.connect(server.dsn_of("postgres"))
        await connection.execute("CHECKPOINT")
        await connection.close()

    return write


@pytest.fixture
def told(live: Lives, record: Record, seals: Seals) -> Told:
    """Lives a life to its end, and gives every word that was written in it."""

    async def tell(kind: str) -> set[str]:
        agreement = await live(kind, days=1500)
        assert agreement.closed
        rows = await opened(seals, await record.stream(agreement.agreement_id))
        return {words for row in rows for words in _words(row.type, row.data)}

    return tell


@pytest.mark.usefixtures("known")
async def test_no_word_and_no_name_is_in_the_files_or_the_rows_of_postgresql(
    data_folder: Path,
    pool: asyncpg.Pool[asyncpg.Record],
    told: Told,
    people: Mapping[str, Person],
    written_out: Callable[[], Awaitable[None]],
) -> None:
    """All three kinds from approval to synthesis: heap, indexes, write-ahead log, logs and every row."""
    secrets = {person.name for person in people.values()} | {
        person.email for person in people.values() if person.email is not None
    }
    for kind in Kind:
        secrets |= await told(kind)
    assert len(secrets) > 100
    await written_out()
    assert _found(secrets, [await _dump(pool)]) == set()
    files = await asyncio.to_thread(_contents, data_folder)
    assert sum(map(len, files)) > 1_000_000
    assert _found(secrets, files) == set()


def _words(event_type: str, data: Mapping[str, JsonValue]) -> set[str]:
    found: set[str] = set()

    def note(_: str, words: str) -> JsonValue:
        found.add(words)
        return words

    with_words_changed(event_type, data, note)
    return {each for each in found if len(each) >= SHORTEST}


async def _dump(pool: asyncpg.Pool[asyncpg.Record]) -> bytes:
    tables = await pool.fetch(
        "SELECT schemaname, tablename FROM pg_tables WHERE schemaname IN ('sojourn', 'sojourn_keys')"
    )
    rows = [
        str(each["held"])
        for table in tables
        for each in await pool.fetch(
            f'SELECT held::text AS held FROM {table["schemaname"]}."{table["tablename"]}" AS held'  # noqa: S608
        )
    ]
    assert len(rows) > 100
    # A row quotes its members by doubling, which would hide what has quotes in it.
    return "\n".join(rows).replace('""', '"').encode()


def _contents(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in folder.rglob("*") if path.is_file()]


def _found(secrets: Iterable[str], contents: Iterable[bytes]) -> set[bytes]:
    pattern = re.compile(b"|".join(re.escape(each.encode()) for each in sorted(secrets)))
    return {each for content in contents for each in pattern.findall(content)}
