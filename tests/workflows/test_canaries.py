"""Nothing that people write, and no name of theirs, lies in clear where the servers keep their bytes."""

from __future__ import annotations

import asyncio
import json
import logging
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
from pydantic import JsonValue
from temporalio.client import Client

from activities.opening import opened
from deploy.embedded import EmbeddedPostgres, EmbeddedTemporal, attribute_types
from deploy.embedded.postgres import PROGRAMS
from deploy.migrate import migrate
from domain.agreement import Agreement
from domain.commands import COMMANDS, Command
from domain.model import WITHHELD
from domain.terms.requests import split
from domain.terms.words import without_words
from domain.vocabulary import Phase
from workers.connection import data_converter
from workers.keyring import seals_of
from workers.logs import configure_logs
from workers.settings import load_settings
from workflows.contract import Receipt
from workflows.search_attributes import ALL

if TYPE_CHECKING:
    from tests.workflows.conftest import House, KeepingHouse, Mailbox, Placement

KINDS = ("secondment", "shadowing", "rotation")
EXAMPLES = Path(__file__).parents[2] / "examples"
SUNG = "canary-of-"
MATTERS = ("keep_note", "raise_blocker", "raise_concern", "make_proposal", "report_breach")
EVENTS_OF_A_LIFE = 60


class _Cage:
    """Canaries in place of words, each of its own."""

    def __init__(self) -> None:
        self.kept: list[str] = []

    def sing(self, value: JsonValue, where: str) -> JsonValue:
        """The value with a canary wherever words were withheld."""
        if value == WITHHELD:
            self.kept.append(f"{SUNG}{where}-{len(self.kept)}")
            return self.kept[-1]
        if isinstance(value, dict):
            return {name: self.sing(inner, where) for name, inner in value.items()}
        if isinstance(value, list):
            return [self.sing(inner, where) for inner in value]
        return value

    def command(self, command: Command) -> Command:
        """The command with a canary in every field that somebody writes."""
        shape = without_words(command).model_dump(mode="json")
        return type(command).model_validate(self.sing(shape, command.type))


async def _live(house: House, kind: str, cage: _Cage) -> Placement:
    """A placement of which every word is a canary: terms, what the cast gives, and every sort of matter."""
    terms = split(house.request(kind)).terms
    shape = cast("dict[str, Any]", cage.sing(without_words(terms).model_dump(mode="json"), kind))
    placement = await house.place(shape.pop("kind"), **shape)
    give = placement.act

    async def sing(command: Command | str, **given: Any) -> Receipt:  # noqa: ANN401  as `act` takes them
        assert isinstance(command, Command)
        return await give(cage.command(command), **given)

    placement.act = sing
    await placement.become_active()
    for name in MATTERS:
        command = COMMANDS[name]
        about = {"about": terms.mentor} if "about" in command.model_fields else {}
        given = {**command.example, **about, "command_id": f"canary/{name}", "actor_id": terms.mentee}
        await placement.act(command.model_validate(given))

    def is_told(agreement: Agreement) -> bool:
        return agreement.version > EVENTS_OF_A_LIFE or agreement.phase is Phase.CLOSED

    await placement.live_until(is_told)
    return placement


def _found(folder: Path, texts: list[str]) -> Iterator[tuple[str, str]]:
    """Which texts lie in which file of a folder, byte by byte."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            content = path.read_bytes()
            yield from ((path.name, text) for text in texts if text.encode() in content)


def _names() -> list[str]:
    people = json.loads((EXAMPLES / "people.json").read_text())
    return [text for person in people for text in (person["name"], person["email"])]


@pytest.mark.timeout(600)
async def test_no_canary_is_found_in_the_bytes_of_any_server(
    data_folder: Path, mailbox: Mailbox, keeping_house: KeepingHouse, caplog: pytest.LogCaptureFixture
) -> None:
    """All three kinds sing; Temporal's file, PostgreSQL's folder and dump, logs and mails hold no canary."""
    # The mail server that takes the letters is the recipients', and only for the test in this process.
    caplog.set_level(logging.WARNING, "mail.log")
    cage = _Cage()
    temporal = EmbeddedTemporal(data_folder, headless=True, search_attributes=attribute_types(ALL))
    postgres = EmbeddedPostgres(data_folder)
    settings = load_settings(log_level="DEBUG", log_format="json")
    with (data_folder / "worker.log").open("w", encoding="utf-8") as log:
        async with temporal, postgres:
            configure_logs(settings, log)
            await migrate(postgres.owner_dsn)
            client = await Client.connect(temporal.address, data_converter=data_converter(settings))
            async with keeping_house(postgres.dsn, client, mailbox) as house:
                placements = [await _live(house, kind, cage) for kind in KINDS]
                rows = [
                    row
                    for placement in placements
                    for row in await opened(
                        seals_of(settings, house.pool), await house.record.stream(placement.agreement_id)
                    )
                ]
            dump = await asyncio.to_thread(
                subprocess.run,
                [str(PROGRAMS / "pg_dump"), "--dbname", postgres.dsn_of("sojourn")],
                capture_output=True,
                check=True,
            )
    read = json.dumps([row.data for row in rows])
    heard = [canary for canary in cage.kept if canary in read]
    # With the keys they are all there: what follows looks for what was really written.
    assert len(heard) > len(cage.kept) * 0.9
    assert b"agreement.proposed" in dump.stdout
    texts = [*cage.kept, *_names()]
    assert [text for text in texts if text.encode() in dump.stdout] == []
    assert list(_found(data_folder, texts)) == []
    letters = "\n".join(mail.as_string() for mail in mailbox.mails)
    assert letters
    assert [canary for canary in cage.kept if canary in letters] == []
