"""Why one agreement is stalled, or why it is not."""

from __future__ import annotations

from rich.text import Text

from application.queries.explain import explanation
from domain.views.explanation import Explanation
from workers.cli.agreements.show import unknown
from workers.cli.input import read_instant
from workers.cli.options import Agreement, AsJson, AsOf, Onlooker
from workers.cli.reach import Reach, reaching
from workers.terminal.failures import Failure
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

    async def work(reach: Reach) -> Explanation:
        event_store = await reach.event_store()
        found = await explanation(event_store, agreement, moment, await reach.viewpoint(person))
        if found is not None:
            return found
        if await event_store.read_models.agreement(agreement) is None:
            raise unknown(agreement)
        raise Failure(f"{agreement} had not begun by {as_of}; ask about a later instant.")

    found = reaching(work)
    if as_json:
        print_json(found.model_dump(mode="json"))
        return
    console().print(Text(found.paragraph))
