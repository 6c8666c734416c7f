"""Giving an agreement a command from the command line."""

from __future__ import annotations

import difflib
import json
import uuid
from datetime import timedelta
from typing import Annotated

import typer
from pydantic import JsonValue, ValidationError

from activities.data_rights.access_after_close import AccessLog
from application.commands.after_close import open_after_close, preview_after_close, tell_after_close
from application.commands.preview import Preview, preview
from application.config.mail import mail_settings
from application.errors import NoAnswerError, NotRunningError, UpdateRefusedError
from application.placements.named_people import named_people
from application.queries.agreements import Standing, standing
from application.temporal.updates import ask, update_id_of
from domain.agreement.commands import COMMANDS, Command
from domain.agreement.commands.forming import AmendTerms
from domain.decisions.after_close import AfterClose
from domain.decisions.areas.forming import parties_of
from domain.kernel.errors import Refused
from domain.kernel.vocabulary import Phase, Role
from domain.terms.problems import problems_of
from workers.cli.agreements.show import unknown
from workers.cli.input import read_object
from workers.cli.options import Actor, Agreement, AsJson, DryRun, choices
from workers.cli.previews import tell
from workers.cli.reach import Reach, reaching
from workers.terminal.failures import ExitCode, Failure
from workers.terminal.output import console, print_json, say
from workflows.contract import Receipt

_OPTION_OF = {"command_id": "--id", "actor_id": "--as", "acting_as": "--role"}


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
    given_id = command_id or f"cli-{uuid.uuid4()}"
    given = build(command, person, chosen[0] if chosen else None, read_object(data), given_id)
    if dry_run:
        _try_out(agreement, given, as_json=as_json)
        return

    async def work(reach: Reach) -> Receipt:
        await check_people(reach, given)
        after_close = await _opened_after_close(reach, agreement, given)
        if after_close is not None:
            return after_close
        try:
            complete = reach.policies().along_with(given)
            client = await reach.client()
            return await ask(
                client,
                agreement,
                complete.type,
                complete,
                update_id=update_id_of(client, complete),
                patience=timedelta(seconds=wait),
                waiting=lambda waited: say(
                    f"No answer yet after {waited.total_seconds():.0f} s; asking again. Is a worker running?"
                ),
            )
        except UpdateRefusedError as refused:
            raise Failure(f"Refused ({refused.code}): {refused.sentence}") from refused
        except NotRunningError as ended:
            raise await _why_not_running(reach, agreement, given) from ended
        except NoAnswerError as none:
            raise Failure(
                f"{none}. Repeat the same call with --id {given.command_id}: however often it "
                "arrives, it takes effect once. Is a worker running (`sojourn worker`)?",
                ExitCode.UNKNOWN_OUTCOME,
            ) from none

    receipt = reaching(work)
    if as_json:
        print_json(receipt.model_dump(mode="json"))
        return
    changed = ", ".join(receipt.event_types) or "nothing changed"
    console().print(f"{receipt.agreement_id} is at version {receipt.version}: {changed}")


async def _closed(reach: Reach, agreement: str) -> Standing | None:
    """A closed agreement; None where it is open, or there is none."""
    stands = await standing(await reach.event_store(), agreement)
    return stands if stands is not None and stands.agreement.closed else None


async def _opened_after_close(reach: Reach, agreement: str, given: Command) -> Receipt | None:
    """What became of it where a closed agreement still takes it; None where it goes the usual way."""
    stands = await _closed(reach, agreement) if isinstance(given, AfterClose) else None
    if stands is None or not isinstance(given, AfterClose):
        return None
    access_log, directory = AccessLog(await reach.pool(), await reach.encryption()), await reach.directory()
    opened = await open_after_close(access_log, stands, given)
    for told in await tell_after_close(access_log, directory, mail_settings(reach.settings), stands, opened):
        if told.delivered_to is None:
            say(
                f"{told.person_id} could not be told of it: {told.detail}. It is noted; to try again, repeat "
                f"the same call with --id {given.command_id}, or tell them yourself."
            )
        else:
            say(f"{told.person_id} is told of it.")
    return Receipt(
        agreement_id=agreement,
        command_id=given.command_id,
        version=stands.agreement.version,
        event_types=(opened.event.type,),
    )


def _try_out(agreement: str, given: Command, *, as_json: bool) -> None:
    """Decides without sending anything, and shows what would follow."""

    async def work(reach: Reach) -> Preview:
        await check_people(reach, given)
        stands = await _closed(reach, agreement) if isinstance(given, AfterClose) else None
        try:
            if stands is not None and isinstance(given, AfterClose):
                access_log = AccessLog(await reach.pool(), await reach.encryption())
                return await preview_after_close(access_log, stands, given)
            complete = reach.policies().along_with(given)
            return await preview(await reach.event_store(), await reach.directory(), agreement, complete)
        except (Refused, UpdateRefusedError) as refused:
            raise Failure(f"Would be refused ({refused.code}): {refused.sentence}") from refused
        except NotRunningError as none:
            raise unknown(agreement) from none

    found = reaching(work)
    if as_json:
        print_json(found.model_dump(mode="json"))
    else:
        tell(found)


def build(
    name: str, actor_id: str, acting_as: Role | None, data: dict[str, JsonValue], command_id: str
) -> Command:
    """The command that options and data describe.

    Args:
        name: Of the command; dashes count as underscores.
        actor_id: Who gives it.
        acting_as: In which role, where that has to be said.
        data: The command's own fields; those that options give may be repeated, not contradicted.
        command_id: The id to give it.

    Raises:
        Failure: There is no such command, or fields are missing or wrong; each is named.
    """
    kind = COMMANDS.get(name.replace("-", "_"))
    if kind is None:
        close = difflib.get_close_matches(name, COMMANDS, n=3)
        hint = f"did you mean {' or '.join(close)}?" if close else "`sojourn commands` lists those there are."
        raise Failure(f"There is no command {name}: {hint}", ExitCode.USAGE)
    options: dict[str, JsonValue] = {"command_id": command_id, "actor_id": actor_id}
    if acting_as is not None:
        options["acting_as"] = str(acting_as)
    problems = [
        f"{field}: is given by {_OPTION_OF[field]}; leave it out of --data"
        for field in _OPTION_OF
        if field in data and data[field] != options.get(field)
    ]
    try:
        command = kind.model_validate_json(json.dumps({**data, **options}), strict=True)
    except ValidationError as error:
        problems.extend(_sentence(field, sentence) for field, sentence in _problems(error))
        raise Failure(
            "\n".join([*problems, f"`sojourn commands {kind.model_fields['type'].default}` has an example."])
        ) from error
    if problems:
        raise Failure("\n".join(problems))
    return command


def _problems(error: ValidationError) -> list[tuple[str, str]]:
    return [
        (problem.field, problem.sentence.replace("a field of this request", "a field of this command"))
        for problem in problems_of(error)
    ]


def _sentence(field: str, sentence: str) -> str:
    option = _OPTION_OF.get(field)
    return f"{option}: {sentence}" if option else f"{field or 'the command'}: {sentence}"


async def check_people(reach: Reach, command: Command) -> None:
    """Whom a command names must be in the directory, and only operators act as such."""
    parties = parties_of(command.terms) if isinstance(command, AmendTerms) else None
    named = {
        person: field
        for person, field in named_people(command).items()
        # Who approved new terms need not be told anything; whoever is a party to them does.
        if field != "actor_id" and (parties is None or any(party.person_id == person for party in parties))
    }
    operator = command.acting_as is Role.OPERATOR
    if not named and not operator:
        return
    known = await (await reach.directory()).get({*named, command.actor_id})
    if operator and not (command.actor_id in known and known[command.actor_id].is_operator):
        raise Failure(
            f'{command.actor_id} is no operator. Operators have "is_operator": true in the directory; '
            "set it with `sojourn people`, or act in a role that this person holds."
        )
    missing = [
        f"{field}: names {person}, who is not in the directory; add them with `sojourn people`"
        for person, field in named.items()
        if person not in known
    ]
    if missing:
        raise Failure("\n".join(missing))


async def _why_not_running(reach: Reach, agreement: str, command: Command) -> Failure:
    row = await (await reach.event_store()).read_models.agreement(agreement)
    if row is None:
        return unknown(agreement)
    if row.head.phase is Phase.CLOSED:
        return Failure(
            f"Refused (agreement_closed): {agreement} is closed ({row.head.outcome}); "
            f"{command.type} came too late."
        )
    return Failure(
        f"{agreement} is in the record and not running in this Temporal namespace: start it again from its "
        f"record with `sojourn resume {agreement}`, unless it runs at another address of Temporal.",
        ExitCode.UNREACHABLE,
    )
