"""The codec endpoint over a real record: who asks decides what is shown; what is wrong is refused by name."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any

import httpx
import pytest
import structlog
from google.protobuf.json_format import MessageToDict, ParseDict
from temporalio.api.common.v1 import Payload
from temporalio.converter import WorkflowSerializationContext

from activities.encryption.encrypt import FieldEncryption
from activities.encryption.payload_codec import EncryptingCodec
from activities.event_store.event_store import EventStore
from activities.keys.ring import KeyRing
from application.identity.tokens import TokenRules, issue
from application.settings import load_settings
from domain.agreement.commands import COMMANDS
from domain.agreement.events.matters import ConcernRaised
from domain.agreement.events.meetings import CheckInHeld
from domain.agreement.state import Agreement, Matter
from domain.handling.loaded import LoadedAgreement, head_of
from domain.kernel.model import WITHHELD
from domain.kernel.vocabulary import ObligationKind, Role
from domain.stream.messages import Append
from domain.stream.sealed_values import ERASED
from domain.stream.serialization import to_new_event
from gateway.codec.application import MOST_BYTES, MOST_PAYLOADS, CodecEndpoint
from gateway.serving import listening
from workers.runtime.codec_endpoint import answering_the_local_ui
from workflows.contract import AgreementInput

Lives = Callable[..., Awaitable[Agreement]]

UI = "http://127.0.0.1:8233"
SECRET = "a-secret-of-more-than-thirty-two-bytes"
RING = KeyRing("2026", {"2026": bytes(32), "2025": bytes([1] * 32)})
PRIVATE, WORK, SAID = "I nearly gave up in March.", "Map three suppliers.", "Three meetings were cancelled."


class _Endpoint:
    """The application, asked as a browser would."""

    def __init__(
        self,
        streams: EventStore,
        encryption: FieldEncryption,
        **given: Any,  # noqa: ANN401  as the endpoint takes them
    ) -> None:
        assert encryption.keys is not None
        options: dict[str, Any] = {
            "tokens": TokenRules.with_secret(SECRET),
            "origins": frozenset({UI}),
            **given,
        }
        application = CodecEndpoint(
            keys=RING, streams=streams, erasures=encryption.keys, **options
        ).application()
        self.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(application, client=("127.0.0.1", 50000)), base_url="http://codec"
        )

    async def ask(
        self, *payloads: Payload, token: str | None = None, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """Sends payloads to be decoded, from a page of the UI."""
        given = {"Origin": UI, **({"Authorization": f"Bearer {token}"} if token else {}), **(headers or {})}
        body = {"payloads": [MessageToDict(payload) for payload in payloads]}
        return await self.client.post("/decode", json=body, headers=given)


@pytest.fixture
async def endpoint(event_store: EventStore, encryption: FieldEncryption) -> AsyncGenerator[_Endpoint]:
    """The endpoint over this test's record."""
    made = _Endpoint(event_store, encryption)
    yield made
    await made.client.aclose()


@pytest.fixture
async def agreement(live: Lives) -> Agreement:
    """A secondment that is under way."""
    return await live("secondment", days=70)


def _token(person_id: str, *, operator: bool = False) -> str:
    return issue(SECRET, person_id, lasts=timedelta(hours=1), operator=operator)


def _encrypted(value: object, agreement_id: str, ring: KeyRing = RING) -> Payload:
    codec = EncryptingCodec(ring).with_context(WorkflowSerializationContext("default", agreement_id))
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return codec.encrypt(Payload(metadata={"encoding": b"json/plain"}, data=data))


def _shown(answer: httpx.Response) -> list[Any]:
    assert answer.status_code == 200, answer.text
    payloads = (ParseDict(each, Payload()) for each in answer.json()["payloads"])
    return [json.loads(payload.data) for payload in payloads]


def _append(agreement: Agreement, *events: Any, actor: str) -> bytes:  # noqa: ANN401  events of any type
    append = Append(
        agreement_id=agreement.agreement_id,
        expected_version=agreement.version,
        command_id="c-1",
        command_type="record_check_in",
        command_digest="d",
        actor_id=actor,
        actor_role=Role.MENTEE,
        occurred_at=agreement.last_activity_at,
        events=tuple(
            to_new_event(each, f"00000000-0000-0000-0000-00000000000{number}")
            for number, each in enumerate(events)
        ),
        head=head_of(agreement, agreement.last_activity_at),
        notices=(),
    )
    return append.model_dump_json().encode()


def _check_in(agreement: Agreement) -> CheckInHeld:
    return CheckInHeld.model_validate(
        {
            "at": agreement.last_activity_at,
            "number": 1,
            "progress": [],
            "blockers": [],
            "confidence": 3,
            "answers": [{"prompt_id": "what-changed", "answer": PRIVATE}],
            "next_steps": [WORK],
            "skills": [],
            "calls_for": None,
            "prompt_bank": "1",
        }
    )


async def test_a_party_reads_the_words_that_are_for_them(endpoint: _Endpoint, agreement: Agreement) -> None:
    """Of one append: the pair reads the reflection, the managers the next steps, an operator neither."""
    terms = agreement.terms
    payload = _encrypted(_append(agreement, _check_in(agreement), actor=terms.mentee), agreement.agreement_id)

    async def read(token: str) -> tuple[str, str]:
        (shown,) = _shown(await endpoint.ask(payload, token=token))
        (event,) = shown["events"]
        assert event["type"] == "check_in.held"
        return event["data"]["answers"][0]["answer"], event["data"]["next_steps"][0]

    assert await read(_token(terms.mentee)) == (PRIVATE, WORK)
    assert await read(_token(terms.mentor)) == (PRIVATE, WORK)
    assert await read(_token(terms.line_manager)) == (WITHHELD, WORK)
    assert await read(_token(terms.hrbp)) == (WITHHELD, WITHHELD)
    assert await read(_token("P-9001", operator=True)) == (WITHHELD, WITHHELD)


async def test_an_operator_reads_structure(endpoint: _Endpoint, agreement: Agreement) -> None:
    """Summaries, receipts and errors in clear; commands and requests with their words withheld."""
    terms = agreement.terms
    note = COMMANDS["keep_note"].model_validate(
        {"command_id": "c-2", "actor_id": terms.mentee, "note": PRIVATE}
    )
    receipt = {"agreement_id": "a", "command_id": "c", "version": 3, "event_types": ["note.kept"]}
    failure = {"message": "The record cannot be reached.", "stack_trace": ""}
    values = ["Ladder level 1: milestone:map", receipt, failure, note.model_dump(mode="json")]
    payloads = [_encrypted(value, agreement.agreement_id) for value in values]
    summary, shown_receipt, shown_failure, command = _shown(
        await endpoint.ask(*payloads, token=_token("P-9001", operator=True))
    )
    assert (summary, shown_receipt, shown_failure) == (values[0], receipt, failure)
    assert (command["type"], command["actor_id"], command["note"]) == ("keep_note", terms.mentee, WITHHELD)
    (own,) = _shown(await endpoint.ask(payloads[3], token=_token(terms.mentee)))
    assert own["note"] == PRIVATE
    (somebody_elses,) = _shown(await endpoint.ask(payloads[3], token=_token(terms.mentor)))
    assert PRIVATE not in str(somebody_elses)


async def test_what_is_not_known_to_be_ours_shows_no_text(endpoint: _Endpoint, agreement: Agreement) -> None:
    """A payload of a shape that nobody described keeps its shape and loses every text."""
    odd = {"thoughts": [PRIVATE, {"more": PRIVATE}], "count": 3}
    payload = _encrypted(odd, agreement.agreement_id)
    (shown,) = _shown(await endpoint.ask(payload, token=_token("P-9001", operator=True)))
    assert shown == {"thoughts": [WITHHELD, {"more": WITHHELD}], "count": 3}


async def test_a_concern_is_not_shown_to_whom_it_is_about(endpoint: _Endpoint, agreement: Agreement) -> None:
    """Not its words, nor that there is one: neither in its events nor as a command."""
    terms = agreement.terms
    concern = ConcernRaised.model_validate(
        {
            "at": agreement.last_activity_at,
            "matter_id": "c1",
            "raised_by": terms.mentee,
            "about": terms.mentor,
            "handled_by": {"role": "line_manager", "person_id": terms.line_manager},
            "what": SAID,
        }
    )
    command = COMMANDS["raise_concern"].model_validate(
        {"command_id": "c", "actor_id": terms.mentee, "matter_id": "c1", "about": terms.mentor, "what": SAID}
    )
    payloads = [
        _encrypted(_append(agreement, concern, actor=terms.mentee), agreement.agreement_id),
        _encrypted(command.model_dump(mode="json"), agreement.agreement_id),
    ]
    about = _shown(await endpoint.ask(*payloads, token=_token(terms.mentor)))
    assert "concern" not in json.dumps(about)
    assert terms.mentee not in json.dumps(about)
    raised = _shown(await endpoint.ask(*payloads, token=_token(terms.mentee)))
    assert raised[0]["events"][0]["data"]["what"] == raised[1]["what"] == SAID


async def test_what_a_copied_history_holds_of_somebody_erased_is_shown_to_nobody(
    endpoint: _Endpoint, encryption: FieldEncryption, agreement: Agreement
) -> None:
    """Their words are gone from events, terms and commands for every party; others' words are there."""
    terms = agreement.terms
    note = COMMANDS["keep_note"].model_validate(
        {"command_id": "c-2", "actor_id": terms.mentee, "note": PRIVATE}
    )
    request = AgreementInput(terms=terms.model_copy(update={"rationale": WORK}).model_dump(mode="json"))
    payloads = [
        _encrypted(_append(agreement, _check_in(agreement), actor=terms.mentor), agreement.agreement_id),
        _encrypted(note.model_dump(mode="json"), agreement.agreement_id),
        _encrypted(request.model_dump(mode="json"), agreement.agreement_id),
    ]

    async def told(person_id: str) -> list[Any]:
        return _shown(await endpoint.ask(*payloads, token=_token(person_id)))

    before = await told(terms.mentee)
    assert str(before).count(PRIVATE) == str(before).count(WORK) == 2
    assert encryption.keys is not None
    await encryption.keys.destroy(terms.mentee, by="P-9001", reference="DSR-1")
    for reader in (terms.mentee, terms.mentor, terms.line_manager, terms.hrbp):
        append, command, started = after = await told(reader)
        assert PRIVATE not in str(after)
        assert WORK not in str(after)
        assert command["note"] == WITHHELD
        focus = before[2]["terms"]["mentor_commitment"]["feedback_focus"]
        assert started["terms"]["mentor_commitment"]["feedback_focus"] == focus
        assert started["terms"]["rationale"] == ERASED
    assert append["events"][0]["data"]["answers"][0]["answer"] == WITHHELD, "HR was not to read it before"
    (by_mentor, *_) = await told(terms.mentor)
    assert by_mentor["events"][0]["data"]["confidence"] == 3
    assert by_mentor["events"][0]["data"]["answers"][0]["answer"] == ERASED


async def test_ratings_are_not_shown_to_managers_and_operators(
    endpoint: _Endpoint, agreement: Agreement
) -> None:
    """How sure somebody is stays with the pair: in events, in commands, and in the state that is loaded."""
    terms = agreement.terms
    command = COMMANDS["record_check_in"].model_validate(
        {**COMMANDS["record_check_in"].example, "command_id": "c", "actor_id": terms.mentor, "confidence": 2}
    )
    payloads = [
        _encrypted(_append(agreement, _check_in(agreement), actor=terms.mentee), agreement.agreement_id),
        _encrypted(command.model_dump(mode="json"), agreement.agreement_id),
        _encrypted(LoadedAgreement(agreement=agreement).model_dump(mode="json"), agreement.agreement_id),
    ]
    append, given, loaded = _shown(await endpoint.ask(*payloads, token=_token("P-9001", operator=True)))
    assert append["events"][0]["data"]["confidence"] == given["confidence"] == WITHHELD
    assert loaded["agreement"]["terms"]["accommodations_flag"] == WITHHELD
    assert loaded["agreement"]["calendars"] == WITHHELD
    assert loaded["agreement"]["version"] == agreement.version
    assert loaded["agreement"]["digests"] == append["command_digest"] == WITHHELD
    (own,) = _shown(await endpoint.ask(payloads[0], token=_token(terms.mentor)))
    assert own["events"][0]["data"]["confidence"] == 3
    (managers,) = _shown(await endpoint.ask(payloads[0], token=_token(terms.line_manager)))
    assert managers["events"][0]["data"]["confidence"] == WITHHELD


async def test_an_unnamed_operator_is_not_told_who_is_in_a_concern(
    event_store: EventStore, encryption: FieldEncryption, agreement: Agreement
) -> None:
    """In the local UI, where nobody has logged in: what is owed, and not by or about whom a concern is."""
    terms = agreement.terms
    raised = COMMANDS["raise_concern"].model_validate(
        {"command_id": "c", "actor_id": terms.mentee, "matter_id": "c1", "about": terms.mentor, "what": SAID}
    )
    matter = Matter(
        matter_id="c1",
        kind=ObligationKind.CONCERN,
        raised_by=terms.mentee,
        raised_at=agreement.last_activity_at,
        about=terms.mentor,
    )
    state = LoadedAgreement(agreement=agreement.model_copy(update={"matters": {"c1": matter}}))
    payloads = [
        _encrypted("Due: concern:c1 (line_manager)", agreement.agreement_id),
        _encrypted(raised.model_dump(mode="json"), agreement.agreement_id),
        _encrypted(state.model_dump(mode="json"), agreement.agreement_id),
    ]
    local = _Endpoint(event_store, encryption, local_hosts=frozenset({"127.0.0.1:8234"}))
    due, command, loaded = _shown(await local.ask(*payloads, headers={"Host": "127.0.0.1:8234"}))
    await local.client.aclose()
    assert due == "Due: concern:c1 (line_manager)"
    assert command == WITHHELD
    seen = loaded["agreement"]["matters"]["c1"]
    assert (seen["kind"], seen["raised_by"], seen["about"]) == ("concern", WITHHELD, WITHHELD)


async def test_strangers_and_bad_tokens_are_refused(endpoint: _Endpoint, agreement: Agreement) -> None:
    """With a code and a sentence, logged without content; a refusal can be read by the page that asked.

    Who is known and no party gets their answer, and nothing in it.
    """
    payload = _encrypted(PRIVATE, agreement.agreement_id)
    wrong = issue(SECRET, "P-1042", lasts=timedelta(hours=1), audience="payroll")
    with structlog.testing.capture_logs() as logs:
        answers = [
            await endpoint.ask(payload, token=wrong),
            await endpoint.ask(payload),
        ]
    assert [(each.status_code, each.json()["code"]) for each in answers] == [
        (401, "wrong_audience"),
        (401, "no_token"),
    ]
    assert all(each.headers["access-control-allow-origin"] == UI for each in answers)
    assert [line["code"] for line in logs] == ["wrong_audience", "no_token"]
    assert PRIVATE not in str(logs)
    stranger = await endpoint.ask(payload, token=_token("P-0000"))
    assert _shown(stranger) == ["(not for you: you are no party to this agreement)"]
    assert stranger.headers["access-control-allow-origin"] == UI


@pytest.mark.parametrize(
    ("kept_bytes", "metadata", "code"),
    [
        (-1, {}, "damaged"),
        (5, {}, "damaged"),
        (None, {"encryption-agreement": b"other.R-1"}, "damaged"),
        (None, {"encryption-key-id": b"2025"}, "damaged"),
        (None, {"encryption-key-id": b"2020"}, "key_unknown"),
    ],
    ids=["truncated", "nothing left", "swapped", "another key", "no key"],
)
async def test_ciphertext_that_does_not_open_is_named_and_the_rest_is_shown(
    endpoint: _Endpoint,
    agreement: Agreement,
    kept_bytes: int | None,
    metadata: dict[str, bytes],
    code: str,
) -> None:
    """Truncated, moved or without its key: in its place stands why, and nothing of the content is logged.

    As many payloads come back as were sent, in their order: that is how the UI puts them where they belong.
    """
    written = _encrypted(PRIVATE, agreement.agreement_id)
    spoilt = Payload(metadata={**written.metadata, **metadata}, data=written.data[:kept_bytes])
    due = _encrypted("Due: milestone:map", agreement.agreement_id)
    with structlog.testing.capture_logs() as logs:
        answer = await endpoint.ask(due, spoilt, due, token=_token("P-9001", operator=True))
    before, instead, after = _shown(answer)
    assert before == after == "Due: milestone:map"
    assert instead.startswith("(damaged: " if code == "damaged" else "(not readable here: ")
    marked = ParseDict(answer.json()["payloads"][1], Payload())
    assert (marked.metadata["sojourn-unread"], marked.metadata["encoding"]) == (code.encode(), b"json/plain")
    assert [line["code"] for line in logs if line["event"] == "codec_payload_unread"] == [code]
    assert PRIVATE not in instead + str(logs)


async def test_cors_is_exact(endpoint: _Endpoint) -> None:
    """The UI's own pages are allowed with the headers they send; no other page is, not even to ask."""
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    allowed = await endpoint.client.options("/decode", headers={"Origin": UI, **asked})
    assert allowed.status_code == 204
    assert allowed.headers["access-control-allow-origin"] == UI
    assert allowed.headers["access-control-allow-headers"] == "Content-Type, X-Namespace, Authorization"
    for origin in (
        "http://127.0.0.1:8234",
        "https://127.0.0.1:8233",
        "http://127.0.0.1:8233.evil.org",
        "null",
    ):
        refused = await endpoint.client.options("/decode", headers={"Origin": origin, **asked})
        assert refused.status_code == 403
        assert "access-control-allow-origin" not in refused.headers
        posted = await endpoint.ask(token=_token("P-9001", operator=True), headers={"Origin": origin})
        assert posted.status_code == 403


async def test_it_decodes_only(endpoint: _Endpoint) -> None:
    """Nobody gets a command encrypted here."""
    answer = await endpoint.client.post("/encode", json={"payloads": []}, headers={"Origin": UI})
    assert (answer.status_code, answer.json()["code"]) == (405, "decodes_only")


async def test_malformed_requests_are_refused(endpoint: _Endpoint) -> None:
    """What is no list of payloads is said to be none."""
    headers = {"Origin": UI, "Authorization": f"Bearer {_token('P-9001', operator=True)}"}
    for content in (b"", b'{"payloads": 3}', b"\xff\xfe"):
        answer = await endpoint.client.post("/decode", content=content, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (400, "malformed"), content


async def test_too_much_at_once_is_refused_before_it_is_read(endpoint: _Endpoint) -> None:
    """Millions of empty payloads fit into few bytes; whoever sends them keeps nobody else waiting."""
    headers = {"Origin": UI, "Authorization": f"Bearer {_token('P-9001', operator=True)}"}
    most = b'{"payloads": [' + b",".join([b"{}"] * MOST_PAYLOADS) + b"]}"
    assert (await endpoint.client.post("/decode", content=most, headers=headers)).status_code == 200
    for content in (
        most.replace(b"[{}", b"[{},{}"),
        b'{"payloads": [' + b",".join([b"{}"] * 5_000_000) + b"]}",
        b" " * (MOST_BYTES + 1),
    ):
        answer = await endpoint.client.post("/decode", content=content, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


async def test_what_is_in_clear_already_passes(endpoint: _Endpoint) -> None:
    """A payload from before the codec comes back as it is."""
    clear = Payload(metadata={"encoding": b"json/plain"}, data=b'"as it was"')
    assert _shown(await endpoint.ask(clear, token=_token("P-9001", operator=True))) == ["as it was"]


async def test_the_local_ui_needs_no_token_and_nobody_else_gets_by_without(
    event_store: EventStore, encryption: FieldEncryption, agreement: Agreement
) -> None:
    """A page of the stack's own UI on this machine is an operator's; one that only resolves here is not."""
    local = _Endpoint(event_store, encryption, local_hosts=frozenset({"127.0.0.1:8234"}))
    payload = _encrypted("Due: milestone:map", agreement.agreement_id)
    here = {"Host": "127.0.0.1:8234"}
    assert _shown(await local.ask(payload, headers=here)) == ["Due: milestone:map"]
    assert (await local.ask(payload, headers={"Host": "rebound.example.org:8234"})).status_code == 401
    without_origin = await local.client.post("/decode", json={"payloads": []}, headers=here)
    assert without_origin.status_code == 401
    await local.client.aclose()


@pytest.mark.usefixtures("sojourn")
async def test_it_is_served_beside_a_stack(event_store: EventStore, agreement: Agreement) -> None:
    """At a real port: what a browser on the UI's page would be told."""
    assert await event_store.read_models.agreement(agreement.agreement_id) is not None
    settings = load_settings()
    at = listening("127.0.0.1", None)
    address = f"http://127.0.0.1:{at.getsockname()[1]}"
    async with (
        answering_the_local_ui(settings, at, f"{UI}/namespaces/default"),
        httpx.AsyncClient() as browser,
    ):
        healthy = await browser.get(f"{address}/health")
        asked = await browser.post(f"{address}/decode", json={"payloads": []}, headers={"Origin": UI})
    assert healthy.json() == {"status": "ok"}
    assert (asked.status_code, asked.headers["access-control-allow-origin"]) == (200, UI)
    with pytest.raises(httpx.ConnectError):
        async with httpx.AsyncClient() as browser:
            await browser.get(f"{address}/health")
