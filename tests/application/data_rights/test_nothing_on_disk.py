"""Whoever takes the disk, or a dump, learns nothing that people wrote and nobody's name."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from pathlib import Path

import asyncpg
import pytest

from activities.data_rights.access_after_close import AccessLog
from activities.directory.encrypted_people import ENCRYPTED_FIELDS
from activities.directory.people import Directory
from activities.encryption.decrypt import decrypt_events
from activities.encryption.encrypt import FieldEncryption
from activities.event_store.event_store import EventStore
from application.commands.after_close import open_after_close
from application.commands.authorization import Authority
from application.queries.agreements import load_snapshot
from deploy.embedded import EmbeddedPostgres
from deploy.migrate import migrate
from domain.agreement.commands.break_glass import RequestBreakGlass
from domain.agreement.state import Agreement
from domain.kernel.person import Person
from tests.fixtures.byte_search import dump, found, uncompress
from tests.fixtures.marked_texts import SUNG, Cage, Place, heard_in, personal_texts, places_of_events
from tests.fixtures.recorded_lives import recorded, scripted_lives

IN_CLEAR_OF_A_PERSON: Mapping[str, str] = {
    "person_id": "opaque",
    "time_zone": "due instants are computed from it",
    "holiday_calendar": "likewise",
    "working_weekdays": "likewise",
    "opens": "likewise",
    "closes": "likewise",
    "hours": "likewise",
    "exceptions": "likewise; days without a reason",
    "organisation_calendar": "likewise; the id of one",
    "meets_at": "meetings are proposed by it",
    "leave": "likewise; dates without a reason",
    "delegate_id": "opaque",
    "locale": "a language",
    "assignment_id": "opaque, of HR's system",
    "is_operator": "a duty",
    "mentor_hours_per_month": "capacity is counted by it",
    "left_on": "open roles are handed over by it",
}
"""What the directory keeps of somebody in clear, and why; everything else of them is sealed."""


@pytest.fixture
async def server(data_folder: Path) -> AsyncIterator[EmbeddedPostgres]:
    """A server of this test's own: its files hold nothing that another test wrote."""
    async with EmbeddedPostgres(data_folder, settings={"fsync": "off"}) as server:
        await migrate(server.owner_dsn)
        await uncompress(server.dsn_of("sojourn"))
        yield server


@pytest.fixture
def database(server: EmbeddedPostgres) -> str:
    """The database of that server, instead of the one that tests share."""
    return server.dsn


@pytest.fixture
def access_log(pool: asyncpg.Pool[asyncpg.Record], encryption: FieldEncryption) -> AccessLog:
    """The log of what was opened after close."""
    return AccessLog(pool, encryption)


def test_everything_of_a_person_is_sealed_or_known_to_stand_in_clear() -> None:
    """Nobody adds to the directory what tells who somebody is without deciding upon it."""
    assert set(Person.model_fields) == {*ENCRYPTED_FIELDS, *IN_CLEAR_OF_A_PERSON}


async def test_no_canary_of_any_event_or_person_is_in_the_files_or_a_dump_of_postgresql(  # noqa: PLR0917  fixtures
    server: EmbeddedPostgres,
    data_folder: Path,
    event_store: EventStore,
    directory: Directory,
    access_log: AccessLog,
    encryption: FieldEncryption,
    people: Mapping[str, Person],
) -> None:
    """Every event sings in every place that the models know: heap, indexes, write-ahead log, logs, dump."""
    cage = Cage()
    await directory.upsert([cage.person(person) for person in people.values()])
    agreements = [await recorded(life, event_store, cage) for life in scripted_lives()]
    await _ask_to_open(agreements[0], event_store, access_log, reason=cage.sing("glass.requested", "/reason"))
    wanted = places_of_events() | {Place("person", f"/{field}") for field in ENCRYPTED_FIELDS}
    assert sorted(wanted - cage.places) == [], "no canary was placed in these"

    assert cage.sung.keys() == await _heard_with_keys(
        agreements, people, event_store, directory, access_log, encryption
    )
    dumped = await dump(server)
    secrets = [SUNG, *personal_texts()]
    assert [text for text in secrets if text.encode() in dumped] == []
    in_clear = agreements[0].agreement_id
    assert in_clear.encode() in dumped
    there = await asyncio.to_thread(lambda: list(found(data_folder, [in_clear, *secrets])))
    assert {text for _, text in there} == {in_clear}, there


async def _ask_to_open(
    agreement: Agreement, event_store: EventStore, access_log: AccessLog, *, reason: str
) -> None:
    """HR asks to read what is private after the close, which is noted beside the stream."""
    snapshot = await load_snapshot(event_store, agreement.agreement_id)
    assert snapshot is not None
    asks = RequestBreakGlass(
        command_id="c1", actor_id=agreement.terms.hrbp, request_id="g1", hours=4, reason=reason
    )
    authorized = Authority(asks.actor_id, is_operator=False).over(asks)
    await open_after_close(access_log, snapshot, authorized)


async def _heard_with_keys(  # noqa: PLR0917
    agreements: Sequence[Agreement],
    people: Iterable[str],
    event_store: EventStore,
    directory: Directory,
    access_log: AccessLog,
    encryption: FieldEncryption,
) -> set[str]:
    """What was really written, and is there for whoever has the keys."""
    rows = await access_log.of(agreements[0])
    for each in agreements:
        rows += await event_store.stream(each.agreement_id)
    known = await directory.get([*people])
    told = [
        *(json.dumps(row.data) for row in await decrypt_events(encryption, rows)),
        *(person.model_dump_json() for person in known.values()),
    ]
    return heard_in("\n".join(told))
