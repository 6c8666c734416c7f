"""Plans: the statements that run all day use their index on tables of a realistic size."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import asyncpg
import pytest

from activities.postgres.pool import open_pool
from activities.postgres.statements import STATEMENTS
from deploy.embedded import EmbeddedPostgres

Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"

START = datetime(2026, 1, 1, tzinfo=UTC)

FILL = """
    INSERT INTO sojourn.agreement
    SELECT
        'a' || n, 20, sha256('x'), 'secondment', CASE WHEN n % 10 = 0 THEN 'active' ELSE 'closed' END, NULL,
        'acme', 'r' || n, 'd', 'c' || n % 50, 1, '2026-01-01', '2026-12-31', 4, start,
        start + n * interval '1 hour', NULL, false, NULL, start, start, start
    FROM generate_series(1, 3000) AS n, CAST('2026-01-01 00:00+00' AS timestamptz) AS start;
    INSERT INTO sojourn.agreement_party
    SELECT 'a' || n, role, role || n % 500, ''
    FROM generate_series(1, 3000) AS n, unnest(ARRAY['mentee', 'mentor', 'line_manager']) AS role;
    INSERT INTO sojourn.event (
        agreement_id, version, event_id, type, schema_version, data, occurred_at, recorded_at, actor_id,
        actor_role, command_id, previous_hash, hash, tx, epoch
    )
    SELECT
        'a' || n, version, gen_random_uuid(), 't', 1, '{}', now(), now(), 'p', 'mentee', 'c' || version,
        sha256('x'), sha256('x'), (n * 20 + version)::text::xid8, 0
    FROM generate_series(1, 2000) AS n, generate_series(1, 20) AS version;
    INSERT INTO sojourn.command
    SELECT 'a' || n, 'c' || version, 't', 'd', version, version
    FROM generate_series(1, 2000) AS n, generate_series(1, 20) AS version;
    INSERT INTO sojourn.obligation
    SELECT
        'a' || n, 'o' || number, 'milestone', 's', 'mentee', 'mentee' || n % 500, due, due, due,
        'milestone_overdue', '[]', NULL, NULL, 0, NULL,
        CASE WHEN number = 10 THEN 'open' ELSE 'fulfilled' END,
        CASE WHEN number = 10 THEN NULL ELSE due END, 1, NULL
    FROM generate_series(1, 3000) AS n, generate_series(1, 10) AS number,
        LATERAL (SELECT '2026-01-01 00:00+00'::timestamptz + n * interval '1 hour' AS due) AS instant;
    INSERT INTO sojourn.notice (
        notice_id, agreement_id, version, recipient_id, kind, not_before, notice, state, sent_at
    )
    SELECT 'n' || n, 'a' || n % 3000, 1, 'p', 'reminder', now(), '{}', 'sent', now()
    FROM generate_series(1, 30000) AS n;
"""


@pytest.fixture(scope="module")
async def filled(postgres: EmbeddedPostgres, migrated_template: str) -> AsyncGenerator[Pool]:
    """A database with thousands of agreements, shared by the module: nothing here writes."""
    connection = await asyncpg.connect(postgres.dsn_of("postgres"))
    await connection.execute(f"CREATE DATABASE plans TEMPLATE {migrated_template}")
    await connection.close()
    opened = await open_pool(postgres.dsn_of("plans"))
    await opened.execute(FILL)
    await opened.execute("VACUUM ANALYZE")
    yield opened
    await opened.close()


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A plan's nodes, parents first."""
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)


async def explain(pool: Pool, name: str, *arguments: object) -> list[dict[str, Any]]:
    """The plan of a statement with these arguments, as the server would run it for any."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        rows = await connection.fetch(f"EXPLAIN (ANALYZE, FORMAT JSON) {STATEMENTS[name]}", *arguments)
    return list(nodes(json.loads(rows[0][0])[0]["Plan"]))


@pytest.mark.parametrize(
    ("name", "arguments", "index"),
    [
        ("stream", ("a77", 3), "event_pkey"),
        ("read_all", (0, "20000", 0, 100), "event_global_order"),
        ("chain_head", ("a77",), "agreement_pkey"),
        ("find_request", ("acme", "r77"), "agreement_request"),
        ("figures_agreements", (), "agreement_by_standing"),
        ("obligations", ("a77", True), "obligation_pkey"),
        ("stalled", (START + timedelta(hours=30),), "obligation_open_by_stall"),
        ("stalled", (START + timedelta(hours=30),), "agreement_open_by_silence"),
        ("notices", ("a77", False), "notice_by_agreement"),
        ("mentor_hours", ("mentor7", ""), "agreement_party_by_person"),
        (
            "overlapping_agreements",
            ("mentee7", START.date(), START.date(), ""),
            "agreement_party_by_person",
        ),
    ],
)
async def test_the_statement_uses_its_index(
    filled: Pool, name: str, arguments: tuple[object, ...], index: str
) -> None:
    """A statement that runs for every command or every look at the board reads an index, not a table."""
    plan = await explain(filled, name, *arguments)
    assert index in {node.get("Index Name") for node in plan}
    large = {"event", "obligation", "notice", "agreement"}
    assert not [node for node in plan if node["Node Type"] == "Seq Scan" and node["Relation Name"] in large]


async def test_the_global_order_is_read_off_the_index(filled: Pool) -> None:
    """A page costs what it holds: no sorting of the whole log, no reading on past the page."""
    plan = await explain(filled, "read_all", 0, "20000", 0, 100)
    assert not [node for node in plan if "Sort" in node["Node Type"]]
    [scan] = [node for node in plan if node.get("Index Name") == "event_global_order"]
    assert scan["Actual Rows"] == 100
