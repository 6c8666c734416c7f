"""The documented way back, walked to its end, with PostgreSQL's own programs and the command line."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest
from temporalio.client import Client
from typer.testing import CliRunner, Result

from deploy.embedded import EmbeddedPostgres
from deploy.embedded.postgres_package import postgres_package
from domain.kernel.vocabulary import Kind
from domain.views.status import ObligationView
from workers.cli import app

if TYPE_CHECKING:
    from tests.workflows.conftest import House, KeepingHouse, Mailbox, Placement

Place = tuple[int, tuple[ObligationView, ...], datetime | None]
"""Where an agreement is: its version, what it owes, and when its next timer fires."""


@pytest.fixture
async def elsewhere(data_folder: Path) -> AsyncIterator[EmbeddedPostgres]:
    """Another PostgreSQL cluster, with the roles and an empty database."""
    async with EmbeddedPostgres(data_folder, settings={"fsync": "off"}) as server:
        yield server


async def _run(program: str, *arguments: str) -> None:
    process = await asyncio.create_subprocess_exec(
        str(postgres_package().programs / program),
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()


async def _sojourn(*arguments: str) -> Result:
    # In a thread, because each command runs an event loop of its own.
    return await asyncio.to_thread(CliRunner().invoke, app, list(arguments))


async def _counts(*arguments: str) -> dict[str, int]:
    done = await _sojourn("rehydrate", "--json", *arguments)
    assert done.exit_code == 0, done.output
    counts: dict[str, int] = json.loads(done.stdout)["counts"]
    return {outcome: count for outcome, count in counts.items() if count}


async def _place(placement: Placement) -> Place:
    """Where it is, as its own workflow and the timer that Temporal keeps for it say."""
    status = await placement.status()
    return status.version, status.obligations, await placement.alarm()


async def _when_settled(placement: Placement) -> Place:
    """The same, once every letter that may be sent by now is sent: no timer waits for one of them."""

    async def late() -> list[str]:
        now = await placement.now()
        queued = await placement.house.event_store.notices.undelivered(placement.agreement_id)
        return [notice.notice_id for notice in queued if notice.not_before <= now]

    await placement.house.eventually(late, lambda seen: seen == [])
    return await _place(placement)


async def _in_different_places(house: House) -> list[Placement]:
    """One of each kind: under way, with its first obligations, and just proposed."""
    secondment, shadowing, rotation = [await house.place(kind) for kind in Kind]
    await secondment.become_active()
    owed = next(iter((await shadowing.agreement()).obligations.values()))
    command = await shadowing.cast_answer(owed)
    assert command is not None
    await shadowing.act(command)
    return [secondment, shadowing, rotation]


@pytest.mark.timeout(300)
async def test_what_a_dump_holds_runs_again_where_it_was(
    house: House,
    keeping_house: KeepingHouse,
    another_client: Client,
    elsewhere: EmbeddedPostgres,
    *,
    mailbox: Mailbox,
    owner_database: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Both servers lost, a dump gives each agreement its version, obligations and next timer again."""
    placements = await _in_different_places(house)
    known = [await _when_settled(each) for each in placements]
    await house.close_workers()
    letters = len(mailbox.mails)
    dump = str(tmp_path / "sojourn.dump")
    await _run("pg_dump", "--format=custom", f"--file={dump}", owner_database)
    await _lose(owner_database)

    await _run("pg_restore", "--exit-on-error", f"--dbname={elsewhere.dsn_of('sojourn')}", dump)
    for name, value in {
        "SOJOURN_DATABASE_URL": elsewhere.dsn,
        "SOJOURN_OWNER_DATABASE_URL": elsewhere.owner_dsn,
        "TEMPORAL_ADDRESS": another_client.service_client.config.target_host,
        "TEMPORAL_NAMESPACE": another_client.namespace,
    }.items():
        monkeypatch.setenv(name, value)
    assert "another PostgreSQL cluster" in (await _sojourn("verify", "--record-only")).stderr
    for step in (("migrate",), ("verify", "--record-only")):
        done = await _sojourn(*step)
        assert done.exit_code == 0, done.output

    async with keeping_house(elsewhere.dsn, another_client, mailbox) as there:
        monkeypatch.setenv("SOJOURN_TASK_QUEUE", there.settings.task_queue)
        lost = await _sojourn("verify", "--json")
        assert lost.exit_code == 1
        found: list[dict[str, Any]] = json.loads(lost.stdout)
        assert {each["agreement_id"] for each in found} == {each.agreement_id for each in placements}
        assert {each["problem"] for each in found} == {
            "the agreement is open and its workflow does not exist"
        }

        assert await _counts("--dry-run") == {"would_resume": 3}
        assert await _counts() == {"resumed": 3}
        again = [_in(there, each) for each in placements]
        assert [await _place(each) for each in again] == known
        assert await _counts() == {"running": 3}
        assert [await _place(each) for each in again] == known
        assert len(mailbox.mails) == letters
        whole = await _sojourn("verify")
        assert whole.exit_code == 0, whole.output


async def _lose(owner_database: str) -> None:
    """Takes every table away, as somebody would who has the wrong database before them."""
    owner = await asyncpg.connect(owner_database)
    await owner.execute("DROP SCHEMA sojourn, sojourn_keys CASCADE")
    await owner.close()


def _in(house: House, placement: Placement) -> Placement:
    return type(placement)(house, placement.terms, house.client.get_workflow_handle(placement.agreement_id))
