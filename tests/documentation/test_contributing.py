"""The recipes of CONTRIBUTING.md can be followed: the worked example is, to its end."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.fixtures.paths import ROOT
from tests.fixtures.project_copy import copy_project, run
from workflows.placements import WORKFLOWS

RECIPES = (ROOT / "CONTRIBUTING.md").read_text()
BLOCK = re.compile(
    r"^`(?P<path>[\w./]+)`:\n\n```(?P<language>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
ADDED = "thank"


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project in which somebody followed the recipe of a command."""
    project = copy_project(tmp_path_factory.mktemp("project"))
    for block in BLOCK.finditer(RECIPES):
        with (project / block["path"]).open("a") as file:
            file.write(f"\n\n{block['text']}" if file.tell() else block["text"])
    return project


def test_every_step_of_the_worked_example_has_its_file() -> None:
    """A command, its event, its rule and its effect stand in four modules of one name, and it has a test."""
    paths = [block["path"] for block in BLOCK.finditer(RECIPES)]
    assert [path for path in paths if path.startswith("domain/")] == [
        f"domain/{package}/feedback.py"
        for package in ("agreement/commands", "agreement/events", "agreement/evolvers", "decisions/areas")
    ]
    assert len([path for path in paths if path.startswith("tests/")]) == len(paths) - 4


def test_the_worked_example_is_a_command_like_every_other(followed: Path) -> None:
    """It is decided, folded and kept, and passes what the project asks of each of its commands and events."""
    said = run(
        followed,
        *("-m", "pytest", "-v", "-p", "no:cacheprovider", "-p", "no:xdist", "-k", ADDED),
        *(f"tests/domain/{folder}" for folder in ("agreement", "decisions", "privacy", "stream")),
    )
    for test in (
        "test_thanks_go_to_somebody_else",
        "test_every_command_has_a_rule[thank_somebody]",
        "test_every_example_is_a_valid_command[thank_somebody]",
        "test_every_event_changes_the_state_in_its_own_area[thanks.given]",
        "test_what_was_once_written_is_read[thanks.given.v1]",
    ):
        assert f"{test} PASSED" in said


def test_the_command_line_and_the_workflows_know_it_by_themselves(followed: Path) -> None:
    """Nothing else has to be told of a command: it can be looked up, and every kind's workflow takes it."""
    started = ("-c", "from workers.cli import main; main()", "commands", "thank_somebody")
    assert "Thank a party for a skill they showed." in run(followed, *started)
    asked = "import workflows.placements as p; print([each.thank_somebody.__name__ for each in p.WORKFLOWS])"
    assert run(followed, "-c", asked).count("thank_somebody") == len(WORKFLOWS)
