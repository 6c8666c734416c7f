"""Print JSON for programs and tables for people, both readable in a narrow window."""

from __future__ import annotations

import json
import sys
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, JsonValue
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

NOTHING = "-"


def console() -> Console:
    """Return the console for people: standard output, without colour where that is no terminal."""
    return Console(file=sys.stdout, highlight=False, soft_wrap=False)


def progress_console() -> Console:
    """Return the console for progress and remarks: standard error, so that they never mix with data."""
    return Console(file=sys.stderr, highlight=False)


def say(sentence: str) -> None:
    """Write a remark on standard error."""
    sys.stderr.write(sentence + "\n")


def print_json(value: JsonValue) -> None:
    """Write one JSON document on standard output."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def print_models(models: Iterable[BaseModel]) -> None:
    """Write a JSON array of models on standard output."""
    print_json([model.model_dump(mode="json") for model in models])


def instant(value: datetime | None) -> str:
    """Spell an instant for people: to the minute, in UTC."""
    return NOTHING if value is None else f"{value.astimezone(UTC):%Y-%m-%d %H:%M}Z"


def words(name: str | None) -> str:
    """Spell a name of the vocabulary as words."""
    return NOTHING if name is None else name.replace("_", " ")


def table(*columns: str, rows: Iterable[Sequence[object]], title: str | None = None) -> Table:
    """Make a table that folds long cells instead of cutting them: an id that is cut cannot be copied."""
    made = Table(
        title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, header_style="bold"
    )
    for column in columns:
        made.add_column(column, overflow="fold")
    for row in rows:
        made.add_row(*(cell if isinstance(cell, Text) else Text(str(cell)) for cell in row))
    return made


class Counting:
    """Progress as a bar on standard error where that is a terminal; otherwise nothing is shown."""

    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress = progress
        self._task = task

    def start(self, total: int | None) -> None:
        """Show how many there are to do; None where that is not known."""
        self._progress.update(self._task, total=total)

    def one_more(self, *_: Any) -> None:  # noqa: ANN401  takes whatever a callback is given
        """Show that one of them is done."""
        self._progress.advance(self._task)

    def advance(self, count: int = 1, /) -> None:
        """Show that so many more are done."""
        self._progress.advance(self._task, count)

    def describe(self, doing: str) -> None:
        """Show what is being done now."""
        self._progress.update(self._task, description=doing)


@contextmanager
def counting(doing: str, total: int | None) -> Generator[Counting]:
    """Show how many of so many are done; how many so far where the total is not known."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    errors = progress_console()
    with Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal) as progress:
        yield Counting(progress, progress.add_task(doing, total=total))
