"""The token file that a call names, before anything is imported that could read it."""

from __future__ import annotations

from contextvars import ContextVar
from pathlib import Path

TOKEN_FILE: ContextVar[Path | None] = ContextVar("TOKEN_FILE", default=None)
"""The file that `--token-file` names; it wins over `SOJOURN_TOKEN`."""
