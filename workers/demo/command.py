"""`sojourn demo`: three placements from approval to synthesis, months in seconds, on the real servers."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer
from rich.console import Console

from application.settings import load_settings
from domain.kernel.person import Person
from workers.cli.options import AsJson
from workers.demo.closing import print_closing
from workers.demo.examples import ExamplesMissingError
from workers.demo.performance import UnfinishedError, perform
from workers.demo.report import DemonstrationReport
from workers.demo.stage import Stage, StageTakenError, clear, refuse_unless_empty, staged
from workers.demo.views import LiveView, PlainView, QuietView, View
from workers.terminal.failures import Failure
from workers.terminal.output import console, print_json, progress_console

FOLDER = "demo"
"""Inside the data folder; cleared before each demonstration."""


def demo(
    *,
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="An empty folder for all data and logs. Default: demo in SOJOURN_DATA, cleared each time.",
        ),
    ] = None,
    keep: Annotated[
        bool,
        typer.Option("--keep", help="Leave the Temporal UI and the record up afterwards, until Ctrl-C."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Play three placements from approval to synthesis, months in seconds, on the real servers.

    A secondment, a shadowing stint and a rotation from examples/ are placed as HR tooling would place them,
    each a workflow on a real Temporal server with its record in a real PostgreSQL. A cast reads the notices
    from a real mail server and answers through the public commands; between two things that happen, the
    server skips the workflow's time. The secondment's mentor falls silent on purpose: it stalls, climbs the
    ladder into the operators' queue, is reassigned, and completes.

    Everything runs in this one process tree on a folder of its own; a stack of yours that is up is left
    alone. At the end the record, its read models, Temporal and the mailboxes are held against one another.

    \b
    Exit codes:
      0  all three are closed as completed, and every check holds
      1  something is wrong; what it is, is printed
    \b
    Examples:
      sojourn demo
      sojourn demo --keep
      sojourn demo --json | jq '.agreements[] | {kind, outcome, stalled_days}'
    """  # noqa: D301  the backslashes tell click to keep line breaks
    _stop_cleanly_when_asked()
    try:
        report = asyncio.run(_demo(_folder(data), keep=keep, as_json=as_json))
    except (StageTakenError, ExamplesMissingError, UnfinishedError) as error:
        raise Failure(str(error)) from error
    if not report.ok:
        raise typer.Exit(1)


def _folder(data: Path | None) -> Path:
    if data is not None:
        refuse_unless_empty(data)
        return data
    folder = load_settings().data / FOLDER
    clear(folder)
    return folder


async def _demo(data: Path, *, keep: bool, as_json: bool) -> DemonstrationReport:
    began = time.monotonic()
    out = progress_console() if as_json else console()
    if not as_json:
        out.print(f"Starting PostgreSQL and Temporal on {data} ...", soft_wrap=True)
    async with staged(data) as stage:
        people = await stage.people()
        if not as_json:
            _print_addresses(out, stage)
        with _view(out, people, as_json=as_json) as view:
            report = await perform(stage, view, people, began)
        if keep:
            addresses = report.addresses.model_copy(update={"kept_open": True})
            report = report.model_copy(update={"addresses": addresses})
        if as_json:
            print_json(report.model_dump(mode="json"))
            sys.stdout.flush()
        else:
            print_closing(out, report)
        if keep:
            await _until_interrupted()
    return report


def _view(out: Console, people: dict[str, Person], *, as_json: bool) -> View:
    if out.is_terminal:
        return LiveView(out, people)
    return QuietView(out, people) if as_json else PlainView(out, people)


def _print_addresses(out: Console, stage: Stage) -> None:
    out.print(f"Temporal UI  {stage.addresses.ui_url}", soft_wrap=True, markup=False)
    out.print(f"Record       psql '{stage.addresses.dsn}'\n", soft_wrap=True, markup=False)


def _stop_cleanly_when_asked() -> None:
    """SIGTERM ends it as Ctrl-C does: servers are stopped, not orphaned."""
    # A shell's background job starts with SIGINT ignored, and then neither of the two would end it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, _as_ctrl_c)


def _as_ctrl_c(_number: int, _frame: FrameType | None) -> None:
    signal.raise_signal(signal.SIGINT)


async def _until_interrupted() -> None:
    """Ctrl-C ends what was kept open; the demonstration itself has ended well or not before."""
    interrupted = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(each, interrupted.set)
    await interrupted.wait()
