"""Every path that the documentation names is there, and every package is on the map."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.fixtures.paths import DOCS, ROOT

PAGES = sorted(
    [
        *DOCS.rglob("*.md"),
        *ROOT.glob("*.md"),
        *(
            ROOT / folder / "README.md"
            for folder in ("benchmarks", "examples", "deploy")
            if (ROOT / folder / "README.md").exists()
        ),
    ]
)
TOP = {path.name for path in ROOT.iterdir() if path.is_dir()} - {".git", ".venv"}
IN_CODE = re.compile(r"`([^`\n]+)`")
PATH = re.compile(r"[\w.-]+(?:/[\w.-]+)*/?(?=::|$)")
LAYERS = ("domain", "workflows", "activities", "application", "gateway", "workers", "deploy")
NOT_ON_THE_MAP = {"domain", "activities", "workers", "deploy"}
"""Packages that are rows only by what is in them."""


def named_paths(text: str) -> set[str]:
    """Return everything in backticks that is a path from the root: it begins with one of its folders."""
    found = {match.group(0) for code in IN_CODE.findall(text) if (match := PATH.match(code))}
    return {path for path in found if "/" in path and path.partition("/")[0] in TOP}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_path_that_a_page_names_exists(page: Path) -> None:
    """Whoever follows a page finds what it speaks of, however often files move."""
    # The worked example asks its reader to make this one.
    made = {"tests/domain/stream/golden/thanks.given.v1.json"}
    gone = {path for path in named_paths(page.read_text()) if not (ROOT / path).exists()}
    assert gone - (made if page.name == "CONTRIBUTING.md" else set()) == set()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            "`tests/domain/test_lives.py::test_a`, `domain/kernel/`",
            {"tests/domain/test_lives.py", "domain/kernel/"},
        ),
        ("`docs/gone.md` and `make test`", {"docs/gone.md"}),
        ("`binary/encrypted`, `sojourn.v1/temporal-payloads`, `/decode`", set[str]()),
    ],
)
def test_paths_are_told_from_other_code(text: str, found: set[str]) -> None:
    """What is looked for is neither too little nor too much."""
    assert named_paths(text) == found


def test_every_package_is_on_the_map_of_the_architecture() -> None:
    """Each folder of code has a row with its one reason to exist, and each row has its folder."""
    text = (DOCS / "architecture.md").read_text()
    told = set(re.findall(r"^\| `([\w/]+)/` \|", text, re.MULTILINE))
    packages = {
        str(path.parent.relative_to(ROOT)) for layer in LAYERS for path in (ROOT / layer).rglob("__init__.py")
    }
    assert packages - told == NOT_ON_THE_MAP
    assert {path for path in told if not (ROOT / path).is_dir()} == set()
