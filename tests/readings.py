"""Everything that tells something of an agreement: commands, the codec endpoint, SQL views and tables."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import asyncpg
import httpx
from google.protobuf.json_format import MessageToDict, ParseDict
from pydantic import JsonValue
from temporalio.api.common.v1 import Payload
from typer.testing import CliRunner

from activities.encryption.decrypt import opened
from activities.encryption.encrypt import Seals
from activities.event_store.event_store import Record
from activities.keys.envelopes import person_of
from application.config.keys import key_ring
from application.identity.tokens import TokenRules, issue
from application.settings import load_settings
from domain.agreement.state import Agreement
from domain.stream.messages import RecordedEvent
from domain.stream.sealed_values import sealed_text
from domain.stream.serialization import fold_recorded
from gateway.codec.application import CodecEndpoint
from tests.canaries import heard_in
from tests.commands import every_command
from workers.cli import app

OPERATOR = "P-9001"

Call = tuple[str, ...]

NOT_FOR_READING = frozenset(
    {"act", "demo", "departed", "gateway", "hold", "keys create", "keys rewrap", "keys rotate", "leave"}
    | {"manager", "migrate", "operate", "people", "place", "rebuild", "rehydrate", "resend", "resume", "up"}
    | {"token", "upgrade", "worker"}
)
"""Commands that change something or serve; every other one has to be among the readings."""

_COUNTED = frozenset({"list", "stalled", "metrics", "policy", "sql"})
"""Reports, of which an erasure changes nothing."""
_CHANGED_BY_ERASING = frozenset({"person", "rights_event", "rights_head"})
"""Tables in which an erasure is noted or clears something."""

_UI = "http://127.0.0.1:8233"
_SECRET = "a-secret-of-more-than-thirty-two-bytes"


class Told(NamedTuple):
    """What a reading told."""

    text: str

    @property
    def canaries(self) -> set[str]:
        """Those in it."""
        return heard_in(self.text)

    @property
    def counted(self) -> str:
        """The same without what is measured in seconds: that goes on by itself."""
        return re.sub(r'(_seconds",\s+"labels": \{\},\s+"value": )[\d.e-]+', r"\1", self.text)


class Readings:
    """All readings of one agreement that is over; the settings of commands are in the environment.

    Args:
        agreement: Which.
        record: Where it is.
        seals: Open what is sealed in it.
        pool: Connections as the application's role.
        payloads: What somebody kept of its histories, encrypted as it was: whatever holds words.
        folder: An empty one, for files.
    """

    def __init__(
        self,
        agreement: Agreement,
        *,
        record: Record,
        seals: Seals,
        pool: asyncpg.Pool[asyncpg.Record],
        payloads: Sequence[Payload],
        folder: Path,
    ) -> None:
        assert agreement.closed
        self._agreement = agreement
        self._record = record
        self._seals = seals
        self._pool = pool
        self._payloads = payloads
        self._folder = folder

    async def tell_nothing_of(self, *people: str) -> None:
        """Erases people; every reading tells what it told before but for their words; all else goes on."""
        one = self._agreement.agreement_id
        words = {person: await self._words_of(person, one) for person in people}
        # An export tells of every agreement.
        every = [each.agreement_id for each in await self._record.read_models.agreements()]
        gone = set[str]().union(*[await self._words_of(person, *every) for person in people])
        (self._folder / "policy.yaml").write_text((await _called("policy", "show", "--yaml")).text)
        # Somebody who wrote nothing, so that there is a receipt to read from the beginning.
        await self._erase("P-9002")
        folded_before = await self._folded()
        before = await self._everything(people)
        told_before = set[str]().union(*(told.canaries for told in before.values()))
        for person in people:
            assert words[person], f"{person} has words to be erased"
            assert words[person] <= told_before, "what is to be gone was told before"
            await self._erase(person)
        after = await self._everything(people)
        for call, told in after.items():
            left = before[call].canaries - gone
            if call[0] == "codec":
                # Of commands it shows no words any more: those that led to events are told with these.
                assert told.canaries <= left, (call, sorted(told.canaries - left))
            else:
                assert told.canaries == left, (call, sorted(told.canaries ^ left))
        for kind in ("events", "codec"):
            others = [told.canaries for call, told in after.items() if call[0] == kind]
            assert any(others), f"others' words are there in {kind}"
        reports = [call for call in after if call[0] in _COUNTED]
        for call in reports:
            assert after[call].counted == before[call].counted, call
        assert await self._folded() == folded_before

    async def _folded(self) -> Agreement | None:
        return fold_recorded(await self._record.stream(self._agreement.agreement_id))

    async def _words_of(self, person_id: str, *agreement_ids: str) -> set[str]:
        """The canaries that are sealed for somebody in agreements."""
        raw: list[RecordedEvent] = []
        for agreement_id in agreement_ids:
            raw += await self._record.stream(agreement_id)
        clear = await opened(self._seals, raw)
        return heard_in(
            "\n".join(
                words
                for sealed, row in zip(raw, clear, strict=True)
                for words in _sealed_for(person_id, sealed.data, row.data)
            )
        )

    async def _erase(self, person_id: str) -> None:
        receipt = str(self._folder / "receipt.json")
        by = ("--as", OPERATOR, "--reference", "DSR-1")
        await _called("erase", person_id, *by, "--yes", "--receipt", receipt)

    async def _everything(self, erased: Sequence[str]) -> dict[Call, Told]:
        """What each reading tells, what it writes to files included; each of them succeeds."""
        commands = self._commands(erased)
        assert commands.keys() | NOT_FOR_READING == {name for name, _ in every_command()}
        told: dict[Call, Told] = {}
        for name, calls in commands.items():
            for arguments in calls:
                call = (*name.split(), *arguments)
                said = await _called(*call)
                told[call] = Told(said.text + self._exported()) if name == "export" else said
        return {**told, **await self._told_by_the_codec(erased), **await self._told_by_sql()}

    def _readers(self, erased: Sequence[str]) -> list[str]:
        """Who reads events and histories: the pair, their manager, HR, and whoever is erased."""
        terms = self._agreement.terms
        sides = (terms.mentee, terms.mentor, terms.line_manager, terms.hrbp, terms.programme_owner)
        return list(dict.fromkeys((*erased, *sides)))

    def _commands(self, erased: Sequence[str]) -> Mapping[str, Sequence[Call]]:
        """Every command that tells something, with arguments for whoever may ask about the agreement."""
        terms, one = self._agreement.terms, (self._agreement.agreement_id,)
        policy = str(self._folder / "policy.yaml")
        out = str(self._folder / "export.json")
        looking = dict.fromkeys((*erased, terms.mentee, terms.mentor))
        return {
            "show": [(*one, "--settled"), (*one, "--json")],
            "mine": [(*one, "--as", each, "--json") for each in looking],
            "events": [one, *((*one, "--as", each, "--json") for each in self._readers(erased))],
            "notices": [(*one, "--json")],
            "openings": [(*one, "--as", terms.mentee, "--json")],
            "list": [("--json",), ("--person", erased[0])],
            "stalled": [("--json",)],
            "explain": [one],
            "watch": [("--once",)],
            "erase": [(each, "--as", OPERATOR, "--reference", "DSR-1") for each in erased],
            "export": [(each, "--as", OPERATOR, "--out", out) for each in looking],
            "retention": [("--as", OPERATOR, "--until", "2045-01-01", "--json")],
            "receipt": [(str(self._folder / "receipt.json"), "--json")],
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

    def _exported(self) -> str:
        return "".join(path.read_text() for path in self._folder.glob("export.*"))

    async def _told_by_the_codec(self, erased: Sequence[str]) -> dict[Call, Told]:
        """What the endpoint shows of every payload: to each reader, and to an operator."""
        keys = key_ring(load_settings())
        assert keys is not None
        assert self._seals.keys is not None
        endpoint = CodecEndpoint(
            keys=keys,
            streams=self._record,
            erasures=self._seals.keys,
            origins=frozenset({_UI}),
            tokens=TokenRules.with_secret(_SECRET),
        )
        transport = httpx.ASGITransport(endpoint.application(), client=("127.0.0.1", 50000))
        body = {"payloads": [MessageToDict(payload) for payload in self._payloads]}
        told: dict[Call, Told] = {}
        async with httpx.AsyncClient(transport=transport, base_url="http://codec") as browser:
            for asker in (*self._readers(erased), OPERATOR):
                token = issue(_SECRET, asker, lasts=timedelta(hours=1), operator=asker == OPERATOR)
                headers = {"Origin": _UI, "Authorization": f"Bearer {token}"}
                answer = await browser.post("/decode", json=body, headers=headers)
                assert answer.status_code == httpx.codes.OK, answer.text
                shown = [ParseDict(each, Payload()) for each in answer.json()["payloads"]]
                assert len(shown) == len(self._payloads)
                told["codec", asker] = Told("\n".join(each.data.decode() for each in shown))
        return told

    async def _told_by_sql(self) -> dict[Call, Told]:
        """Every row of every view and table that is there for reports."""
        relations = await self._pool.fetch(
            "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'sojourn'"
        )
        names = sorted({row["name"] for row in relations} - _CHANGED_BY_ERASING)
        assert {"agreement", "stalled", "stall_planned"} <= set(names)
        return {("sql", name): Told(await self._rows_of(name)) for name in names}

    async def _rows_of(self, relation: str) -> str:
        rows = await self._pool.fetch(f'SELECT told::text FROM sojourn."{relation}" AS told')  # noqa: S608
        return "\n".join(sorted(row["told"] for row in rows))


async def _called(*arguments: str) -> Told:
    # In a thread, because each command runs an event loop of its own.
    done = await asyncio.to_thread(CliRunner().invoke, app, list(arguments))
    assert done.exit_code == 0, (arguments, done.output, done.stderr)
    return Told(done.output + done.stderr)


def _sealed_for(person_id: str, raw: JsonValue, clear: JsonValue) -> Iterator[str]:
    """The words in clear that are sealed for somebody."""
    sealed = sealed_text(raw)
    if sealed is not None:
        if person_of(sealed.split("/")[1]) == person_id:
            yield json.dumps(clear)
    elif isinstance(raw, dict) and isinstance(clear, dict):
        for name, each in raw.items():
            yield from _sealed_for(person_id, each, clear[name])
    elif isinstance(raw, list) and isinstance(clear, list):
        for each, opened_each in zip(raw, clear, strict=True):
            yield from _sealed_for(person_id, each, opened_each)
