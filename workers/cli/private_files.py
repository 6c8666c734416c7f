"""Files that hold what is not for everybody's eyes."""

from __future__ import annotations

import os
from pathlib import Path

from workers.terminal.failures import ExitCode, Failure


def write_private(path: Path, text: str) -> None:
    """Write a file for its owner alone (mode 0600), in place of one that is there; whole or not at all.

    Raises:
        Failure: It cannot be written.
    """
    if path.exists() and not path.is_file():
        # Such as /dev/stdout, which nothing can be put in place of.
        path.write_text(text, encoding="utf-8")
        return
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise Failure(f"{path} cannot be written: {error.strerror}.", ExitCode.USAGE) from error
