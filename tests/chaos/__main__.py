"""Runs the chaos suite by itself: `python -m tests.chaos --seconds 300 --seed 7`."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from tests.chaos.report import print_report
from tests.chaos.running import run_chaos
from tests.chaos.schedule import Plan

_MEASURES = {
    "pause": "seconds between two faults on average",
    "longest": "seconds that a server is away at the most",
    "haste": "how often people let weeks pass at once, from 0 to 1",
}


def main() -> int:
    """Runs once and reports; exit status 1 where anything was lost, doubled or otherwise wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seconds", type=float, default=120, help="how long things are broken (120)")
    parser.add_argument("--seed", type=int, default=1, help="what is broken when is drawn from it (1)")
    for name, meaning in _MEASURES.items():
        default = Plan._field_defaults[name]
        parser.add_argument(f"--{name}", type=float, default=default, help=f"{meaning} ({default:g})")
    parser.add_argument("--json", action="store_true", help="the report as JSON")
    given = parser.parse_args()
    plan = Plan(given.seed, given.seconds, given.pause, given.longest, given.haste)
    with tempfile.TemporaryDirectory(prefix="sojourn-chaos-", ignore_cleanup_errors=True) as folder:
        report = asyncio.run(run_chaos(Path(folder).resolve(), plan, _tell))
    if given.json:
        sys.stdout.write(report.model_dump_json(indent=2) + "\n")
    else:
        print_report(report)
    return 0 if report.ok else 1


def _tell(sentence: str) -> None:
    sys.stderr.write(f"{sentence}\n")


if __name__ == "__main__":
    sys.exit(main())
