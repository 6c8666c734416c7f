"""Show the live board of operators, or one frame of it."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Annotated

import typer

from application.container import Container
from application.identity.operators import require_operator
from application.queries.explain import explain_agreement
from application.queries.viewer import viewer_of
from workers.cli.input import read_instant
from workers.cli.options import AsOf
from workers.cli.run import run
from workers.cli.sign_in import principal_named, signed_in
from workers.terminal.output import console


def watch(
    *,
    person: Annotated[
        str | None,
        typer.Option(
            "--as",
            metavar="PERSON",
            help="Who looks, and nudges with n: an operator.",
            callback=signed_in,
        ),
    ] = None,
    typed: Annotated[
        str, typer.Option("--filter", metavar="WORDS", help="Only rows that contain all of these words.")
    ] = "",
    every: Annotated[
        float, typer.Option("--every", min=1, metavar="SECONDS", help="How often to read the record anew.")
    ] = 5,
    as_of: AsOf = None,
    once: Annotated[bool, typer.Option("--once", help="Print one frame and exit.")] = False,
) -> None:
    """Watch what is stalled or overdue: a live board, read from the record, also while no worker runs.

    Keys: arrows choose a row, 1 to 5 sort by a column (again: the other way round), / filters while you
    type, e explains, n nudges about what is overdue for longest, r reads now, q quits. Where standard input
    or output is no terminal, one frame is printed as with --once.
    """
    moment = None if as_of is None else read_instant(as_of, "--as-of")
    live = not once and sys.stdin.isatty() and sys.stdout.isatty()

    principal = principal_named(person)

    async def show(container: Container) -> None:
        # Neither Textual nor the board is needed by any other command, and each of them would wait for it.
        from workers.board.frame import print_frame  # noqa: PLC0415
        from workers.board.nudging import Nudger  # noqa: PLC0415
        from workers.board.rows import BoardRow, matching, read_board  # noqa: PLC0415

        event_store = await container.event_store()
        viewer = await viewer_of(await container.directory(), principal)
        nudge: Callable[[BoardRow], Awaitable[str]] | None = None
        if person is not None:
            operator_id = await require_operator(await container.directory(), principal)
            nudge = Nudger(container, principal, operator_id).nudge
        if not live:
            board = await read_board(event_store, moment, viewer)
            print_frame(console(), board, matching(board.rows, typed))
            return
        from workers.board.app import WatchApp  # noqa: PLC0415

        async def explained(agreement_id: str) -> str:
            found = await explain_agreement(event_store, agreement_id, moment, viewer)
            return f"{agreement_id} had not begun by then." if found is None else found.paragraph

        await WatchApp(
            lambda: read_board(event_store, moment, viewer),
            explained,
            nudge,
            every=timedelta(seconds=every),
            typed=typed,
        ).run_async()

    run(show)
