"""The directory: people as given, found by id."""

from __future__ import annotations

import os
from datetime import date, time
from typing import TypeAlias

import asyncpg
import pytest

from activities.directory.people import Directory
from activities.encryption.encrypt import DecryptionError, FieldEncryption
from activities.keys.ring import KeyRing, KeysError
from activities.keys.subjects import SubjectKeys
from activities.postgres.pool import DatabaseRefusedError
from domain.kernel.calendar import Leave
from domain.kernel.organisation_calendar import OrganisationCalendar
from domain.kernel.person import Person
from domain.kernel.working_hours import DayHours, WorkingPattern

Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"

ADA = Person(
    person_id="p-ada",
    name="Ada Lovelace",
    email="ada@example.org",
    channels=("slack://token/channel",),
    time_zone="Europe/London",
    holiday_calendar="GB-ENG",
    working_weekdays=(1, 2, 3, 4),
    opens=time(8, 30),
    closes=time(16),
    leave=(Leave(first=date(2026, 8, 3), last=date(2026, 8, 14)),),
    delegate_id="p-grace",
    locale="en-GB",
    employee_number="0042",
    assignment_id="A-7",
    mentor_hours_per_month=7.5,
)
GRACE = Person(
    person_id="p-grace",
    name="Grace Hopper",
    time_zone="America/New_York",
    holiday_calendar="US",
    is_operator=True,
)


@pytest.fixture
async def directory(pool: Pool) -> Directory:
    """A directory of two people."""
    filled = Directory(pool)
    assert await filled.upsert([ADA, GRACE]) == 2
    return filled


async def test_people_are_read_as_they_were_written(directory: Directory) -> None:
    """Every field survives; who is not known is not invented."""
    assert await directory.get(["p-grace", "p-ada", "p-ada", "p-nobody"]) == {"p-ada": ADA, "p-grace": GRACE}
    assert await directory.get([]) == {}


NURSE = ADA.model_copy(
    update={
        "person_id": "p-nurse",
        "hours": WorkingPattern.model_validate(
            {"weeks": [{"mon": ["22:00-06:00"]}, {"fri": ["06:00-14:00"]}], "anchor": "2026-06-01"}
        ),
        "exceptions": (DayHours(on=(date(2026, 12, 24),), hours=(), name="Swapped"),),
        "organisation_calendar": "halden",
        "meets_at": time(14, 30),
    }
)


async def test_working_time_as_people_have_it_is_kept(directory: Directory) -> None:
    """Patterns, exceptions, the organisation's calendar and the hour one likes to meet survive."""
    await directory.upsert([NURSE])
    assert await directory.get(["p-nurse", "p-ada"]) == {"p-nurse": NURSE, "p-ada": ADA}
    assert await directory.people_of_calendar("halden") == ["p-nurse"]
    await directory.upsert([ADA.model_copy(update={"person_id": "p-nurse"})])
    assert await directory.people_of_calendar("halden") == []


async def test_the_highest_version_of_a_calendar_is_in_force(directory: Directory) -> None:
    """Every version stays, none is written twice, and an older one does not come back."""
    await directory.upsert([NURSE])
    first, second = (
        OrganisationCalendar.model_validate(
            {
                "calendar_id": "halden",
                "version": version,
                "days": [{"name": f"Closed {version}", "on": "2026-12-24"}],
            }
        )
        for version in (1, 2)
    )
    assert await directory.organisation_calendars(["halden"]) == {}
    assert await directory.apply_calendar(first, "p-grace")
    assert await directory.apply_calendar(second, "p-grace")
    assert not await directory.apply_calendar(second, "p-grace")
    assert not await directory.apply_calendar(first, "p-grace")
    assert await directory.organisation_calendars(["halden", "other"]) == {"halden": second}
    assert [
        (each.calendar, each.applied_by, each.people)
        for each in await directory.organisation_calendar_versions()
    ] == [
        (first, "p-grace", 1),
        (second, "p-grace", 1),
    ]


async def test_an_upsert_replaces_who_is_named_only(directory: Directory) -> None:
    """HR's latest word on a person counts, and nobody else is touched."""
    married = ADA.model_copy(update={"name": "Ada King", "leave": (), "email": None})
    assert await directory.upsert([ADA, married]) == 1
    assert await directory.get(["p-ada", "p-grace"]) == {"p-ada": married, "p-grace": GRACE}
    assert await directory.upsert([]) == 0


async def test_a_person_who_leaves_works_no_queue(directory: Directory) -> None:
    """After their last day a person is no operator any more."""
    last_day = date(2026, 6, 30)
    assert await directory.operators(last_day) == ["p-grace"]
    await directory.leave("p-grace", last_day)
    assert (await directory.get(["p-grace"]))["p-grace"].left_on == last_day
    assert await directory.operators(last_day) == ["p-grace"]
    assert await directory.operators(date(2026, 7, 1)) == []
    await directory.leave("p-grace", None)
    assert await directory.operators(date(2026, 7, 1)) == ["p-grace"]


async def test_an_absence_is_added_once(directory: Directory) -> None:
    """The same days announced twice are one absence."""
    absence = Leave(first=date(2026, 12, 21), last=date(2026, 12, 31))
    await directory.away("p-ada", absence)
    await directory.away("p-ada", absence)
    assert (await directory.get(["p-ada"]))["p-ada"].leave == (*ADA.leave, absence)


async def test_an_unknown_person_is_an_error(directory: Directory) -> None:
    """A mistyped id does not pass for a change that was made."""
    with pytest.raises(DatabaseRefusedError, match="Nobody in the directory has the id p-nobody"):
        await directory.leave("p-nobody", date(2026, 1, 1))
    with pytest.raises(DatabaseRefusedError, match="p-nobody"):
        await directory.away("p-nobody", Leave(first=date(2026, 1, 1), last=date(2026, 1, 2)))


async def test_who_somebody_is_stands_sealed_at_rest(pool: Pool) -> None:
    """Nothing on the disk tells a name, an address, a channel or a number; with the keys it is all there."""
    encryption = FieldEncryption(SubjectKeys(pool, KeyRing("main", {"main": os.urandom(32)})))
    sealing = Directory(pool, encryption)
    await sealing.upsert([ADA, GRACE])
    stored = await pool.fetchval("SELECT string_agg(person::text, '') FROM sojourn.person")
    assert [each for each in ("Lovelace", "Hopper", "example.org", "slack", "0042") if each in stored] == []
    assert await sealing.get(["p-ada", "p-grace"]) == {"p-ada": ADA, "p-grace": GRACE}
    with pytest.raises(KeysError):
        await Directory(pool).get(["p-ada"])


async def test_rows_of_before_there_were_keys_are_read_and_sealed_when_next_written(
    pool: Pool, directory: Directory
) -> None:
    """Keys can be given to a directory that is in use."""
    sealing = Directory(pool, FieldEncryption(SubjectKeys(pool, KeyRing("main", {"main": os.urandom(32)}))))
    known = await sealing.get(["p-ada", "p-grace"])
    assert known == await directory.get(["p-ada", "p-grace"])
    await sealing.upsert(list(known.values()))
    assert "Lovelace" not in await pool.fetchval("SELECT name FROM sojourn.person WHERE person_id = 'p-ada'")
    assert await sealing.get(["p-ada", "p-grace"]) == known


async def test_of_somebody_erased_only_working_time_is_left(pool: Pool) -> None:
    """Due instants are still computed for open work; nobody is named."""
    keys = SubjectKeys(pool, KeyRing("main", {"main": os.urandom(32)}))
    sealing = Directory(pool, FieldEncryption(keys))
    await sealing.upsert([ADA])
    await keys.destroy("p-ada", by="p-op", reference="DSR-1")
    gone = {"name": "(erased)", "email": None, "channels": (), "employee_number": None}
    assert await sealing.get(["p-ada"]) == {"p-ada": ADA.model_copy(update=gone)}


async def test_a_field_moved_to_another_person_is_refused(pool: Pool) -> None:
    """Nobody is given somebody else's address by a copied column."""
    sealing = Directory(pool, FieldEncryption(SubjectKeys(pool, KeyRing("main", {"main": os.urandom(32)}))))
    await sealing.upsert([ADA, GRACE])
    await pool.execute(
        "UPDATE sojourn.person SET email = (SELECT email FROM sojourn.person WHERE person_id = 'p-ada') "
        "WHERE person_id = 'p-grace'"
    )
    with pytest.raises(DecryptionError, match="email of p-grace in the directory"):
        await sealing.get(["p-grace"])
