"""The key of each person: made once whoever comes first, kept wrapped, lost or destroyed by name."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping

import asyncpg
import pytest

from activities.keys import subjects
from activities.keys.envelopes import KeyReference, SubjectKey, decrypt_text, encrypt_text, subject_in
from activities.keys.ring import KeyRing, UnknownKeyError, WrongKeyError
from activities.keys.subjects import LostKeyError, SubjectKeys
from activities.postgres.pool import Database, DatabaseRefusedError

ADA = KeyReference("p-ada", 1)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the statements that the database is asked."""
    names: list[str] = []
    ask = Database.rows

    async def noted(database: Database, name: str, *arguments: object) -> list[asyncpg.Record]:
        names.append(name)
        return await ask(database, name, *arguments)

    monkeypatch.setattr(Database, "rows", noted)
    return names


async def _sealed(keys: SubjectKeys, subject_id: str = "p-ada") -> str:
    return encrypt_text((await keys.for_encryption([subject_id]))[subject_id], b"here", "canary")


async def _opened(keys: SubjectKeys, sealed: str, reference: KeyReference = ADA) -> str | None:
    key = (await keys.for_decryption([reference]))[reference]
    return None if key is None else decrypt_text(key, b"here", sealed)


async def test_processes_that_race_for_a_first_key_agree_on_one(
    pool: asyncpg.Pool[asyncpg.Record], another_process: Callable[[], SubjectKeys]
) -> None:
    """Nobody seals with a key that lost the race: every process reads what any of them sealed."""
    people = [f"p-{number}" for number in range(20)]
    processes = [another_process() for _ in range(6)]
    made: list[Mapping[str, SubjectKey]] = await asyncio.gather(
        *(each.for_encryption(people) for each in processes)
    )
    assert await pool.fetchval("SELECT count(*) FROM sojourn_keys.subject_key") == len(people)
    fresh = another_process()
    for keys in made:
        for person in people:
            key = keys[person]
            opener = (await fresh.for_decryption([key.reference]))[key.reference]
            assert opener is not None
            assert decrypt_text(opener, b"x", encrypt_text(key, b"x", person)) == person


async def test_a_known_key_costs_no_round_trip(keys: SubjectKeys, asked: list[str]) -> None:
    """Once at hand, a key is used without asking the database again."""
    await keys.for_encryption(["p-ada"])
    del asked[:]
    assert await _opened(keys, await _sealed(keys)) == "canary"
    assert asked == []


async def test_a_destroyed_key_is_an_erasure_in_every_process(
    keys: SubjectKeys, another_process: Callable[[], SubjectKeys], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that held the key in memory lets go of it when it looks again; a new one never gets it."""
    other = another_process()
    sealed = await _sealed(keys)
    assert await _opened(other, sealed) == "canary"
    ((destroyed, _),) = await keys.destroy("p-ada", by="p-op", reference="DSR-1")
    assert destroyed == ADA
    assert await _opened(keys, sealed) is None
    monkeypatch.setattr(subjects, "LOOK_AGAIN", subjects.timedelta(0))
    assert await _opened(other, sealed) is None
    assert await _opened(another_process(), sealed) is None
    assert await keys.destroy("p-ada", by="p-op", reference="DSR-1") == []


async def test_an_erasure_takes_the_keys_of_one_person_in_all_agreements(keys: SubjectKeys) -> None:
    """Whose id begins alike, or comes next in the alphabet, keeps theirs."""
    subjects_of_ada = ["p-ada", subject_in("p-ada", "t.R-1"), subject_in("p-ada", "t.R-2")]
    others = ["p-adaA", subject_in("p-ada2", "t.R-1"), subject_in("p-adaA", "t.R-1")]
    await keys.for_encryption([*subjects_of_ada, *others])
    destroyed = await keys.destroy("p-ada", by="p-op", reference="DSR-1")
    assert sorted(each.reference.subject_id for each in destroyed) == subjects_of_ada
    assert await keys.in_use("p-ada") == []
    assert [each.reference for each in await keys.destroyed("p-ada")] == [
        each.reference for each in destroyed
    ]
    references = [KeyReference(each, 1) for each in others]
    assert None not in (await keys.for_decryption(references)).values()


async def test_the_words_of_one_agreement_expire_alone(keys: SubjectKeys) -> None:
    """Everybody's keys in it are destroyed; those of the same people elsewhere stay."""
    expiring = [subject_in(person, "t.R-1") for person in ("p-ada", "p-grace")]
    staying = ["p-ada", subject_in("p-ada", "t.R-10"), subject_in("p-grace", "t.R-2")]
    await keys.for_encryption([*expiring, *staying])
    assert [each.subject_id for each in await keys.in_use_in("t.R-1")] == expiring
    destroyed = await keys.destroy_in("t.R-1", by="p-op", reference="retention")
    assert sorted(each.reference.subject_id for each in destroyed) == expiring
    assert (await keys.in_use_in("t.R-1"), len(await keys.destroyed_in("t.R-1"))) == ([], 2)
    references = [KeyReference(each, 1) for each in staying]
    assert None not in (await keys.for_decryption(references)).values()
    opener = await keys.for_decryption([KeyReference(expiring[0], 1)])
    assert list(opener.values()) == [None]


async def test_nothing_of_a_destroyed_key_stays_in_its_row(
    pool: asyncpg.Pool[asyncpg.Record], keys: SubjectKeys
) -> None:
    """The row tells of the erasure and holds no key material."""
    await _sealed(keys)
    await keys.destroy("p-ada", by="p-op", reference="DSR-1")
    row = await pool.fetchrow("SELECT * FROM sojourn_keys.subject_key")
    assert row is not None
    assert (row["wrapped"], row["key_id"]) == (None, None)
    assert row["destroyed_at"] is not None


async def test_somebody_who_comes_back_gets_a_new_key(keys: SubjectKeys) -> None:
    """What is written after an erasure is readable; what was before stays erased."""
    before = await _sealed(keys)
    await keys.destroy("p-ada", by="p-op", reference="DSR-1")
    after = await _sealed(keys)
    assert await _opened(keys, after, KeyReference("p-ada", 2)) == "canary"
    assert await _opened(keys, before) is None


async def test_a_lost_row_is_not_an_erasure(
    administrator: asyncpg.Connection, keys: SubjectKeys, another_process: Callable[[], SubjectKeys]
) -> None:
    """A key that vanished from the database, as in a restore without its schema, is an error by name."""
    sealed = await _sealed(keys)
    await administrator.execute("DELETE FROM sojourn_keys.subject_key")
    with pytest.raises(LostKeyError, match=r"p-ada \(version 1\).*loss and no erasure"):
        await _opened(another_process(), sealed)


async def test_rotation_wraps_anew_and_rewrites_nothing_sealed(
    pool: asyncpg.Pool[asyncpg.Record],
    owner: asyncpg.Pool[asyncpg.Record],
    keys: SubjectKeys,
    material: bytes,
) -> None:
    """After `rewrap` the new key alone opens what was sealed before; the old one can be thrown away."""
    sealed = {person: await _sealed(keys, person) for person in ("p-ada", "p-grace")}
    await keys.for_encryption(["p-gone"])
    await keys.destroy("p-gone", by="p-op", reference="DSR-1")
    second = os.urandom(32)
    both = KeyRing("second", {"second": second, "main": material})
    with pytest.raises(DatabaseRefusedError, match="permission denied"):
        await SubjectKeys(pool, both).rewrap()
    assert await SubjectKeys(owner, both).rewrap() == 2
    assert await SubjectKeys(owner, both).rewrap() == 0
    alone = SubjectKeys(pool, KeyRing("second", {"second": second}))
    for person, text in sealed.items():
        assert await _opened(alone, text, KeyReference(person, 1)) == "canary"
    reference = KeyReference("p-gone", 1)
    assert (await alone.for_decryption([reference]))[reference] is None


async def test_a_ring_that_lacks_a_key_is_found_out_at_once(
    pool: asyncpg.Pool[asyncpg.Record], keys: SubjectKeys
) -> None:
    """`check` names a key-encryption key that is missing or another one of the same name."""
    await keys.check()
    await _sealed(keys)
    await keys.check()
    with pytest.raises(UnknownKeyError, match="main"):
        await SubjectKeys(pool, KeyRing("other", {"other": os.urandom(32)})).check()
    with pytest.raises(WrongKeyError, match="main"):
        await SubjectKeys(pool, KeyRing("main", {"main": os.urandom(32)})).check()


async def test_the_database_never_sees_a_key(
    pool: asyncpg.Pool[asyncpg.Record], keys: SubjectKeys, material: bytes
) -> None:
    """Neither the person's key nor the key-encryption key is among the bytes of the table."""
    await _sealed(keys)
    row = await pool.fetchrow("SELECT wrapped FROM sojourn_keys.subject_key")
    assert row is not None
    assert material not in row["wrapped"]
    assert len(row["wrapped"]) == 12 + 32 + 16


async def test_the_cache_is_bounded(
    keys: SubjectKeys, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process lets go of the key used longest ago, and fetches it again when it is needed."""
    monkeypatch.setattr(subjects, "CACHED", 3)
    people = [f"p-{number}" for number in range(5)]
    sealed = {person: await _sealed(keys, person) for person in people}
    del asked[:]
    for person in (*people[2:], *people[:2]):
        assert await _opened(keys, sealed[person], KeyReference(person, 1)) == "canary"
    assert asked == ["subject_keys"] * 2
