"""What is not as it should be is refused at once, with what to do, and never with a traceback."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncpg
import pytest
from typer.testing import Result

from application.settings import Settings
from application.temporal.namespace import NamespaceNotReadyError
from deploy.embedded import EmbeddedTemporal
from deploy.migrate import MigrationRefusedError
from domain.agreement.state import Agreement
from workers.cli.expected_errors import expected
from workers.runtime.worker import run_worker
from workers.terminal.failures import ExitCode

Sojourn = Callable[..., Awaitable[Result]]
Lives = Callable[..., Awaitable[Agreement]]


@pytest.fixture
async def edit(administrator: asyncpg.Connection) -> Callable[[str], Awaitable[None]]:
    """Changes the log by hand, as only who administrates the server can."""

    async def by_hand(statement: str) -> None:
        await administrator.execute("ALTER TABLE sojourn.event DISABLE TRIGGER event_is_append_only")
        await administrator.execute(statement)
        await administrator.execute("ALTER TABLE sojourn.event ENABLE ALWAYS TRIGGER event_is_append_only")

    return by_hand


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("DELETE FROM sojourn.event WHERE version = 2", "version 2 is missing before 3"),
        ("UPDATE sojourn.event SET data = '{}' WHERE version = 3", "version 3: "),
        (
            "UPDATE sojourn.event SET data = (data::jsonb - 'ledger')::json WHERE version > 1",
            "cannot be folded",
        ),
    ],
    ids=["removed", "emptied", "without_ledgers"],
)
async def test_a_stream_that_was_edited_is_refused(
    sojourn: Sojourn,
    live: Lives,
    edit: Callable[[str], Awaitable[None]],
    statement: str,
    problem: str,
) -> None:
    """Nothing is shown of a stream that does not fold; what says where, and the way back, are named."""
    lived = await live("secondment", days=120)
    await edit(statement)
    shown = await sojourn("show", lived.agreement_id)
    assert shown.exit_code == 1
    assert problem in shown.stderr
    assert f"sojourn verify --agreement {lived.agreement_id}" in shown.stderr
    assert "restore it from a backup" in shown.stderr
    assert (await sojourn("verify", "--record-only")).exit_code == 1


async def test_an_event_of_a_newer_release_is_refused(
    sojourn: Sojourn, live: Lives, edit: Callable[[str], Awaitable[None]]
) -> None:
    """An unknown type, or a known one in a newer schema, names the event and the release that is needed."""
    lived = await live("shadowing", days=5)
    await edit("UPDATE sojourn.event SET schema_version = 99 WHERE version = 1")
    shown = await sojourn("show", lived.agreement_id)
    assert shown.exit_code == 1
    assert "agreement.proposed schema 99 is unknown to this release" in shown.stderr
    assert "run a release that knows it" in shown.stderr


OLDER = "DELETE FROM sojourn.migration WHERE number > 3"
NEWER = """
    INSERT INTO sojourn.migration (number, name, sha256)
    SELECT max(number) + 1, 'later', 'x' FROM sojourn.migration
"""
MISSING_TABLE = "DROP TABLE sojourn.obligation CASCADE"


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        (OLDER, "run `sojourn migrate`"),
        (NEWER, "newer than this code"),
        (MISSING_TABLE, "table sojourn.obligation"),
    ],
    ids=["older", "newer", "missing_table"],
)
async def test_a_database_that_is_not_this_releases_is_refused(
    sojourn: Sojourn, administrator: asyncpg.Connection, settings: Settings, statement: str, problem: str
) -> None:
    """A worker and every command stop at once, and say whether to migrate, deploy or restore."""
    await administrator.execute(statement)
    for command in ("list", "verify", "rebuild"):
        refused = await sojourn(command)
        assert refused.exit_code == 3
        assert problem in refused.stderr
    with pytest.raises(MigrationRefusedError, match=problem):
        await run_worker(settings, stop=asyncio.Event())


async def test_a_namespace_without_our_search_attributes_is_refused(
    settings: Settings, data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker does not start where every agreement would fail its first task, and says what to do."""
    async with EmbeddedTemporal(data_folder, headless=True, in_memory=True) as bare:
        monkeypatch.setenv("TEMPORAL_ADDRESS", bare.address)
        with pytest.raises(
            NamespaceNotReadyError, match=r"AgreementHealth.*Run `sojourn migrate`"
        ) as refused:
            await run_worker(settings, stop=asyncio.Event())
    failure = expected(refused.value)
    assert failure is not None
    assert failure.code is ExitCode.UNREACHABLE
