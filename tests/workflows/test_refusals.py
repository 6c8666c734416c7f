"""What is refused leaves no trace: no event in the record, nothing accepted in Temporal's history."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import WithStartWorkflowOperation, WorkflowFailureError, WorkflowUpdateFailedError
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.exceptions import ApplicationError

from domain.kernel.vocabulary import Kind, ObligationKind
from workflows.contract import CONFIRM_UPDATE, REQUEST_REFUSED, WORKFLOW_TYPES

if TYPE_CHECKING:
    from tests.workflows.conftest import House, Placement

ACCEPTED = EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED

REFUSED_COMMANDS: dict[str, tuple[str, dict[str, Any], str, str]] = {
    "of a stranger": (
        "sign_agreement",
        {"actor_id": "P-0000", "terms_version": 1},
        "not_a_party",
        "P-0000 is no party",
    ),
    "before its phase": (
        "complete_milestone",
        {"actor_id": "P-1042", "milestone_id": "charter", "evidence": []},
        "incomplete",
        "evidence",
    ),
    "of another kind": (
        "start_leg",
        {"actor_id": "P-1042", "leg_id": "one"},
        "wrong_kind",
        "rotation only",
    ),
    "about another version": (
        "sign_agreement",
        {"actor_id": "P-1042", "terms_version": 7, "acknowledged": []},
        "version_mismatch",
        "1 is in force, not 7",
    ),
    "without its fields": ("decline_agreement", {"actor_id": "P-1042"}, "incomplete", "reason: is required"),
    "with a field too many": (
        "sign_agreement",
        {"actor_id": "P-1042", "terms_version": 1, "colour": "red"},
        "incomplete",
        "colour: is not a field",
    ),
    "that is no object": ("sign_agreement", {}, "incomplete", "actor_id: is required"),
}


@pytest.mark.parametrize("case", REFUSED_COMMANDS)
async def test_a_refused_command_leaves_no_trace(house: House, case: str) -> None:
    """A command that the rules or its own fields forbid is answered with code and sentence, and forgotten."""
    name, fields, code, words = REFUSED_COMMANDS[case]
    placement = await house.place("secondment")
    before = await house.event_store.stream(placement.agreement_id)
    accepted = await _accepted(placement)

    raw = {"command_id": "test/1", **fields} if fields else {}
    sent = placement.handle.execute_update(name, raw)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    refused_with, sentence = await house.refused(sent)

    assert refused_with == code
    assert words in sentence
    assert await house.event_store.stream(placement.agreement_id) == before
    assert await _accepted(placement) == accepted


async def test_an_update_that_nobody_knows_is_refused(house: House) -> None:
    """A misspelt command fails the update and not the workflow."""
    placement = await house.place("shadowing")
    with pytest.raises(WorkflowUpdateFailedError):
        await placement.handle.execute_update("sing_agreement", {})  # pyright: ignore[reportUnknownMemberType]
    assert await placement.answer_all(ObligationKind.SIGNATURE) > 0


async def test_somebody_whom_the_directory_lacks_gets_no_role(house: House) -> None:
    """A role is not given to a person who is not in the directory; nothing is written."""
    placement = await house.place("secondment")
    await placement.live_until(lambda agreement: agreement.started_at is not None)
    before = await house.event_store.stream(placement.agreement_id)
    fields = {"actor_id": "P-1300", "role": "mentor", "from_person": "P-1107", "to_person": "P-0000"}
    code, sentence = await house.refused(
        placement.act("reassign_role", **fields, reason="The mentor left the company.")
    )
    assert code == "unknown_reference"
    assert "P-0000" in sentence
    assert await house.event_store.stream(placement.agreement_id) == before


async def test_words_that_cannot_be_stored_are_refused(house: House) -> None:
    """A character that PostgreSQL cannot hold is refused by the record, and the agreement goes on."""
    placement = await house.place("secondment")
    with pytest.raises(WorkflowUpdateFailedError) as failed:
        await placement.act(
            "request_changes", actor_id="P-1042", fields=["rationale"], what="Time for \x00 handover."
        )
    assert isinstance(failed.value.cause, ApplicationError)
    assert "NUL" in failed.value.cause.message
    assert await placement.answer_all(ObligationKind.SIGNATURE) > 0


Change = Callable[[dict[str, Any]], object]


def _without(*fields: str) -> Change:
    return lambda terms: {key: value for key, value in terms.items() if key not in fields}


MALFORMED: dict[str, tuple[Change, tuple[str, ...]]] = {
    "nothing in it": (lambda _: {}, ("the request: give terms",)),
    "no input": (lambda _: None, ("the request: ",)),
    "a sentence": (lambda _: "please", ("the request: ",)),
    "a misspelt field": (lambda terms: {"trems": terms}, ("trems: is not a field",)),
    "terms that are none": (lambda _: {"terms": "none"}, ("terms: ",)),
    "no kind": (lambda terms: {"terms": _without("kind")(terms)}, ("kind: is required",)),
    "several faults": (
        lambda terms: {"terms": {**terms, "effective_from": "soon", "objectives": [], "mentor": None}},
        ("effective_from: ", "objectives: ", "mentor: "),
    ),
    "an unknown agreement": (lambda _: {"agreement_id": "acme.NONE-1"}, ("agreement_id: ",)),
    "people described": (
        lambda terms: {
            "terms": {
                **terms,
                "mentor": {
                    "person_id": "P-1107",
                    "name": "Somebody Else",
                    "email": "somebody@example.com",
                    "time_zone": "Europe/London",
                    "holiday_calendar": "GB-ENG",
                },
            }
        },
        ("put P-1107 into the directory first",),
    ),
    "somebody unknown": (
        lambda terms: {"terms": {**terms, "mentor": "P-0000"}},
        ("the directory does not know P-0000",),
    ),
}


@pytest.mark.parametrize("case", MALFORMED)
async def test_a_malformed_request_fails_naming_every_field(house: House, case: str) -> None:
    """A workflow that cannot begin fails with a sentence per field, tells who waits, and writes nothing."""
    change, expected = MALFORMED[case]
    terms = house.terms("secondment")
    agreement_id = f"{terms['tenant']}.{terms['request_id']}"
    given = change(terms)
    if isinstance(given, dict) and "agreement_id" in given:
        agreement_id = str(given["agreement_id"])  # pyright: ignore[reportUnknownArgumentType]
    handle = await house.client.start_workflow(
        WORKFLOW_TYPES[Kind.SECONDMENT],
        args=[] if given is None else [given],
        id=agreement_id,
        task_queue=house.settings.task_queue,
    )
    with pytest.raises(WorkflowFailureError) as failed:
        await handle.result()
    _says(failed.value.cause, expected)
    assert await house.event_store.stream(agreement_id) == []


async def test_whoever_waits_for_the_proposal_hears_why_it_failed(house: House) -> None:
    """A caller who waits for confirmation gets the sentences about the request, not just an end."""
    terms = house.terms("secondment")
    start: WithStartWorkflowOperation[Any, Any] = WithStartWorkflowOperation(
        WORKFLOW_TYPES[Kind.SECONDMENT],
        {"terms": _without("rationale")(terms)},
        id=f"{terms['tenant']}.{terms['request_id']}",
        task_queue=house.settings.task_queue,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
    )
    with pytest.raises(WorkflowUpdateFailedError) as failed:
        await house.client.execute_update_with_start_workflow(  # pyright: ignore[reportUnknownMemberType]
            CONFIRM_UPDATE, start_workflow_operation=start
        )
    _says(failed.value.cause, ("rationale: ",))


async def test_a_request_is_started_under_its_own_id_and_type(house: House) -> None:
    """Another workflow id, or the type of another kind, is refused before anything is written."""
    terms = house.terms("shadowing")
    other = f"{terms['tenant']}.OTHER-{uuid.uuid4().hex[:8]}"
    handle = await house.client.start_workflow(
        WORKFLOW_TYPES[Kind.ROTATION], {"terms": terms}, id=other, task_queue=house.settings.task_queue
    )
    with pytest.raises(WorkflowFailureError) as failed:
        await handle.result()
    _says(
        failed.value.cause,
        ("kind: a shadowing is", f"request_id: the workflow id of this request is {terms['tenant']}."),
    )
    assert await house.event_store.stream(other) == []


async def test_an_agreement_is_resumed_under_its_own_id_and_type(house: House) -> None:
    """A workflow that resumes an agreement carries its id and its kind."""
    placement = await house.place("shadowing")
    attempts = ((f"other.{uuid.uuid4().hex[:8]}", Kind.SHADOWING), (placement.agreement_id, Kind.ROTATION))
    await placement.handle.terminate("the test starts it again")
    for workflow_id, kind in attempts:
        handle = await house.client.start_workflow(
            WORKFLOW_TYPES[kind],
            {"agreement_id": placement.agreement_id},
            id=workflow_id,
            task_queue=house.settings.task_queue,
        )
        with pytest.raises(WorkflowFailureError) as failed:
            await handle.result()
        _says(failed.value.cause, ("agreement_id: ",))


def _says(error: BaseException | None, expected: tuple[str, ...]) -> None:
    assert isinstance(error, ApplicationError)
    assert error.type == REQUEST_REFUSED
    for words in expected:
        assert any(words.lower() in str(sentence).lower() for sentence in error.details), error.details


async def _accepted(placement: Placement) -> list[str]:
    return [
        event.workflow_execution_update_accepted_event_attributes.accepted_request.input.name
        for history in await placement.histories()
        for event in history.events
        if event.event_type == ACCEPTED
    ]
