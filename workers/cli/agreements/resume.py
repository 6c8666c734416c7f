"""Starting the workflow of one agreement again from its record."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from pydantic import JsonValue

from application.errors import NoAnswerError
from application.queries.agreements import standing
from application.temporal.starter import Starter
from workers.cli.agreements.show import unknown
from workers.cli.options import Agreement, AsJson, Patience
from workers.cli.reach import Reach, reaching
from workers.terminal.failures import ExitCode, Failure
from workers.terminal.output import console, print_json

Outcome = Literal["resumed", "running", "closed"]


def resume(agreement: Agreement, wait: Patience = 60, as_json: AsJson = False) -> None:
    """Start an agreement's workflow again from its record, as after it was terminated in Temporal.

    Nothing is lost by such an end and nothing is repeated: the workflow folds the stream and goes on. Where
    it runs already, nothing happens. A closed agreement is started only where notices of it wait to be sent.
    """

    async def work(reach: Reach) -> tuple[Outcome, int, str]:
        event_store = await reach.event_store()
        stands = await standing(event_store, agreement)
        if stands is None:
            raise unknown(agreement)
        found = stands.agreement
        if found.closed and not await event_store.notices.undelivered(agreement):
            return "closed", found.version, str(found.outcome)
        starter = Starter(await reach.client(), reach.settings.task_queue)
        if not await starter.resume(found, stands.at):
            return "running", found.version, str(found.phase)
        if not found.closed:
            await _confirmed(starter, agreement, wait)
        return "resumed", found.version, str(found.phase)

    outcome, version, standing_in = reaching(work)
    if as_json:
        told: dict[str, JsonValue] = {"agreement_id": agreement, "outcome": outcome, "version": version}
        print_json(told)
    else:
        console().print(_sentence(agreement, outcome, version, standing_in), soft_wrap=True)
    if outcome == "closed":
        raise Failure(f"{agreement} is closed ({standing_in}); nothing was started.")


async def _confirmed(starter: Starter, agreement: str, wait: float) -> None:
    try:
        await starter.confirm(agreement, timedelta(seconds=wait))
    except NoAnswerError as none:
        raise Failure(
            f"{agreement} was started and has not read its record yet: {none}. Is a worker running (`sojourn "
            "worker`)? The same call again starts nothing twice.",
            ExitCode.UNKNOWN_OUTCOME,
        ) from none


def _sentence(agreement: str, outcome: Outcome, version: int, standing_in: str) -> str:
    match outcome:
        case "resumed":
            return f"{agreement} runs again from version {version} of its record ({standing_in})."
        case "running":
            return f"{agreement} runs already, at version {version} ({standing_in}); nothing was started."
        case "closed":
            return f"{agreement} is at version {version}."
