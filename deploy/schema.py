"""The schema as it is after all migrations, in one file for people to read: `deploy/schema.sql`.

Written anew by `make schema`, which migrates an empty database of the embedded PostgreSQL and lets its own
pg_dump describe it; a test holds the file to the migrations. Nothing is ever built from it.
"""

from __future__ import annotations

import asyncio
import re
import tempfile
from pathlib import Path

from deploy.embedded.postgres import EmbeddedPostgres
from deploy.embedded.postgres_package import postgres_package
from deploy.embedded.processes import EmbeddedServerError
from deploy.migrate import migrate

SCHEMA = Path(__file__).with_name("schema.sql")

_HEADER = """\
-- The schema after all migrations, for reading. Generated: change deploy/migrations/ and run `make schema`.
"""

_NOT_THE_SCHEMA = re.compile(
    r"""
    --(\ Dumped\ .*|\ PostgreSQL\ database\ dump.*)?$   # releases of the server and of pg_dump
    | \\(un)?restrict\ .*$                              # a key that is random
    | SET\ .*;$ | SELECT\ pg_catalog\.set_config\(.*$   # of the session that would restore it
    """,
    re.VERBOSE,
)


async def dump_schema(dsn: str) -> str:
    """Return the definitions of everything in a database, as pg_dump writes them.

    Neither owners nor the versions of programs are in it, so that equal schemas give equal texts.

    Args:
        dsn: A database on an embedded PostgreSQL, for a role that may read all of it.

    Raises:
        EmbeddedServerError: pg_dump failed; the text is what it said.
    """
    process = await asyncio.create_subprocess_exec(
        str(postgres_package().programs / "pg_dump"),
        *("--schema-only", "--no-owner", "--dbname", dsn),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await process.communicate()
    if process.returncode != 0:
        raise EmbeddedServerError(f"pg_dump could not read the schema: {errors.decode(errors='replace')}")
    lines = (line for line in output.decode().splitlines() if not _NOT_THE_SCHEMA.match(line))
    text = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
    return f"{_HEADER}\n{text}\n"


async def schema_of_migrations() -> str:
    """Return the schema after all migrations, of a database on a server of its own."""
    with tempfile.TemporaryDirectory(prefix="sojourn-", ignore_cleanup_errors=True) as folder:
        async with EmbeddedPostgres(Path(folder)) as postgres:
            await migrate(postgres.owner_dsn)
            return await dump_schema(postgres.dsn_of("sojourn"))


if __name__ == "__main__":
    SCHEMA.write_text(asyncio.run(schema_of_migrations()))
