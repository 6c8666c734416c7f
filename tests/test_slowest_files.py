"""What a run says of its slowest files is true."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.slowest_files import SHOWN, SlowestFiles


def _report(nodeid: str, seconds: float, when: str = "call") -> pytest.TestReport:
    return pytest.TestReport(
        nodeid=nodeid,
        location=(nodeid.partition("::")[0], 1, "test"),
        keywords={},
        outcome="passed",
        longrepr=None,
        when="call" if when == "call" else "setup",
        duration=seconds,
    )


def test_a_files_tests_are_added_up_with_their_set_up() -> None:
    """Ten files at most, the slowest first, each with all that its tests took."""
    files = SlowestFiles()
    for number in range(SHOWN + 2):
        files.pytest_runtest_logreport(_report(f"tests/test_{number}.py::test_a", float(number)))
    files.pytest_runtest_logreport(_report("tests/test_0.py::test_a", 40.0, "setup"))
    files.pytest_runtest_logreport(_report("tests/test_0.py::test_b[x::y]", 2.0))
    assert len(files.slowest()) == SHOWN
    assert files.slowest()[:2] == [("tests/test_0.py", 42.0), ("tests/test_11.py", 11.0)]


def test_two_processes_are_told_as_one_run(tmp_path: Path) -> None:
    """With tests dealt out to processes the list is printed once, with the files of both."""
    for name in ("first", "second"):
        (tmp_path / f"test_{name}.py").write_text("def test_it() -> None:\n    assert True\n")
    (tmp_path / "conftest.py").write_text(
        "from tests.slowest_files import SlowestFiles\n"
        "def pytest_configure(config):\n"
        "    config.pluginmanager.register(SlowestFiles(), 'slowest-files')\n"
    )
    run = [sys.executable, "-m", "pytest", "-q", "-n", "2", "-c", "/dev/null", "--rootdir", str(tmp_path)]
    said = subprocess.run(  # noqa: S603  our own interpreter
        [*run, str(tmp_path)], check=True, capture_output=True, text=True, timeout=60
    ).stdout
    assert said.count("slowest 2 files") == 1
    assert "test_first.py" in said
    assert "test_second.py" in said
