"""Plans of the stalled list: a page is read off an index in the order of the list, and little more."""

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

NOW = datetime(2027, 3, 1, tzinfo=UTC)
PAGE = 50

FILL = """
    ALTER TABLE sojourn.agreement DISABLE TRIGGER agreement_plans_its_stall;
    INSERT INTO sojourn.agreement
    SELECT
        'a' || n, 20, sha256('x'), (ARRAY['secondment', 'shadowing', 'rotation'])[1 + n % 3], 'active', NULL,
        'tenant-' || n % 12, 'r' || n, 'd', 'c' || n % 130, 1, '2026-01-01', '2027-12-31', 4, start,
        start + (n % 500 + n % 7) * interval '1 day', NULL, false, NULL, start, start, start
    FROM generate_series(1, 20000) AS n, CAST('2026-09-01 00:00+00' AS timestamptz) AS start;
    INSERT INTO sojourn.agreement_party
    SELECT 'a' || n, role, role || n % 5000, ''
    FROM generate_series(1, 20000) AS n, unnest(ARRAY['mentee', 'mentor']) AS role;
    INSERT INTO sojourn.obligation
    SELECT
        'a' || n, 'o', 'milestone', 's', (ARRAY['mentee', 'mentor', 'sponsor'])[1 + n % 11 % 3],
        'mentee' || n % 5000, due, due, due, 'reason-' || n % 13,
        jsonb_build_array(
            jsonb_build_object('level', 4, 'at', due - interval '1 day'),
            jsonb_build_object('level', 5, 'at', due + interval '5 days'),
            jsonb_build_object('level', 6, 'at', due + interval '10 days')
        ),
        NULL, NULL, 0, NULL, 'open', NULL, 1, NULL
    FROM generate_series(1, 20000) AS n,
        LATERAL (SELECT '2026-09-10 00:00+00'::timestamptz + n % 500 * interval '1 day' AS due) AS instant;
    ANALYZE;
    INSERT INTO sojourn.stall SELECT * FROM sojourn.stall_planned;
"""


@pytest.fixture(scope="module")
async def filled(postgres: EmbeddedPostgres, migrated_template: str) -> AsyncGenerator[Pool]:
    """A database with 20,000 open agreements, a third of them stalled; nothing here writes."""
    connection = await asyncpg.connect(postgres.dsn_of("postgres"))
    await connection.execute(f"CREATE DATABASE stalled_plans TEMPLATE {migrated_template}")
    await connection.close()
    opened = await open_pool(postgres.dsn_of("stalled_plans"), statement_timeout=timedelta(minutes=2))
    await opened.execute(FILL)
    await opened.execute("VACUUM ANALYZE")
    await opened.execute("SELECT sojourn.move_stall_mark_v1($1)", NOW - timedelta(hours=1))
    yield opened
    await opened.close()


@pytest.mark.parametrize(
    ("filters", "index"),
    [
        ({}, "stall_by_since"),
        ({"kind": ["rotation"]}, "stall_by_kind"),
        ({"reason": ["reason-7"], "tenant": ["tenant-3"]}, "stall_by_reason"),
        ({"reason": ["reason-7"]}, "stall_by_reason"),
        ({"waiting_on_role": ["sponsor"]}, "stall_by_role"),
        ({"level": ["4"]}, "stall_by_level"),
        ({"tenant": ["tenant-3"]}, "stall_by_tenant"),
        ({"cohort": ["c17"]}, "stall_by_cohort"),
        ({"waiting_on_id": ["mentee77"]}, "stall_by_person"),
        ({"waiting_on_id": ["mentee77"], "kind": ["rotation"]}, "stall_by_person"),
        ({"reason": ["reason-7"], "cohort": ["c17"]}, "stall_by_cohort"),
    ],
)
async def test_the_first_page_reads_its_index_in_order(
    filled: Pool, filters: dict[str, list[str]], index: str
) -> None:
    """Neither a table scan nor a sort of everything that matches: at most a page per span is read."""
    query = await filled.fetchval(
        "SELECT sojourn.stalled_page_query_v2($1::text::jsonb)", json.dumps(filters)
    )
    plan = await explain(filled, query, NOW, datetime.min.replace(tzinfo=UTC), "", PAGE)
    scans = [node for node in plan if node.get("Relation Name") == "stall"]
    assert {node["Index Name"] for node in scans} == {index}
    assert {node["Node Type"] for node in plan if "Bitmap" in node["Node Type"]} == set()
    assert all(node["Actual Rows"] <= PAGE for node in scans)
    assert sum(node["Shared Hit Blocks"] + node["Shared Read Blocks"] for node in scans) < 10 * PAGE


async def test_a_full_page_of_the_longest_stalled_spares_the_rest(filled: Pool) -> None:
    """Where stretches without an end fill a page, what began later than its last row is not read."""
    query = await filled.fetchval("SELECT sojourn.stalled_page_query_v2($1::text::jsonb)", "{}")
    plan = await explain(filled, query, NOW, datetime.min.replace(tzinfo=UTC), "", PAGE)
    scans = [node for node in plan if node.get("Relation Name") == "stall"]
    assert sum(node["Actual Rows"] * node["Actual Loops"] for node in scans) < 2 * PAGE


async def test_rows_of_a_page_are_completed_by_primary_key(filled: Pool) -> None:
    """A page costs a page: 50 rows of a third of 20,000 are told from the list alone."""
    arguments = (NOW, "{}", datetime.min.replace(tzinfo=UTC), "", PAGE)
    async with filled.acquire() as connection:
        assert len(await connection.fetch(STATEMENTS["stalled_page"], *arguments)) == PAGE
        [row] = await connection.fetch(
            f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {STATEMENTS['stalled_page']}", *arguments
        )
    assert json.loads(row[0])[0]["Plan"]["Shared Hit Blocks"] < 8 * PAGE


async def test_counts_are_read_off_an_index(filled: Pool) -> None:
    """Counting fetches no row of the table where its pages are known to be visible to all."""
    plan = await explain(filled, STATEMENTS["stalled_counts"], NOW)
    scans = [node for node in plan if node.get("Relation Name") == "stall"]
    assert {(node["Node Type"], node["Index Name"]) for node in scans} == {
        ("Index Only Scan", "stall_by_since")
    }


async def test_the_tally_reads_what_changed_since_its_mark(filled: Pool) -> None:
    """Counts near the mark look at the stretches in between, not at all that are stalled."""
    plan = await explain(filled, STATEMENTS["stalled_tally"], NOW)
    scans = [node for node in plan if node.get("Relation Name") == "stall"]
    assert {node["Index Name"] for node in scans} == {"stall_by_start", "stall_by_end"}
    assert 0 < sum(node["Actual Rows"] for node in scans) < 400
    rows = await filled.fetch(STATEMENTS["stalled_tally"], NOW)
    assert sum(row["agreements"] for row in rows) > 5000


async def test_what_an_operator_may_not_know_is_looked_for_among_few(filled: Pool) -> None:
    """A page with a name costs what one without does, and what is stalled for the few reasons of a matter."""
    arguments = (["reason-7"], NOW, "^concern:", ["concern.raised"], "P-9001")
    async with filled.acquire() as connection:
        [row] = await connection.fetch(
            f"EXPLAIN (ANALYZE, FORMAT JSON) {STATEMENTS['stalled_matters_about']}", *arguments
        )
    plan = list(_nodes(json.loads(row[0])[0]["Plan"]))
    assert {node["Index Name"] for node in plan if "Index Name" in node} <= {"stall_by_reason", "event_pkey"}
    assert "Seq Scan" not in {node["Node Type"] for node in plan if node.get("Relation Name") == "stall"}


async def explain(pool: Pool, query: str, *arguments: object) -> list[dict[str, Any]]:
    """The nodes of a query's plan, parents first, under the settings of the function that runs it."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("SET LOCAL enable_bitmapscan = off; SET LOCAL enable_seqscan = off")
        [row] = await connection.fetch(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {query}", *arguments)
    return list(_nodes(json.loads(row[0])[0]["Plan"]))


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", []):
        yield from _nodes(child)
