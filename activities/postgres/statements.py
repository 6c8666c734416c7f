"""The named statements of `statements.sql`: SQL is written as SQL, and each statement says what it is for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

_HEADING = re.compile(r"^-- (?P<name>[a-z_]+) --$", re.MULTILINE)


def load(path: Path) -> Mapping[str, str]:
    """Read a file of statements, each under a heading `-- name --` and a comment with its purpose.

    Raises:
        ValueError: Text before the first heading, a name given twice, or a statement without its purpose.
    """
    before, *parts = _HEADING.split(path.read_text(encoding="utf-8"))
    if before.strip():
        raise ValueError(f"{path}: text before the first `-- name --` heading.")
    statements: dict[str, str] = {}
    for name, body in zip(parts[::2], parts[1::2], strict=True):
        if name in statements:
            raise ValueError(f"{path}: the statement {name} is there twice; rename one.")
        if not body.lstrip().startswith("-- "):
            raise ValueError(f"{path}: the statement {name} lacks its one-line purpose.")
        statements[name] = (
            f"/* {name} */ " + re.sub(r"^--.*\n", "", body.lstrip(), flags=re.MULTILINE).strip()
        )
    return MappingProxyType(statements)


STATEMENTS = load(Path(__file__).with_name("statements.sql"))
"""Every statement that activities run, by name. The name goes along as a comment, for pg_stat_activity."""
