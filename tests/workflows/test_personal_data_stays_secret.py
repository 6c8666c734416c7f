"""Nothing that people write, and no name of theirs, is in clear anywhere; once erased, none tells it."""

from __future__ import annotations

import asyncio
import json
import logging
import urllib.request
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
from google.protobuf.message import Message
from temporalio.api.common.v1 import Payload
from temporalio.client import Client, WorkflowUpdateFailedError

from activities.encryption.decrypt import decrypt_events
from activities.encryption.payload_codec import EncryptingCodec, is_encrypted
from application.config.keys import encryption_of, key_ring
from application.settings import load_settings
from application.temporal.client import data_converter
from deploy.embedded import EmbeddedPostgres, EmbeddedTemporal, attribute_types
from deploy.embedded.processes import free_port
from deploy.migrate import migrate
from domain.agreement.commands import COMMANDS, Command
from domain.kernel.person import Person
from domain.kernel.vocabulary import Kind, Phase
from domain.privacy.free_text import places_of_words
from domain.terms import ShadowingTerms, Terms
from domain.terms.requests import split
from tests.fixtures.byte_search import dump, found, uncompress
from tests.fixtures.marked_texts import (
    EXAMPLES,
    SUNG,
    Cage,
    heard_in,
    personal_texts,
    places_of_commands,
    places_of_requests,
)
from tests.fixtures.reading_commands import Readings
from tests.fixtures.recorded_lives import full_request
from workers.runtime.log_output import configure_logs
from workers.runtime.metrics_endpoints import serving_metrics
from workflows.contract import Receipt
from workflows.search_attributes import ALL

if TYPE_CHECKING:
    from tests.workflows.conftest import House, KeepingHouse, Mailbox, Placement

CHANNEL = f"json://{SUNG}channel-99999.example.com/"
SELDOM = {"check_in_days": 28, "reflective_session_days": 42}
"""How often people meet: each kind of meeting comes several times, and no more often than it must."""

CHANGES_OR_ENDS_IT = frozenset(
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
"""Not given once more in a life that is to come to its end by itself: they have placements of their own."""


class _Singer:
    """A placement every word of which is a canary: its terms, what the cast gives, and all else."""

    def __init__(self, placement: Placement, terms: Terms, cage: Cage) -> None:
        self.placement = placement
        self._cage = cage
        self._tags = terms.focus_tags if isinstance(terms, ShadowingTerms) else ()
        self._give = placement.act
        placement.act = self._sing

    async def _sing(self, command: Command | str, **given: Any) -> Receipt:  # noqa: ANN401  as `act` takes them
        assert isinstance(command, Command)
        return await self._give(self._cage.command(command, naming=self._tags), **given)

    async def by(self, actor_id: str, name: str, **fields: object) -> Receipt:
        """Gives a command in somebody's name, who may do so."""
        given = {"command_id": f"{name}/{actor_id}", "actor_id": actor_id, **fields}
        return await self._sing(COMMANDS[name].model_validate(given))

    async def example_of(self, command: type[Command], **fields: object) -> None:
        """The mentee gives the example of a command; refused or not, its words are nobody else's."""
        terms = self.placement.terms
        others = dict.fromkeys(("about", "receiver_id", "peer_id"), terms.mentor)
        named = {name: person for name, person in others.items() if name in command.model_fields}
        by = {"command_id": f"again/{command.model_fields['type'].default}", "actor_id": terms.mentee}
        try:
            await self._sing(command.model_validate({**command.example, **named, **fields, **by}))
        except WorkflowUpdateFailedError:
            return

    def changed_terms(self) -> dict[str, Any]:
        """The terms with something new in them."""
        return {**self.placement.terms.model_dump(mode="json"), "development_plan_ref": "DP-2"}


FILLED: dict[str, dict[str, Any]] = {
    "record_check_in": {"blockers": ["Something."]},
    "revoke_endorsement": {"reason": "Something."},
    "log_practice": {"notes": [{"about": "routine", "focus": "triage", "note": "Something."}]},
}
"""What examples of commands leave empty."""


async def _placed(house: House, kind: Kind, cage: Cage) -> _Singer:
    request = full_request(kind, "SUNG")
    terms = split({**request, "cadence": {**request["cadence"], **SELDOM}}).terms
    sung = cage.terms(terms)
    del sung["request_id"]
    return _Singer(await house.place(sung.pop("kind"), **sung), terms, cage)


async def _live(house: House, kind: Kind, cage: Cage) -> Placement:
    """From approval to close; on the way everything is said that does not change its course."""
    singer = await _placed(house, kind, cage)
    placement, terms = singer.placement, singer.placement.terms
    await singer.by(terms.hrbp, "amend_terms", terms=singer.changed_terms(), reason="Something.")
    await placement.become_active()
    pivot = {"pivot_id": "v1", "terms": singer.changed_terms() | {"development_plan_ref": "DP-3"}}
    await singer.by(terms.mentor, "propose_pivot", option="re_scope", reason="Something.", **pivot)
    await singer.by(terms.mentee, "refuse_pivot", pivot_id="v1", reason="Something.")
    for name, command in COMMANDS.items():
        if name not in CHANGES_OR_ENDS_IT and any(places_of_words(command)):
            await singer.example_of(command, **FILLED.get(name, {}))
    await placement.live_until(lambda agreement: agreement.phase is Phase.CLOSED, in_strides=True)
    return placement


async def _change(house: House, cage: Cage) -> None:
    """What changes the course of a placement, and each way in which one ends before its time."""
    singer = await _placed(house, Kind.SECONDMENT, cage)
    placement, terms = singer.placement, singer.placement.terms
    await placement.become_active()
    today = (await placement.now()).date()
    why = {"reason": "Something."}
    await singer.by(terms.hrbp, "hold_placement", waits_for="Someone.", review_on=today + timedelta(days=9))
    await singer.by(terms.hrbp, "release_placement", **why)
    until = today + timedelta(days=9)
    await singer.by(terms.mentor, "pause_placement", until=until, shifts_dates=False, **why)
    await singer.by(terms.mentor, "resume_placement")
    later = terms.planned_end + timedelta(days=14)
    await singer.by(terms.hrbp, "extend_placement", ends_on=later, **why)
    await singer.by(terms.hrbp, "shorten_placement", ends_on=later - timedelta(days=7), **why)
    hands = {"role": "mentor", "from_person": terms.mentor, "to_person": "P-9002"}
    await singer.by(terms.hrbp, "reassign_role", **hands, **why)
    await singer.by(terms.hrbp, "report_departure", person_id=terms.observers[0], **why)
    await singer.by(terms.mentee, "end_early", by="mentee", **why)
    await singer.by(terms.hrbp, "close_incomplete", **why)
    for actor, name in (("line_manager", "decline_agreement"), ("hrbp", "withdraw_agreement")):
        singer = await _placed(house, Kind.SHADOWING, cage)
        await singer.by(getattr(singer.placement.terms, actor), name, **why)


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


async def _kept_of(placement: Placement) -> list[Payload]:
    """Every payload of its histories that holds words, encrypted as it is."""
    keys = key_ring(placement.house.settings)
    assert keys is not None
    codec = EncryptingCodec(keys)
    held = [each for run in await placement.histories() for event in run.events for each in _payloads(event)]
    return [each for each in held if is_encrypted(each) and SUNG.encode() in codec.decrypt(each).data]


def _payloads(message: Message) -> Iterator[Payload]:
    """Every payload inside a message."""
    if isinstance(message, Payload):
        yield message
        return
    for _, value in message.ListFields():
        inside: Any = value.values() if hasattr(value, "values") else value
        items = cast("Iterable[object]", inside) if isinstance(inside, Iterable) else (inside,)
        for each in items:
            if isinstance(each, Message):
                yield from _payloads(each)


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
    cage = Cage()
    temporal = EmbeddedTemporal(
        data_folder, headless=True, durable=False, search_attributes=attribute_types(ALL)
    )
    postgres = EmbeddedPostgres(data_folder, settings={"fsync": "off"})
    settings = load_settings(log_level="DEBUG", log_format="json")
    with (data_folder / "worker.log").open("w", encoding="utf-8") as log:
        async with temporal, postgres:
            configure_logs(settings, log)
            await migrate(postgres.owner_dsn)
            await uncompress(postgres.dsn_of("sojourn"))
            client = await Client.connect(temporal.address, data_converter=data_converter(settings))
            async with keeping_house(postgres.dsn, client, mailbox) as house:
                placements = await _sing(house, cage)
                await _nothing_lies_in_clear(data_folder, await dump(postgres), placements, mailbox)
                monkeypatch.setenv("SOJOURN_DATABASE_URL", postgres.dsn)
                monkeypatch.setenv("SOJOURN_TASK_QUEUE", house.settings.task_queue)
                monkeypatch.setenv("TEMPORAL_ADDRESS", temporal.address)
                monkeypatch.setenv("COLUMNS", "400")
                await _the_mentee_is_erased(placements[0], tmp_path)
    assert list(found(data_folder, [SUNG, *personal_texts()])) == []


async def _sing(house: House, cage: Cage) -> list[Placement]:
    """Three lives and what cuts one short; what can be scraped or listed meanwhile holds nothing sung."""
    everybody = json.loads((EXAMPLES / "people.json").read_text())
    operator = next(Person.model_validate(each) for each in everybody if each["person_id"] == "P-9002")
    await house.directory.upsert([operator.model_copy(update={"channels": (CHANNEL,)})])
    ours, theirs = (f"127.0.0.1:{free_port()}" for _ in range(2))
    await house.change_worker(sdk_metrics_address=theirs)
    with serving_metrics(house.settings.model_copy(update={"metrics_address": ours})):
        async with asyncio.TaskGroup() as group:
            lives = [group.create_task(_live(house, kind, cage)) for kind in Kind]
            group.create_task(_change(house, cage))
        placements = [life.result() for life in lives]
        scraped = await asyncio.to_thread(_scraped, ours, theirs)
    wanted = places_of_commands() | places_of_requests()
    assert sorted(wanted - cage.places) == [], "no canary was placed in these"
    assert "sojourn_record_up 1.0" in scraped
    assert "temporal_activity_execution_latency_seconds" in scraped
    listed = await _shown_by_temporal(house.client)
    assert all(placement.agreement_id in listed for placement in placements)
    assert [text for text in [SUNG, *personal_texts()] if text in scraped or text in listed] == []
    # With the keys they are there: what is looked for was really written.
    assert len(await _heard(placements)) > 500
    return placements


async def _heard(placements: Sequence[Placement]) -> set[str]:
    heard: set[str] = set()
    for each in placements:
        encryption = encryption_of(each.house.settings, each.house.pool)
        rows = await decrypt_events(encryption, await each.house.event_store.stream(each.agreement_id))
        heard |= heard_in(json.dumps([row.data for row in rows]))
    return heard


async def _nothing_lies_in_clear(
    data_folder: Path, dumped: bytes, placements: Sequence[Placement], mailbox: Mailbox
) -> None:
    """Neither in the bytes of a server, nor in a backup, a log or a mail."""
    texts = [SUNG, *personal_texts()]
    there = list(found(data_folder, [placements[0].agreement_id, *texts]))
    # What may stand in clear is found: the search reaches both servers' files and the log.
    assert {"temporal.db", "worker.log"} <= {name for name, _ in there}
    assert [each for each in there if each[1] in texts] == []
    assert placements[0].agreement_id.encode() in dumped
    assert [text for text in texts if text.encode() in dumped] == []
    letters = "\n".join(mail.as_string() for mail in mailbox.mails)
    assert letters
    assert SUNG not in letters


async def _the_mentee_is_erased(placement: Placement, folder: Path) -> None:
    """Every reading tells what it told before but for their words; all else goes on."""
    house = placement.house
    readings = Readings(
        await placement.agreement(),
        event_store=house.event_store,
        encryption=encryption_of(house.settings, house.pool),
        pool=house.pool,
        payloads=await _kept_of(placement),
        folder=folder,
    )
    await readings.tell_nothing_of(placement.terms.mentee)
