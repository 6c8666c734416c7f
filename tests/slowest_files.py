"""Which test files took longest: said at the end of each run, so that a slow one is noticed when it comes."""

from __future__ import annotations

from collections import defaultdict
from operator import itemgetter

import pytest

SHOWN = 10


class SlowestFiles:
    """The time that each file's tests took, set-up and tear-down included, in whichever process they ran."""

    def __init__(self) -> None:
        self._seconds: defaultdict[str, float] = defaultdict(float)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count one phase of one test."""
        file, _, _ = report.nodeid.partition("::")
        self._seconds[file] += report.duration

    def slowest(self) -> list[tuple[str, float]]:
        """Return the files that took longest with their seconds, the slowest first, at most `SHOWN`."""
        return sorted(self._seconds.items(), key=itemgetter(1), reverse=True)[:SHOWN]

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the list; nothing where a single file ran, whose time stands in the last line anyhow."""
        if len(self._seconds) > 1:
            terminalreporter.write_sep("=", f"slowest {min(SHOWN, len(self._seconds))} files")
            for file, seconds in self.slowest():
                terminalreporter.write_line(f"{seconds:8.1f} s  {file}")
