"""The stalled list in pages: the rows of the plain definition, for any ledger, instant, filter and page."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias, cast

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from activities.event_store.event_store import EventStore
from activities.postgres.pool import DatabaseRefusedError
from activities.postgres.rows import StalledFilters, StalledPageRow, StalledPlace, StalledRow
from domain.kernel.vocabulary import Kind, ObligationStatus, Phase, Role, StallReason
from domain.ledger.obligation import LedgerChange, Obligation, Rung, Settlement
from domain.stream.messages import Append, PartyRow

Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"
MakeAppend = Callable[..., Append]
MakeObligation = Callable[..., Obligation]

DAY = timedelta(days=1)
DAYS = st.integers(0, 40)

OBLIGATION = st.fixed_dictionaries(
    {
        "stalled": DAYS,
        "rungs": st.lists(DAYS, max_size=4),
        "reason": st.sampled_from([StallReason.MILESTONE_OVERDUE, StallReason.FEEDBACK_OUTSTANDING]),
        "owner_role": st.sampled_from([Role.MENTEE, Role.MENTOR]),
        "owner_id": st.sampled_from(["p-ada", "p-grace"]),
    }
)
HEAD = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(list(Kind)),
        "tenant": st.sampled_from(["acme", "other"]),
        "cohort": st.sampled_from(["spring", "autumn", None]),
    }
)
STATE = st.fixed_dictionaries(
    {
        "phase": st.sampled_from([Phase.ACTIVE, Phase.ACTIVE, Phase.ACTIVE, Phase.CLOSED]),
        "silent": st.one_of(st.none(), DAYS),
        "paused": st.sampled_from([False, False, False, True]),
        "held": st.sampled_from([False, False, False, True]),
        "with_mentor": st.booleans(),
    }
)
LIFE = st.tuples(HEAD, st.lists(st.tuples(STATE, st.lists(OBLIGATION, max_size=3)), min_size=1, max_size=3))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    lives=st.lists(LIFE, min_size=1, max_size=4),
    at=st.lists(DAYS, min_size=2, max_size=2),
    size=st.integers(1, 4),
)
async def test_pages_are_the_plain_definition(
    event_store: EventStore,
    pool: Pool,
    owner: Pool,
    make_append: MakeAppend,
    make_obligation: MakeObligation,
    *,
    now: datetime,
    lives: list[tuple[dict[str, object], list[tuple[dict[str, Any], list[dict[str, Any]]]]]],
    at: list[int],
    size: int,
) -> None:
    """Whatever the ledgers, pages follow one another as the definition's list does, and counts agree."""
    for head, states in lives:
        agreement_id = f"agreement-{len(await event_store.read_models.agreements()):04d}"
        ledger: list[Obligation] = []
        for version, (state, owed) in enumerate(states):
            settled = tuple(
                Settlement(obligation_id=each.obligation_id, status=ObligationStatus.FULFILLED)
                for each in ledger
            )
            ledger = [
                _obligation(make_obligation, f"o{version}-{number}", each, now)
                for number, each in enumerate(owed)
            ]
            await event_store.append(
                make_append(
                    (LedgerChange(settled=settled, opened=tuple(ledger)),),
                    agreement_id=agreement_id,
                    expected_version=version,
                    head={**head, **_state(state, now), "request_id": agreement_id},
                )
            )
    for day in at:
        moment = now + day * DAY
        plain = await event_store.read_models.stalled(moment)
        assert [_plain(row) for row in await _all_pages(event_store, moment, None, size)] == plain
        counted = Counter(_labels(row) for row in plain)
        rows = await pool.fetch("SELECT * FROM sojourn.stalled_counts_v1($1)", moment)
        assert {
            (row["kind"], row["reason"], row["waiting_on_role"], row["level"]): row["agreements"]
            for row in rows
        } == counted
        assert await tallied(event_store, moment) == counted
        await owner.execute("SELECT sojourn.move_stall_mark_v1($1)", moment)
        assert await tallied(event_store, moment) == counted
        if plain:
            assert min(row["first_since"] for row in rows) == plain[0].since
    assert await pool.fetch(DRIFT) == []
    async with owner.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        told = [await connection.fetch(ALL_AT_ONCE, now + day * DAY) for day in at]
        await connection.execute(NOT_YET_FILLED)
        assert [await connection.fetch(ALL_AT_ONCE, now + day * DAY) for day in at] == told
        await transaction.rollback()


ALL_AT_ONCE = "SELECT * FROM sojourn.stalled_page_v2($1, '{}', '-infinity', '', 1000)"

NOT_YET_FILLED = """
    UPDATE sojourn.stall
    SET phase = NULL, obligation_kind = NULL, due_at = NULL, next_level = NULL, next_at = NULL
"""

DRIFT = """
    (SELECT * FROM sojourn.stall EXCEPT ALL SELECT * FROM sojourn.stall_planned)
    UNION ALL
    (SELECT * FROM sojourn.stall_planned EXCEPT ALL SELECT * FROM sojourn.stall)
"""


async def test_every_filter_narrows_the_pages(
    event_store: EventStore, make_append: MakeAppend, make_obligation: MakeObligation, now: datetime
) -> None:
    """Each filter, and each pair of them, leaves exactly the rows that carry one of its values."""
    for number in range(36):
        owed = make_obligation(
            owner_role=(Role.MENTEE, Role.MENTOR)[number % 2],
            owner_id=f"p-{number % 5}",
            reason=list(StallReason)[number % 3],
            stalled_at=now + number % 7 * DAY,
            ladder=tuple(Rung(level=level, at=now + (number % 4 + level) * DAY) for level in (1, 2, 3)),
        )
        head = {
            "request_id": f"r{number}",
            "kind": list(Kind)[number % 3],
            "tenant": f"tenant-{number % 2}",
            "cohort": None if number % 4 == 0 else f"cohort-{number % 3}",
        }
        append = make_append((LedgerChange(opened=(owed,)),), agreement_id=f"a{number:02d}", head=head)
        await event_store.append(append)
    moment = now + 6 * DAY
    everything = await _all_pages(event_store, moment, None, 50)
    assert len(everything) == 36
    wanted: Mapping[str, Sequence[object]] = {
        "kind": [Kind.ROTATION],
        "reason": list(StallReason)[:2],
        "waiting_on_role": [Role.MENTOR],
        "waiting_on_id": ["p-1", "p-3"],
        "level": [2, 3],
        "tenant": ["tenant-1"],
        "cohort": ["cohort-0"],
    }
    for one in wanted:
        for other in wanted:
            filters = {name: wanted[name] for name in {one, other}}
            left = [
                row
                for row in everything
                if all(getattr(row, name) in values for name, values in filters.items())
            ]
            assert await _all_pages(event_store, moment, cast("StalledFilters", filters), 4) == left
    assert await _all_pages(event_store, moment, {"tenant": ["nobody's"]}, 4) == []
    assert await _all_pages(event_store, moment, {"tenant": []}, 4) == []


async def test_an_unknown_filter_names_those_there_are(event_store: EventStore, now: datetime) -> None:
    """A filter that no column answers is refused with the ones that are known, never ignored."""
    with pytest.raises(DatabaseRefusedError, match=r"(?s)filtered by colour.*waiting_on_role"):
        await event_store.read_models.stalled_page(now, cast("StalledFilters", {"colour": ["red"]}))


async def test_a_filter_is_a_value_and_never_sql(event_store: EventStore, now: datetime) -> None:
    """What a filter says reaches the database quoted, whatever it contains."""
    assert (
        await event_store.read_models.stalled_page(now, {"tenant": ["x' OR true --", "\\"], "cohort": ["';"]})
        == []
    )


async def test_time_alone_changes_no_row(
    event_store: EventStore,
    pool: Pool,
    make_append: MakeAppend,
    make_obligation: MakeObligation,
    now: datetime,
) -> None:
    """The list is true at any instant though nothing was written since: stalls are known beforehand."""
    await event_store.append(
        make_append((LedgerChange(opened=(make_obligation(),)),), head={"silent_at": now + 9 * DAY})
    )
    before = await pool.fetch("SELECT * FROM sojourn.stall ORDER BY starts_at")
    told = [
        [(row.reason, row.level) for row in await event_store.read_models.stalled_page(now + day * DAY)]
        for day in (8, 9, 14, 15)
    ]
    assert told == [
        [],
        [(StallReason.SILENT, None)],
        [(StallReason.MILESTONE_OVERDUE, 2)],
        [(StallReason.MILESTONE_OVERDUE, 3)],
    ]
    assert await pool.fetch("SELECT * FROM sojourn.stall ORDER BY starts_at") == before


async def test_agreements_ahead_of_the_clock_are_known(
    event_store: EventStore, make_append: MakeAppend
) -> None:
    """Those whose last event lies after an instant are named, until they end."""
    ahead = datetime.now(UTC) + 30 * DAY
    await event_store.append(make_append(occurred_at=ahead))
    assert await event_store.read_models.agreements_ahead(datetime.now(UTC)) == ["agreement-1"]
    assert await event_store.read_models.agreements_ahead(ahead) == []
    await event_store.append(make_append(expected_version=1, occurred_at=ahead, head={"phase": Phase.CLOSED}))
    assert await event_store.read_models.agreements_ahead(datetime.now(UTC)) == []


async def test_counts_stay_right_while_many_append_and_the_mark_moves(
    event_store: EventStore,
    owner: Pool,
    make_append: MakeAppend,
    make_obligation: MakeObligation,
    now: datetime,
) -> None:
    """Appends and moves of the mark that run into each other lose and double nothing."""
    moments = [now + day * DAY for day in (0, 9, 14, 20)]

    async def lives(number: int) -> None:
        for version in range(6):
            opened = make_obligation(f"o{version}", stalled_at=now + (number + version) % 20 * DAY, ladder=())
            settled = (Settlement(obligation_id=f"o{version - 1}", status=ObligationStatus.FULFILLED),)
            await event_store.append(
                make_append(
                    (LedgerChange(settled=settled if version else (), opened=(opened,)),),
                    agreement_id=f"a{number}",
                    expected_version=version,
                    head={"request_id": f"r{number}", "held": (number + version) % 7 == 0},
                )
            )

    async def moves(number: int) -> None:
        for step in range(8):
            await owner.execute("SELECT sojourn.move_stall_mark_v1($1)", moments[(number + step) % 4])

    await asyncio.gather(*(lives(number) for number in range(24)), *(moves(number) for number in range(3)))
    for moment in moments:
        plain = await event_store.read_models.stalled(moment)
        assert await tallied(event_store, moment) == Counter(_labels(row) for row in plain)


async def test_the_mark_waits_for_what_is_being_written(
    event_store: EventStore,
    owner: Pool,
    make_append: MakeAppend,
    make_obligation: MakeObligation,
    now: datetime,
) -> None:
    """A change counted at one mark has landed before there is another, else it is missed or doubled."""
    await event_store.append(make_append((LedgerChange(opened=(make_obligation(),)),)))
    await owner.execute("SELECT sojourn.move_stall_mark_v1($1)", datetime.now(UTC) + DAY)
    async with owner.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute("DELETE FROM sojourn.stall")
        moving = asyncio.create_task(owner.execute("SELECT sojourn.move_stall_mark_v1($1)", now + 14 * DAY))
        # Only the server knows whether it waits.
        while not moving.done() and not await owner.fetchval(WAITING):  # noqa: ASYNC110
            await asyncio.sleep(0)
        assert not moving.done()
        await transaction.commit()
    await moving
    assert await tallied(event_store, now + 14 * DAY) == Counter()


WAITING = """
    SELECT count(*) FROM pg_locks
    WHERE locktype = 'advisory' AND NOT granted
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


async def test_an_append_moves_the_mark_in_passing(
    event_store: EventStore, pool: Pool, owner: Pool, make_append: MakeAppend, make_obligation: MakeObligation
) -> None:
    """Counting stays cheap with nobody in charge of it: a mark of long ago is brought to the clock."""
    await owner.execute("SELECT sojourn.move_stall_mark_v1('2026-01-01')")
    await event_store.append(make_append((LedgerChange(opened=(make_obligation(),)),)))
    assert await pool.fetchval("SELECT now() - as_of < '1 minute' FROM sojourn.stall_mark")
    assert sum((await tallied(event_store, datetime.now(UTC))).values()) == 1
    marked = await pool.fetchval("SELECT as_of FROM sojourn.stall_mark")
    await event_store.append(make_append(expected_version=1, head={"held": True}))
    assert await pool.fetchval("SELECT as_of FROM sojourn.stall_mark") == marked
    assert await tallied(event_store, datetime.now(UTC)) == Counter()


async def test_a_rebuilt_list_is_tallied_anew(
    event_store: EventStore,
    owner: Pool,
    make_append: MakeAppend,
    make_obligation: MakeObligation,
    now: datetime,
) -> None:
    """The list can be emptied and filled again from the other read models, in one go."""
    await event_store.append(make_append((LedgerChange(opened=(make_obligation(),)),)))
    before = await tallied(event_store, now + 14 * DAY)
    await owner.execute(
        "TRUNCATE sojourn.stall; INSERT INTO sojourn.stall SELECT * FROM sojourn.stall_planned"
    )
    assert await tallied(event_store, now + 14 * DAY) == before
    assert sum(before.values()) == 1
    with pytest.raises(asyncpg.PostgresError, match="Delete and insert them"):
        await owner.execute("UPDATE sojourn.stall SET level = 0")


async def tallied(event_store: EventStore, moment: datetime) -> Counter[tuple[object, ...]]:
    """The counts at an instant, by what is counted."""
    return Counter(
        {
            (row.kind, row.reason, row.waiting_on_role, row.level): row.agreements
            for row in await event_store.read_models.stalled_tally(moment)
        }
    )


def _labels(row: StalledRow) -> tuple[object, ...]:
    return row.kind, row.reason, row.waiting_on_role, row.level


async def _all_pages(
    event_store: EventStore, moment: datetime, filters: StalledFilters | None, size: int
) -> list[StalledPageRow]:
    found: list[StalledPageRow] = []
    after: StalledPlace | None = None
    while True:
        page = await event_store.read_models.stalled_page(moment, filters, after=after, limit=size)
        found.extend(page)
        if len(page) < size:
            return found
        after = StalledPlace(since=page[-1].since, agreement_id=page[-1].agreement_id)


def _plain(row: StalledPageRow) -> StalledRow:
    return StalledRow(**row.model_dump(exclude={"tenant"}))


def _obligation(make: MakeObligation, obligation_id: str, drawn: dict[str, Any], now: datetime) -> Obligation:
    instants = [now + day * DAY for day in sorted(drawn["rungs"])]
    return make(
        obligation_id,
        stalled_at=now + drawn["stalled"] * DAY,
        reason=drawn["reason"],
        owner_role=drawn["owner_role"],
        owner_id=drawn["owner_id"],
        ladder=tuple(
            Rung.model_validate({"level": level, "at": at}) for level, at in enumerate(instants, start=1)
        ),
    )


def _state(drawn: dict[str, Any], now: datetime) -> dict[str, object]:
    parties = [PartyRow(role=Role.MENTEE, person_id="p-ada")]
    if drawn["with_mentor"]:
        parties.append(PartyRow(role=Role.MENTOR, person_id="p-grace"))
    return {
        "phase": drawn["phase"],
        "silent_at": None if drawn["silent"] is None else now + drawn["silent"] * DAY,
        "paused_until": now + 50 * DAY if drawn["paused"] else None,
        "held": drawn["held"],
        "parties": tuple(parties),
    }
