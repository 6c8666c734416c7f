"""Our figures for Prometheus: their names and labels, how often they are read, and a record that is away."""

from __future__ import annotations

import asyncio
import json
import re
import time
import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import asyncpg
import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families
from typer.testing import Result

from activities.postgres.metrics import Metrics, read_metrics
from deploy.embedded import EmbeddedPostgres
from domain.kernel.vocabulary import Kind, ObligationKind, Phase
from domain.ledger.notice import NoticeKind
from tests.fixtures.paths import DOCS
from workers.runtime.metrics import MetricsCollector

Sojourn = Callable[..., Awaitable[Result]]
Samples = Mapping[tuple[str, frozenset[tuple[str, str]]], float]

FILL = """
    INSERT INTO sojourn.agreement (
        agreement_id, version, last_hash, kind, phase, tenant, request_id, request_digest, terms_version,
        starts_on, ends_on, mentor_hours_per_month, last_activity_at, held, opened_at, updated_at, recorded_at
    )
    SELECT
        'acme.' || id, 1, sha256('x'), 'shadowing', 'active', 'acme', id, 'd', 1, now(), now(), 4, now(),
        false, now(), now(), now()
    FROM unnest($1::text[]) AS id;
"""
OWED = """
    INSERT INTO sojourn.obligation
    SELECT
        'acme.' || id, 'practice:1', 'practice', 's', 'host_expert', 'P-1107', now() - interval '9 days',
        now() - interval '7 days', now() - interval '2 days', 'milestone_overdue',
        jsonb_build_array(jsonb_build_object('level', 1, 'at', now() - interval '6 days')), NULL, NULL, 0,
        NULL, 'open', NULL, 1, NULL
    FROM unnest($1::text[]) AS id;
"""


class Clock:
    """Seconds that pass when the test says so, and at each look if it wants that."""

    def __init__(self) -> None:
        self.now = 0.0
        self.each_look = 0.0

    def __call__(self) -> float:
        """The seconds, as `time.monotonic` gives them."""
        self.now += self.each_look
        return self.now


@pytest.fixture
async def connection(owner_database: str) -> AsyncGenerator[asyncpg.Connection]:
    """A connection to this test's database."""
    opened = await asyncpg.connect(owner_database)
    yield opened
    await opened.close()


async def stall(connection: asyncpg.Connection, *request_ids: str) -> None:
    """Writes agreements whose host expert owes a practice since a week, and has been reminded."""
    async with connection.transaction():
        await connection.execute(FILL, request_ids)
        await connection.execute(OWED, request_ids)


async def scrape(collector: MetricsCollector) -> Samples:
    """What Prometheus would read."""
    registry = CollectorRegistry()
    registry.register(collector)
    return samples((await asyncio.to_thread(generate_latest, registry)).decode())


def samples(exposition: str) -> Samples:
    """An exposition's values by name and labels."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(exposition)
        for sample in family.samples
    }


def key(name: str, **labels: str) -> tuple[str, frozenset[tuple[str, str]]]:
    """How `samples` knows a value."""
    return name, frozenset(labels.items())


async def test_what_is_stalled_carries_its_labels(database: str, connection: asyncpg.Connection) -> None:
    """Stalled by kind, reason, role and level, the age of the oldest, and what is overdue, in base units."""
    await stall(connection, "one", "two")
    found = await scrape(MetricsCollector(database))
    why = {"kind": "shadowing", "reason": "milestone_overdue"}
    assert found[key("sojourn_agreements_stalled", **why, role="host_expert", level="1")] == 2
    two_days = timedelta(days=2).total_seconds()
    assert found[key("sojourn_oldest_stall_age_seconds", **why)] == pytest.approx(two_days, abs=60)
    assert found[key("sojourn_obligations_overdue", obligation_kind="practice")] == 2
    assert found[key("sojourn_agreements", kind="shadowing", phase="active")] == 2
    assert found[key("sojourn_record_up")] == 1


async def test_counts_that_can_be_zero_are_zero(database: str) -> None:
    """A series that comes and goes breaks rates and alerts: known words are there from the first."""
    found = await scrape(MetricsCollector(database))
    for obligation_kind in ObligationKind:
        assert found[key("sojourn_obligations_overdue", obligation_kind=obligation_kind)] == 0
        assert found[key("sojourn_obligations_due_within_one_day", obligation_kind=obligation_kind)] == 0
    for kind in Kind:
        assert found[key("sojourn_agreements_held", kind=kind)] == 0
        for phase in Phase:
            assert found[key("sojourn_agreements", kind=kind, phase=phase)] == 0
    for notice_kind in NoticeKind:
        for state in ("queued", "failed"):
            assert found[key("sojourn_notices", state=state, notice_kind=notice_kind)] == 0
    assert found[key("sojourn_record_order_lag_seconds")] == 0
    assert key("sojourn_record_last_append_age_seconds") not in found


async def test_names_follow_the_conventions(database: str, connection: asyncpg.Connection) -> None:
    """One prefix, base units as suffix, help for each, all of them announced, nobody's id in any label."""
    await stall(connection, "one")
    collector = MetricsCollector(database)
    families: list[Metric] = list(await asyncio.to_thread(collector.collect))
    assert {family.name for family in families} == {family.name for family in collector.describe()}
    for family in families:
        assert family.name.startswith("sojourn_")
        assert family.documentation.endswith(".")
        assert family.type == ("info" if family.name == "sojourn_build" else "gauge")
        assert not family.name.endswith(("_total", "_count", "_sum", "_milliseconds", "_ms"))
        assert ("age" in family.name or "lag" in family.name) <= family.name.endswith("_seconds")
    registry = CollectorRegistry()
    registry.register(collector)
    text = (await asyncio.to_thread(generate_latest, registry)).decode()
    assert "P-1107" not in text
    assert "acme" not in text


async def test_scraping_in_a_loop_reads_once(database: str, connection: asyncpg.Connection) -> None:
    """Figures are answered with again for five seconds, so that nobody loads the database by looking."""
    clock = Clock()
    collector = MetricsCollector(database, clock=clock)
    active = key("sojourn_agreements", kind="shadowing", phase="active")
    assert (await scrape(collector))[active] == 0
    await stall(connection, "one")
    clock.now = 4.9
    assert (await scrape(collector))[active] == 0
    clock.now = 5.0
    assert (await scrape(collector))[active] == 1


async def test_a_slow_record_is_read_the_less_often(database: str, connection: asyncpg.Connection) -> None:
    """Reading takes at most a twentieth of the time: a second's reading is followed by twenty of rest."""
    clock = Clock()
    clock.each_look = 1.0
    collector = MetricsCollector(database, clock=clock)
    active = key("sojourn_agreements", kind="shadowing", phase="active")
    first = await scrape(collector)
    assert first[key("sojourn_record_read_seconds")] == 1
    rested = clock.now + 20
    clock.each_look = 0.0
    await stall(connection, "one")
    clock.now = rested - 0.1
    assert (await scrape(collector))[active] == 0
    clock.now = rested
    assert (await scrape(collector))[active] == 1


async def test_many_scrapes_at_once_share_one_reading(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many ask at the same moment, one connection reads."""
    read: list[str] = []

    async def counted(dsn: str) -> Metrics:
        read.append(dsn)
        return await read_metrics(dsn)

    monkeypatch.setattr("workers.runtime.metrics.read_metrics", counted)
    collector = MetricsCollector(database)
    with ThreadPoolExecutor(8) as threads:
        waiting = [asyncio.wrap_future(threads.submit(collector.collect)) for _ in range(8)]
        answers = await asyncio.gather(*waiting)
    assert read == [database]
    assert len({len(list(answer)) for answer in answers}) == 1


async def test_a_record_that_is_away_breaks_no_scrape(
    postgres: EmbeddedPostgres, migrated_template: str
) -> None:
    """Down is a figure of its own; the others are absent rather than zero, and come back with the record."""
    name = f"away_{uuid.uuid4().hex}"
    admin = await asyncpg.connect(postgres.dsn_of("postgres"))
    try:
        await admin.execute(f"CREATE DATABASE {name} TEMPLATE {migrated_template}")
        told: list[str | None] = []
        collector = MetricsCollector(
            postgres.dsn_of(name), kept=timedelta(0), told=told.append, clock=lambda: 0.0
        )
        assert (await scrape(collector))[key("sojourn_record_up")] == 1
        await admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        assert await scrape(collector) == (down := await scrape(collector))
        assert {name for name, _ in down} == {
            "sojourn_build_info",
            "sojourn_record_up",
            "sojourn_record_read_seconds",
        }
        assert down[key("sojourn_record_up")] == 0
        assert told == [collector.problem]
        assert "not currently accepting connections" in (collector.problem or "")
        await admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        assert (await scrape(collector))[key("sojourn_record_up")] == 1
        assert told[1:] == [None]
    finally:
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await admin.close()


async def test_nothing_listening_is_told_at_once() -> None:
    """A scrape of a worker whose database is gone does not run into Prometheus' own timeout."""
    began = time.monotonic()
    down = await scrape(MetricsCollector("postgresql://127.0.0.1:1/sojourn"))
    assert down[key("sojourn_record_up")] == 0
    assert time.monotonic() - began < 5


async def test_the_command_prints_what_a_worker_offers(
    sojourn: Sojourn, connection: asyncpg.Connection
) -> None:
    """`sojourn metrics` is a scrape without Prometheus; --json has one object per sample."""
    await stall(connection, "one")
    stalled = key(
        "sojourn_agreements_stalled",
        kind="shadowing",
        reason="milestone_overdue",
        role="host_expert",
        level="1",
    )
    printed = await sojourn("metrics")
    assert printed.exit_code == 0, printed.stderr
    assert samples(printed.stdout)[stalled] == 1
    as_json = await sojourn("metrics", "--json")
    assert as_json.exit_code == 0, as_json.stderr
    rows = json.loads(as_json.stdout)
    assert {key(row["name"], **row["labels"]): row["value"] for row in rows}[stalled] == 1
    assert {name for name, _ in samples(printed.stdout)} == {row["name"] for row in rows}


async def test_the_command_tells_a_script_that_the_record_is_away(
    sojourn: Sojourn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it prints stays a valid exposition; the exit code and standard error say what is wrong."""
    monkeypatch.setenv("SOJOURN_DATABASE_URL", "postgresql://127.0.0.1:1/sojourn")
    printed = await sojourn("metrics")
    assert printed.exit_code == 3
    assert samples(printed.stdout)[key("sojourn_record_up")] == 0
    assert "The record cannot be read" in printed.stderr


def test_the_page_tells_each_figure() -> None:
    """docs/metrics.md names what is exported, with its labels and its meaning, and nothing else."""
    page = (DOCS / "metrics.md").read_text()
    told = {
        name: (tuple(re.findall(r"`(\w+)`", labels)), meaning)
        for name, labels, meaning in re.findall(
            r"^\| `(sojourn_\w+)` \|([^|]*)\| ([^|]+) \|$", page, re.MULTILINE
        )
    }
    exported = {
        family.name: (_labels(family), family.documentation)
        for family in MetricsCollector("postgresql://unused").describe()
    }
    exported["sojourn_build_info"] = (("version",), exported.pop("sojourn_build")[1])
    assert told == exported


def _labels(family: Metric) -> tuple[str, ...]:
    return tuple(getattr(family, "_labelnames", ()))
