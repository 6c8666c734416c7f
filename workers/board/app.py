"""The live board itself: a table that renews itself, and keys for what an operator does about a row."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any, ClassVar

from rich.text import Text
from textual import on, work
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.events import Resize
from textual.widgets import DataTable, Footer, Input, Static

from activities.postgres.pool import DatabaseRefusedError, DatabaseUnavailableError
from domain.stream.serialization import UnreadableEvent
from workers.board.columns import Column, fitting
from workers.board.frame import summary
from workers.board.rows import ORDERS, Board, BoardRow, Order, matching
from workers.terminal.output import NOTHING, instant, words

EVERY = timedelta(seconds=5)
"""How often the board is read anew, unless told otherwise."""

_UNREADABLE = (DatabaseRefusedError, DatabaseUnavailableError, UnreadableEvent)
_SORT_KEYS = dict(zip("12345", ORDERS, strict=True))


class WatchApp(App[None]):
    """Stalled and overdue agreements, from the record; it goes on whatever is down."""

    ENABLE_COMMAND_PALETTE: ClassVar[bool] = False
    CSS = """
    #summary { height: 1; text-style: bold; }
    #filter { height: 1; border: none; padding: 0; }
    DataTable { height: 1fr; }
    #about { height: 5; border-top: solid gray; }
    #about.explains { height: auto; max-height: 75%; border-title-color: yellow; }
    #said { height: auto; max-height: 2; color: yellow; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "quit", "Quit"),
        Binding("e", "explain", "Explain"),
        Binding("n", "nudge", "Nudge"),
        # First of all keys to be looked at, or letters typed right behind it would count as keys themselves.
        Binding("slash", "filter", "Filter", key_display="/", priority=True),
        Binding("r", "read", "Refresh"),
        Binding("escape", "close", "Back", show=False),
        Binding("1", "sort('agreement')", "Sort by column", key_display="1-5"),
        *(Binding(key, f"sort('{column}')", show=False) for key, column in _SORT_KEYS.items() if key != "1"),
    ]

    def __init__(
        self,
        read: Callable[[], Awaitable[Board]],
        explain: Callable[[str], Awaitable[str]],
        nudge: Callable[[BoardRow], Awaitable[str]] | None,
        *,
        every: timedelta = EVERY,
        typed: str = "",
    ) -> None:
        """Prepare a board.

        Args:
            read: Reads everything anew.
            explain: Why an agreement counts as it does.
            nudge: Sends a nudge and says what came of it; None where nobody said in whose name.
            every: How often to read.
            typed: A filter to begin with.
        """
        super().__init__()
        self._read = read
        self._explain = explain
        self._nudge = nudge
        self._every = every
        self._typed = typed
        self._order = Order()
        self._board: Board | None = None
        self._shown: list[BoardRow] = []
        self._columns: Sequence[Column] = ()

    def compose(self) -> ComposeResult:
        """Lay out the parts of the screen, from top to bottom."""
        yield Static("Reading the record ...", id="summary", markup=False)
        yield Input(self._typed, placeholder="Words that a row must contain; Enter keeps them", id="filter")
        yield DataTable[Text](cursor_type="row", cell_padding=0, zebra_stripes=True)
        with VerticalScroll(id="about"):
            yield Static(id="what", markup=False)
        yield Static(id="said", markup=False)
        yield Footer()

    def on_mount(self) -> None:
        """Begin to read."""
        self._back_to_table()
        self.action_read()
        self.set_interval(self._every.total_seconds(), self.action_read)

    def on_resize(self, _: Resize) -> None:
        """Show as many columns as fit."""
        self._show()

    @property
    def _table(self) -> DataTable[Text]:
        return self.query_one(DataTable[Any])

    @property
    def _chosen(self) -> BoardRow | None:
        row = self._table.cursor_row
        return self._shown[row] if 0 <= row < len(self._shown) else None

    def _say(self, sentence: str) -> None:
        self.query_one("#said", Static).update(sentence)

    @work(exclusive=True, group="read")
    async def action_read(self) -> None:
        """Read the board anew; where the record does not answer, what was read last stays."""
        try:
            self._board = await self._read()
        except _UNREADABLE as error:
            self._say(f"The record cannot be read: {error}")
            return
        if str(self.query_one("#said", Static).content).startswith("The record cannot be read"):
            self._say("")
        self._show()

    def _show(self) -> None:
        board, table = self._board, self._table
        if board is None or not self.size.width:
            return
        chosen, place = self._chosen, table.cursor_row
        self._shown = self._order.sort(matching(board.rows, self._typed))
        self._columns, left = fitting(self.size.width)
        table.clear(columns=True)
        for column in self._columns:
            table.add_column(column.heading(self._order), width=(column.width or left) + 1, key=column.key)
        for row in self._shown:
            table.add_row(
                *(column.shown(row, column.width or left) for column in self._columns),
                key=row.agreement_id,
            )
        if chosen is not None and self._shown:
            ids = [row.agreement_id for row in self._shown]
            again = chosen.agreement_id
            table.move_cursor(row=ids.index(again) if again in ids else min(place, len(ids) - 1))
        narrowed = f"  filter: {self._typed} ({len(self._shown)} shown)" if self._typed else ""
        self.query_one("#summary", Static).update(summary(board) + narrowed)
        self._tell_about_row()

    @on(DataTable.RowHighlighted)
    def _row_chosen(self, _: DataTable.RowHighlighted) -> None:
        self._tell_about_row()

    def _tell_about_row(self) -> None:
        row = self._chosen
        about = self.query_one("#about")
        if about.has_class("explains"):
            return
        what = "Nothing is stalled or overdue." if row is None else _about(row)
        self.query_one("#what", Static).update(what)

    @on(DataTable.HeaderSelected)
    def _heading_clicked(self, event: DataTable.HeaderSelected) -> None:
        column = event.column_key.value
        if column is not None and column in ORDERS:
            self.action_sort(column)

    def action_sort(self, column: str) -> None:
        """Sort by a column; once more turns the order round."""
        self._order = self._order.then(column)
        self._show()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Let a slash be typed into the filter once it is open."""
        if action == "filter":
            return not self.query_one("#filter", Input).display
        return super().check_action(action, parameters)

    def action_filter(self) -> None:
        """Let words be typed."""
        typing = self.query_one("#filter", Input)
        typing.display = True
        self.screen.set_focus(typing)

    @on(Input.Changed)
    def _typing(self, event: Input.Changed) -> None:
        self._typed = event.value
        self._show()

    @on(Input.Submitted)
    def _typed_all(self) -> None:
        self._back_to_table()

    def _back_to_table(self) -> None:
        self.query_one("#filter", Input).display = False
        self.screen.set_focus(self._table)

    def action_close(self) -> None:
        """Close the explanation, or else forget the filter."""
        about, typing = self.query_one("#about"), self.query_one("#filter", Input)
        if about.has_class("explains") and not typing.display:
            about.remove_class("explains")
            about.border_title = ""
            self._back_to_table()
            self._tell_about_row()
            return
        typing.value = ""
        self._back_to_table()

    @work(exclusive=True, group="explain")
    async def action_explain(self) -> None:
        """Explain the chosen agreement, until Escape."""
        row = self._chosen
        if row is None:
            return
        try:
            paragraph = await self._explain(row.agreement_id)
        except _UNREADABLE as error:
            self._say(f"Cannot be explained: {error}")
            return
        about = self.query_one("#about")
        about.add_class("explains")
        about.border_title = "arrows scroll, Escape goes back"
        self.query_one("#what", Static).update(paragraph)
        # So that the arrows move the text where it is longer than its place.
        self.screen.set_focus(about)

    @work(exclusive=True, group="nudge")
    async def action_nudge(self) -> None:
        """Nudge about what is overdue for longest in the chosen agreement."""
        row = self._chosen
        if row is None:
            return
        if self._nudge is None:
            self._say("Nobody to nudge as: start with sojourn watch --as YOUR-PERSON-ID.")
            return
        self._say(f"Nudging in {row.agreement_id} ...")
        self._say(await self._nudge(row))
        self.action_read()


def _about(row: BoardRow) -> str:
    who = f"{words(row.role)} {row.person_id or NOTHING}"
    due = "" if row.due_at is None else f", due {instant(row.due_at)}"
    return "\n".join(
        (
            f"{row.agreement_id}: {row.kind}, {row.phase}, {row.state} since {instant(row.since)}",
            f"{who}: {row.obligation_id or row.why}{due}",
            f"Next: {row.next}",
        )
    )
