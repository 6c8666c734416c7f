"""Verify finds whatever was done to the record behind its back, and nothing while it is merely busy."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from itertools import cycle
from typing import Any, TypeAlias

import asyncpg
import pytest
from typer.testing import Result

from activities.data_rights.log import RightsLog, RightType
from activities.integrity.findings import Difference
from activities.postgres import pool as database
from activities.postgres.statements import STATEMENTS
from application.operations.verify import verify
from deploy.migrate import MigrationRefusedError, check_schema
from domain.agreement.state import Agreement
from domain.kernel.vocabulary import ObligationKind
from domain.ledger.obligation import Obligation

Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"
Lives = Callable[..., Coroutine[Any, Any, Agreement]]
Sojourn = Callable[..., Awaitable[Result]]

ANOTHER_VALUE = {
    "text": "coalesce({column}, '') || 'x'",
    "integer": "coalesce({column}, 0) + 1",
    "smallint": "coalesce({column}, 0) + 1",
    "double precision": "{column} + 1",
    "boolean": "NOT {column}",
    "date": "{column} + 1",
    "timestamp with time zone": "coalesce({column}, now()) + interval '1 second'",
    "bytea": "sha256({column})",
    "uuid": "gen_random_uuid()",
    "jsonb": "'[]'",
    "json": "({column}::text || ' ')::json",
    "bigint": "0",
    "xid8": "'1'",
}
"""For each type of column, how somebody might change it by hand."""

ONE_ROW: Mapping[str, str] = {
    # Not the first of its command, so that even its position says something.
    "event": "version = (SELECT min(last_version) FROM sojourn.command WHERE last_version > first_version)",
    "agreement": "true",
    "agreement_party": "role = 'mentor'",
    "obligation": (
        "obligation_id = (SELECT min(obligation_id) FROM sojourn.obligation WHERE status = '{status}')"
    ),
    "command": "last_version = (SELECT max(last_version) FROM sojourn.command)",
    "notice": "notice_id = (SELECT min(notice_id) FROM sojourn.notice WHERE obligation_id IS NOT NULL)",
    "rights_event": "position = 2",
    "rights_head": "true",
    "stall": "starts_at = (SELECT min(starts_at) FROM sojourn.stall)",
    "stall_mark": "true",
    "stall_tally": "agreements > 0",
    "agreement_ahead": "true",
    "log_epoch": "true",
    "migration": "number = (SELECT max(number) FROM sojourn.migration)",
    "inventory": "true",
}
"""The tables of the record, and a row of each that says something in every column."""
CHECKED_AT_START = frozenset({"log_epoch", "migration", "inventory"})
"""What every process looks at before it does anything else."""
OUTSIDE_THE_RECORD = {
    "person": "the directory: HR tooling changes it every day, and nothing follows from it but names",
    "organisation_calendar": "calendars by version: agreements carry what they took from them",
    "digest": "who had which day's mail: workers claim, take over and give back its rows",
    "subject_key": "people's keys: wrapped anew; altered, one opens nothing; lost or destroyed, it is told",
}
"""Tables that change by design and that nothing in the log repeats, so that no edit of them can be told."""
CANNOT_MATTER = {
    "notice.state": "what became of a notice: workers write it, and the log does not repeat it",
    "notice.attempts": "likewise",
    "notice.last_error": "likewise",
    "notice.reason": "likewise",
    "notice.sent_at": "likewise",
    "notice.digest_id": "likewise",
    "notice.attempts_before": "likewise",
    "notice.next_try_at": "likewise",
    "notice.taken_by": "likewise",
    "notice.taken_at": "likewise",
    "notice.queued_at": "by the server's clock, for people and figures only",
    "stall_mark.as_of": "the tally is right at the other instant, too, or the tally is named",
    "migration.applied_at": "for people only",
    "inventory.objects": "what has to be there: where it is shortened, the chains are checked as ever",
}
"""Columns of the record whose edit is not told, and why that is right."""
SETTLED = frozenset({"status", "settled_at", "settled_version"})
"""Columns of an obligation that say something only once it is settled."""
VALUES = {
    "epoch": "0",
    "version": "version + 1000",
    "since": "since - interval '1 second'",
    "first_version": "first_version - 1",
    "status": "'superseded'",
    "notice": "jsonb_set(notice, '{due_at}', '\"2030-01-01T00:00:00Z\"')",
    "state": "'queued'",
    "sent_at": "NULL",
    "objects": "objects[2:]",
    # Of the rights log, to one of the types that there are.
    "type": "CASE type WHEN 'hold.placed' THEN 'hold.lifted' ELSE type || 'x' END",
}
"""Where the type says too little about what may stand in a column."""


class Inside:
    """A pool of one connection, inside a transaction that is rolled back in the end."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self.connection = connection
        self.fetch = connection.fetch
        self.fetchrow = connection.fetchrow
        self.fetchval = connection.fetchval

    @asynccontextmanager
    async def acquire(self) -> AsyncGenerator[asyncpg.Connection]:
        """The connection itself."""
        yield self.connection


@asynccontextmanager
async def edited(administrator: asyncpg.Connection, *statements: str) -> AsyncGenerator[Any]:
    """The record as it is after somebody who may do anything has done something to it by hand."""
    transaction = administrator.transaction(isolation="repeatable_read")
    await transaction.start()
    try:
        for table in ONE_ROW:
            await administrator.execute(f"ALTER TABLE sojourn.{table} DISABLE TRIGGER ALL")
        for table in ("event", "rights_event"):
            await administrator.execute(
                f"ALTER TABLE sojourn.{table} ALTER position SET GENERATED BY DEFAULT"
            )
        for statement in statements:
            await administrator.execute(statement)
        yield Inside(administrator)
    finally:
        await transaction.rollback()


async def found_after(administrator: asyncpg.Connection, *statements: str) -> list[Difference]:
    """What verify says of the record after something was done to it by hand."""
    async with edited(administrator, *statements) as pool:
        return await verify(pool)


def _is_no_check_in(owed: Obligation) -> bool:
    return owed.kind is not ObligationKind.CHECK_IN


def _is_nothing(_: Obligation) -> bool:
    return False


@pytest.fixture
async def lived(live: Lives) -> Agreement:
    """An agreement with settled and open obligations, escalated ones, and stretches of being stalled."""
    return await live("secondment", days=120, answers=_is_no_check_in)


async def _columns(administrator: asyncpg.Connection) -> list[tuple[str, str, str]]:
    rows = await administrator.fetch(
        "SELECT columns.table_name, column_name, data_type "
        "FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name) "
        "WHERE columns.table_schema LIKE 'sojourn%' AND table_type = 'BASE TABLE' "
        "ORDER BY columns.table_name, ordinal_position"
    )
    return [(row["table_name"], row["column_name"], row["data_type"]) for row in rows]


def _edit(table: str, column: str, kind: str) -> str:
    value = VALUES.get(column, ANOTHER_VALUE.get(kind, "")).replace("{column}", column)
    row = ONE_ROW[table].format(status="fulfilled" if column in SETTLED else "open")
    return f"UPDATE sojourn.{table} SET {column} = {value} WHERE {row}"  # noqa: S608  names of the schema


async def _is_told(administrator: asyncpg.Connection, table: str, column: str, edit: str) -> bool:
    """Whether an edit is refused by the database, by every command that starts, or named by verify."""
    try:
        async with edited(administrator, edit) as pool:
            if table in CHECKED_AT_START:
                for each in ONE_ROW:
                    await administrator.execute(f"ALTER TABLE sojourn.{each} ENABLE TRIGGER ALL")
                await check_schema(administrator)
            found = await verify(pool)
    except (asyncpg.IntegrityConstraintViolationError, MigrationRefusedError):
        return True
    # What the head says of the end of the stream is told as a fault of the stream, and of the log likewise.
    elsewhere = {
        "agreement.version": "event",
        "agreement.last_hash": "event",
        "agreement.last_command_hash": "command",
        "rights_head.position": "rights_event",
        "rights_head.hash": "rights_event",
    }
    part = elsewhere.get(f"{table}.{column}", table)
    return any(difference.part == part for difference in found)


async def test_a_record_that_nobody_touched_is_whole(pool: Pool, live: Lives) -> None:
    """Lives of all kinds, finished, stalled and under way, verify without a difference."""
    for number, kind in enumerate(("secondment", "shadowing", "rotation")):
        await live(kind, days=900)
        await live(kind, days=90, answers=_is_no_check_in, request_id=f"stalled-{number}")
        await live(kind, days=200, answers=_is_nothing, request_id=f"silent-{number}")
    seen: list[str] = []
    assert await verify(pool, looked=lambda kept: seen.append(kept.agreement_id)) == []
    assert len(seen) == 9


async def test_no_column_can_be_changed_by_hand(
    administrator: asyncpg.Connection, pool: Pool, lived: Agreement
) -> None:
    """Every column of every table is one whose change is told, or stands in a list that says why not."""
    holds: tuple[RightType, ...] = ("hold.placed", "hold.placed", "hold.lifted", "person.exported")
    for what in holds:
        await RightsLog(pool).note(lived.mentee_id, what, "P-9001", {"reference": "DSR-1"})
    await administrator.execute(
        "SELECT sojourn.move_stall_mark_v1((SELECT min(starts_at) FROM sojourn.stall))"
    )
    await administrator.execute(
        "INSERT INTO sojourn.agreement_ahead SELECT agreement_id, updated_at FROM sojourn.agreement "
        "ON CONFLICT DO NOTHING"
    )
    columns = await _columns(administrator)
    assert {table for table, _, _ in columns} == {*ONE_ROW, *OUTSIDE_THE_RECORD}
    untold: set[str] = set()
    for table, column, kind in columns:
        if table in ONE_ROW and not await _is_told(administrator, table, column, _edit(table, column, kind)):
            untold.add(f"{table}.{column}")
    assert untold == set(CANNOT_MATTER)


@pytest.mark.parametrize(
    "change",
    [
        ("type = 'sign_agreement'", "type", "is sign_agreement and should be let_time_pass"),
        ("digest = repeat('0', 64)", "digest", "is not the one that it was accepted with"),
        ("notices_hash = sha256('x')", "notices_hash", "is not that of the notices that it queued"),
        ("hash = sha256('x')", "hash", "is not the one that the chain goes on from"),
    ],
)
@pytest.mark.parametrize("which", ["max", "min"])
async def test_what_was_altered_of_a_command_is_named(
    administrator: asyncpg.Connection, lived: Agreement, change: tuple[str, str, str], which: str
) -> None:
    """Of an accepted command, the column that somebody edited is told from the others."""
    edit, column, problem = change
    row = await administrator.fetchrow(
        f"""
        SELECT * FROM sojourn.command WHERE last_version = (
            SELECT {which}(last_version) FROM sojourn.command
            WHERE type = 'let_time_pass' AND notices_hash IS NOT NULL
        )
        """  # noqa: S608  as above
    )
    assert row is not None
    statement = f"UPDATE sojourn.command SET {edit} WHERE last_version = {row['last_version']}"  # noqa: S608
    [named] = [each for each in await found_after(administrator, statement) if each.part == "command"]
    assert named.agreement_id == lived.agreement_id
    assert (named.where, named.problem) == (f"{row['command_id']} {column}", problem)
    assert "restore it from a backup" in named.remedy


@pytest.mark.parametrize(
    "edit",
    [
        "DELETE FROM sojourn.notice WHERE {row}",
        """
        UPDATE sojourn.notice SET notice = jsonb_set(
            notice, '{{level}}', CASE WHEN notice ->> 'level' = '5' THEN '4' ELSE '5' END::jsonb
        ) WHERE {row}
        """,
        """
        INSERT INTO sojourn.notice (
            notice_id, agreement_id, version, recipient_id, kind, obligation_id, not_before, notice
        )
        SELECT
            notice_id || 'x', agreement_id, version, recipient_id, kind, obligation_id, not_before,
            notice || jsonb_build_object('notice_id', notice_id || 'x')
        FROM sojourn.notice WHERE {row}
        """,
    ],
    ids=["deleted", "altered", "forged"],
)
@pytest.mark.usefixtures("lived")
async def test_a_notice_that_no_command_queued_so_is_named(
    administrator: asyncpg.Connection, edit: str
) -> None:
    """A notice is taken away, altered or added, with columns that agree: its version is named."""
    row = ONE_ROW["notice"]
    version = await administrator.fetchval(f"SELECT version FROM sojourn.notice WHERE {row}")  # noqa: S608
    [found] = await found_after(administrator, edit.format(row=row))
    assert (found.part, found.where) == ("notice", f"version {version}")


SWAPPED = (
    "UPDATE sojourn.event SET version = 1000 WHERE version = 4",
    "UPDATE sojourn.event SET version = 4 WHERE version = 5",
    "UPDATE sojourn.event SET version = 5 WHERE version = 1000",
)
INSERTED = (
    """
    INSERT INTO sojourn.event
    SELECT
        agreement_id, version + 1, event_id, type, schema_version, data, occurred_at, recorded_at, actor_id,
        actor_role, command_id, hash, sha256('forged'), tx, position + 1, epoch
    FROM sojourn.event ORDER BY version DESC LIMIT 1
    """,
)
TRUNCATED = (
    "DELETE FROM sojourn.event WHERE version > (SELECT max(version) - 2 FROM sojourn.event)",
    "DELETE FROM sojourn.command WHERE last_version > (SELECT max(version) FROM sojourn.event)",
)
RENUMBERED = (
    "DELETE FROM sojourn.event WHERE version = 4",
    "UPDATE sojourn.event SET version = -version WHERE version > 4",
    "UPDATE sojourn.event SET version = -version - 1 WHERE version < 0",
    "UPDATE sojourn.agreement SET version = version - 1",
)
REHASHED = (
    "UPDATE sojourn.event SET actor_id = 'P-0000' WHERE version = 4",
    """
    UPDATE sojourn.event
    SET hash = sojourn.chain_hash_v1(
        previous_hash, agreement_id, version, event_id, type, schema_version, occurred_at, recorded_at,
        actor_id, actor_role, command_id, data::text
    )
    WHERE version = 4
    """,
)


@pytest.mark.parametrize(
    ("statements", "where", "problem"),
    [
        (("DELETE FROM sojourn.event WHERE version = 4",), "version 4", "missing from the stream"),
        (SWAPPED, "version 4", "does not follow the event before it"),
        (INSERTED, None, "its content was altered"),
        (TRUNCATED, None, "the tail is missing"),
        (RENUMBERED, "version 4", "does not follow the event before it"),
        (REHASHED, "version 5", "does not follow the event before it"),
        (("DELETE FROM sojourn.event",), "version 1", "the tail is missing"),
    ],
    ids=["deleted", "swapped", "inserted", "truncated", "renumbered", "rehashed", "emptied"],
)
async def test_a_stream_that_was_cut_or_mended_is_named(
    administrator: asyncpg.Connection,
    lived: Agreement,
    statements: tuple[str, ...],
    where: str | None,
    problem: str,
) -> None:
    """Deleting, swapping, adding and renumbering events is found at the first version it touches."""
    await administrator.execute("ALTER TABLE sojourn.event DROP CONSTRAINT event_version_check")
    [found] = await found_after(administrator, *statements)
    assert (found.agreement_id, found.part) == (lived.agreement_id, "event")
    assert where is None or found.where == where
    assert problem in found.problem
    assert "restore it from a backup" in found.remedy


@pytest.mark.parametrize("table", ["agreement", "agreement_party", "obligation", "command", "stall"])
async def test_a_row_too_few_is_named(
    administrator: asyncpg.Connection, lived: Agreement, table: str
) -> None:
    """A read model that lost a row is found, with what to do about it."""
    row = ONE_ROW[table].format(status="open")
    found = await found_after(administrator, f"DELETE FROM sojourn.{table} WHERE {row}")  # noqa: S608  as above
    [lost] = [each for each in found if each.part == table]
    assert (lost.agreement_id, lost.problem) == (lived.agreement_id, "the row is missing")
    assert (f"sojourn rebuild --agreement {lived.agreement_id}" in lost.remedy) == (table != "command")


STRAYS = [
    "INSERT INTO sojourn.agreement_party VALUES ('{id}', 'mentor', 'P-9999', '')",
    "INSERT INTO sojourn.command VALUES ('{id}', 'x', 'sign_agreement', 'd', 1, 1)",
    """
    INSERT INTO sojourn.obligation SELECT '{id}', 'stray', kind, subject, owner_role, owner_id, opened_at,
        due_at, stalled_at, reason, ladder, acts_by_itself_at, starts_at, sequence, reached, status,
        settled_at, opened_version, settled_version
    FROM sojourn.obligation WHERE status <> 'open' LIMIT 1
    """,
    """
    INSERT INTO sojourn.stall SELECT '{id}', starts_at + interval '1 s', ends_at, since, lasts_days, kind,
        tenant, cohort, reason, waiting_on_role, waiting_on_id, obligation_id, level
    FROM sojourn.stall ORDER BY starts_at LIMIT 1
    """,
]


@pytest.mark.parametrize("stray", STRAYS)
@pytest.mark.parametrize("known", [True, False], ids=["of_an_agreement", "of_nobody"])
async def test_a_row_too_many_is_named(
    administrator: asyncpg.Connection, lived: Agreement, stray: str, known: bool
) -> None:
    """A row that no event speaks of is found, also where there is no such agreement at all."""
    agreement_id = lived.agreement_id if known else "stray"
    [found] = await found_after(administrator, stray.format(id=agreement_id))
    assert found.agreement_id == agreement_id
    assert found.problem == "the row does not follow from the stream"


@pytest.mark.usefixtures("lived")
async def test_a_stretch_of_the_release_before_is_no_difference(administrator: asyncpg.Connection) -> None:
    """What the list did not carry when a stretch was planned is not missed; nothing else is excused."""
    unfilled = """
        UPDATE sojourn.stall
        SET phase = NULL, obligation_kind = NULL, due_at = NULL, next_level = NULL, next_at = NULL
    """
    assert await found_after(administrator, unfilled) == []
    halfway = await found_after(administrator, unfilled.replace("phase = NULL", "phase = 'active'"))
    assert {difference.part for difference in halfway} == {"stall"}


@pytest.mark.usefixtures("lived")
async def test_a_tally_that_does_not_add_up_is_named(administrator: asyncpg.Connection) -> None:
    """The numbers of what is stalled are checked against what is stalled."""
    [found] = await found_after(
        administrator, "INSERT INTO sojourn.stall_tally VALUES ('rotation', 'silent', 'mentor', NULL, 3)"
    )
    assert (found.agreement_id, found.part) == (None, "stall_tally")
    assert "is 3 and should be 0" in found.problem


async def test_who_is_ahead_of_the_clock_is_checked(administrator: asyncpg.Connection, live: Lives) -> None:
    """A life that ran on beyond today is listed as ahead, and the list is checked in both directions."""
    lived = await live("secondment", days=150, answers=_is_no_check_in)
    now = await administrator.fetchval("SELECT clock_timestamp()")
    listed = await administrator.fetchval("SELECT agreement_id FROM sojourn.agreement_ahead")
    ahead = await administrator.fetchval("SELECT updated_at > $1 FROM sojourn.agreement", now)
    assert (listed == lived.agreement_id) == ahead
    found = await found_after(
        administrator,
        "DELETE FROM sojourn.agreement_ahead"
        if ahead
        else "INSERT INTO sojourn.agreement_ahead SELECT agreement_id, updated_at FROM sojourn.agreement",
    )
    assert [each.part for each in found] == ["agreement_ahead"]


class _NowAndThen(dict[str, str]):
    """The statements, with the append of the release before in two of three cases."""

    def __init__(self) -> None:
        super().__init__(STATEMENTS)
        self._functions = cycle(("append_events_v1", "append_events_v1", "append_events_v2"))

    def __getitem__(self, name: str) -> str:
        text = super().__getitem__(name)
        return text.replace("append_events_v2", next(self._functions)) if name == "append" else text


async def test_the_release_before_may_append_meanwhile(
    administrator: asyncpg.Connection, pool: Pool, live: Lives
) -> None:
    """Commands without a hash, before and between others, are no difference; those with one stay checked."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(database, "STATEMENTS", _NowAndThen())
        await live("secondment", days=120, answers=_is_no_check_in)
    assert await verify(pool) == []
    [hashed, bare] = await pool.fetch("SELECT count(*) FROM sojourn.command GROUP BY hash IS NULL ORDER BY 1")
    assert 0 < hashed["count"] < bare["count"]
    changed = "UPDATE sojourn.command SET digest = 'x' WHERE last_version = (SELECT {} WHERE hash IS {} NULL)"
    first = "min(last_version) FROM sojourn.command"
    [found] = await found_after(administrator, changed.format(first, "NOT"))
    assert found.where.endswith("digest")
    assert await found_after(administrator, changed.format(first, "")) == []


async def test_busy_writers_are_no_difference(pool: Pool, live: Lives) -> None:
    """Whatever is being written meanwhile, an agreement is seen with the read models of the same instant."""
    writers = [
        asyncio.create_task(live(kind, days=300, request_id=f"busy-{kind}-{number}"))
        for kind in ("secondment", "shadowing", "rotation")
        for number in range(2)
    ]
    looks = 0
    while not all(writer.done() for writer in writers):
        assert await verify(pool) == []
        looks += 1
    assert looks > 0
    await asyncio.gather(*writers)
    assert await verify(pool) == []


async def test_whoever_verifies_as_the_owner_is_warned(
    sojourn: Sojourn, owner_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That the log is in reach of the role is said, and is no difference of the record."""
    assert "Warning" not in (await sojourn("verify", "--record-only")).stderr
    monkeypatch.setenv("SOJOURN_DATABASE_URL", owner_database)
    verified = await sojourn("verify", "--record-only")
    assert verified.exit_code == 0
    assert "Warning: The database role of SOJOURN_DATABASE_URL may change and remove" in verified.stderr
