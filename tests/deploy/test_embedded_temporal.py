"""The embedded Temporal is the real server, with what workflows need switched on."""

from __future__ import annotations

import asyncio
import time
import uuid
from datetime import timedelta
from pathlib import Path

import pytest
from temporalio import workflow
from temporalio.client import Client
from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes
from temporalio.testing import TimeSkipper, TimeSkippingConfig
from temporalio.worker import Worker

from deploy.embedded import EmbeddedServerError, EmbeddedTemporal, attribute_types
from deploy.embedded.processes import free_port

_COLOUR = SearchAttributeKey.for_keyword("Colour")
_SHADES = SearchAttributeKey.for_keyword_list("Shades")
_SEEN = SearchAttributeKey.for_datetime("SeenAt")


@workflow.defn(sandboxed=False)
class _Sleeper:
    @workflow.run
    async def run(self) -> None:
        await workflow.sleep(timedelta(days=14))


@workflow.defn(sandboxed=False)
class _Stumbler:
    @workflow.run
    async def run(self) -> None:
        raise RuntimeError("a defect, not a failure of the workflow")


async def test_months_pass_in_moments(client: Client) -> None:
    """Time skipping works per workflow: a timer of two weeks ends at once where the test asks for it."""
    skipper = TimeSkipper(client, config=TimeSkippingConfig(enabled=False))
    queue = uuid.uuid4().hex
    async with Worker(skipper.client, task_queue=queue, workflows=[_Sleeper]):
        began = time.monotonic()
        handle = await skipper.client.start_workflow(_Sleeper.run, id=queue, task_queue=queue)
        assert await skipper.fast_forward(handle, timedelta(days=15)) is False
        await handle.result()
    assert time.monotonic() - began < timedelta(days=14).total_seconds()


async def test_workflow_that_cannot_proceed_is_reported(client: Client) -> None:
    """A defect in workflow code shows among the task failures, before the server's usual fifth attempt."""
    queue = uuid.uuid4().hex
    async with Worker(client, task_queue=queue, workflows=[_Stumbler]):
        handle = await client.start_workflow(
            _Stumbler.run, id=queue, task_queue=queue, task_timeout=timedelta(seconds=1)
        )
        query = f'WorkflowId="{queue}" AND TemporalReportedProblems IN ("category=WorkflowTaskFailed")'
        while (await client.count_workflows(query)).count == 0:  # noqa: ASYNC110 - another process changes it
            await asyncio.sleep(0.1)
        info = await handle.describe()
        assert info.raw_description.pending_workflow_task.attempt < 5
        await handle.terminate()


async def test_workflows_and_new_attributes_outlive_a_restart(data_folder: Path) -> None:
    """Workflows stay over a stop, and a search attribute that a later release adds is usable at once."""
    queue = uuid.uuid4().hex
    async with EmbeddedTemporal(
        data_folder, headless=True, search_attributes=attribute_types([_COLOUR])
    ) as server:
        client = await Client.connect(server.address)
        colour = TypedSearchAttributes([SearchAttributePair(_COLOUR, "blue")])
        await client.start_workflow("Later", id=f"{queue}-1", task_queue=queue, search_attributes=colour)
    later = EmbeddedTemporal(
        data_folder, headless=True, search_attributes=attribute_types([_COLOUR, _SHADES, _SEEN])
    )
    async with later as server:
        client = await Client.connect(server.address)
        both = TypedSearchAttributes(
            [SearchAttributePair(_COLOUR, "blue"), SearchAttributePair(_SHADES, ["navy", "teal"])]
        )
        await client.start_workflow("Later", id=f"{queue}-2", task_queue=queue, search_attributes=both)
        while (await client.count_workflows('Colour="blue"')).count < 2:  # noqa: ASYNC110 - visibility lags
            await asyncio.sleep(0.05)
        assert (await client.count_workflows('Shades="teal"')).count == 1


async def test_address_stays_over_a_restart(data_folder: Path) -> None:
    """Clients that were connected before a crash go on afterwards: the port is the same."""
    async with EmbeddedTemporal(data_folder, headless=True) as server:
        client = await Client.connect(server.address)
        address = server.address
        await server.stop(crash=True)
        await server.start()
        assert server.address == address
        assert await client.service_client.check_health()


async def test_failed_start_shows_the_log(data_folder: Path) -> None:
    """A server that does not start says why, with the end of its log."""
    server = EmbeddedTemporal(data_folder, headless=True, search_attributes=[("Colour", "Nonsense")])
    with pytest.raises(EmbeddedServerError, match=r"(?s)did not start.*temporal\.log.*Nonsense"):
        await server.start()


async def test_given_port_in_use_is_an_error(data_folder: Path) -> None:
    """A port that was asked for is never silently exchanged for another."""
    port = free_port()
    async with EmbeddedTemporal(data_folder / "first", port=port, headless=True):
        with pytest.raises(EmbeddedServerError, match="in use"):
            await EmbeddedTemporal(data_folder / "second", port=port, headless=True).start()


def test_attribute_types_are_the_servers_words() -> None:
    """Typed keys become the names that the server registers."""
    assert attribute_types([_COLOUR, _SHADES, _SEEN]) == [
        ("Colour", "Keyword"),
        ("Shades", "KeywordList"),
        ("SeenAt", "Datetime"),
    ]
