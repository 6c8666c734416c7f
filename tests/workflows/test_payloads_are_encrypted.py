"""What Temporal keeps in clear is ids, enums and instants: everything else it is given encrypted."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

import pytest
from google.protobuf.json_format import MessageToDict
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.query.v1 import WorkflowQuery
from temporalio.api.workflowservice.v1 import QueryWorkflowRequest
from temporalio.client import Client, WorkflowUpdateFailedError

from activities.encryption.payload_codec import AGREEMENT_FIELD, is_encrypted
from application.settings import load_settings
from domain.agreement.state import Agreement
from domain.kernel.vocabulary import ObligationKind
from domain.ledger.obligation import Obligation
from workers.runtime.worker import replayer

if TYPE_CHECKING:
    from tests.workflows.conftest import House, Placement

KINDS = ("secondment", "shadowing", "rotation")
ENCRYPTED = base64.b64encode(b"binary/encrypted").decode()
IN_CLEAR = {"searchAttributes", "indexedFields"}
"""Where Temporal needs to read values itself."""
WRITTEN_BY_THE_SDK = {
    "patch-data": {"id", "deprecated"},
    "data": {
        "seq",
        "attempt",
        "activity_id",
        "activity_type",
        "complete_time",
        "backoff",
        "original_schedule_time",
        "activation_index",
    },
}
"""What a marker says of itself, field by field: names of ours, counts and instants."""
AN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@-]*")
SAID_BY_THE_SERVER = "UnhandledCommand"
"""Of a task that new work overtook."""
WRITTEN = "SpokeOfTheMoveToLisbon"


def _payloads(held: Any, where: str = "") -> Iterator[tuple[str, dict[str, Any]]]:  # noqa: ANN401  any JSON
    """Every payload of a message, with the names that lead to it."""
    if isinstance(held, list):
        for each in held:  # pyright: ignore[reportUnknownVariableType]  JSON
            yield from _payloads(each, where)
    elif isinstance(held, dict):
        fields = cast("dict[str, Any]", held)
        if "metadata" in fields and "encoding" in fields["metadata"]:
            yield where, fields
            return
        for name, value in fields.items():
            yield from _payloads(value, f"{where}/{name}")


def _texts(held: Any, name: str = "") -> Iterator[tuple[str, str]]:  # noqa: ANN401  any JSON
    """Every text of a message outside payloads, with the field it is in."""
    if isinstance(held, list):
        for each in held:  # pyright: ignore[reportUnknownVariableType]  JSON
            yield from _texts(each, name)
    elif isinstance(held, dict):
        fields = cast("dict[str, Any]", held)
        if not ("metadata" in fields and "encoding" in fields["metadata"]):
            for key, value in fields.items():
                yield from _texts(value, key)
    elif isinstance(held, str):
        yield name, held


async def _some_life(house: House, kind: str) -> Placement:
    """Agreed and begun, something said and something refused, some weeks of meetings and reminders."""
    placement = await house.place(kind)
    await placement.become_active()
    await placement.act("keep_note", actor_id=placement.terms.mentee, note=WRITTEN)
    with pytest.raises(WorkflowUpdateFailedError):
        await placement.act("withdraw_agreement", actor_id=placement.terms.mentee, reason=WRITTEN)

    def is_no_check_in(owed: Obligation) -> bool:
        return owed.kind is not ObligationKind.CHECK_IN

    def is_some_weeks_old(agreement: Agreement) -> bool:
        return agreement.version > 25

    await placement.live_until(is_some_weeks_old, answers=is_no_check_in)
    return placement


@pytest.mark.parametrize("kind", KINDS)
async def test_everything_but_ids_and_enums_is_encrypted(house: House, kind: str) -> None:
    """Inputs, results, updates, failures, summaries and details of all runs; what is not is opaque."""
    placement = await _some_life(house, kind)
    histories = await placement.to_replay()
    description = await placement.handle.describe()
    recorded = [json.loads(history.to_json()) for history in histories]
    held = [*recorded, MessageToDict(description.raw_description)]
    seen = {"input": 0, "result": 0, "userMetadata": 0}
    for where, payload in _payloads(held):
        if IN_CLEAR & set(where.split("/")):
            _is_an_id_an_enum_or_an_instant(payload)
            continue
        if "markerRecordedEventAttributes" in where and where.split("/")[-2] in WRITTEN_BY_THE_SDK:
            _is_about_the_marker(payload, WRITTEN_BY_THE_SDK[where.split("/")[-2]])
            continue
        assert payload["metadata"]["encoding"] == ENCRYPTED, where
        assert base64.b64decode(payload["metadata"][AGREEMENT_FIELD]).decode() == placement.agreement_id
        for name in seen:
            seen[name] += name in where
    assert all(seen.values()), seen
    assert WRITTEN not in json.dumps(held)
    _is_opaque_where_in_clear(recorded)
    for history in histories:
        await replayer(load_settings()).replay_workflow(history)


def _is_opaque_where_in_clear(recorded: Sequence[Any]) -> None:
    """Outside payloads there are ids, names of ours and instants; errors say only that they are encoded."""
    for name, text in _texts(recorded):
        if name in {"message", "stackTrace"}:
            assert text in {"", "Encoded failure", SAID_BY_THE_SERVER}
        else:
            assert AN_ID.fullmatch(text) or _is_instant(text) or not text, (name, text)


async def test_a_query_is_answered_encrypted(house: House) -> None:
    """Status and current details come from a worker's memory, and pass the codec all the same."""
    placement = await house.place("secondment")
    for query in ("status", "obligations", "__temporal_workflow_metadata"):
        answer = await house.client.workflow_service.query_workflow(
            QueryWorkflowRequest(
                namespace=house.client.namespace,
                execution=WorkflowExecution(workflow_id=placement.agreement_id),
                query=WorkflowQuery(query_type=query),
            )
        )
        assert all(is_encrypted(payload) for payload in answer.query_result.payloads)
    assert "agreement signed" in await placement.details()


async def test_a_request_in_clear_is_taken_all_the_same(house: House) -> None:
    """What HR tooling sends without the codec is read; only the answers need it."""
    bare = await Client.connect(
        house.client.service_client.config.target_host, namespace=house.client.namespace
    )
    terms = house.terms("rotation")
    handle = await bare.start_workflow(
        "RotationWorkflow",
        {"terms": terms},
        id=f"{terms['tenant']}.{terms['request_id']}",
        task_queue=house.settings.task_queue,
    )
    placed = house.client.get_workflow_handle(handle.id)
    confirmed = await placed.execute_update("confirm_placement")  # pyright: ignore[reportUnknownMemberType]
    assert confirmed["event_types"] == ["agreement.proposed"]


def _is_an_id_an_enum_or_an_instant(payload: dict[str, Any]) -> None:
    if "data" not in payload:
        return
    value: Any = json.loads(base64.b64decode(payload["data"]))
    texts = cast("list[str]", value) if isinstance(value, list) else [str(value)]
    assert all(AN_ID.fullmatch(text) or _is_instant(text) for text in texts), texts


def _is_about_the_marker(payload: dict[str, Any], fields: set[str]) -> None:
    said: dict[str, Any] = json.loads(base64.b64decode(payload["data"]))
    assert set(said) <= fields
    for value in said.values():
        counts = cast("dict[str, Any]", value).values() if isinstance(value, dict) else ()
        assert all(isinstance(each, int) for each in counts)
        assert isinstance(value, dict | int | None) or AN_ID.fullmatch(value)


def _is_instant(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True
