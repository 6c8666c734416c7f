"""Nothing that people write, and no name of theirs, is in clear anywhere; once erased, none tells it."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import subprocess
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import asyncpg
import pytest
import typer
from pydantic import JsonValue
from temporalio.client import Client, WorkflowUpdateFailedError
from typer.testing import CliRunner

from activities.keys.envelopes import person_of
from activities.opening import opened
from deploy.embedded import EmbeddedPostgres, EmbeddedTemporal, attribute_types
from deploy.embedded.postgres import PROGRAMS
from deploy.embedded.processes import free_port
from deploy.migrate import migrate
from domain.commands import COMMANDS, Command
from domain.model import WITHHELD
from domain.people import Person
from domain.reading import fold_recorded
from domain.sealed import sealed_text
from domain.terms import ShadowingTerms
from domain.terms.requests import split
from domain.terms.words import without_words
from domain.vocabulary import Phase
from domain.written import places_of_words
from workers.command_line import app
from workers.connection import data_converter
from workers.keyring import seals_of
from workers.logs import configure_logs
from workers.scraping import serving_figures
from workers.settings import load_settings
from workflows.contract import Receipt
from workflows.search_attributes import ALL

if TYPE_CHECKING:
    from tests.workflows.conftest import House, KeepingHouse, Mailbox, Placement

KINDS = ("secondment", "shadowing", "rotation")
EXAMPLES = Path(__file__).parents[2] / "examples"
OPERATOR = "P-9001"
SUNG = "canary-of-"
CANARY = re.compile(rf"{SUNG}\w+-\d{{5}}")
CHANNEL = f"json://{SUNG}channel-99999.example.com/"

ENDS_OR_CHANGES_THE_PLACEMENT = frozenset(
    {
        "amend_terms",
        "close_incomplete",
        "decline_agreement",
        "end_early",
        "extend_placement",
        "hold_placement",
        "pause_placement",
        "propose_pivot",
        "reassign_role",
        "report_departure",
        "shorten_placement",
        "withdraw_agreement",
    }
)
"""Not given once more: the placement is to come to its end by itself."""


class _Cage:
    """Canaries in place of words, each of its own."""

    def __init__(self) -> None:
        self.kept: list[str] = []

    def sing(self, value: JsonValue, where: str) -> JsonValue:
        """The value with a canary wherever words were withheld."""
        if value == WITHHELD:
            self.kept.append(f"{SUNG}{where}-{len(self.kept):05}")
            return self.kept[-1]
        if isinstance(value, dict):
            return {name: self.sing(inner, where) for name, inner in value.items()}
        if isinstance(value, list):
            return [self.sing(inner, where) for inner in value]
        return value

    def command(self, command: Command, tags: Sequence[str]) -> Command:
        """The command with a canary in every field that somebody writes.

        Args:
            command: As the cast gives it.
            tags: A shadowing stint's synthesis has to name those that no observation covered.
        """
        shape = without_words(command).model_dump(mode="json")
        sung = cast("dict[str, Any]", self.sing(shape, command.type))
        if "synthesis" in sung:
            sung["synthesis"]["gaps"] = [f"{gap} {', '.join(tags)}" for gap in sung["synthesis"]["gaps"]]
        return type(command).model_validate(sung)


async def _live(house: House, kind: str, cage: _Cage) -> Placement:
    """A placement to its close of which every word is a canary: terms, what the cast gives, and all else."""
    terms = split(house.request(kind)).terms
    shape = cast("dict[str, Any]", cage.sing(without_words(terms).model_dump(mode="json"), kind))
    placement = await house.place(shape.pop("kind"), **shape)
    give = placement.act

    async def sing(command: Command | str, **given: Any) -> Receipt:  # noqa: ANN401  as `act` takes them
        assert isinstance(command, Command)
        tags = terms.focus_tags if isinstance(terms, ShadowingTerms) else ()
        return await give(cage.command(command, tags), **given)

    placement.act = sing
    await placement.become_active()
    for name, command in COMMANDS.items():
        if name not in ENDS_OR_CHANGES_THE_PLACEMENT and any(places_of_words(command)):
            await _give_once_more(placement, command)
    await placement.live_until(lambda agreement: agreement.phase is Phase.CLOSED)
    return placement


async def _give_once_more(placement: Placement, command: type[Command]) -> None:
    """The mentee gives the example of a command; refused or not, its words are nobody else's."""
    others = dict.fromkeys(("about", "receiver_id", "peer_id"), placement.terms.mentor)
    named = {name: person for name, person in others.items() if name in command.model_fields}
    by = {"command_id": f"again/{command.model_fields['type'].default}", "actor_id": placement.terms.mentee}
    try:
        await placement.act(command.model_validate({**command.example, **named, **by}))
    except WorkflowUpdateFailedError:
        return


async def _uncompressed(dsn: str) -> None:
    """Has PostgreSQL keep long values as they are: compressed, they would hide a canary from the search."""
    administrator = await asyncpg.connect(dsn)
    columns = await administrator.fetch(
        "SELECT attrelid::regclass::text AS relation, quote_ident(attname) AS name FROM pg_attribute "
        "JOIN pg_class ON pg_class.oid = attrelid WHERE relkind = 'r' AND attnum > 0 "
        "AND attstorage IN ('x', 'm') AND relnamespace::regnamespace::text LIKE 'sojourn%'"
    )
    for column in columns:
        await administrator.execute(
            f"ALTER TABLE {column['relation']} ALTER COLUMN {column['name']} SET STORAGE EXTERNAL"
        )
    await administrator.close()


async def _dumped(postgres: EmbeddedPostgres) -> bytes:
    """What a backup holds; the folder holds as much from now on."""
    administrator = await asyncpg.connect(postgres.dsn_of("sojourn"))
    await administrator.execute("CHECKPOINT")
    await administrator.close()
    command = [str(PROGRAMS / "pg_dump"), "--dbname", postgres.dsn_of("sojourn")]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, check=True)
    return done.stdout


def _found(folder: Path, texts: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Which texts lie in which file of a folder, byte by byte."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            content = path.read_bytes()
            yield from ((path.name, text) for text in texts if text.encode() in content)


def _personal() -> list[str]:
    """What the directory knows of everybody, and what was only ever sung."""
    people = json.loads((EXAMPLES / "people.json").read_text())
    return [SUNG, *(person[field] for person in people for field in ("name", "email", "employee_number"))]


def _scraped(*addresses: str) -> str:
    answers = [urllib.request.urlopen(f"http://{each}/metrics", timeout=30) for each in addresses]
    return "\n".join(answer.read().decode() for answer in answers)


async def _shown_by_temporal(client: Client) -> str:
    """What Temporal lists and describes of every run: ids, search attributes, memo, what is pending."""
    shown: list[str] = []
    async for run in client.list_workflows():
        handle = client.get_workflow_handle(run.id, run_id=run.run_id)
        shown += [str(run.raw_info), str((await handle.describe()).raw_description)]
    return "\n".join(shown)


class _Told(NamedTuple):
    """What a command told."""

    code: int
    text: str

    @property
    def canaries(self) -> set[str]:
        """Those in it, also where a table folded them."""
        return set(CANARY.findall(re.sub(r"\s+", "", self.text)))

    @property
    def counted(self) -> str:
        """The same without what is measured in seconds: that goes on by itself."""
        return re.sub(r'(_seconds",\s+"labels": \{\},\s+"value": )[\d.e-]+', r"\1", self.text)


Readings = Mapping[str, Sequence[tuple[str, ...]]]

NOT_FOR_READING = frozenset(
    {"act", "demo", "departed", "gateway", "hold", "keys create", "keys rewrap", "keys rotate", "leave"}
    | {"manager", "migrate", "operate", "people", "place", "rebuild", "rehydrate", "resend", "resume", "up"}
    | {"token", "upgrade", "worker"}
)
"""Commands that change something or serve; every other one has to be among the readings below."""

COUNTED = ("list", "stalled", "metrics", "policy replay")
"""Reports, which an erasure changes nothing of."""


def _readings(placement: Placement, folder: Path) -> Readings:
    """Every command that tells something, with arguments for whoever may ask about an agreement."""
    terms, one = placement.terms, (placement.agreement_id,)
    parties = (terms.mentee, terms.mentor, terms.line_manager, terms.hrbp, terms.programme_owner)
    policy = str(folder / "policy.yaml")
    return {
        "show": [(*one, "--settled"), (*one, "--json")],
        "mine": [(*one, "--as", terms.mentee, "--json"), (*one, "--as", terms.mentor)],
        "events": [one, *((*one, "--as", each, "--json") for each in parties)],
        "notices": [(*one, "--json")],
        "openings": [(*one, "--as", terms.mentee, "--json")],
        "list": [("--json",), ("--person", terms.mentee)],
        "stalled": [("--json",)],
        "explain": [one],
        "watch": [("--once",)],
        "erase": [(terms.mentee, "--as", OPERATOR, "--reference", "DSR-1")],
        "export": [
            (person, "--as", OPERATOR, "--out", str(folder / "export.json"))
            for person in (terms.mentee, terms.mentor)
        ],
        "retention": [("--as", OPERATOR, "--until", "2045-01-01", "--json")],
        "receipt": [(str(folder / "receipt.json"), "--json")],
        "metrics": [("--json",)],
        "verify": [()],
        "schema": [()],
        "commands": [("--json",)],
        "settings": [()],
        "version": [()],
        "policy list": [()],
        "policy show": [("--yaml",)],
        "policy check": [(policy,)],
        "policy replay": [(policy, "--since", "2020-01-01", "--until", "2030-01-01", "--json")],
        "keys show": [()],
    }


def _every_command() -> set[str]:
    """The names of all commands, as the program itself lists them."""

    def within(group: Any, before: str) -> Iterator[str]:  # noqa: ANN401  of typer's private copy of click
        for name, command in group.commands.items():
            inner = hasattr(command, "commands")
            yield from within(command, f"{name} ") if inner else [before + name]

    return set(within(typer.main.get_command(app), ""))


def _call(*arguments: str) -> _Told:
    done = CliRunner().invoke(app, list(arguments))
    return _Told(done.exit_code, done.output + done.stderr)


def _written(folder: Path) -> str:
    return "".join(path.read_text() for path in folder.glob("export.*"))


async def _read_everything(readings: Readings, folder: Path) -> dict[tuple[str, ...], _Told]:
    """What each reading tells, what it writes to files included; each of them succeeds."""
    told: dict[tuple[str, ...], _Told] = {}
    for name, calls in readings.items():
        for arguments in calls:
            call = (*name.split(), *arguments)
            said = await asyncio.to_thread(_call, *call)
            assert said.code == 0, (call, said.text)
            told[call] = _Told(said.code, said.text + _written(folder) if name == "export" else said.text)
    return told


def _sealed_for(person_id: str, raw: JsonValue, clear: JsonValue) -> Iterator[str]:
    """The words in clear that are sealed for somebody."""
    sealed = sealed_text(raw)
    if sealed is not None:
        if person_of(sealed.split("/")[1]) == person_id:
            yield str(clear)
    elif isinstance(raw, dict) and isinstance(clear, dict):
        for name, each in raw.items():
            yield from _sealed_for(person_id, each, clear[name])
    elif isinstance(raw, list) and isinstance(clear, list):
        for each, opened_each in zip(raw, clear, strict=True):
            yield from _sealed_for(person_id, each, opened_each)


@pytest.mark.timeout(600)
async def test_no_canary_is_found_anywhere_and_none_of_the_erased_is_told(  # noqa: PLR0917  fixtures
    data_folder: Path,
    tmp_path: Path,
    mailbox: Mailbox,
    keeping_house: KeepingHouse,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """All kinds sing to their close and nothing keeps it in clear; of a mentee erased none is told."""
    # The mail server that takes the letters is the recipients', and only for the test in this process.
    caplog.set_level(logging.WARNING, "mail.log")
    cage = _Cage()
    temporal = EmbeddedTemporal(data_folder, headless=True, search_attributes=attribute_types(ALL))
    postgres = EmbeddedPostgres(data_folder, settings={"fsync": "off"})
    settings = load_settings(log_level="DEBUG", log_format="json")
    with (data_folder / "worker.log").open("w", encoding="utf-8") as log:
        async with temporal, postgres:
            configure_logs(settings, log)
            await migrate(postgres.owner_dsn)
            await _uncompressed(postgres.dsn_of("sojourn"))
            client = await Client.connect(temporal.address, data_converter=data_converter(settings))
            async with keeping_house(postgres.dsn, client, mailbox) as house:
                placements = await _sing(house, cage)
                await _nothing_lies_in_clear(data_folder, await _dumped(postgres), placements, mailbox)
                monkeypatch.setenv("SOJOURN_DATABASE_URL", postgres.dsn)
                monkeypatch.setenv("SOJOURN_TASK_QUEUE", house.settings.task_queue)
                monkeypatch.setenv("TEMPORAL_ADDRESS", temporal.address)
                monkeypatch.setenv("COLUMNS", "400")
                await _the_erased_are_told_of_no_more(placements[0], tmp_path)
    assert list(_found(data_folder, _personal())) == []


async def _sing(house: House, cage: _Cage) -> list[Placement]:
    """Three lives; what can be scraped or listed meanwhile holds nothing that was sung."""
    everybody = json.loads((EXAMPLES / "people.json").read_text())
    operator = next(Person.model_validate(each) for each in everybody if each["person_id"] == "P-9002")
    await house.directory.upsert([operator.model_copy(update={"channels": (CHANNEL,)})])
    ours, theirs = (f"127.0.0.1:{free_port()}" for _ in range(2))
    await house.change_worker(sdk_metrics_address=theirs)
    with serving_figures(house.settings.model_copy(update={"metrics_address": ours})):
        # One after the other: skipping several workflows' time at once does not always come to an end.
        placements = [await _live(house, kind, cage) for kind in KINDS]
        scraped = await asyncio.to_thread(_scraped, ours, theirs)
    assert "sojourn_record_up 1.0" in scraped
    assert "temporal_activity_execution_latency_seconds" in scraped
    listed = await _shown_by_temporal(house.client)
    assert all(placement.agreement_id in listed for placement in placements)
    assert [text for text in _personal() if text in scraped or text in listed] == []
    seals = seals_of(house.settings, house.pool)
    rows = [
        row
        for each in placements
        for row in await opened(seals, await house.record.stream(each.agreement_id))
    ]
    heard = set(CANARY.findall(json.dumps([row.data for row in rows])))
    # With the keys they are there: what is looked for was really written.
    assert len(heard) > 700
    return placements


async def _nothing_lies_in_clear(
    data_folder: Path, dump: bytes, placements: Sequence[Placement], mailbox: Mailbox
) -> None:
    """Neither in the bytes of a server, nor in a backup, a log or a mail."""
    texts = _personal()
    in_clear = [placements[0].agreement_id, *texts]
    found = list(_found(data_folder, in_clear))
    # What may stand in clear is found: the search reaches both servers' files and the log.
    assert {"temporal.db", "worker.log"} <= {name for name, _ in found}
    assert [each for each in found if each[1] in texts] == []
    assert placements[0].agreement_id.encode() in dump
    assert [text for text in texts if text.encode() in dump] == []
    letters = "\n".join(mail.as_string() for mail in mailbox.mails)
    assert letters
    assert SUNG not in letters


async def _the_erased_are_told_of_no_more(placement: Placement, folder: Path) -> None:
    """Every reading tells what it told before but for the words of the erased; all else goes on."""
    house, person = placement.house, placement.terms.mentee
    raw = await house.record.stream(placement.agreement_id)
    clear = await opened(seals_of(house.settings, house.pool), raw)
    theirs = {
        canary
        for sealed, row in zip(raw, clear, strict=True)
        for words in _sealed_for(person, sealed.data, row.data)
        for canary in CANARY.findall(words)
    }
    readings = _readings(placement, folder)
    assert readings.keys() | NOT_FOR_READING == _every_command()
    (folder / "policy.yaml").write_text(_call("policy", "show", "--yaml").text)
    await _erase("P-9002", folder)
    before = await _read_everything(readings, folder)
    assert set().union(*(told.canaries for told in before.values())) >= theirs
    await _erase(person, folder)
    after = await _read_everything(readings, folder)
    told = {call: after[call].canaries for call in after}
    assert told == {call: before[call].canaries - theirs for call in before}
    assert told["events", placement.agreement_id, "--as", placement.terms.mentor, "--json"]
    reports = [call for call in after if " ".join(call).startswith(COUNTED)]
    assert {call: after[call].counted for call in reports} == {call: before[call].counted for call in reports}
    assert await placement.agreement() == fold_recorded(await house.record.stream(placement.agreement_id))


async def _erase(person: str, folder: Path) -> None:
    file = str(folder / "receipt.json")
    done = await asyncio.to_thread(
        _call, "erase", person, "--as", OPERATOR, "--reference", "DSR-1", "--yes", "--receipt", file
    )
    assert done.code == 0, done.text
