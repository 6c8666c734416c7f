"""Write the directory from the command line."""

from __future__ import annotations

from typing import Annotated

import typer

from application.container import Container
from application.people.read import PersonDocument, read_people
from application.people.write import Written, write_people
from workers.cli.input import read_values
from workers.cli.options import AsJson
from workers.cli.run import run
from workers.cli.sign_in import nobody_is_checked, principal_named, signed_in
from workers.terminal.output import console, counting, print_json, say

Writer = Annotated[
    str | None,
    typer.Option(
        "--as",
        metavar="OPERATOR",
        help="Who changes who is an operator: their person id. Default: the installation.",
        callback=signed_in,
    ),
]


def people(
    files: Annotated[
        list[str], typer.Argument(metavar="FILE", help="JSON object, array or JSON lines; - for stdin.")
    ],
    operator: Writer = None,
    as_json: AsJson = False,
) -> None:
    """Write people into the directory: names, addresses, time zone, holidays, working time, leave, delegate.

    Who is there already is replaced by what a file says; who is not named stays. All are checked before any
    is written, unknown time zones and holiday calendars included. Whom it makes an operator, or one no
    longer, is noted for ever with who did it; where tokens are checked, an operator has to (--as).
    """
    documents = [PersonDocument(found.where, found.value) for found in read_values(files)]
    with counting("Checking people", total=len(documents)) as progress:
        everybody = read_people(documents, progress=progress)
    principal = principal_named(operator)

    async def write(container: Container) -> Written:
        with counting("Writing people", total=len(everybody)) as progress:
            return await write_people(
                container,
                principal,
                everybody,
                tokens_are_checked=not nobody_is_checked(),
                progress=progress,
            )

    written = run(write)
    for delegate in written.missing_delegates:
        say(f"Warning: {delegate} is somebody's delegate and is not in the directory; add them as well.")
    if as_json:
        print_json({"people": written.people, "missing_delegates": list(written.missing_delegates)})
    else:
        console().print(
            f"{written.people} {'person' if written.people == 1 else 'people'} written to the directory."
        )
