"""Explain why one agreement is stalled, or why it is not."""

from __future__ import annotations

from rich.text import Text

from application.container import Container
from application.queries.one_agreement import read_explanation
from domain.views.explanation import Explanation
from workers.cli.input import read_instant
from workers.cli.options import Agreement, AsJson, AsOf, Onlooker
from workers.cli.run import run
from workers.cli.sign_in import principal_named
from workers.terminal.output import console, print_json


def explain(
    agreement: Agreement, person: Onlooker = None, as_of: AsOf = None, as_json: AsJson = False
) -> None:
    """Say in one paragraph why an agreement is stalled, or why it is not, with the events behind it.

    Who holds what up, since when, opened by which event, under which line of which policy; which levels of
    the ladder were reached when, and what comes next. Read from the record, so it works while no worker runs.
    What a concern or a breach holds up is explained to those who may know of it, and not to whom it is about.
    """
    moment = None if as_of is None else read_instant(as_of, "--as-of")

    principal = principal_named(person)

    async def read(container: Container) -> Explanation:
        return await read_explanation(container, principal, agreement, moment)

    found = run(read)
    if as_json:
        print_json(found.model_dump(mode="json"))
        return
    console().print(Text(found.paragraph))
