"""Who gives commands in whose name: established once, whichever front door they come by."""

from __future__ import annotations

import ast
import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from activities.directory.people import Directory
from activities.event_store.event_store import EventStore
from application.commands.authorization import Authority, authorize, establish_authority
from application.commands.bulk import BulkCommand, submit_to_many
from application.commands.nudge import nudge
from application.commands.submit import preview_command, submit
from application.container import Container, open_container
from application.errors import NotAnOperatorError, NotPermittedError
from application.identity.principal import Principal, Proof, Scope
from application.operations.resume import resume_agreement
from application.people.moves import Submission, change_line_manager
from application.placements.batch import Submission as Request
from application.placements.intake import place_requests
from application.settings import load_settings
from domain.agreement.commands import COMMANDS, Command
from domain.agreement.state import Agreement
from domain.kernel.person import Person
from domain.kernel.vocabulary import Role

Sojourn = Callable[..., Awaitable[object]]
Lives = Callable[..., Awaitable[Agreement]]

ROOT = Path(__file__).parents[3]
SECOND = timedelta(seconds=1)
OPERATOR = "P-9001"
CLAIMS = Principal.person("P-4300", Proof.TOKEN, claims_operator=True)
"""Somebody whose token says that they are an operator, and who is none by the directory."""


def _as_operator(actor_id: str) -> Command:
    raw = {"command_id": "c1", "actor_id": actor_id, "acting_as": "operator", "reason": "So."}
    return COMMANDS["close_incomplete"].model_validate_json(json.dumps(raw))


@pytest.fixture
async def agreement(known: None, live: Lives, sojourn: Sojourn) -> Agreement:  # noqa: ARG001  the directory and the database first
    """A secondment under way."""
    return await live("secondment", days=40)


async def _submitted(container: Container, agreement: Agreement) -> object:
    return await submit(container, CLAIMS, agreement.agreement_id, _as_operator("P-4300"), patience=SECOND)


async def _previewed(container: Container, agreement: Agreement) -> object:
    return await preview_command(container, CLAIMS, agreement.agreement_id, _as_operator("P-4300"))


async def _given_to_many(container: Container, agreement: Agreement) -> object:
    commands = [BulkCommand.of(agreement.agreement_id, _as_operator("P-4300"))]
    return await submit_to_many(container, CLAIMS, Role.OPERATOR, commands, patience=SECOND, dry_run=True)


async def _smuggled_into_many(container: Container, agreement: Agreement) -> object:
    commands = [BulkCommand.of(agreement.agreement_id, _as_operator("P-4300"))]
    return await submit_to_many(container, CLAIMS, None, commands, patience=SECOND, dry_run=True)


async def _nudged(container: Container, agreement: Agreement) -> object:
    about = "milestone:any"
    return await nudge(container, CLAIMS, agreement.agreement_id, about, command_id="n1", patience=SECOND)


async def _moved(container: Container, agreement: Agreement) -> object:
    how = Submission(SECOND, dry_run=True)
    terms = agreement.terms
    return await change_line_manager(container, CLAIMS, terms.mentee, terms.mentor, reason="So.", how=how)


async def _placed(container: Container, agreement: Agreement) -> object:
    request = Request("", agreement.terms.model_dump(mode="json"))
    return await place_requests(container, CLAIMS, [request], patience=SECOND)


@pytest.mark.parametrize(
    "door", [_submitted, _previewed, _given_to_many, _smuggled_into_many, _nudged, _moved, _placed]
)
async def test_no_door_takes_anybodys_word_for_being_an_operator(
    door: Callable[[Container, Agreement], Awaitable[object]], agreement: Agreement, event_store: EventStore
) -> None:
    """Not even that of a token: the directory alone says who is one, and nothing is written."""
    async with open_container(load_settings()) as container:
        with pytest.raises(NotAnOperatorError, match="P-4300 is no operator"):
            await door(container, agreement)
    assert len(await event_store.stream(agreement.agreement_id)) == agreement.version


async def test_whoever_the_directory_has_may(agreement: Agreement) -> None:
    """The same command of an operator would be accepted."""
    operator = Principal.person(OPERATOR, Proof.UNCHECKED)
    async with open_container(load_settings()) as container:
        found = await preview_command(container, operator, agreement.agreement_id, _as_operator(OPERATOR))
    assert found.event_types


async def test_who_has_left_is_no_operator_any_more(
    directory: Directory, people: Mapping[str, Person]
) -> None:
    """From the day after their last day, whatever else the directory says of them."""
    left_on = datetime.now(UTC).date() - timedelta(days=1)
    await directory.upsert([people[OPERATOR].model_copy(update={"left_on": left_on})])

    async def opened() -> Directory:
        return directory

    with pytest.raises(NotAnOperatorError):
        await establish_authority(opened, Principal.person(OPERATOR, Proof.TOKEN), Role.OPERATOR)


async def test_everybody_speaks_for_themselves(directory: Directory) -> None:
    """Nobody gives a command in another's name; services and machines give none."""

    async def opened() -> Directory:
        return directory

    command = COMMANDS["sign_agreement"].model_validate(
        {**COMMANDS["sign_agreement"].example, "command_id": "c1", "actor_id": "P-1042"}
    )
    own = await authorize(opened, Principal.person("P-1042", Proof.TOKEN), command)
    assert (own.command, own.is_operator) == (command, False)
    with pytest.raises(NotPermittedError, match="not in that of P-1042"):
        await authorize(opened, Principal.person("P-1107", Proof.TOKEN), command)
    service = Principal.service("hr", tenants=frozenset({"halden-grid"}), scopes=frozenset(Scope))
    for nobody in (service, Principal.machine()):
        with pytest.raises(NotPermittedError, match="in a person's name"):
            await authorize(opened, nobody, command)


async def test_the_installation_is_run_from_its_own_machines(agreement: Agreement) -> None:
    """No token, an operator's neither, resumes what was stopped."""
    async with open_container(load_settings()) as container:
        with pytest.raises(NotPermittedError, match="takes a machine"):
            await resume_agreement(
                container, Principal.person(OPERATOR, Proof.TOKEN), agreement.agreement_id, patience=SECOND
            )


def test_authority_is_established_in_one_place() -> None:
    """Nowhere else in the product is a command called authorized, or a principal an authority."""
    made = {"Authority", "AuthorizedCommand"}
    found = {
        path.relative_to(ROOT).as_posix()
        for package in ("application", "gateway", "workers")
        for path in (ROOT / package).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in made
    }
    assert found == {"application/commands/authorization.py"}


def test_an_authority_goes_no_further_than_what_was_established() -> None:
    """Whoever was not asked about being an operator is none."""
    with pytest.raises(NotAnOperatorError):
        Authority("P-1042", is_operator=False).over(_as_operator("P-1042"))
