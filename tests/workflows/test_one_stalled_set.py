"""One definition of stalled, four faces: workflow, Temporal's filters, SQL, what people and monitors read."""

from __future__ import annotations

import asyncio
import json
import random
import re
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import asyncpg
import pytest
from typer.testing import CliRunner

from deploy.embedded import EmbeddedPostgres
from domain.decisions.time_passing import next_instant
from domain.kernel.vocabulary import Health, Kind
from domain.ledger.obligation import Obligation
from domain.views.health import assess
from domain.views.status import StatusView
from workers.cli import app
from workers.runtime.metrics import MetricsCollector
from workflows.search_attributes import HEALTH, KIND, LEVEL, STALL_REASON, STALLED_SINCE, WAITING_ON_ROLE

if TYPE_CHECKING:
    from tests.workflows.conftest import House, Placement

INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d")
LOOKS = 4
SECOND = timedelta(seconds=1)
LIKELIHOOD_OF_AN_ANSWER = 0.7
READ_MODELS = ("agreement", "agreement_party", "obligation")


class Said(NamedTuple):
    """What every face says of a stalled agreement."""

    kind: str
    reason: str
    role: str
    since: datetime
    level: int | None


Faces = dict[str, Said]
"""By agreement; who is not stalled is not in it."""


@pytest.fixture
async def moved_database(postgres: EmbeddedPostgres, migrated_template: str) -> AsyncIterator[str]:
    """A second database, for read models moved in time: metrics speak of the clock's now only."""
    name = f"moved_{uuid.uuid4().hex}"
    connection = await asyncpg.connect(postgres.dsn_of("postgres"))
    await connection.execute(f"CREATE DATABASE {name} TEMPLATE {migrated_template}")
    yield postgres.dsn_of(name)
    await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await connection.close()


@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", [3, 20])
async def test_one_definition_has_four_faces(
    house: House, moved_database: str, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Over random lives all faces name the same agreements with the same reason, role, instant and level."""
    monkeypatch.setenv("SOJOURN_DATABASE_URL", house.settings.database_dsn())
    chance = random.Random(seed)  # noqa: S311  no secret
    placements = [await house.place(kind) for kind in Kind]
    at = max([await placement.now() for placement in placements])
    found: Counter[Said] = Counter()
    for _ in range(LOOKS):
        # Nothing is due at such a minute, so that what is read a little later still holds.
        at = (at + timedelta(days=chance.randint(9, 40))).replace(minute=23)
        await asyncio.gather(*(_live_to(each, at, _answers(seed, each)) for each in placements))
        expected = await _folded(placements, at)
        found.update(expected.values())
        assert await _by_workflows(house, placements) == expected
        assert await _by_filters(house, placements, expected) == expected
        assert await _by_sql(house, at) == expected
        assert await _by_command_line(at) == expected
        assert await _by_metrics(house, moved_database, at) == _counted(expected)
    assert len(found) > 1, "lives in which nothing stalls show nothing"


def _answers(seed: int, placement: Placement) -> Callable[[Obligation], bool]:
    """Some of what is owed is neglected for good; which is a matter of chance."""

    def answered(owed: Obligation) -> bool:
        chance = random.Random(f"{seed}/{placement.terms.kind}/{owed.obligation_id}")  # noqa: S311  no secret
        return chance.random() < LIKELIHOOD_OF_AN_ANSWER

    return answered


async def _live_to(placement: Placement, end: datetime, answers: Callable[[Obligation], bool]) -> None:
    while not (agreement := await placement.agreement()).closed:
        now = await placement.now()
        if await placement._act_once(agreement, answers, now):  # pyright: ignore[reportPrivateUsage]  their step
            continue
        upcoming = next_instant(agreement, now)
        if upcoming is None or upcoming >= end:
            if end > now:
                await placement.fast_forward(end - now)
            return
        await placement.fast_forward(upcoming - now + timedelta(seconds=1))


async def _folded(placements: Sequence[Placement], at: datetime) -> Faces:
    faces: Faces = {}
    for placement in placements:
        agreement = await placement.agreement()
        stall = assess(agreement, at).stall
        if stall is not None:
            faces[placement.agreement_id] = Said(
                agreement.kind, stall.reason, stall.waiting_on.role, stall.since, stall.level
            )
    return faces


async def _by_workflows(house: House, placements: Sequence[Placement]) -> Faces:
    faces: Faces = {}
    for placement in placements:
        folded = await placement.agreement()
        if folded.closed:
            continue

        def is_there(status: StatusView, version: int = folded.version) -> bool:
            return status.version == version

        # A run that has just begun is still on its way to the same version.
        status = await house.eventually(placement.status, is_there)
        if status.stall is not None:
            stall = status.stall
            said = Said(status.kind, stall.reason, stall.waiting_on.role, stall.since, stall.level)
            faces[placement.agreement_id] = said
    return faces


async def _by_filters(house: House, placements: Sequence[Placement], expected: Faces) -> Faces:
    ours = ", ".join(f"'{placement.agreement_id}'" for placement in placements)
    stalled = f"{HEALTH.name} = '{Health.STALLED}' AND ExecutionStatus = 'Running' AND WorkflowId IN ({ours})"

    async def listed() -> Faces:
        faces: Faces = {}
        async for found in house.client.list_workflows(stalled):
            known = found.typed_search_attributes
            faces[found.id] = Said(
                known[KIND],
                known[STALL_REASON],
                known[WAITING_ON_ROLE],
                known[STALLED_SINCE].astimezone(UTC),
                known.get(LEVEL),
            )
        return faces

    faces = await house.eventually(listed, lambda seen: seen == expected)
    for agreement_id, said in faces.items():
        level = f"{LEVEL.name} IS NULL" if said.level is None else f"{LEVEL.name} = {said.level}"
        narrower = (
            f"{stalled} AND WorkflowId = '{agreement_id}' AND {STALL_REASON.name} = '{said.reason}' AND "
            f"{WAITING_ON_ROLE.name} = '{said.role}' AND {level} AND {STALLED_SINCE.name} BETWEEN "
            f"'{said.since - SECOND:%Y-%m-%dT%H:%M:%SZ}' AND '{said.since + SECOND:%Y-%m-%dT%H:%M:%SZ}'"
        )
        assert (await house.client.count_workflows(narrower)).count == 1, narrower
    return faces


async def _by_sql(house: House, at: datetime) -> Faces:
    return {
        row.agreement_id: Said(row.kind, row.reason, str(row.waiting_on_role), row.since, row.level)
        for row in await house.event_store.read_models.stalled(at)
    }


async def _by_command_line(at: datetime) -> Faces:
    asked = ["stalled", "--json", "--as-of", at.isoformat()]
    result = await asyncio.to_thread(CliRunner().invoke, app, asked)
    assert result.exit_code == 0, result.output
    return {
        row["agreement_id"]: Said(
            row["kind"],
            row["reason"],
            row["waiting_on"]["role"],
            datetime.fromisoformat(row["since"]),
            row["level"],
        )
        for row in json.loads(result.stdout)
    }


def _counted(faces: Faces) -> Counter[tuple[str, ...]]:
    return Counter(
        (said.kind, said.reason, said.role, "none" if said.level is None else str(said.level))
        for said in faces.values()
    )


async def _by_metrics(house: House, moved_database: str, at: datetime) -> Counter[tuple[str, ...]]:
    """What Prometheus would be told, were `at` the present: metrics know no other instant than now."""
    await _move(house, moved_database, datetime.now(UTC) - at)
    collected = await asyncio.to_thread(lambda: list(MetricsCollector(moved_database).collect()))
    [family] = [metric for metric in collected if metric.name == "sojourn_agreements_stalled"]
    labels = ("kind", "reason", "role", "level")
    return Counter(
        {tuple(sample.labels[each] for each in labels): int(sample.value) for sample in family.samples}
    )


async def _move(house: House, moved_database: str, by: timedelta) -> None:
    """Copies the read models as they stand, with every instant of theirs moved."""
    copy = await asyncpg.connect(moved_database)
    try:
        async with copy.transaction():
            for name in READ_MODELS:
                rows = await house.pool.fetchval(f"SELECT jsonb_agg(row) FROM sojourn.{name} AS row")  # noqa: S608
                await copy.execute(f"DELETE FROM sojourn.{name}")  # noqa: S608
                await copy.execute(
                    f"INSERT INTO sojourn.{name} SELECT * "  # noqa: S608
                    f"FROM jsonb_populate_recordset(NULL::sojourn.{name}, $1::text::jsonb)",
                    json.dumps(_moved(json.loads(rows), by)),
                )
    finally:
        await copy.close()


def _moved(value: Any, by: timedelta) -> Any:  # noqa: ANN401  any JSON
    match value:
        case dict():
            return {key: _moved(each, by) for key, each in value.items()}  # pyright: ignore[reportUnknownVariableType]
        case list():
            return [_moved(each, by) for each in value]  # pyright: ignore[reportUnknownVariableType]
        case str() if INSTANT.match(value):
            return (datetime.fromisoformat(value) + by).isoformat()
        case _:
            return value
