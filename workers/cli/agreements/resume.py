"""Start the workflow of one agreement again from its record."""

from __future__ import annotations

from datetime import timedelta

from pydantic import JsonValue

from application.container import Container
from application.identity.principal import Principal
from application.operations.resume import Outcome, Resumed, resume_agreement
from workers.cli.options import Agreement, AsJson, Patience
from workers.cli.run import run
from workers.terminal.failures import Failure
from workers.terminal.output import console, print_json


def resume(agreement: Agreement, wait: Patience = 60, as_json: AsJson = False) -> None:
    """Start an agreement's workflow again from its record, as after it was terminated in Temporal.

    Nothing is lost by such an end and nothing is repeated: the workflow folds the stream and goes on. Where
    it runs already, nothing happens. A closed agreement is started only where notices of it wait to be sent.
    """

    async def start(container: Container) -> Resumed:
        return await resume_agreement(
            container, Principal.machine(), agreement, patience=timedelta(seconds=wait)
        )

    outcome, version, state = run(start)
    if as_json:
        told: dict[str, JsonValue] = {"agreement_id": agreement, "outcome": outcome, "version": version}
        print_json(told)
    else:
        console().print(_sentence(agreement, outcome, version, state), soft_wrap=True)
    if outcome == "closed":
        raise Failure(f"{agreement} is closed ({state}); nothing was started.")


def _sentence(agreement: str, outcome: Outcome, version: int, state: str) -> str:
    match outcome:
        case "resumed":
            return f"{agreement} runs again from version {version} of its record ({state})."
        case "running":
            return f"{agreement} runs already, at version {version} ({state}); nothing was started."
        case "closed":
            return f"{agreement} is at version {version}."
