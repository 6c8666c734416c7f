"""Where a running stack is found: by the process that asks, without being told."""

from __future__ import annotations

import json
import os
import socket
from contextlib import suppress
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from platformdirs import user_state_path
from pydantic import ValidationError

from domain.kernel.model import Frozen, Instant

_FILE = "stack.json"
_PATIENCE = 1.0


class StackAddresses(Frozen):
    """Where the parts of a running stack are reached."""

    temporal_address: str
    """Host and port for Temporal clients."""
    namespace: str
    ui_url: str | None
    """The Temporal UI, unless it was left out."""
    dsn: str
    """The PostgreSQL database of the record, for workers and commands."""
    owner_dsn: str
    """The same, for whoever migrates or rebuilds."""
    data: Path
    """The folder with all data and logs."""
    pid: int
    """The process that holds the stack up."""
    started_at: Instant


def write_addresses(addresses: StackAddresses) -> None:
    """Let other processes find this stack: by its folder, and as the one started last."""
    text = addresses.model_dump_json(indent=2) + "\n"
    _write(addresses.data / _FILE, text)
    _write(_pointer(), json.dumps({"data": str(addresses.data)}) + "\n")


def remove_addresses(data: Path) -> None:
    """Undo `write_addresses`, unless another stack was started since."""
    (data / _FILE).unlink(missing_ok=True)
    if _pointed_at() == data:
        _pointer().unlink(missing_ok=True)


def find_running_stack(data: Path | None = None) -> StackAddresses | None:
    """Find a stack that is up and answers.

    Args:
        data: The folder it was started on; None finds the one that this user started last.

    Returns:
        Its addresses; None where there is none, or where it died.
    """
    folder = data.resolve() if data is not None else _pointed_at()
    if folder is None:
        return None
    addresses = read_addresses(folder)
    return addresses if addresses is not None and _is_alive(addresses) else None


def read_addresses(data: Path) -> StackAddresses | None:
    """Return what a stack wrote down about itself in its folder, whether or not it is still up."""
    try:
        return StackAddresses.model_validate_json((data / _FILE).read_text())
    except (OSError, ValidationError):
        return None


def _pointer() -> Path:
    return user_state_path("sojourn", appauthor=False) / _FILE


def _pointed_at() -> Path | None:
    try:
        return Path(json.loads(_pointer().read_text())["data"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.write_text(text)
    draft.replace(path)


def _is_alive(addresses: StackAddresses) -> bool:
    # The process first: after a crash another program may listen on the same port.
    try:
        os.kill(addresses.pid, 0)
    except PermissionError:
        pass
    except OSError:
        return False
    host, _, port = addresses.temporal_address.rpartition(":")
    query = parse_qs(urlsplit(addresses.dsn).query)
    database = f"{query['host'][0]}/.s.PGSQL.{query['port'][0]}"
    with suppress(OSError), socket.create_connection((host, int(port)), timeout=_PATIENCE):
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(_PATIENCE)
            probe.connect(database)
        return True
    return False
