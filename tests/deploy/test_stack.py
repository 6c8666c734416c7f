"""One stack per data folder, found by whoever needs it, gone without a trace when it stops."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import asyncpg
import pytest
from temporalio.client import Client

from deploy.addresses import read_addresses
from deploy.embedded import Stack, StackAlreadyRunningError, find_running_stack
from deploy.embedded.processes import free_port

_HOLD = """
import asyncio, sys
from pathlib import Path
from deploy.embedded import Stack

async def hold():
    async with Stack(Path(sys.argv[1]), headless=True):
        print("up", flush=True)
        await asyncio.Event().wait()

asyncio.run(hold())
"""


async def test_running_stack_is_found_and_leaves_no_trace(data_folder: Path) -> None:
    """A stack is found by its folder and as the one started last, while it runs and no longer."""
    assert find_running_stack() is None
    async with Stack(data_folder / "data", headless=True) as stack:
        found = find_running_stack()
        assert found is not None
        assert found == find_running_stack(data_folder / "data")
        assert found.temporal_address == stack.temporal.address
        assert found.dsn == stack.postgres.dsn
        assert found.pid == os.getpid()
        assert found.ui_url is None
        assert find_running_stack(data_folder / "elsewhere") is None
    assert find_running_stack() is None
    assert read_addresses(data_folder / "data") is None


async def test_second_stack_on_the_same_folder_is_refused(data_folder: Path) -> None:
    """A second start on a folder in use says who uses it, and disturbs nothing."""
    async with Stack(data_folder, headless=True) as stack:
        with pytest.raises(
            StackAlreadyRunningError, match=f"process {os.getpid()}, Temporal at {stack.temporal.address}"
        ):
            await Stack(data_folder, headless=True).start()
        assert find_running_stack(data_folder) is not None


async def test_stacks_that_start_at_the_same_instant_all_come_up(data_folder: Path) -> None:
    """Those that find the usual ports free together do not all get them; the others take free ones."""
    stacks = [Stack(data_folder / str(number), headless=True) for number in range(4)]
    try:
        addresses = await asyncio.gather(*(stack.start() for stack in stacks))
        assert len({each.temporal_address for each in addresses}) == len(stacks)
    finally:
        await asyncio.gather(*(stack.stop() for stack in stacks))


async def test_one_server_may_fail_while_the_stack_stays(data_folder: Path) -> None:
    """A server that is away means the stack is not usable; started again, it is found where it was."""
    # Not the usual port, which another stack on the machine may take while this one is away.
    async with Stack(data_folder, temporal_port=free_port(), headless=True) as stack:
        before = find_running_stack(data_folder)
        await stack.postgres.stop(crash=True)
        assert find_running_stack(data_folder) is None
        await stack.postgres.start()
        await stack.temporal.stop(crash=True)
        assert find_running_stack(data_folder) is None
        await stack.temporal.start()
        assert find_running_stack(data_folder) == before


async def test_a_stack_that_waits_for_no_disk_keeps_its_data(data_folder: Path) -> None:
    """Only power cuts are a danger then: after a stop both servers know what they knew."""
    async with Stack(data_folder, headless=True, durable=False) as stack:
        connection = await asyncpg.connect(stack.postgres.owner_dsn)
        assert await connection.fetchval("SHOW fsync") == "off"
        await connection.execute("CREATE TABLE kept (value integer)")
        await connection.close()
        client = await Client.connect(stack.temporal.address)
        await client.start_workflow("Anything", id="kept", task_queue="nobody")
    async with Stack(data_folder, headless=True) as stack:
        connection = await asyncpg.connect(stack.postgres.owner_dsn)
        assert await connection.fetchval("SHOW fsync") == "on"
        assert await connection.fetchval("SELECT count(*) FROM kept") == 0
        await connection.close()
        client = await Client.connect(stack.temporal.address)
        assert (await client.get_workflow_handle("kept").describe()).workflow_type == "Anything"


async def test_ui_is_served(data_folder: Path) -> None:
    """The address given for the UI answers."""
    async with Stack(data_folder) as stack:
        assert stack.temporal.ui_url is not None
        port = int(stack.temporal.ui_url.split(":")[2].split("/")[0])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /namespaces/default/workflows HTTP/1.0\r\n\r\n")
        assert b"200 OK" in await reader.readline()
        writer.close()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent died")
async def test_killed_owner_takes_the_servers_along(data_folder: Path) -> None:
    """Servers do not outlive an owner that was killed, stale addresses are not believed, data is intact."""
    owner = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _HOLD, str(data_folder), stdout=asyncio.subprocess.PIPE
    )
    assert owner.stdout is not None
    assert await owner.stdout.readline() == b"up\n"
    found = find_running_stack(data_folder)
    assert found is not None
    connection = await asyncpg.connect(found.owner_dsn)
    gone = asyncio.Event()
    connection.add_termination_listener(lambda _: gone.set())
    await connection.execute("CREATE TABLE kept (value integer)")
    owner.send_signal(signal.SIGKILL)
    await owner.wait()
    await gone.wait()
    assert read_addresses(data_folder) is not None
    assert find_running_stack(data_folder) is None
    async with Stack(data_folder, headless=True) as stack:
        again = await asyncpg.connect(stack.postgres.owner_dsn)
        assert await again.fetchval("SELECT count(*) FROM kept") == 0
        await again.close()
