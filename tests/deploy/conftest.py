"""Scrapes of real workers: one with a placement, and one that lives through every trouble."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import urllib.request
import uuid
from collections import defaultdict
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest
from prometheus_client.parser import text_string_to_metric_families
from temporalio import activity, workflow
from temporalio.api.workflowservice.v1 import ListWorkflowExecutionsRequest
from temporalio.client import Client, WorkflowFailureError, WorkflowUpdateRPCTimeoutOrCancelledError
from temporalio.common import RetryPolicy
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker import Worker

from activities.directory.people import Directory
from activities.postgres.pool import open_pool
from application.config.keys import encryption_of
from application.settings import load_settings
from application.temporal.client import data_converter
from deploy.embedded import EmbeddedPostgres, EmbeddedTemporal, attribute_types
from deploy.embedded.processes import free_port
from deploy.embedded.roles import LOGIN
from domain.kernel.person import Person
from domain.kernel.vocabulary import Kind
from domain.terms.requests import split
from tests.fixtures.paths import EXAMPLES
from workers.runtime.metrics_endpoints import sdk_runtime
from workers.runtime.worker import run_worker
from workflows.contract import CONFIRM_UPDATE, WORKFLOW_TYPES, AgreementInput, agreement_id_of
from workflows.search_attributes import ALL, at_start

KEYS = f"of-the-scrapes:{base64.b64encode(bytes(32)).decode()}"

AT_THE_END_OF_THE_LADDER = """
    INSERT INTO sojourn.agreement (
        agreement_id, version, last_hash, kind, phase, tenant, request_id, request_digest, terms_version,
        starts_on, ends_on, mentor_hours_per_month, last_activity_at, held, opened_at, updated_at, recorded_at
    ) VALUES (
        'a', 1, sha256('x'), 'rotation', 'debrief', 'acme', 'r', 'd', 1, now(), now(), 4, now(), false, now(),
        now(), now()
    );
    INSERT INTO sojourn.obligation VALUES (
        'a', 'debrief:mentee', 'debrief', 's', 'mentee', 'p', now() - interval '90 days',
        now() - interval '80 days', now() - interval '70 days', 'debrief_overdue',
        jsonb_build_array(jsonb_build_object('level', 6, 'at', now() - interval '10 days')), NULL, NULL, 0,
        NULL, 'open', NULL, 1, NULL
    );
"""

Scrape = Mapping[str, Mapping[str, set[str]]]
"""For each metric its labels, for each label the values seen."""


class _Release:
    """Which release of the code is deployed."""

    current = 1


@workflow.defn(sandboxed=False)
class _TwoReleases:
    """Does one thing in one release and another in the next."""

    @workflow.run
    async def run(self) -> None:
        if _Release.current == 1:
            await workflow.sleep(timedelta(hours=1))
        await workflow.wait_condition(lambda: False)

    @workflow.signal
    def wake(self) -> None:
        """Gives it a workflow task."""


@workflow.defn(sandboxed=False)
class _TooLarge:
    @workflow.run
    async def run(self) -> bytes:
        return bytes(5_000_000)


@activity.defn
async def _fail() -> None:
    raise RuntimeError("as it was asked to")


@workflow.defn(sandboxed=False)
class _Failing:
    @workflow.run
    async def run(self) -> None:
        once = RetryPolicy(maximum_attempts=1)
        await workflow.execute_activity(_fail, start_to_close_timeout=timedelta(seconds=5), retry_policy=once)


@pytest.fixture(scope="module")
async def scraped(
    postgres: EmbeddedPostgres, migrated_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Scrape:
    """What Prometheus sees of a worker with one placement, and of one that lives through every trouble."""
    database = f"test_{uuid.uuid4().hex}"
    admin = await asyncpg.connect(postgres.dsn_of("postgres"))
    await admin.execute(f"CREATE DATABASE {database} TEMPLATE {migrated_template}")
    await admin.close()
    found: defaultdict[str, defaultdict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    data = tmp_path_factory.mktemp("temporal")
    log = data / "logs" / "temporal.log"
    async with EmbeddedTemporal(
        data,
        headless=True,
        in_memory=True,
        search_attributes=attribute_types(ALL),
        dynamic_config={"frontend.namespaceRPS.visibility": 1},
    ) as temporal:
        for exposition in (
            await _of_a_worker(temporal, postgres.dsn_of(database), postgres.dsn_of(database, LOGIN)),
            await _of_a_worker_in_trouble(temporal),
            await _scrape_until(_address_of_server_metrics(log), "service_errors_resource_exhausted"),
        ):
            for family in text_string_to_metric_families(exposition):
                for sample in family.samples:
                    # The parser gives every counter the suffix, also where the server leaves it out.
                    as_written = sample.name in exposition
                    name = sample.name if as_written else sample.name.removesuffix("_total")
                    labels = found[name]
                    for label, value in sample.labels.items():
                        labels[label].add(value)
    return {name: dict(labels) for name, labels in found.items()}


async def _of_a_worker(temporal: EmbeddedTemporal, administrators: str, dsn: str) -> str:
    """The scrapes of `run_worker`, both addresses, with a placement and a stalled agreement in the record."""
    everybody = json.loads((EXAMPLES / "people.json").read_text())
    pool = await open_pool(administrators)
    await pool.execute(AT_THE_END_OF_THE_LADDER)
    await Directory(pool, encryption_of(load_settings(keys=KEYS), pool)).upsert(
        [Person.model_validate(each) for each in everybody]
    )
    await pool.close()
    settings = load_settings(
        database_url=dsn,
        smtp_port=1,
        shutdown_seconds=1,
        metrics_address=f"localhost:{free_port()}",
        sdk_metrics_address=f"localhost:{free_port()}",
        keys=KEYS,
    )
    stop = asyncio.Event()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TEMPORAL_ADDRESS", temporal.address)
        working = asyncio.create_task(run_worker(settings, stop=stop))
        client = await Client.connect(temporal.address, data_converter=data_converter(settings))
        _, terms = split(json.loads((EXAMPLES / "secondment.json").read_text()))
        placement = await client.start_workflow(
            WORKFLOW_TYPES[Kind(terms.kind)],
            AgreementInput(terms=terms.model_dump(mode="json")),
            id=agreement_id_of(terms),
            task_queue=settings.task_queue,
            search_attributes=at_start(terms),
        )
        confirming = asyncio.create_task(placement.execute_update(CONFIRM_UPDATE))  # pyright: ignore[reportUnknownMemberType]  one overload
        # A worker that cannot start would be waited for in vain.
        await asyncio.wait({confirming, working}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            confirming.cancel()
            await working
        await confirming
    try:
        return await _scrape(settings.metrics_address) + await _scrape(settings.sdk_metrics_address)
    finally:
        stop.set()
        await working


async def _of_a_worker_in_trouble(temporal: EmbeddedTemporal) -> str:
    """The SDK's scrape of a worker that meets each of the faults that there is an alert for."""
    address = f"127.0.0.1:{free_port()}"
    client = await Client.connect(
        temporal.address, runtime=sdk_runtime(load_settings(sdk_metrics_address=address))
    )
    queue = f"trouble-{uuid.uuid4().hex}"
    async with Worker(
        client,
        task_queue=queue,
        workflows=[_TwoReleases, _TooLarge, _Failing],
        activities=[_fail],
        max_cached_workflows=0,
    ):
        sleeper = await client.start_workflow(_TwoReleases.run, id=f"{queue}/1", task_queue=queue)
        await client.start_workflow(_TooLarge.run, id=f"{queue}/2", task_queue=queue)
        failing = await client.start_workflow(_Failing.run, id=f"{queue}/3", task_queue=queue)
        with pytest.raises(WorkflowFailureError):
            await failing.result()
        with pytest.raises(RPCError):
            await client.get_workflow_handle("unknown").signal("anything")
        # Nobody serves this queue, so the update is waited for in vain.
        unserved = await client.start_workflow(_Failing.run, id=f"{queue}/4", task_queue=f"{queue}-unserved")
        with pytest.raises(WorkflowUpdateRPCTimeoutOrCancelledError):
            await unserved.execute_update("anything", rpc_timeout=timedelta(seconds=1))  # pyright: ignore[reportUnknownMemberType]  one overload
        # The limit of looks at the list, which is one a second here.
        with pytest.raises(RPCError) as refused:
            await _look_without_end(client)
        assert refused.value.status is RPCStatusCode.RESOURCE_EXHAUSTED
        _Release.current = 2
        await sleeper.signal(_TwoReleases.wake)
        return await _scrape_until(address, "NonDeterminismError", "PayloadsTooLarge")


def _address_of_server_metrics(log: Path) -> str:
    found = re.search(r"Metrics:\s+http://(\S+)/metrics", log.read_text())
    assert found is not None, log.read_text()
    return found[1]


async def _look_without_end(client: Client) -> None:
    request = ListWorkflowExecutionsRequest(namespace=client.namespace)
    while True:
        await client.workflow_service.list_workflow_executions(request, retry=False)


async def _scrape_until(address: str, *wanted: str) -> str:
    async with asyncio.timeout(60):
        text = await _scrape(address)
        while not all(each in text for each in wanted):
            await asyncio.sleep(0.1)
            text = await _scrape(address)
    return text


async def _scrape(address: str | None) -> str:
    def get() -> str:
        with urllib.request.urlopen(f"http://{address}/metrics", timeout=10) as answer:
            return answer.read().decode()

    return await asyncio.to_thread(get)
