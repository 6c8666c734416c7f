"""Let one person's move reach every agreement that they are in: leave, departure, another line manager."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import NamedTuple

from pydantic import JsonValue

from activities.postgres.rows import AgreementRow
from application.commands.build import build_command
from application.commands.bulk import BulkCommand, BulkResult, batch_id_of, command_id_of, submit_to_many
from application.commands.preview import Expected
from application.container import Container
from application.errors import InvalidInputError, SamePersonError
from application.identity.operators import require_operator
from application.identity.principal import Principal
from application.progress import NO_PROGRESS, Progress
from application.queries.agreements import agreements
from domain.kernel.calendar import Leave
from domain.kernel.model import PersonId
from domain.kernel.person import Person
from domain.kernel.vocabulary import Role
from domain.terms.problems import Problem


class Submission(NamedTuple):
    """How commands about a move are given."""

    patience: timedelta
    """How long to wait for each answer."""
    dry_run: bool = False
    """Decide on the record only; send nothing and write nothing, not to the directory either."""
    progress: Progress = NO_PROGRESS


class MoveOutcome(NamedTuple):
    """What became of a move."""

    batch: str
    """The id under which the same move is repeated."""
    results: list[BulkResult]
    """One for each command; empty where nobody is in an open agreement that it concerns."""


async def enter_leave(
    container: Container,
    principal: Principal,
    person_id: PersonId,
    leave: Leave,
    *,
    delegate_id: PersonId | None,
    reason: str,
    how: Submission,
) -> MoveOutcome:
    """Enter that somebody is away, and move what they owe off those days in every open agreement.

    Args:
        container: What it takes.
        principal: The operator who enters it.
        person_id: Who is away.
        leave: When.
        delegate_id: Who acts for them meanwhile; None leaves that as it is.
        reason: Why, for the record.
        how: How the commands are given.

    Raises:
        NotPermittedError: The principal is no operator.
        InvalidInputError: Somebody is not in the directory, or would stand in for themselves.
    """
    content = {
        "leave": person_id,
        "first": leave.first.isoformat(),
        "last": leave.last.isoformat(),
        "reason": reason,
    }
    batch = batch_id_of(content, "leave")
    operator_id = await require_operator(await container.directory(), principal)
    known = await _check_people(container, person=person_id, delegate=delegate_id)
    changes: dict[str, object] = {"leave": tuple(dict.fromkeys((*known[person_id].leave, leave)))}
    if delegate_id is not None:
        changes["delegate_id"] = delegate_id
    away = Person.model_validate({**known[person_id].model_dump(), **changes})
    if not how.dry_run:
        directory = await container.directory()
        await directory.away(person_id, leave)
        if delegate_id is not None:
            found = (await directory.get([person_id]))[person_id]
            await directory.upsert(
                [Person.model_validate({**found.model_dump(), "delegate_id": delegate_id})]
            )
    data: dict[str, JsonValue] = {"person_id": person_id, "reason": reason}
    commands = [
        _command(batch, row, "read_calendar_again", operator_id, data)
        for row in await _open_agreements(container, person_id)
    ]
    return await _submit(
        container, principal, batch, commands, how=how, expected=Expected(people={person_id: away})
    )


async def report_departure(
    container: Container,
    principal: Principal,
    person_id: PersonId,
    last_day: date,
    *,
    successor_id: PersonId | None,
    reason: str,
    how: Submission,
) -> MoveOutcome:
    """Enter that somebody leaves: their roles go to the successor, or are flagged and a successor is owed.

    Without a successor their delegate is proposed. Nobody succeeds a mentee: there the departure is reported.

    Args:
        container: What it takes.
        principal: The operator who enters it.
        person_id: Who leaves.
        last_day: Their last day.
        successor_id: Who takes over every role that they hold.
        reason: Why, for the record.
        how: How the commands are given.

    Raises:
        NotPermittedError: The principal is no operator.
        InvalidInputError: Somebody is not in the directory, or would succeed themselves.
    """
    content = {
        "departed": person_id,
        "on": last_day.isoformat(),
        "successor": successor_id,
        "reason": reason,
    }
    batch = batch_id_of(content, "departed")
    operator_id = await require_operator(await container.directory(), principal)
    known = await _check_people(container, person=person_id, successor=successor_id)
    if not how.dry_run:
        await (await container.directory()).leave(person_id, last_day)
    report: dict[str, JsonValue] = {"person_id": person_id, "reason": reason}
    if known[person_id].delegate_id is not None:
        report["proposed_successor"] = known[person_id].delegate_id
    commands = [
        command
        for row in await _open_agreements(container, person_id)
        for command in _departure_commands(batch, row, operator_id, successor_id, report)
    ]
    return await _submit(container, principal, batch, commands, how=how)


async def change_line_manager(
    container: Container,
    principal: Principal,
    mentee_id: PersonId,
    manager_id: PersonId,
    *,
    reason: str,
    how: Submission,
) -> MoveOutcome:
    """Give a mentee another line manager in every open agreement; open work of the former one moves.

    Args:
        container: What it takes.
        principal: The operator who enters it.
        mentee_id: Whose line manager changes.
        manager_id: The new one.
        reason: Why, for the record.
        how: How the commands are given.

    Raises:
        NotPermittedError: The principal is no operator.
        InvalidInputError: Somebody is not in the directory, or would manage themselves.
    """
    batch = batch_id_of({"manager_of": mentee_id, "to": manager_id, "reason": reason}, "manager")
    operator_id = await require_operator(await container.directory(), principal)
    await _check_people(container, person=mentee_id, to=manager_id)
    commands = [
        _command(batch, row, "reassign_role", operator_id, _handing_over(held, manager_id, reason))
        for row in await _open_agreements(container, mentee_id)
        if mentee_id in _holders(row, Role.MENTEE)
        for held in _holders(row, Role.LINE_MANAGER)
        if held != manager_id
    ]
    return await _submit(container, principal, batch, commands, how=how)


def _handing_over(
    from_person: PersonId, to_person: PersonId, reason: str, role: Role = Role.LINE_MANAGER
) -> dict[str, JsonValue]:
    return {"role": role, "from_person": from_person, "to_person": to_person, "reason": reason}


def _departure_commands(
    batch: str,
    row: AgreementRow,
    operator_id: PersonId,
    successor_id: PersonId | None,
    report: Mapping[str, JsonValue],
) -> list[BulkCommand]:
    person_id, reason = str(report["person_id"]), str(report["reason"])
    roles = sorted({party.role for party in row.head.parties if party.person_id == person_id})
    reported = _command(f"{batch}/left", row, "report_departure", operator_id, report)
    if successor_id is None:
        return [reported]
    handed_over = [
        _command(
            f"{batch}/{role}",
            row,
            "reassign_role",
            operator_id,
            _handing_over(person_id, successor_id, reason, role),
        )
        for role in roles
        if role is not Role.MENTEE
    ]
    return [*handed_over, reported] if Role.MENTEE in roles else handed_over


def _command(
    batch: str, row: AgreementRow, name: str, operator_id: PersonId, data: Mapping[str, JsonValue]
) -> BulkCommand:
    command = build_command(
        name,
        data,
        actor_id=operator_id,
        acting_as=Role.OPERATOR,
        command_id=command_id_of(batch, row.agreement_id),
    )
    return BulkCommand.of(row.agreement_id, command)


async def _submit(
    container: Container,
    principal: Principal,
    batch: str,
    commands: Sequence[BulkCommand],
    *,
    how: Submission,
    expected: Expected | None = None,
) -> MoveOutcome:
    results = await submit_to_many(
        container,
        principal,
        Role.OPERATOR,
        commands,
        patience=how.patience,
        dry_run=how.dry_run,
        expected=expected,
        progress=how.progress,
    )
    return MoveOutcome(batch, results)


async def _open_agreements(container: Container, person_id: PersonId) -> list[AgreementRow]:
    return [
        row async for row in agreements(await container.event_store(), person_id=person_id, only_open=True)
    ]


def _holders(row: AgreementRow, role: Role) -> list[PersonId]:
    return [party.person_id for party in row.head.parties if party.role is role]


async def _check_people(
    container: Container, *, person: PersonId, **others: PersonId | None
) -> Mapping[PersonId, Person]:
    """Return everybody named, who must be in the directory.

    Raises:
        InvalidInputError: Somebody is missing, or somebody would stand in for themselves.
    """
    directory = await container.directory()
    named = {"person": person, **{field: each for field, each in others.items() if each is not None}}
    known = await directory.get(named.values())
    missing = [
        Problem(
            field=field,
            sentence=f"{each} is not in the directory; add them with `sojourn people`.",
        )
        for field, each in named.items()
        if each not in known
    ]
    if missing:
        raise InvalidInputError(missing)
    themselves = [field for field, each in named.items() if field != "person" and each == person]
    if themselves:
        sentence = "names the person themselves; name somebody else."
        raise SamePersonError([Problem(field=field, sentence=sentence) for field in themselves])
    return known
