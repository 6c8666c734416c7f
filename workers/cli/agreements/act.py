"""Give an agreement a command from the command line."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Annotated

import typer

from activities.data_rights.access_after_close import Told
from application.commands.build import build_command
from application.commands.preview import Preview
from application.commands.submit import Submitted, preview_command, submit
from application.container import Container
from application.errors import NoAnswerError, UpdateRefusedError
from domain.kernel.errors import Refused
from domain.kernel.vocabulary import Role
from workers.cli.input import read_object
from workers.cli.options import Actor, Agreement, AsJson, DryRun, choices
from workers.cli.previews import print_preview
from workers.cli.run import run
from workers.cli.sign_in import principal_named
from workers.terminal.failures import ExitCode, Failure
from workers.terminal.output import console, print_json, say


def act(
    *,
    agreement: Agreement,
    command: Annotated[str, typer.Argument(metavar="COMMAND", help="One of `sojourn commands`.")],
    person: Actor,
    role: Annotated[
        str | None,
        typer.Option(
            metavar="ROLE", help="In which role; needed where a person holds several, and by operators."
        ),
    ] = None,
    data: Annotated[
        str, typer.Option(metavar="JSON", help="The command's own fields: JSON, @FILE, or - for stdin.")
    ] = "{}",
    command_id: Annotated[
        str | None,
        typer.Option(
            "--id", metavar="COMMAND_ID", help="The same id again is the same command. Default: a new one."
        ),
    ] = None,
    wait: Annotated[
        float, typer.Option("--wait", min=1, metavar="SECONDS", help="How long to wait for the answer.")
    ] = 60,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Give an agreement a command in somebody's name: sign, record a check-in, verify a milestone and so on.

    The fields are checked here first, then the agreement decides; a refusal says which rule and changes
    nothing. An accepted command is in the record when this returns. Operators, who are no party, say
    `--role operator`. A closed agreement takes none but those by which two people open what is private.
    """
    chosen = choices([role] if role else [], Role, "--role")
    given = build_command(
        command,
        read_object(data),
        actor_id=person,
        acting_as=chosen[0] if chosen else None,
        command_id=command_id or f"cli-{uuid.uuid4()}",
    )
    principal = principal_named(person)

    async def preview(container: Container) -> Preview:
        return await preview_command(container, principal, agreement, given)

    async def give(container: Container) -> Submitted:
        return await submit(
            container, principal, agreement, given, patience=timedelta(seconds=wait), waiting=_still_waiting
        )

    if dry_run:
        try:
            found = run(preview)
        except (Refused, UpdateRefusedError) as refused:
            raise Failure(f"Would be refused ({refused.code}): {refused.sentence}") from refused
        print_preview(found, as_json=as_json)
        return
    try:
        submitted = run(give)
    except NoAnswerError as error:
        raise Failure(
            f"{error}. Repeat the same call with --id {given.command_id}: however often it "
            "arrives, it takes effect once. Is a worker running (`sojourn worker`)?",
            ExitCode.UNKNOWN_OUTCOME,
        ) from error
    _print(submitted, as_json=as_json)


def _still_waiting(waited: timedelta) -> None:
    say(f"No answer yet after {waited.total_seconds():.0f} s; asking again. Is a worker running?")


def _print(submitted: Submitted, *, as_json: bool) -> None:
    receipt = submitted.receipt
    for told in submitted.told:
        _print_told(told, receipt.command_id)
    if as_json:
        print_json(receipt.model_dump(mode="json"))
        return
    changed = ", ".join(receipt.event_types) or "nothing changed"
    console().print(f"{receipt.agreement_id} is at version {receipt.version}: {changed}")


def _print_told(told: Told, command_id: str) -> None:
    if told.delivered_to is None:
        say(
            f"{told.person_id} could not be told of it: {told.detail}. It is noted; to try again, repeat "
            f"the same call with --id {command_id}, or tell them yourself."
        )
    else:
        say(f"{told.person_id} is told of it.")
