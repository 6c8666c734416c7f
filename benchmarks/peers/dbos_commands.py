"""The same command on DBOS: a durable workflow under the command's id, with one step that inserts the row.

Written as DBOS's documentation for workflows, steps and idempotency has it; its system database is on the
server that keeps the rows. It runs in a process of its own, which takes its own time: each line on standard
input asks for a burst, `{"callers": 8, "each": 6}`, and each line on standard output answers with the
milliseconds of every command and the seconds that all took.

    python -m benchmarks.peers.dbos_commands SYSTEM_DSN ROWS_DSN
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from itertools import count

import asyncpg
from dbos import DBOS, DBOSConfig, SetWorkflowID

from benchmarks.peers.bare_temporal import INSERT, WORDS

CONNECTIONS = 20
NUMBERS = count(1)
POOLS: dict[int, asyncio.Task[asyncpg.Pool[asyncpg.Record]]] = {}
"""By event loop: DBOS may bring its own. Whoever comes first opens one, and all others wait for it."""


@DBOS.step()
async def insert_entry(rows_dsn: str, life: str, command: str, body: str) -> None:
    """Insert the row unless it is there."""
    loop = asyncio.get_running_loop()
    if id(loop) not in POOLS:
        POOLS[id(loop)] = loop.create_task(_open(rows_dsn))
    pool = await POOLS[id(loop)]
    await pool.execute(INSERT, life, command, body)


async def _open(rows_dsn: str) -> asyncpg.Pool[asyncpg.Record]:
    return await asyncpg.create_pool(rows_dsn, min_size=1, max_size=CONNECTIONS)


@DBOS.workflow()
async def give_command(rows_dsn: str, life: str, command: str, body: str) -> str:
    """Insert the row durably; return the command's id."""
    await insert_entry(rows_dsn, life, command, body)
    return command


async def burst(rows_dsn: str, callers: int, each: int) -> tuple[list[float], float]:
    """Give commands, one at a time for each caller; return milliseconds of each, and seconds of all."""
    taken: list[float] = []

    async def line(caller: int) -> None:
        for _ in range(each):
            command, began = f"command-{next(NUMBERS)}", time.perf_counter()
            with SetWorkflowID(f"life-{caller}/{command}"):
                await give_command(rows_dsn, f"life-{caller}", command, WORDS)
            taken.append((time.perf_counter() - began) * 1000)

    began = time.perf_counter()
    await asyncio.gather(*(line(caller) for caller in range(callers)))
    return taken, time.perf_counter() - began


async def _serve(rows_dsn: str) -> None:
    while line := await asyncio.to_thread(sys.stdin.readline):
        asked = json.loads(line)
        taken, seconds = await burst(rows_dsn, asked["callers"], asked["each"])
        sys.stdout.write(json.dumps({"milliseconds": taken, "seconds": seconds}) + "\n")
        sys.stdout.flush()


def main() -> None:
    """Serve bursts until standard input ends."""
    _, system_dsn, rows_dsn = sys.argv
    config: DBOSConfig = {
        "name": "benchmark",
        "system_database_url": system_dsn,
        "log_level": "ERROR",
        "sys_db_pool_size": CONNECTIONS,
    }
    DBOS(config=config)
    DBOS.launch()
    try:
        asyncio.run(_serve(rows_dsn))
    finally:
        DBOS.destroy()


if __name__ == "__main__":
    main()
