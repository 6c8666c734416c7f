"""Decisions are numbered, dated, complete, and listed."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

from tests.fixtures.paths import DOCS

FOLDER = DOCS / "decisions"
PAGES = sorted(FOLDER.glob("[0-9]*.md"))
SHAPE = re.compile(
    r"# (?P<number>\d{4})\. (?P<title>[^\n]+)\n\nDecided on (?P<date>[\d-]{10})\.(?: [^\n]+)?\n"
    r"\n## Context\n\n.+\n\n## Decision\n\n.+\n\n## Alternatives\n\n.+\n\n## Consequences\n\n.+\n",
    re.DOTALL,
)
ROW = re.compile(r"^\| (\d{4}) \| \[(.+)\]\(([\w.-]+\.md)\) \| ([\d-]{10}) \|$", re.MULTILINE)


def test_numbers_have_no_gap_and_dates_are_in_order() -> None:
    """A decision keeps its number for ever, and a later one has a higher number."""
    assert [page.name[:4] for page in PAGES] == [f"{number:04}" for number in range(1, len(PAGES) + 1)]
    dates = [_of(page)["date"] for page in PAGES]
    assert dates == sorted(dates)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name[:4])
def test_a_page_says_what_was_decided_against_what(page: Path) -> None:
    """Context, decision, alternatives and consequences, under the number of its name and a date."""
    found = _of(page)
    assert found["number"] == page.name[:4]
    assert date.fromisoformat(found["date"])


def test_the_index_lists_every_page_once() -> None:
    """Nobody has to open a folder to find a decision."""
    listed = ROW.findall((FOLDER / "README.md").read_text())
    pages = [(page.name[:4], _of(page)["title"], page.name, _of(page)["date"]) for page in PAGES]
    assert sorted(listed) == pages


def _of(page: Path) -> dict[str, str]:
    found = SHAPE.fullmatch(page.read_text())
    assert found, f"{page.name} lacks one of: number, date, Context, Decision, Alternatives, Consequences"
    return found.groupdict()
