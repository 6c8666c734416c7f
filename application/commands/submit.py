"""Give an agreement a command: the one way in which any front door does, and what it would lead to.

Who asks is a principal. What they may do is established first (`application.commands.authorization`), then
whether whom the command names is known, and only then is it sent: to the agreement's workflow, or, where the
agreement is closed and takes it all the same, to the log beside it. The agreement decides by its rules.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import NamedTuple

from activities.data_rights.access_after_close import Told
from activities.directory.people import Directory
from application.commands.after_close import open_after_close, preview_after_close, tell_after_close
from application.commands.authorization import AuthorizedCommand, authorize
from application.commands.preview import Preview, preview
from application.commands.send import send_command
from application.config.mail import mail_settings
from application.container import Container
from application.errors import (
    AgreementNotFoundError,
    InvalidInputError,
    NotRunningError,
    NotRunningHereError,
    UpdateRefusedError,
)
from application.identity.principal import Principal
from application.placements.named_people import named_people
from application.queries.agreements import AgreementSnapshot, load_snapshot
from application.temporal.updates import PATIENCE, Waiting
from domain.agreement.commands import Command
from domain.agreement.commands.forming import AmendTerms
from domain.decisions.after_close import AfterClose
from domain.decisions.areas.forming import parties_of
from domain.kernel.errors import RefusalCode
from domain.kernel.vocabulary import Phase
from domain.terms.problems import Problem
from workflows.contract import Receipt


class Submitted(NamedTuple):
    """What an accepted command led to."""

    receipt: Receipt
    told: tuple[Told, ...] = ()
    """Who was told at once, or could not be: of a closed agreement, which has no workflow to tell anybody."""


async def submit(
    container: Container,
    principal: Principal,
    agreement_id: str,
    command: Command,
    *,
    patience: timedelta = PATIENCE,
    waiting: Waiting | None = None,
) -> Submitted:
    """Give an agreement a command and wait until it is in the record.

    The same command again, with the same id, takes effect once and has the same receipt.

    Args:
        container: What it takes.
        principal: Who gives it; its actor is the same person.
        agreement_id: Which agreement.
        command: What they want; `application.commands.build.build_command` makes one.
        patience: How long to wait for an answer.
        waiting: Told of attempts without one.

    Raises:
        NotPermittedError: The principal may not give it.
        InvalidInputError: It names people who are not in the directory.
        UpdateRefusedError: A rule or the state of the agreement forbids it; nothing was written.
        AgreementNotFoundError: There is no such agreement.
        NotRunningHereError: It is in the record, and no workflow of it runs.
        NoAnswerError: Nobody answered in time; it may still take effect.
        Refused: A rule forbids it of a closed agreement.
    """
    authorized = await authorize(container.directory, principal, command)
    await check_named_people(container.directory, command)
    closed = await _closed(container, agreement_id, command)
    if closed is not None:
        return await _submit_after_close(container, closed, authorized)
    try:
        return Submitted(
            await send_command(
                await container.temporal(),
                agreement_id,
                authorized,
                policies=container.policies(),
                patience=patience,
                waiting=waiting,
            )
        )
    except NotRunningError as error:
        raise await _why_not_running(container, agreement_id, command) from error


async def preview_command(
    container: Container, principal: Principal, agreement_id: str, command: Command
) -> Preview:
    """Return what a command would lead to, with nothing sent and nothing written.

    Args:
        container: What it takes.
        principal: Who would give it.
        agreement_id: Which agreement.
        command: What they would want.

    Raises:
        NotPermittedError: The principal may not give it.
        InvalidInputError: It names people who are not in the directory.
        UpdateRefusedError: The agreement would refuse it; Refused likewise, of a closed one.
        AgreementNotFoundError: There is no such agreement.
    """
    authorized = await authorize(container.directory, principal, command)
    await check_named_people(container.directory, command)
    closed = await _closed(container, agreement_id, command)
    if closed is not None:
        return await preview_after_close(await container.access_log(), closed, authorized)
    complete = authorized.along_with(container.policies())
    try:
        return await preview(
            await container.event_store(), await container.directory(), agreement_id, complete
        )
    except NotRunningError as error:
        raise AgreementNotFoundError(agreement_id) from error


async def check_named_people(directory: Callable[[], Awaitable[Directory]], command: Command) -> None:
    """Refuse a command that names people who are not in the directory.

    Args:
        directory: Opens the directory, which is asked only where the command names anybody.
        command: What is to be given.

    Raises:
        InvalidInputError: With one problem for each of them.
    """
    parties = parties_of(command.terms) if isinstance(command, AmendTerms) else None
    named = {
        person: field
        for person, field in named_people(command).items()
        # Who approved new terms need not be told anything; whoever is a party to them does.
        if field != "actor_id" and (parties is None or any(party.person_id == person for party in parties))
    }
    if not named:
        return
    known = await (await directory()).get(named)
    missing = [
        Problem(
            field=field,
            sentence=f"names {person}, who is not in the directory; add them with `sojourn people`",
        )
        for person, field in named.items()
        if person not in known
    ]
    if missing:
        raise InvalidInputError(missing)


async def _closed(container: Container, agreement_id: str, command: Command) -> AgreementSnapshot | None:
    """Return a closed agreement that takes such a command all the same; None where it goes the usual way."""
    if not isinstance(command, AfterClose):
        return None
    snapshot = await load_snapshot(await container.event_store(), agreement_id)
    return snapshot if snapshot is not None and snapshot.agreement.closed else None


async def _submit_after_close(
    container: Container, snapshot: AgreementSnapshot, authorized: AuthorizedCommand
) -> Submitted:
    access_log, directory = await container.access_log(), await container.directory()
    opened = await open_after_close(access_log, snapshot, authorized)
    told = await tell_after_close(access_log, directory, mail_settings(container.settings), snapshot, opened)
    receipt = Receipt(
        agreement_id=snapshot.agreement.agreement_id,
        command_id=authorized.command.command_id,
        version=snapshot.agreement.version,
        event_types=(opened.event.type,),
    )
    return Submitted(receipt, tuple(told))


async def _why_not_running(
    container: Container, agreement_id: str, command: Command
) -> AgreementNotFoundError | UpdateRefusedError | NotRunningHereError:
    """Return the error that says why no workflow answers for an agreement."""
    row = await (await container.event_store()).read_models.agreement(agreement_id)
    if row is None:
        return AgreementNotFoundError(agreement_id)
    if row.head.phase is Phase.CLOSED:
        sentence = f"{agreement_id} is closed ({row.head.outcome}); {command.type} came too late."
        return UpdateRefusedError(RefusalCode.AGREEMENT_CLOSED, sentence)
    return NotRunningHereError(agreement_id)
