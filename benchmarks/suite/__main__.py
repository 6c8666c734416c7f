"""Measures everything that `make bench` promises, or the sections that are named.

python -m benchmarks.suite [--quick] [--write] [SECTION ...]
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Mapping

from benchmarks.suite import commands, event_store, first_minutes, waiting, whole_life
from benchmarks.suite.figures import Section
from benchmarks.suite.report import as_text, moved, write

Measure = Callable[[], Awaitable[Section]]

FULL: Mapping[str, Measure] = {
    "commands": lambda: commands.measure(commands.FULL),
    "whole_life": lambda: whole_life.measure(turns=3),
    "waiting": lambda: waiting.measure(agreements=300, seconds=20, rehydrated=240),
    "event_store": lambda: event_store.measure(seconds=4, rounds=3, events=100_000),
    "first_minutes": first_minutes.measure,
}
QUICK: Mapping[str, Measure] = {
    "commands": lambda: commands.measure(commands.QUICK),
    "whole_life": lambda: whole_life.measure(turns=1),
    "waiting": lambda: waiting.measure(agreements=60, seconds=5, rehydrated=60),
    "event_store": lambda: event_store.measure(seconds=1, rounds=1, events=10_000),
}
"""The same in under five minutes, without installing anything anew."""


async def _run(chosen: Mapping[str, Measure]) -> list[Section]:
    found: list[Section] = []
    for name, measure in chosen.items():
        began = time.perf_counter()
        found.append(await measure())
        sys.stdout.write(f"{as_text(found[-1])}\n  ({name} took {time.perf_counter() - began:.0f} s)\n\n")
        sys.stdout.flush()
    return found


def main() -> None:
    """Parse the command line, measure, and say what moved since the committed run."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=f"some of: {', '.join(FULL)}")
    parser.add_argument("--quick", action="store_true", help="in under five minutes")
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md")
    given = parser.parse_args()
    measures = QUICK if given.quick else FULL
    if unknown := set(given.sections) - measures.keys():
        parser.error(f"no section {', '.join(sorted(unknown))}; there are {', '.join(measures)}")
    wanted = given.sections or list(measures)
    sections = asyncio.run(_run({name: measures[name] for name in wanted}))
    for line in moved(sections):
        sys.stdout.write(f"moved by more than a quarter: {line}\n")
    if given.write:
        write(sections, "make bench" if not given.quick else "make bench QUICK=1")


if __name__ == "__main__":
    main()
