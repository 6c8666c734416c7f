"""The whole demonstration as a newcomer starts it: a process of its own, on the real servers."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import psutil
import pytest

from deploy.embedded import Stack, find_running_stack

SOJOURN = Path(sys.executable).with_name("sojourn")
TO_STOP = 60
"""Seconds that a stack may take to stop on a busy machine."""


@contextmanager
def started(folder: Path, *arguments: str) -> Generator[subprocess.Popen[str]]:
    """The demonstration as a process; killed where a test leaves it running."""
    # Wherever the user's own settings point, the demonstration plays on its own servers.
    environment = {**os.environ, "TEMPORAL_ADDRESS": "temporal.invalid:7233", "SOJOURN_SMTP_PORT": "9"}
    process = subprocess.Popen(  # noqa: S603  our own program
        [str(SOJOURN), "demo", *arguments],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def begun_by(program: int) -> list[psutil.Process]:
    """A program and every process that it has begun, both servers among them."""
    processes = [psutil.Process(program), *psutil.Process(program).children(recursive=True)]
    assert {each.name() for each in processes} >= {"postgres", "temporal"}
    return processes


def still_running(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Which of them have not ended. Their ports say nothing: another stack may have taken a free one."""
    return [each for each in processes if each.is_running()]


def json_from(process: subprocess.Popen[str]) -> dict[str, Any]:
    """The one JSON document that a process prints, which may go on running."""
    assert process.stdout is not None
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line)
        if line == "}\n":
            return json.loads("".join(lines))
    assert process.stderr is not None
    raise AssertionError(f"no JSON came: {''.join(lines)}{process.stderr.read()}")


@pytest.mark.timeout(400)
def test_three_placements_are_played_kept_open_and_stopped(data_folder: Path) -> None:
    """All complete, one after a stall and a reassignment; the UI stays up until Ctrl-C, nothing after it."""
    with started(data_folder, "--json", "--keep") as process:
        report = json_from(process)
        _holds(report)
        addresses = report["addresses"]
        assert addresses["kept_open"]
        with urlopen(addresses["ui_url"], timeout=10) as page:  # noqa: S310  its own address
            assert page.status == 200
        _commands_find_it(data_folder, report)
        begun = begun_by(process.pid)
        process.send_signal(signal.SIGINT)
        assert process.wait(TO_STOP) == 0
    assert find_running_stack(data_folder / ".sojourn" / "demo") is None
    assert still_running(begun) == []


def _holds(report: dict[str, Any]) -> None:
    assert report["ok"], report["checks"]
    assert [(each["kind"], each["outcome"]) for each in report["agreements"]] == [
        ("secondment", "completed"),
        ("shadowing", "completed"),
        ("rotation", "completed"),
    ]
    secondment, shadowing, rotation = report["agreements"]
    (stall,) = secondment["stalls"]
    assert (stall["reason"], stall["person_id"]) == ("checkins_missed", "P-1107")
    assert stall["level"] >= 4
    assert secondment["reassigned_to"] == "P-1108"
    (seen,) = report["stalled"]
    assert (seen["agreement_id"], seen["reason"]) == (secondment["agreement_id"], "checkins_missed")
    assert shadowing["notices"]["invites_moved"] >= 1
    assert [refusal["command"] for refusal in rotation["refusals"]] == ["start_leg"]
    for each in report["agreements"]:
        assert each["surprises"] == []
        assert each["notices"]["sent"] == each["notices"]["letters"] > 0


def _commands_find_it(folder: Path, report: dict[str, Any]) -> None:
    """Other commands look at what is kept open without being told where it is."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TEMPORAL_")}
    listed = subprocess.run(  # noqa: S603  our own program
        [str(SOJOURN), "list", "--json"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert {row["agreement_id"]: row["outcome"] for row in json.loads(listed.stdout)} == {
        each["agreement_id"]: "completed" for each in report["agreements"]
    }


@pytest.mark.timeout(200)
async def test_ctrl_c_in_the_middle_leaves_nothing_but_what_was_there(data_folder: Path) -> None:
    """Whoever has seen enough gets the prompt back; no server stays, and their own stack is found again."""
    folder = data_folder / "mine"
    async with Stack(data_folder / "own", headless=True, durable=False):
        own = find_running_stack()
        # As a shell starts a background job: with SIGINT ignored.
        process = await asyncio.create_subprocess_exec(
            *("sh", "-c", 'trap "" INT; exec "$@"', "sh"),
            *(str(SOJOURN), "demo", "--data", str(folder)),
            stdout=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None
        while b"The placement starts" not in (line := await process.stdout.readline()):
            assert line, "it ended before anything began"
        played_on = find_running_stack(folder)
        assert played_on is not None
        assert find_running_stack() == played_on
        begun = begun_by(process.pid)
        process.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(process.wait(), TO_STOP) == 130
        assert find_running_stack(folder) is None
        assert still_running(begun) == []
        assert find_running_stack() == own
