"""Looking for texts, byte by byte, in what servers keep and in what a backup would hold."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import asyncpg

from deploy.embedded import EmbeddedPostgres
from deploy.embedded.postgres import PROGRAMS


async def uncompress(dsn: str) -> None:
    """Has PostgreSQL keep long values as they are: compressed, they would hide a text from the search.

    Args:
        dsn: As who administrates the server.
    """
    administrator = await asyncpg.connect(dsn)
    columns = await administrator.fetch(
        "SELECT attrelid::regclass::text AS relation, quote_ident(attname) AS name FROM pg_attribute "
        "JOIN pg_class ON pg_class.oid = attrelid WHERE relkind = 'r' AND attnum > 0 "
        "AND attstorage IN ('x', 'm') AND relnamespace::regnamespace::text LIKE 'sojourn%'"
    )
    for column in columns:
        await administrator.execute(
            f"ALTER TABLE {column['relation']} ALTER COLUMN {column['name']} SET STORAGE EXTERNAL"
        )
    await administrator.close()


async def dump(postgres: EmbeddedPostgres) -> bytes:
    """What a backup holds; the server's files hold as much from now on."""
    administrator = await asyncpg.connect(postgres.dsn_of("sojourn"))
    await administrator.execute("CHECKPOINT")
    await administrator.close()
    command = [str(PROGRAMS / "pg_dump"), "--dbname", postgres.dsn_of("sojourn")]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, check=True)
    return done.stdout


def found(folder: Path, texts: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Which texts lie in which file of a folder."""
    wanted = [(text, text.encode()) for text in texts]
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            content = path.read_bytes()
            yield from ((path.name, text) for text, encoded in wanted if encoded in content)
