"""The digest of what histories are replayed by: a changed rule changes it, and changed words do not."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from application.temporal.replayed_code import SHOWN_ONLY, digest_of_replayed_code, replayed_modules

ROOT = Path(__file__).parents[3]
PACKAGES = ("domain", "workflows")

SHOWN_ELSEWHERE = (
    "domain/views/explanation_text.py",
    "domain/views/explain.py",
    "domain/simulation/replay.py",
    "domain/privacy/retention.py",
    "workflows/user_metadata.py",
)
RULES = (
    "workflows/agreement_run.py",
    "domain/kernel/calendar.py",
    "domain/decisions/areas/ending.py",
    "domain/agreement/evolvers/break_glass.py",
)

LOADED = """
import pkgutil, sys, workflows
for module in pkgutil.iter_modules(workflows.__path__, "workflows."):
    __import__(module.name)
print(*(name for name in sys.modules if name.partition(".")[0] in ("domain", "workflows")))
"""


@pytest.fixture(scope="module")
def as_it_is() -> str:
    """The digest of the code as it is."""
    return digest_of_replayed_code(ROOT)


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy of the code, to be changed."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def test_changed_docstrings_comments_and_layout_leave_it(copied: Path, as_it_is: str) -> None:
    """A release that only says things better moves no running agreement."""
    for source in copied.rglob("*.py"):
        text = re.sub(r'(?m)^(\s*""")(?=[A-Z])', r"\1Changed. ", source.read_text())
        source.write_text(f"# changed\n{text}\n\n# changed\n")
    assert digest_of_replayed_code(copied) == as_it_is


def test_modules_that_no_replay_depends_on_leave_it(copied: Path, as_it_is: str) -> None:
    """Explanations, simulations and what the Temporal UI shows change without moving anybody."""
    for module in SHOWN_ELSEWHERE:
        _append_code(copied / module)
    assert digest_of_replayed_code(copied) == as_it_is


def test_every_changed_rule_changes_it(copied: Path, as_it_is: str) -> None:
    """Workflows, what they import and the areas that are imported by their names are all covered."""
    digests = [as_it_is]
    for module in RULES:
        _append_code(copied / module)
        digests.append(digest_of_replayed_code(copied))
    assert len(set(digests)) == len(digests)


def test_whatever_workflows_load_is_covered() -> None:
    """No way of importing escapes it: a fresh interpreter loads nothing else of ours for the workflows."""
    asked = subprocess.run(  # noqa: S603  our own interpreter
        [sys.executable, "-c", LOADED], cwd=ROOT, capture_output=True, text=True, check=True, timeout=120
    )
    loaded = set(asked.stdout.split())
    assert "domain.decisions.areas.ending" in loaded
    assert loaded - replayed_modules(ROOT).keys() == SHOWN_ONLY


def _append_code(source: Path) -> None:
    source.write_text(f"{source.read_text()}\nCHANGED = True\n")
