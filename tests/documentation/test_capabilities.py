"""The table of capabilities says what is there, and nothing that is not."""

from __future__ import annotations

import re
from typing import NamedTuple

import pytest

from domain.agreement.commands import COMMANDS
from domain.agreement.events import EVENTS
from tests.fixtures.paths import ROOT
from workers.cli import app

ROWS = 66
MUST_WORK = {
    *range(1, 6),
    *range(8, 13),
    *range(14, 18),
    19,
    *range(21, 34),
    *range(35, 48),
    49,
    51,
    52,
    *range(55, 60),
    62,
}
"""Rows that this release is judged by."""

COMMANDS_OF_THE_LINE = {f"sojourn {command.name}" for command in app.registered_commands}


class Row(NamedTuple):
    """One capability."""

    number: int
    name: str
    kinds: str
    status: str
    where: str
    shown_by: str


def _rows() -> list[Row]:
    rows: list[Row] = []
    for line in (ROOT / "docs/capabilities.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if len(cells) == len(Row._fields) and cells[0].strip().isdigit():
            rows.append(Row(int(cells[0]), *cells[1:]))
    return rows


TABLE = _rows()
DOMAIN = "".join(path.read_text() for path in sorted((ROOT / "domain").rglob("*.py")))


def _quoted(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_each_capability_has_one_row() -> None:
    """Nothing is left out or told twice."""
    assert [row.number for row in TABLE] == list(range(1, ROWS + 1))


def test_what_this_release_is_judged_by_is_there() -> None:
    """Rows that have to work are not put off."""
    assert {row.status for row in TABLE} == {"works", "partly", "not yet"}
    assert [row.number for row in TABLE if row.number in MUST_WORK and row.status == "not yet"] == []


@pytest.mark.parametrize("row", TABLE, ids=lambda row: str(row.number))
def test_what_a_row_names_exists(row: Row) -> None:
    """Modules, commands, events and tests are there under the names that the row gives them."""
    assert row.name
    assert set(row.kinds.split()) <= {"S", "H", "R", "all"}
    for name in _quoted(row.where):
        if "/" in name:
            assert (ROOT / name).exists(), name
        elif "." in name:
            assert name in EVENTS
        elif name.startswith("sojourn "):
            assert name in COMMANDS_OF_THE_LINE
        else:
            assert re.search(rf"\b{name}\b", DOMAIN), name
    tests = _quoted(row.shown_by)
    assert bool(tests) == (row.status != "not yet")
    for test in tests:
        file, _, name = test.partition("::")
        assert re.search(rf"^(async )?def {name}\(", (ROOT / file).read_text(), re.MULTILINE), test


@pytest.mark.parametrize(
    "row", [row for row in TABLE if row.status == "works"], ids=lambda row: str(row.number)
)
def test_what_works_says_where(row: Row) -> None:
    """A capability that works is found in a module, a command or an event."""
    places = [name for name in _quoted(row.where) if "/" in name or name in COMMANDS or name in EVENTS]
    assert places
