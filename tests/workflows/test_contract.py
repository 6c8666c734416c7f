"""What HR tooling and operators rely on does not change by accident: names, ids, inputs, limits."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from temporalio import workflow
from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.client import Client
from temporalio.converter import DataConverter

from domain.agreement.commands import COMMANDS
from domain.kernel.vocabulary import Kind, ObligationKind
from domain.terms.requests import split
from tests.fixtures.paths import EXAMPLES
from workflows import contract, search_attributes
from workflows.contract import AgreementInput, Receipt, agreement_id_of
from workflows.placements import WORKFLOWS

if TYPE_CHECKING:
    from tests.workflows.conftest import House

MOST_OF_A_TYPE = 3
MOST_KEYWORDS = 10
"""What a self-hosted SQL visibility store gives a namespace unless told otherwise."""


def test_names_are_what_was_published() -> None:
    """Workflow types, updates, queries, signal, task queue and error types are spelt as published."""
    assert dict(contract.WORKFLOW_TYPES) == {
        Kind.SECONDMENT: "SecondmentWorkflow",
        Kind.SHADOWING: "ShadowingWorkflow",
        Kind.ROTATION: "RotationWorkflow",
    }
    assert contract.TASK_QUEUE == "sojourn"
    assert (contract.STATUS_QUERY, contract.OBLIGATIONS_QUERY) == ("status", "obligations")
    assert (contract.CONFIRM_UPDATE, contract.NUDGE_SIGNAL) == ("confirm_placement", "nudge")
    assert (contract.REFUSED, contract.REQUEST_REFUSED, contract.NOT_RECORDED) == (
        "Refused",
        "RequestRefused",
        "NotRecorded",
    )
    assert (contract.CONTENDED, contract.HANDING_OVER) == ("Contended", "HandingOver")


@pytest.mark.parametrize("workflow_class", WORKFLOWS)
def test_every_command_is_an_update_with_a_description(workflow_class: type[Any]) -> None:
    """Each workflow type takes each command by its name; the Temporal UI shows what it is for."""
    definition = workflow._Definition.must_from_class(workflow_class)
    assert definition.name in contract.WORKFLOW_TYPES.values()
    updates = {name: update for name, update in definition.updates.items() if name is not None}
    assert set(updates) == {*COMMANDS, contract.CONFIRM_UPDATE}
    for name, update in updates.items():
        assert update.description, name
        assert update.validator is not None, name
    assert set(definition.queries) == {contract.STATUS_QUERY, contract.OBLIGATIONS_QUERY}
    assert all(query.description for query in definition.queries.values())
    assert set(definition.signals) == {contract.NUDGE_SIGNAL}


def test_the_input_is_plain_json() -> None:
    """A workflow is started with terms, or with the id of an agreement to resume, and nothing else."""
    assert AgreementInput(terms={"kind": "rotation"}).model_dump(mode="json") == {
        "schema_version": 1,
        "terms": {"kind": "rotation"},
        "agreement_id": None,
    }
    assert AgreementInput.model_validate({"agreement_id": "acme.R-1"}).agreement_id == "acme.R-1"
    assert set(Receipt.model_fields) == {"agreement_id", "command_id", "version", "event_types"}


@pytest.mark.parametrize("kind", Kind)
def test_an_agreement_is_called_by_tenant_and_request(kind: Kind) -> None:
    """The workflow id is the tenant and the request's own id, joined by a dot."""
    raw = json.loads((EXAMPLES / f"{kind}.json").read_text())
    assert agreement_id_of(split(raw).terms) == f"{raw['tenant']}.{raw['request_id']}"


def test_search_attributes_fit_a_default_namespace() -> None:
    """Names and types are as published, and within what a self-hosted namespace has room for."""
    types = {key.name: key.indexed_value_type.name.lower() for key in search_attributes.ALL}
    assert types == {
        "AgreementKind": "keyword",
        "AgreementPhase": "keyword",
        "AgreementHealth": "keyword",
        "AgreementStallReason": "keyword",
        "AgreementWaitingOnRole": "keyword",
        "AgreementOutcome": "keyword",
        "AgreementCohort": "keyword",
        "AgreementTenant": "keyword",
        "AgreementNextDueAt": "datetime",
        "AgreementStalledSince": "datetime",
        "AgreementLadderLevel": "int",
        "AgreementPeople": "keyword_list",
    }
    for name, count in Counter(types.values()).items():
        assert count <= (MOST_KEYWORDS if name == "keyword" else MOST_OF_A_TYPE)


async def test_the_server_knows_the_search_attributes(client: Client) -> None:
    """A real server registers every one of them under its name and type."""
    listed = await client.operator_service.list_search_attributes(
        ListSearchAttributesRequest(namespace=client.namespace)
    )
    for key in search_attributes.ALL:
        assert listed.custom_attributes[key.name] == int(key.indexed_value_type)


async def test_a_bare_client_with_the_codec_is_enough(house: House) -> None:
    """HR tooling in any language starts, confirms, acts and asks in plain JSON, through the codec alone."""
    converter = dataclasses.replace(
        DataConverter.default, payload_codec=house.client.data_converter.payload_codec
    )
    bare = await Client.connect(
        house.client.service_client.config.target_host,
        namespace=house.client.namespace,
        data_converter=converter,
    )
    terms = house.terms("secondment")
    handle = await bare.start_workflow(
        "SecondmentWorkflow",
        {"terms": terms},
        id=f"{terms['tenant']}.{terms['request_id']}",
        task_queue=house.settings.task_queue,
    )
    confirmed = await handle.execute_update("confirm_placement")  # pyright: ignore[reportUnknownMemberType]
    assert confirmed == {
        "agreement_id": handle.id,
        "command_id": f"propose/{handle.id}",
        "version": 1,
        "event_types": ["agreement.proposed"],
    }
    items = [item["item_id"] for item in json.loads(json.dumps(terms["compliance"]))]
    signed = await handle.execute_update(  # pyright: ignore[reportUnknownMemberType]
        "sign_agreement",
        {"command_id": "sign-1", "actor_id": terms["mentee"], "terms_version": 1, "acknowledged": items},
        id="sign-1",
    )
    assert signed["event_types"] == ["agreement.signed"]
    status = await handle.query("status")
    assert status["phase"] == "agreement"
    assert status["version"] == signed["version"]
    owed = await handle.query("obligations")
    assert {each["kind"] for each in owed} == {ObligationKind.SIGNATURE}
    await handle.signal("nudge")
    await handle.terminate("the test is over")
