"""A legal hold and whatever destroys come one after the other: nothing is destroyed on a look of before."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator

import asyncpg
import pytest

from activities.data_rights.log import RightsLog
from activities.integrity.rights_chain import rights_differences
from activities.keys.envelopes import subject_in
from activities.keys.legal_holds import OnHoldError
from activities.keys.ring import KeyRing
from activities.keys.subjects import SubjectKeys
from activities.postgres.statements import STATEMENTS

AGREEMENT = "t.R-1"
CASE = {"reference": "CASE-17"}


@pytest.fixture
def keys(pool: asyncpg.Pool[asyncpg.Record]) -> SubjectKeys:
    """People's keys."""
    return SubjectKeys(pool, KeyRing("main", {"main": bytes(32)}))


@pytest.fixture
def rights(pool: asyncpg.Pool[asyncpg.Record]) -> RightsLog:
    """What is done about people's rights."""
    return RightsLog(pool)


@pytest.fixture
async def made(keys: SubjectKeys) -> None:
    """Keys of Ada and Grace in one agreement, and those of the directory."""
    people = ("p-ada", "p-grace")
    await keys.for_encryption([*people, *(subject_in(each, AGREEMENT) for each in people)])


@pytest.fixture
async def other(database: str) -> AsyncGenerator[asyncpg.Connection]:
    """Somebody else's connection."""
    connection = await asyncpg.connect(database)
    yield connection
    await connection.close()


async def _until_one_waits(pool: asyncpg.Pool[asyncpg.Record], statement: str) -> None:
    """Until a statement of another connection waits for a lock."""
    waiting = (
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE datname = current_database() AND wait_event_type = 'Lock' AND position($1 in query) > 0"
    )
    async with asyncio.timeout(30):
        # The server has no event for it.
        while not await pool.fetchval(waiting, f"/* {statement} */"):  # noqa: ASYNC110
            await asyncio.sleep(0.01)


@pytest.mark.usefixtures("made")
async def test_nothing_of_who_is_on_hold_is_destroyed_cleared_or_removed(
    keys: SubjectKeys, rights: RightsLog
) -> None:
    """Each step looks for itself, names who is on hold and under which reference, and notes nothing."""
    await rights.note("p-ada", "hold.placed", "p-op", CASE)
    with pytest.raises(OnHoldError, match=r"p-ada \(CASE-17\).*sojourn hold"):
        await keys.destroy("p-ada", by="p-op", reference="DSR-1")
    with pytest.raises(OnHoldError):
        await rights.clear_directory("p-ada")
    with pytest.raises(OnHoldError):
        await rights.note_removal(AGREEMENT, ["run"], of=["p-ada"], on_account_of="p-ada", by="p-op")
    assert len(await keys.in_use("p-ada")) == 2
    assert [each.type for each in await rights.events("p-ada")] == ["hold.placed"]
    await rights.note("p-ada", "hold.lifted", "p-op", CASE)
    assert len(await keys.destroy("p-ada", by="p-op", reference="DSR-1")) == 2


@pytest.mark.usefixtures("made")
async def test_a_hold_on_one_person_keeps_an_agreement_and_not_another_person(
    keys: SubjectKeys, rights: RightsLog
) -> None:
    """What expires is everybody's, so anybody's hold keeps it; an erasure is one person's."""
    await rights.note("p-ada", "hold.placed", "p-op", CASE)
    with pytest.raises(OnHoldError) as held:
        await keys.destroy_in(AGREEMENT, by="p-op", reference="retention")
    assert held.value.holds == {"p-ada": "CASE-17"}
    with pytest.raises(OnHoldError):
        await rights.note_removal(AGREEMENT, ["run"], of=["p-grace"], on_account_of=None, by="p-op")
    assert len(await keys.in_use_in(AGREEMENT)) == 2
    assert len(await keys.destroy("p-grace", by="p-op", reference="DSR-1")) == 2
    assert len(await keys.in_use("p-ada")) == 2


@pytest.mark.usefixtures("made")
async def test_a_destruction_waits_for_a_hold_that_is_being_placed_and_is_refused(
    keys: SubjectKeys, rights: RightsLog, pool: asyncpg.Pool[asyncpg.Record], other: asyncpg.Connection
) -> None:
    """The hold came first, though nobody could see it yet when the destruction was begun."""
    async with other.transaction():
        await other.execute(
            STATEMENTS["note_right"].replace("RETURNING at", ""),
            "p-ada",
            "hold.placed",
            "p-op",
            json.dumps(CASE),
        )
        assert await rights.hold_on("p-ada") is None
        destroying = asyncio.create_task(keys.destroy("p-ada", by="p-op", reference="DSR-1"))
        await _until_one_waits(pool, "destroy_keys")
    with pytest.raises(OnHoldError):
        await destroying
    assert len(await keys.in_use("p-ada")) == 2
    assert await rights.erased_before_hold("p-ada") is None


@pytest.mark.usefixtures("made")
async def test_a_hold_waits_for_a_destruction_that_is_under_way_and_comes_behind_it(
    keys: SubjectKeys, rights: RightsLog, pool: asyncpg.Pool[asyncpg.Record], other: asyncpg.Connection
) -> None:
    """The destruction came first: the log says so, and whoever placed the hold can be told."""
    async with other.transaction():
        why = json.dumps({"reference": "DSR-1"})
        rows = await other.fetch(STATEMENTS["destroy_keys"], "p-ada", None, "p-op", why)
        assert len(rows) == 2
        placing = asyncio.create_task(rights.note("p-ada", "hold.placed", "p-op", CASE))
        await _until_one_waits(pool, "note_right")
    await placing
    assert await keys.in_use("p-ada") == []
    noted = await rights.events("p-ada")
    assert [each.type for each in noted] == ["keys.destroyed", "hold.placed"]
    assert await rights.erased_before_hold("p-ada") == noted[0].at


@pytest.mark.usefixtures("made")
async def test_each_key_that_goes_is_noted_of_whose_it_was(
    keys: SubjectKeys, rights: RightsLog, pool: asyncpg.Pool[asyncpg.Record]
) -> None:
    """In the transaction that destroys, chained, with who did it; a second time there is nothing to note."""
    await keys.destroy_in(AGREEMENT, by="p-op", reference="retention")
    await keys.destroy_in(AGREEMENT, by="p-op", reference="retention")
    for person in ("p-ada", "p-grace"):
        [noted] = await rights.events(person)
        assert (noted.type, noted.actor_id) == ("keys.destroyed", "p-op")
        assert noted.data == {
            "agreement_id": AGREEMENT,
            "reference": "retention",
            "keys_destroyed": [{"person_id": person, "agreement_id": AGREEMENT, "version": 1}],
        }
    assert await rights_differences(pool) == []


@pytest.mark.usefixtures("made")
@pytest.mark.parametrize(
    ("person_id", "agreement_id"), [(subject_in("p-ada", AGREEMENT), None), ("", None), (None, "")]
)
async def test_no_key_is_destroyed_by_another_name_than_that_of_whom_a_hold_is_on(
    pool: asyncpg.Pool[asyncpg.Record],
    keys: SubjectKeys,
    rights: RightsLog,
    person_id: str | None,
    agreement_id: str | None,
) -> None:
    """The function takes a person or an agreement: by a key's own subject it would look past the hold."""
    await rights.note("p-ada", "hold.placed", "p-op", CASE)
    with pytest.raises(asyncpg.PostgresError, match="of a person or of an agreement") as refused:
        await pool.execute("SELECT sojourn.destroy_keys_v1($1, $2, 'p-op', '{}')", person_id, agreement_id)
    assert refused.value.sqlstate == "SJ001"
    assert len(await keys.in_use("p-ada")) == 2


@pytest.mark.usefixtures("made")
async def test_whoever_calls_the_function_by_hand_is_held_to_the_same(
    other: asyncpg.Connection, keys: SubjectKeys, rights: RightsLog
) -> None:
    """With the application's login and no program of ours: a hold stands, and what is destroyed is noted."""
    by_hand = "SELECT * FROM sojourn.destroy_keys_v1($1, $2, 'p-thief', '{}')"
    await rights.note("p-ada", "hold.placed", "p-op", CASE)
    for of in (("p-ada", None), (None, AGREEMENT), ("p-grace", AGREEMENT)):
        [held] = await other.fetch(by_hand, *of)
        assert (held["held_id"], held["subject_id"]) == ("p-ada", None)
    assert len(await keys.in_use("p-ada")) == len(await keys.in_use("p-grace")) == 2
    assert len(await other.fetch(by_hand, "p-grace", None)) == 2
    noted = (await rights.events("p-grace"))[-1]
    assert (noted.type, noted.actor_id) == ("keys.destroyed", "p-thief")
