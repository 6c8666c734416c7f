"""The embedded PostgreSQL keeps its data and says what is wrong."""

from __future__ import annotations

from pathlib import Path

import asyncpg
import pytest

from deploy.embedded import EmbeddedPostgres, EmbeddedServerError


async def _run(server: EmbeddedPostgres, query: str) -> object:
    connection = await asyncpg.connect(server.owner_dsn)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def test_data_outlives_a_stop_and_a_crash(data_folder: Path) -> None:
    """What was committed is there after a clean stop, and after a stop without a checkpoint."""
    server = EmbeddedPostgres(data_folder)
    await server.start()
    try:
        await _run(server, "CREATE TABLE kept (value integer)")
        await _run(server, "INSERT INTO kept VALUES (1)")
        await server.stop()
        await server.start()
        await _run(server, "INSERT INTO kept VALUES (2)")
        await server.stop(crash=True)
        await server.start()
        assert await _run(server, "SELECT sum(value) FROM kept") == 3
    finally:
        await server.stop()


async def test_server_left_behind_is_taken_over(data_folder: Path) -> None:
    """A server whose owner is gone is used as it runs, not fought over, and is stopped with its new owner."""
    async with EmbeddedPostgres(data_folder) as abandoned:
        before = await _run(abandoned, "SELECT pg_postmaster_start_time()")
        async with EmbeddedPostgres(data_folder) as owner:
            assert await _run(owner, "SELECT pg_postmaster_start_time()") == before
        with pytest.raises(FileNotFoundError):
            await _run(abandoned, "SELECT 1")


async def test_text_sorts_alike_everywhere(data_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The locale of whoever creates the data does not leak into the order of rows, nor break the start."""
    monkeypatch.setenv("LC_ALL", "xx_XX.UTF-8")
    async with EmbeddedPostgres(data_folder) as server:
        order = await _run(
            server, "SELECT string_agg(v, '' ORDER BY v) FROM unnest('{a,B,ä,Z}'::text[]) AS v"
        )
        assert order == "BZaä"


async def test_data_of_another_version_is_refused(data_folder: Path) -> None:
    """Data of another major version is refused with what to do, before a server touches it."""
    (data_folder / "postgres").mkdir()
    (data_folder / "postgres" / "PG_VERSION").write_text("9\n")
    with pytest.raises(EmbeddedServerError, match=r"written by PostgreSQL 9; .*pg_upgrade"):
        await EmbeddedPostgres(data_folder).start()


async def test_failed_start_shows_the_log(data_folder: Path) -> None:
    """A server that does not start says why, with the end of its log."""
    server = EmbeddedPostgres(data_folder, settings={"shared_buffers": "nonsense"})
    with pytest.raises(EmbeddedServerError, match=r"(?s)did not start.*postgres\.log.*shared_buffers"):
        await server.start()
