"""What is shown at the end: what happened, what was checked, and where to look."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from domain.kernel.vocabulary import Outcome
from workers.demo.report import AgreementReport, Check, DemonstrationReport
from workers.demo.views import COLOURS
from workers.terminal.output import NOTHING


def print_closing(console: Console, report: DemonstrationReport) -> None:
    """Prints all of it; addresses are neither cut nor wrapped, so that they can be copied."""
    console.print()
    console.print(_table(report))
    console.print()
    console.print(*(_check(check) for check in report.checks), sep="")
    console.print()
    console.print(_durations(report))
    console.print()
    for line in _addresses(report):
        console.print(line, soft_wrap=True)


def _table(report: DemonstrationReport) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", expand=False)
    for column in ("Placement", "Outcome"):
        table.add_column(column, no_wrap=True)
    for column in ("Months", "Events", "Commands", "Notices", "Skipped", "Stalled"):
        table.add_column(column, justify="right", no_wrap=True)
    for each in report.agreements:
        table.add_row(*_row(each))
    return table


def _row(each: AgreementReport) -> tuple[Text | str, ...]:
    good = each.outcome is Outcome.COMPLETED
    outcome = str(each.outcome or each.phase).replace("_", " ")
    return (
        Text(each.kind, style=COLOURS[each.kind]),
        Text(outcome, style="green" if good else "bold red"),
        f"{each.virtual_months:.1f}",
        str(each.events),
        str(each.commands),
        str(each.notices.sent),
        str(each.notices.skipped),
        f"{each.stalled_days:.1f} d" if each.stalls else NOTHING,
    )


def _check(check: Check) -> Table:
    line = Table.grid(padding=(0, 1))
    line.add_column(no_wrap=True)
    line.add_column(no_wrap=True, width=14)
    line.add_column(overflow="fold")
    mark = Text("✓", style="green") if check.holds else Text("✗", style="bold red")
    line.add_row(mark, check.name, Text(check.detail, style="" if check.holds else "red"))
    return line


def _durations(report: DemonstrationReport) -> Text:
    months = sum(each.virtual_months for each in report.agreements)
    took = report.durations
    return Text.assemble(
        f"{months:.0f} months of placements played in ",
        (f"{took.placements:.1f} s", "bold"),
        f" (set-up {took.set_up:.1f} s, checks {took.checks:.1f} s).",
    )


def _addresses(report: DemonstrationReport) -> list[Text]:
    where = report.addresses
    first = report.agreements[0].agreement_id
    program = _as_short_as_can_be(sys.argv[0])
    if where.kept_open:
        lines = [
            ("Temporal UI", str(where.ui_url)),
            ("Record", f"psql '{where.record}'"),
            ("Look", f"{program} show {first}"),
            ("", "Everything stays up until Ctrl-C."),
        ]
    else:
        lines = [
            ("Temporal UI", f"was at {where.ui_url}; `make demo KEEP=1` leaves it open."),
            ("Record", f"was at {where.record}"),
            ("", f"Both are kept: {program} up --data {_as_short_as_can_be(where.data)} brings them back,"),
            ("", f"and then, for one, {program} events {first}."),
        ]
    return [Text.assemble((f"{name:<13}", "bold"), line) for name, line in lines]


def _as_short_as_can_be(path: str) -> str:
    """A path as one types it from here."""
    given = Path(path)
    if given.is_absolute() and given.is_relative_to(Path.cwd()):
        given = given.relative_to(Path.cwd())
    return shlex.quote(str(given))
