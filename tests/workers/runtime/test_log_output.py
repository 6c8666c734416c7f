"""Logs are one line per event, carry the ids people search by, and do not repeat themselves on replay."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import structlog
from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.runtime import Runtime, TelemetryConfig
from temporalio.worker import Replayer, Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from application.settings import Settings, load_settings
from application.temporal.client import data_converter
from application.temporal.sdk_logging import FORWARDED
from workers.runtime.log_output import configure_logs


@activity.defn
async def _chatty() -> None:
    activity.logger.info("from the SDK's logger", extra={"notice_id": "n-1"})
    structlog.get_logger("activities.chatty").info("from structlog", notice_id="n-2")


@workflow.defn
class _Talker:
    def __init__(self) -> None:
        self._done = False

    @workflow.run
    async def run(self) -> None:
        workflow.logger.info("begun", extra={"phase": "active"})
        await workflow.execute_activity(_chatty, start_to_close_timeout=timedelta(seconds=10))
        await workflow.wait_condition(lambda: self._done)

    @workflow.update
    async def finish(self) -> None:
        workflow.logger.warning("finishing")
        self._done = True


@workflow.defn(name="_Talker")
class _Another:
    @workflow.run
    async def run(self) -> None:
        await workflow.sleep(60)


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What is logged during the test, as JSON; the root logger is as before afterwards."""
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    stream = io.StringIO()
    configure_logs(load_settings(log_format="json"), stream)
    yield stream
    root.handlers, root.level = before[0], before[1]
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


def _read(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_structlog_and_stdlib_come_out_alike(lines: io.StringIO) -> None:
    """Whichever way a library logs, its line has the same form and keeps its fields."""
    logging.getLogger("a.library").warning("half of %s", "it", extra={"agreement_id": "a-1"})
    structlog.get_logger("ours").warning("the other", agreement_id="a-1")
    first, second = _read(lines)
    assert first["event"] == "half of it"
    assert first.keys() == second.keys()
    assert first["agreement_id"] == second["agreement_id"] == "a-1"
    assert first["timestamp"].endswith("Z")


def test_level_is_obeyed_and_setting_up_twice_doubles_nothing(lines: io.StringIO) -> None:
    """Lines below the level are left out; a second set-up replaces the first."""
    configure_logs(load_settings(log_format="json", log_level="WARNING"), lines)
    structlog.get_logger("ours").info("quiet")
    logging.getLogger("ours").info("quiet")
    structlog.get_logger("ours").error("loud")
    assert [line["event"] for line in _read(lines)] == ["loud"]


@pytest.mark.parametrize("form", ["json", "console"])
def test_traceback_shows_no_values(lines: io.StringIO, form: str) -> None:
    """A traceback is logged without local variables: they may hold what people wrote."""
    configure_logs(Settings.model_validate({"log_format": form}), lines)
    secret = "".join(["my ", "words"])
    try:
        int(secret[:0])
    except ValueError:
        structlog.get_logger("ours").exception("failed")
    assert "Traceback" in lines.getvalue()
    assert "my words" not in lines.getvalue()


async def test_workflow_and_activity_lines_carry_their_ids(
    client: Client, lines: io.StringIO, capfd: pytest.CaptureFixture[str]
) -> None:
    """Lines of workflows, updates and activities carry ids and no noise; the core's come likewise."""
    identity = f"a-{uuid.uuid4().hex}"
    # This module imports pytest and more, which the sandbox would otherwise load anew and refuse.
    sandbox = SandboxedWorkflowRunner(SandboxRestrictions.default.with_passthrough_all_modules())
    async with Worker(
        client,
        task_queue=identity,
        workflows=[_Talker],
        activities=[_chatty],
        workflow_runner=sandbox,
    ):
        handle = await client.start_workflow(_Talker.run, id=identity, task_queue=identity)
        # One of the SDK's overloads leaves a parameter without a type.
        await handle.execute_update(_Talker.finish, id="c-1")  # pyright: ignore[reportUnknownMemberType]
        await handle.result()
    by_event = {line["event"]: line for line in _read(lines) if line.get("agreement_id") == identity}
    assert by_event["begun"]["phase"] == "active"
    assert by_event["finishing"]["command_id"] == "c-1"
    assert by_event["from the SDK's logger"]["notice_id"] == "n-1"
    assert by_event["from structlog"]["activity"] == "_chatty"
    assert "temporal_workflow" not in by_event["begun"]

    lines.truncate(0)
    lines.seek(0)
    history = await handle.fetch_history()
    converter = data_converter(load_settings())
    await Replayer(workflows=[_Talker], data_converter=converter, workflow_runner=sandbox).replay_workflow(
        history
    )
    assert [line for line in _read(lines) if line.get("agreement_id") == identity] == []

    runtime = Runtime(telemetry=TelemetryConfig(logging=FORWARDED))
    incompatible = Replayer(
        workflows=[_Another], data_converter=converter, workflow_runner=sandbox, runtime=runtime
    )
    await incompatible.replay_workflow(history, raise_on_replay_failure=False)
    for _ in range(500):
        if any(line["logger"] == "temporalio.core" for line in _read(lines)):
            break
        await asyncio.sleep(0.02)
    else:
        raise AssertionError("the core's line did not come")
    # By itself it writes to the terminal, and so into what `--json` prints.
    assert capfd.readouterr().out == ""
