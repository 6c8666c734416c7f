"""The documented way back from a backup, walked with PostgreSQL's own programs."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest

from activities.directory.calendars import CalendarSources
from activities.event_store.event_store import EventStore
from activities.postgres.pool import open_pool
from application.operations.verify import verify
from deploy.embedded import EmbeddedPostgres
from deploy.embedded.postgres_package import postgres_package
from deploy.migrate import MigrationRefusedError, check_schema, migrate
from domain.agreement.commands import ProposeAgreement
from domain.decisions.decide import decide
from domain.handling.handle import step
from domain.kernel.person import Person
from domain.stream.messages import Append
from domain.terms.requests import split
from tests.fixtures.paths import EXAMPLES
from workflows.contract import agreement_id_of


@pytest.fixture
async def elsewhere(data_folder: Path) -> AsyncIterator[EmbeddedPostgres]:
    """Another PostgreSQL cluster, with the roles and an empty database."""
    async with EmbeddedPostgres(data_folder, settings={"fsync": "off"}) as server:
        yield server


def _proposal(request_id: str) -> Append:
    terms = split({**json.loads((EXAMPLES / "shadowing.json").read_text()), "request_id": request_id}).terms
    agreement_id, at = agreement_id_of(terms), terms.approved_at + timedelta(hours=1)
    people = [Person.model_validate(each) for each in json.loads((EXAMPLES / "people.json").read_text())]
    first, last = terms.approved_at.date(), terms.planned_end + timedelta(days=730)
    sources = CalendarSources()
    command = ProposeAgreement(
        command_id=f"propose/{agreement_id}",
        actor_id=terms.approved_by,
        agreement_id=agreement_id,
        terms=terms,
    )
    calendars = {person.person_id: sources.resolve(person, first, last) for person in people}
    events = decide(None, command, at, calendars)
    ids = [str(uuid.uuid5(uuid.NAMESPACE_OID, f"{request_id}/{number}")) for number in range(len(events))]
    return step(None, command, events, ids, at).append


async def _run(program: str, *arguments: str) -> None:
    process = await asyncio.create_subprocess_exec(
        str(postgres_package().programs / program),
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()


async def test_a_dump_restored_into_another_cluster_is_whole(
    database: str, owner_database: str, elsewhere: EmbeddedPostgres, tmp_path: Path
) -> None:
    """Dump, lose, restore elsewhere, begin an epoch, verify: nothing differs, and work goes on in order."""
    pool = await open_pool(database)
    await EventStore(pool).append(_proposal("before"))
    before = await EventStore(pool).read_all()
    await pool.close()
    dump = str(tmp_path / "sojourn.dump")
    await _run("pg_dump", "--format=custom", f"--file={dump}", owner_database)

    await _run("pg_restore", "--exit-on-error", f"--dbname={elsewhere.dsn_of('sojourn')}", dump)
    application = await asyncpg.connect(elsewhere.dsn)
    with pytest.raises(MigrationRefusedError, match=r"another PostgreSQL cluster.*run `sojourn migrate`"):
        await check_schema(application)
    assert await migrate(elsewhere.owner_dsn) == []
    await check_schema(application)
    await application.close()

    restored = await open_pool(elsewhere.dsn)
    assert await verify(restored) == []
    assert (await EventStore(restored).append(_proposal("before"))).outcome == "duplicate"
    assert (await EventStore(restored).append(_proposal("after"))).outcome == "appended"
    # Whoever had read everything before reads on with what came after the restore, and nothing twice.
    page = await EventStore(restored).read_all(before.cursor)
    assert {event.agreement_id.partition(".")[2] for event in page.events} == {"after"}
    assert page.cursor.epoch == before.cursor.epoch + 1
    assert await verify(restored) == []
    await restored.close()
