"""The board's columns, and which of them fit a window."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.text import Text

from workers.board.rows import BoardRow, Order, State, age
from workers.terminal.output import NOTHING, instant, words

WIDE_FROM = 110
"""Columns of a window from which there is room for everything."""

MARKS = {State.STALLED: Text("●", style="bold red"), State.OVERDUE: Text("○", style="yellow")}
"""What tells the two apart, in colour and without."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column."""

    key: str
    title: str
    width: int
    """0: what the others leave."""
    cell: Callable[[BoardRow], Text]
    only_wide: bool = False

    def shown(self, row: BoardRow, width: int) -> Text:
        """Return the cell of a row. Of an id that is too long its end is shown, for that tells it apart."""
        cell = self.cell(row).copy()
        if not self.width and len(cell) > width:
            return Text(f"…{cell.plain[1 - width :]}")
        cell.truncate(width, overflow="ellipsis")
        return cell

    def heading(self, order: Order) -> str:
        """Return the title, with an arrow where the board is sorted by it."""
        if self.key != order.column:
            return self.title
        return f"{self.title[: (self.width or 20) - 1]}{'▼' if order.descending else '▲'}"


COLUMNS = (
    Column("state", "", 1, lambda row: MARKS[row.state]),
    Column("agreement", "Agreement", 0, lambda row: Text(row.agreement_id)),
    Column("kind", "Kind", 10, lambda row: Text(row.kind), only_wide=True),
    Column("why", "Why", 20, lambda row: Text(row.why)),
    Column("role", "Waits on", 15, lambda row: Text(words(row.role))),
    Column("person", "Person", 10, lambda row: Text(row.person_id or NOTHING), only_wide=True),
    Column("date", "Date", 17, lambda row: Text(instant(row.since)), only_wide=True),
    Column("since", "Since", 6, lambda row: Text(age(row.since, row.at).rjust(6))),
    Column("level", "Lv", 2, lambda row: Text(NOTHING if row.level is None else str(row.level))),
)

_BETWEEN = 1
_SCROLL_BAR = 2
_SHORTEST_ID = 12


def fitting(width: int) -> tuple[Sequence[Column], int]:
    """Choose the columns for a window of a width, and the width of the one that has none of its own."""
    columns = [column for column in COLUMNS if width >= WIDE_FROM or not column.only_wide]
    taken = sum(column.width + _BETWEEN for column in columns) + _SCROLL_BAR
    return columns, max(width - taken, _SHORTEST_ID)
