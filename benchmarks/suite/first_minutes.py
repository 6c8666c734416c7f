"""The first minutes: from a fresh clone to the first closed agreement, installing and playing apart.

python -m benchmarks.suite first_minutes
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from pathlib import Path

from benchmarks.suite.figures import Section

ROOT = Path(__file__).parents[2]


async def measure() -> Section:
    """Clone, set up, and play the demonstration."""
    section = Section(
        "first_minutes",
        "The first minutes",
        "A clone of this checkout's last commit in an empty folder, `make setup` with an empty package "
        "cache, then "
        "`make demo`, which plays three placements to their end.",
    )
    with tempfile.TemporaryDirectory(prefix="sojourn-", ignore_cleanup_errors=True) as folder:
        clone = Path(folder) / "sojourn"
        await _run("git", "clone", "--quiet", str(ROOT), str(clone), at=ROOT)
        section.add("installing", "Sojourn", "s", [await _run("make", "setup", at=clone)])
        section.add("playing three placements", "Sojourn", "s", [await _run("make", "demo", at=clone)])
    return section


async def _run(*command: str, at: Path) -> float:
    environment = {
        name: value for name, value in os.environ.items() if name not in {"VIRTUAL_ENV", "PYTHONPATH"}
    }
    environment["PIP_NO_CACHE_DIR"] = "1"
    began = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        *command, cwd=at, env=environment, stdout=asyncio.subprocess.DEVNULL
    )
    if await process.wait() != 0:
        raise RuntimeError(f"{' '.join(command)} failed")
    return time.perf_counter() - began
