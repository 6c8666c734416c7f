"""Runs the chaos suite by itself: `python -m tests.chaos --seconds 300 --seed 7`."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from tests.chaos.report import print_report
from tests.chaos.running import run_chaos


def main() -> int:
    """Runs once and reports; exit status 1 where anything was lost, doubled or otherwise wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seconds", type=float, default=120, help="how long things are broken (120)")
    parser.add_argument("--seed", type=int, default=1, help="what is broken when is drawn from it (1)")
    parser.add_argument("--pause", type=float, default=4.0, help="seconds between two faults on average (4)")
    parser.add_argument("--haste", type=float, default=0.05, help="how often weeks pass at once (0.05)")
    parser.add_argument("--json", action="store_true", help="the report as JSON")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sojourn-chaos-", ignore_cleanup_errors=True) as folder:
        report = asyncio.run(
            run_chaos(
                Path(folder).resolve(),
                seed=given.seed,
                seconds=given.seconds,
                pause=given.pause,
                haste=given.haste,
                tell=_tell,
            )
        )
    if given.json:
        sys.stdout.write(report.model_dump_json(indent=2) + "\n")
    else:
        print_report(report)
    return 0 if report.ok else 1


def _tell(sentence: str) -> None:
    sys.stderr.write(f"{sentence}\n")


if __name__ == "__main__":
    sys.exit(main())
