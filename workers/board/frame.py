"""One frame of the board on paper: for `--once`, for pipes, and for windows that are none."""

from __future__ import annotations

from rich.console import Console

from workers.board.rows import Board, BoardRow, State, age
from workers.terminal.output import NOTHING, instant, table, words


def summary(board: Board) -> str:
    """Say how many of each there are, as of when."""
    counted = (f"{board.count(state)}{'+' if state in board.more else ''} {state}" for state in State)
    return f"{', '.join(counted)} as of {instant(board.at)}"


def print_frame(out: Console, board: Board, rows: list[BoardRow]) -> None:
    """Print the rows of a board, two lines each, folded rather than cut."""
    out.print(summary(board))
    if not rows:
        return
    out.print(
        table(
            "Agreement, why",
            "Waits on",
            "Since",
            "Lv",
            rows=(
                (
                    f"{row.agreement_id}\n{row.state}: {row.why}",
                    f"{words(row.role)}\n{row.person_id or NOTHING}",
                    age(row.since, row.at),
                    NOTHING if row.level is None else row.level,
                )
                for row in rows
            ),
        )
    )
