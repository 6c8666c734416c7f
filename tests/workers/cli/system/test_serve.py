"""The installed command as its own process: the stack in one folder, signals, pipes."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import pytest
from temporalio.client import Client

from application.settings import load_settings
from application.temporal.client import data_converter
from deploy.embedded import Stack, attribute_types
from deploy.migrate import migrate
from tests.fixtures.paths import EXAMPLES
from workers.runtime.worker import hosting
from workflows.search_attributes import ALL

SOJOURN = Path(sys.executable).with_name("sojourn")


async def run(*arguments: str, folder: Path) -> tuple[int, str, str]:
    """Runs the installed command to its end: exit status, standard output, standard error."""
    process = await asyncio.create_subprocess_exec(
        SOJOURN,
        *arguments,
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode(), errors.decode()


class Up:
    """`sojourn up` while it runs."""

    def __init__(self, process: asyncio.subprocess.Process, addresses: dict[str, str]) -> None:
        self.process = process
        self.addresses = addresses

    async def interrupt(self) -> tuple[int, str]:
        """One Ctrl-C, as a terminal sends it; the exit status and what was said on the way."""
        self.process.send_signal(signal.SIGINT)
        _, errors = await self.process.communicate()
        assert self.process.returncode is not None
        return self.process.returncode, errors.decode()


async def start(data: Path) -> Up:
    """Starts the stack and waits until it says where it is."""
    process = await asyncio.create_subprocess_exec(
        SOJOURN,
        "up",
        "--data",
        str(data),
        "--json",
        cwd=data.parent,
        env={**os.environ, "SOJOURN_SMTP_PORT": "1", "TEMPORAL_ADDRESS": "elsewhere.example.org:7233"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    text = ""
    async for line in process.stdout:
        text += line.decode()
        if line == b"}\n":
            break
    if not text:
        assert process.stderr is not None
        pytest.fail((await process.stderr.read()).decode())
    return Up(process, json.loads(text))


async def test_the_stack_lives_in_one_folder_and_comes_back(data_folder: Path) -> None:
    """Up, place, act, Ctrl-C, up again: commands find it by themselves, and nothing is lost in between."""
    data = data_folder / "data"
    up = await start(data)
    try:
        assert up.addresses["ui_url"].startswith("http://127.0.0.1:")
        assert (await run("people", str(EXAMPLES / "people.json"), folder=data_folder))[0] == 0
        code, output, errors = await run(
            "place", str(EXAMPLES / "secondment.json"), "--json", folder=data_folder
        )
        assert code == 0, errors
        [placed] = json.loads(output)["placements"]
        agreement = placed["agreement_id"]
        code, _, errors = await run("up", "--data", str(data), folder=data_folder)
        assert code == 1
        assert f"A stack is already running on {data}" in errors
    finally:
        code, said = await up.interrupt()
    assert code == 0, said
    assert said.endswith("Stopped. All data is kept.\n")
    assert "Traceback" not in said
    assert (data / "logs" / "worker.log").exists()
    code, _, errors = await run("list", folder=data_folder)
    assert code == 3
    assert "sojourn up" in errors

    up = await start(data)
    try:
        sign = ("--as", "P-1042", "--data", '{"terms_version": 1, "acknowledged": []}', "--json")
        code, output, errors = await run("act", agreement, "sign_agreement", *sign, folder=data_folder)
        assert code == 1
        assert errors.startswith("Refused (incomplete)")
        code, output, errors = await run(
            "act",
            agreement,
            "withdraw_agreement",
            "--as",
            "P-1042",
            "--data",
            '{"reason": "A change of plan."}',
            "--json",
            folder=data_folder,
        )
        assert code == 0, errors
        assert "agreement.withdrawn" in json.loads(output)["event_types"]
        code, output, _ = await run("show", agreement, "--json", folder=data_folder)
        assert json.loads(output)["outcome"] == "withdrawn"
    finally:
        code, _ = await up.interrupt()
    assert code == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_stack_that_is_still_starting_can_be_stopped(
    data_folder: Path, number: signal.Signals
) -> None:
    """Told to stop before it is up, it stops what it had started and says no more than that."""
    process = await asyncio.create_subprocess_exec(
        SOJOURN, "up", "--data", str(data_folder / "data"), stderr=asyncio.subprocess.PIPE
    )
    assert process.stderr is not None
    assert (await process.stderr.readline()).startswith(b"Starting PostgreSQL and Temporal")
    process.send_signal(number)
    said = (await process.stderr.read()).decode()
    assert await process.wait() == 0
    assert "Traceback" not in said
    code, _, errors = await run("list", folder=data_folder)
    assert code == 3, errors


async def test_a_reader_that_has_seen_enough_ends_it_quietly(data_folder: Path) -> None:
    """`sojourn schema | head -1` is no error, and nothing is said about the broken pipe."""
    process = await asyncio.create_subprocess_shell(
        f"set -o pipefail; {SOJOURN} schema | head -1",
        executable="/bin/bash",
        cwd=data_folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await process.communicate()
    assert (process.returncode, output, errors) == (0, b"{\n", b"")


async def test_usage_errors_are_short(data_folder: Path) -> None:
    """A mistyped command or option is one usage error on standard error, with the nearest name."""
    code, output, errors = await run("stale", folder=data_folder)
    assert (code, output) == (2, "")
    assert "No such command 'stale'" in errors
    code, _, errors = await run("stalled", "--as-off", "x", folder=data_folder)
    assert code == 2
    assert "--as-of" in errors
    assert len(errors.splitlines()) <= 5


async def test_up_goes_on_with_what_another_version_began(data_folder: Path) -> None:
    """After the code has changed, the stack's own worker takes over every agreement that the old one had."""
    data = data_folder / "data"
    async with Stack(data, headless=True, durable=False, search_attributes=attribute_types(ALL)) as stack:
        await migrate(stack.postgres.owner_dsn)
        settings = load_settings(database_url=stack.postgres.dsn, data=data, build_id="earlier", smtp_port=1)
        client = await Client.connect(
            stack.temporal.address,
            namespace=stack.temporal.namespace,
            data_converter=data_converter(settings),
        )
        async with hosting(settings, client):
            assert (await run("people", str(EXAMPLES / "people.json"), folder=data_folder))[0] == 0
            placed = await run("place", str(EXAMPLES / "secondment.json"), "--json", folder=data_folder)
            assert placed[0] == 0, placed[2]
    agreement = json.loads(placed[1])["placements"][0]["agreement_id"]

    up = await start(data)
    try:
        withdraw = ("withdraw_agreement", "--as", "P-1042", "--data", '{"reason": "Another post."}')
        code, output, errors = await run("act", agreement, *withdraw, "--json", folder=data_folder)
        assert code == 0, errors
        assert json.loads(output)["version"] > 1
    finally:
        code, said = await up.interrupt()
    assert code == 0
    assert "Agreements of another version that go on from their record: 1." in said
