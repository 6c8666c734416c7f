"""Seals: what people write is in the record for its readers, and for nobody who reads the disk."""

from __future__ import annotations

import base64
import json
import os
import uuid
from collections.abc import Callable

import asyncpg
import pytest
from pydantic import JsonValue
from structlog.testing import capture_logs

from activities.encryption.decrypt import decrypt_events
from activities.encryption.encrypt import DecryptionError, FieldEncryption
from activities.event_store.event_store import EventStore
from activities.keys.ring import KeyRing, KeysError, UnknownKeyError
from activities.keys.subjects import LostKeyError, SubjectKeys
from activities.postgres.pool import Database, DatabaseRefusedError
from domain.kernel.digests import digest_of
from domain.kernel.model import WITHHELD
from domain.kernel.vocabulary import Role
from domain.stream.messages import Append, NewEvent
from domain.stream.sealed_values import ERASED, sealed_text
from domain.stream.serialization import read_event

CANARY = "the canary sings of overwork"
FEEDBACK: dict[str, JsonValue] = {
    "giver": {"role": "mentor", "person_id": "p-grace", "scope": ""},
    "receiver_id": "p-ada",
    "anchor": {"kind": "criterion", "reference": "c1"},
    "tone": "critique",
    "behaviour": CANARY,
    "effect": CANARY,
    "next_step": CANARY,
    "rating": None,
    "ledger": {},
}


@pytest.fixture
def ring() -> KeyRing:
    """A ring with one key."""
    return KeyRing("main", {"main": os.urandom(32)})


@pytest.fixture
def encryption(pool: asyncpg.Pool[asyncpg.Record], ring: KeyRing) -> FieldEncryption:
    """Seals under that ring."""
    return FieldEncryption(SubjectKeys(pool, ring))


@pytest.fixture
def sealing(pool: asyncpg.Pool[asyncpg.Record], encryption: FieldEncryption) -> EventStore:
    """A record that seals."""
    return EventStore(pool, encryption)


@pytest.fixture
def feedback(make_append: Callable[..., Append]) -> Callable[..., Append]:
    """Makes an append by p-grace with feedback for p-ada and a note of p-grace's own."""

    def make(**changes: object) -> Append:
        note: dict[str, JsonValue] = {"note": CANARY, "audience": "author", "ledger": {}}
        events = tuple(
            NewEvent(event_id=str(uuid.uuid4()), type=name, schema_version=1, data=data)
            for name, data in (("feedback.given", FEEDBACK), ("note.kept", note))
        )
        return make_append(events=events, actor_id="p-grace", actor_role=Role.MENTOR, **changes)

    return make


async def _fresh(pool: asyncpg.Pool[asyncpg.Record], ring: KeyRing) -> FieldEncryption:
    return FieldEncryption(SubjectKeys(pool, ring))


async def test_words_go_in_sealed_and_come_out_as_written(
    sealing: EventStore,
    encryption: FieldEncryption,
    feedback: Callable[..., Append],
    pool: asyncpg.Pool[asyncpg.Record],
) -> None:
    """No byte of them is in the table; each part is sealed for its own subject; opened they are the same."""
    append = feedback()
    assert (await sealing.append(append)).outcome == "appended"
    stored = await pool.fetchval("SELECT string_agg(data::text, '') FROM sojourn.event")
    assert "canary" not in stored
    rows = await sealing.stream("agreement-1")
    assert [row.data for row in await decrypt_events(encryption, rows)] == [
        event.data for event in append.events
    ]
    assert "1/p-ada@agreement-1/1/" in json.dumps(rows[0].data)
    assert "1/p-grace@agreement-1/1/" in json.dumps(rows[1].data)
    assert rows[0].data["receiver_id"] == "p-ada"


async def test_folding_and_verifying_need_no_key(
    sealing: EventStore, feedback: Callable[..., Append], pool: asyncpg.Pool[asyncpg.Record]
) -> None:
    """A process without keys reads everything but the words, and the chain over the ciphertext is whole."""
    await sealing.append(feedback())
    keyless = EventStore(pool)
    event = read_event((await keyless.stream("agreement-1"))[1])
    assert getattr(event, "note", None) == WITHHELD
    assert await keyless.verify_chain("agreement-1") is None


async def test_a_retry_under_other_nonces_is_the_same_command(
    sealing: EventStore, feedback: Callable[..., Append], encryption: FieldEncryption
) -> None:
    """The first attempt's ciphertext stands; the second is a duplicate and changes nothing."""
    append = feedback()
    await sealing.append(append)
    before = await sealing.stream("agreement-1")
    again = await sealing.append(append)
    assert (again.outcome, again.event_types) == ("duplicate", ("feedback.given", "note.kept"))
    assert await sealing.stream("agreement-1") == before
    assert (await decrypt_events(encryption, before))[1].data["note"] == CANARY


async def test_once_keys_are_at_hand_an_append_is_one_round_trip(
    sealing: EventStore, feedback: Callable[..., Append], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sealing costs no question to the database beyond the first for each person."""
    await sealing.append(feedback())
    asked: list[str] = []
    ask, ask_for_one = Database.rows, Database.row

    async def rows(database: Database, name: str, *arguments: object) -> list[asyncpg.Record]:
        asked.append(name)
        return await ask(database, name, *arguments)

    async def row(database: Database, name: str, *arguments: object) -> asyncpg.Record | None:
        asked.append(name)
        return await ask_for_one(database, name, *arguments)

    monkeypatch.setattr(Database, "rows", rows)
    monkeypatch.setattr(Database, "row", row)
    second = feedback(expected_version=2, command_id="command-2")
    assert (await sealing.append(second)).outcome == "appended"
    assert asked == ["append"]


async def test_an_erased_person_reads_erased_and_others_stay(
    sealing: EventStore, encryption: FieldEncryption, feedback: Callable[..., Append]
) -> None:
    """Destroying a key takes that person's words away, nobody else's, and breaks no chain."""
    await sealing.append(feedback())
    assert encryption.keys is not None
    await encryption.keys.destroy("p-ada", by="p-op", reference="DSR-1")
    about_ada, note_of_grace = await decrypt_events(encryption, await sealing.stream("agreement-1"))
    assert [about_ada.data[field] for field in ("behaviour", "effect", "next_step")] == [ERASED] * 3
    assert note_of_grace.data["note"] == CANARY
    assert await sealing.verify_chain("agreement-1") is None


async def test_a_lost_key_is_an_error_that_names_it(
    sealing: EventStore,
    feedback: Callable[..., Append],
    pool: asyncpg.Pool[asyncpg.Record],
    administrator: asyncpg.Connection,
    ring: KeyRing,
) -> None:
    """Neither a missing key-encryption key nor a missing row looks like an erasure."""
    await sealing.append(feedback())
    rows = await sealing.stream("agreement-1")
    other = KeyRing("other", {"other": os.urandom(32)})
    with pytest.raises(UnknownKeyError, match="Key main is not on the key ring"):
        await decrypt_events(await _fresh(pool, other), rows)
    await administrator.execute("DELETE FROM sojourn_keys.subject_key WHERE subject_id = 'p-ada@agreement-1'")
    with pytest.raises(LostKeyError, match="The key of p-ada in agreement-1"):
        await decrypt_events(await _fresh(pool, ring), rows)
    with pytest.raises(KeysError, match="no keys"):
        await decrypt_events(FieldEncryption(None), rows)


@pytest.mark.parametrize("spoiled", ["swapped", "truncated", "altered", "of another event", "nonsense"])
async def test_what_was_tampered_with_is_refused_by_name_and_without_its_content(
    sealing: EventStore, encryption: FieldEncryption, feedback: Callable[..., Append], spoiled: str
) -> None:
    """The error and the log name event and field; neither holds words nor ciphertext."""
    await sealing.append(feedback())
    await sealing.append(feedback(expected_version=2, command_id="command-2"))
    rows = await sealing.stream("agreement-1")
    first, _, other, _ = (dict(row.data) for row in rows)
    text = _text(first["behaviour"])
    head, content = text.rsplit("/", 1)
    raw = base64.urlsafe_b64decode(content)
    shorter, turned = raw[:-1], raw[:20] + bytes([raw[20] ^ 1]) + raw[21:]
    first["behaviour"] = {
        "swapped": first["effect"],
        "truncated": _as_sealed(f"{head}/{base64.urlsafe_b64encode(shorter).decode()}"),
        "altered": _as_sealed(f"{head}/{base64.urlsafe_b64encode(turned).decode()}"),
        "of another event": other["behaviour"],
        "nonsense": _as_sealed("nonsense"),
    }[spoiled]
    with (
        capture_logs() as logs,
        pytest.raises(DecryptionError, match=r"/behaviour of feedback\.given") as told,
    ):
        await decrypt_events(encryption, [rows[0].model_copy(update={"data": first})])
    assert rows[0].event_id in str(told.value)
    said = json.dumps(logs) + str(told.value)
    assert [log["event"] for log in logs] == ["sealed_words_refused"]
    assert "canary" not in said
    assert content not in said


async def test_who_has_no_keys_and_chose_nothing_writes_nothing(
    pool: asyncpg.Pool[asyncpg.Record], feedback: Callable[..., Append]
) -> None:
    """Words are never written in clear for want of a setting."""
    refusing = EventStore(pool, FieldEncryption(None, refusal="No keys: make some."))
    with pytest.raises(KeysError, match="No keys: make some"):
        await refusing.append(feedback())
    assert await refusing.stream("agreement-1") == []


async def test_without_keys_on_purpose_words_are_clear_and_read_beside_sealed_ones(
    pool: asyncpg.Pool[asyncpg.Record], encryption: FieldEncryption, feedback: Callable[..., Append]
) -> None:
    """What was written before there were keys is read for ever."""
    await EventStore(pool, FieldEncryption(None)).append(feedback())
    await EventStore(pool, encryption).append(feedback(expected_version=2, command_id="command-2"))
    rows = await EventStore(pool).stream("agreement-1")
    assert rows[1].data["note"] == CANARY
    assert [row.data["note"] for row in await decrypt_events(encryption, rows) if "note" in row.data] == [
        CANARY
    ] * 2


async def test_a_process_is_refused_at_its_start_where_it_could_not_open_what_is_there(
    pool: asyncpg.Pool[asyncpg.Record],
    encryption: FieldEncryption,
    sealing: EventStore,
    feedback: Callable[..., Append],
) -> None:
    """Sealed words and no keys, or the wrong ones, are found out before anything is written beside them."""
    await FieldEncryption(None).check(pool)
    await sealing.append(feedback())
    await encryption.check(pool)
    with pytest.raises(KeysError, match="holds sealed words"):
        await FieldEncryption(None).check(pool)
    with pytest.raises(UnknownKeyError, match="main"):
        await (await _fresh(pool, KeyRing("other", {"other": os.urandom(32)}))).check(pool)


async def test_words_that_cannot_be_stored_are_refused_and_not_repeated(
    sealing: EventStore, make_append: Callable[..., Append]
) -> None:
    """Half a character, or a NUL, is as wrong sealed as it is in clear."""
    for typed in ("half \ud800 of it", "a\0b"):
        event = NewEvent.model_construct(
            event_id=str(uuid.uuid4()),
            type="note.kept",
            schema_version=1,
            data={"note": typed, "audience": "author", "ledger": {}},
        )
        with pytest.raises(DatabaseRefusedError, match="cannot be sealed") as refused:
            await sealing.append(make_append().model_copy(update={"events": (event,)}))
        assert "of it" not in str(refused.value)


def _text(value: JsonValue) -> str:
    assert isinstance(value, dict)
    text = value["$sealed"]
    assert isinstance(text, str)
    return text


def _as_sealed(text: str) -> JsonValue:
    return {"$sealed": text}


async def test_no_digest_of_what_was_written_is_in_clear(
    sealing: EventStore,
    encryption: FieldEncryption,
    make_append: Callable[..., Append],
    pool: asyncpg.Pool[asyncpg.Record],
) -> None:
    """Whoever guesses the words finds nothing in the database that says so, erased or not."""
    known_by = {"objectives": digest_of(CANARY), "mentor_commitment": digest_of("patience")}
    proposed = NewEvent(
        event_id=str(uuid.uuid4()), type="terms.amended", schema_version=1, data={"digests": {**known_by}}
    )
    await sealing.append(make_append(events=(proposed,), command_digest=digest_of(CANARY)))
    stored = await pool.fetchval(
        "SELECT string_agg(data::text, '') || (SELECT string_agg(digest, '') FROM sojourn.command)"
        " FROM sojourn.event"
    )
    assert [each for each in known_by.values() if each in stored] == []
    (row,) = await sealing.stream_to_decide_upon("agreement-1")
    assert row.data["digests"] == known_by
    (command,) = await sealing.recent_commands("agreement-1")
    assert command.digest == digest_of(CANARY)
    assert encryption.keys is not None
    await encryption.keys.destroy("p-ada", by="p-op", reference="DSR-1")
    (row,) = await sealing.stream_to_decide_upon("agreement-1")
    assert row.data["digests"] == {"objectives": ERASED, "mentor_commitment": known_by["mentor_commitment"]}
    (command,) = await sealing.recent_commands("agreement-1")
    assert command.digest is None


@pytest.mark.parametrize("sealed_before", [True, False])
async def test_a_command_is_known_by_its_content_though_no_two_seals_are_alike(
    sealing: EventStore,
    feedback: Callable[..., Append],
    pool: asyncpg.Pool[asyncpg.Record],
    sealed_before: bool,
) -> None:
    """Sealed or, by an older release, in clear: the same again is a duplicate, other content is refused."""
    append = feedback(command_digest=digest_of("one"))
    await (sealing if sealed_before else EventStore(pool)).append(append)
    again = await sealing.append(append)
    assert (again.outcome, again.version) == ("duplicate", 2)
    other = await sealing.append(feedback(command_digest=digest_of("another")))
    assert (other.outcome, other.version) == ("different_content", 2)


async def test_of_an_erased_command_the_id_alone_is_left_to_go_by(
    sealing: EventStore, encryption: FieldEncryption, feedback: Callable[..., Append]
) -> None:
    """Its content can be told no more, and it is written no second time."""
    await sealing.append(feedback(command_digest=digest_of("one")))
    assert encryption.keys is not None
    await encryption.keys.destroy("p-grace", by="p-op", reference="DSR-1")
    assert (await sealing.append(feedback(command_digest=digest_of("one")))).outcome == "duplicate"
    assert len(await sealing.stream("agreement-1")) == 2


async def test_a_lost_key_does_not_keep_an_agreement_from_going_on(
    sealing: EventStore,
    pool: asyncpg.Pool[asyncpg.Record],
    administrator: asyncpg.Connection,
    ring: KeyRing,
    make_append: Callable[..., Append],
) -> None:
    """What nobody can open counts as not known, and is named in the log; the rest opens."""
    known_by: dict[str, JsonValue] = {"objectives": digest_of("o"), "mentor_commitment": digest_of("m")}
    amended = NewEvent(
        event_id=str(uuid.uuid4()), type="terms.amended", schema_version=1, data={"digests": known_by}
    )
    await sealing.append(make_append(events=(amended,), command_digest=digest_of(CANARY)))
    await administrator.execute("DELETE FROM sojourn_keys.subject_key WHERE subject_id LIKE 'p-ada@%'")
    elsewhere = EventStore(pool, await _fresh(pool, ring))
    with capture_logs() as logs:
        (row,) = await elsewhere.stream_to_decide_upon("agreement-1")
        (command,) = await elsewhere.recent_commands("agreement-1")
    digests = row.data["digests"]
    assert isinstance(digests, dict)
    assert digests["mentor_commitment"] == known_by["mentor_commitment"]
    assert sealed_text(digests["objectives"]) is not None
    assert command.digest is None
    assert {each["event"] for each in logs} == {"digest_key_lost"}


def _proposal(request_digest: str) -> NewEvent:
    """The first event of a stream, with as much of it as the request is recognised by."""
    return NewEvent(
        event_id=str(uuid.uuid4()),
        type="agreement.proposed",
        schema_version=1,
        data={"request_digest": request_digest, "ledger": {}},
    )


@pytest.mark.parametrize("erased", ["p-ada", "p-grace"])
async def test_a_request_is_recognised_until_one_of_those_it_has_words_of_is_erased(
    sealing: EventStore,
    encryption: FieldEncryption,
    make_append: Callable[..., Append],
    pool: asyncpg.Pool[asyncpg.Record],
    erased: str,
) -> None:
    """Its digest is nowhere in clear, and with either key it is gone for good; its id is left to go by."""
    digest = digest_of(CANARY)
    append = make_append(events=(_proposal(digest),), head={"request_digest": digest})
    assert (await sealing.append(append)).outcome == "appended"
    stored = await pool.fetchval(
        "SELECT string_agg(event.data::text, '') || string_agg(head.request_digest, '')"
        " FROM sojourn.event JOIN sojourn.agreement AS head USING (agreement_id)"
    )
    assert digest not in stored
    assert WITHHELD in stored
    known = await sealing.find_request("acme", "request-1")
    assert known is not None
    assert (known.digest, known.is_of(digest_of("other"))) == (digest, False)
    (row,) = await sealing.stream_to_decide_upon("agreement-1")
    assert row.data["request_digest"] == digest
    (row,) = await decrypt_events(encryption, await sealing.stream("agreement-1"))
    assert row.data["request_digest"] == digest
    assert encryption.keys is not None
    await encryption.keys.destroy(erased, by="p-op", reference="DSR-1")
    known = await sealing.find_request("acme", "request-1")
    assert known is not None
    assert (known.digest, known.is_of(digest_of("other"))) == (None, True)
    (row,) = await sealing.stream_to_decide_upon("agreement-1")
    assert digest not in json.dumps(row.data)
    (row,) = await decrypt_events(encryption, await sealing.stream("agreement-1"))
    assert row.data["request_digest"] == ERASED


@pytest.mark.parametrize("sealed_before", [True, False])
@pytest.mark.parametrize("content", ["one", "other"])
async def test_a_request_opens_one_agreement_though_its_digest_is_sealed(
    sealing: EventStore,
    make_append: Callable[..., Append],
    pool: asyncpg.Pool[asyncpg.Record],
    sealed_before: bool,
    content: str,
) -> None:
    """Recorded sealed or, by an older release, in clear: the same and another are told apart as before."""

    def proposal(content: str, command_id: str) -> Append:
        digest = digest_of(content)
        head = {"request_digest": digest}
        return make_append(events=(_proposal(digest),), head=head, command_id=command_id)

    await (sealing if sealed_before else EventStore(pool)).append(proposal("one", "first"))
    again = await sealing.append(proposal(content, "second"))
    assert (again.outcome, again.version) == ("conflict" if content == "one" else "different_content", 1)
    known = await sealing.find_request("acme", "request-1")
    assert known is not None
    assert known.is_of(digest_of(content)) == (content == "one")
