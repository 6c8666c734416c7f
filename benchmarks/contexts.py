"""What it costs that the SDK asks the sandbox about every payload: lives replayed with that and without.

    python -m benchmarks.contexts

Both replay the same histories in the same sandbox, turn by turn, and need no server.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import time
from pathlib import Path

from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer, WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

from application.settings import load_settings
from application.temporal.client import data_converter
from benchmarks.pairs import change, in_turns
from domain.kernel.vocabulary import Kind
from workers.runtime.sandbox import workflow_runner
from workflows.placements import WORKFLOWS

HISTORIES = Path(__file__).parents[1] / "tests" / "workflows" / "histories" / "one_task_per_command"


def _histories() -> list[WorkflowHistory]:
    recorded = [json.loads((HISTORIES / f"{kind}.json").read_text()) for kind in Kind]
    return [WorkflowHistory.from_json(life["workflow_id"], run) for life in recorded for run in life["runs"]]


def _replayer(runner: WorkflowRunner) -> Replayer:
    converter = data_converter(load_settings(without_keys=True))
    return Replayer(workflows=WORKFLOWS, workflow_runner=runner, data_converter=converter)


async def _main(rounds: int) -> None:
    histories = _histories()

    async def processor_time(replayer: Replayer, _: int) -> float:
        """Milliseconds for all of them."""
        began = time.process_time()
        for history in histories:
            await replayer.replay_workflow(history)
        return (time.process_time() - began) * 1000

    ours = workflow_runner()
    both = _replayer(ours), _replayer(SandboxedWorkflowRunner(ours.restrictions))
    await in_turns(*both, 2, processor_time)
    once, every_time = await in_turns(*both, rounds, processor_time)
    sys.stdout.write(
        f"{len(histories)} runs, {sum(len(history.events) for history in histories)} events: "
        f"{statistics.median(once):.0f} ms of processor time where contexts are told once a run, "
        f"{statistics.median(every_time):.0f} ms where the sandbox is asked: {change(once, every_time)}\n"
    )


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=60, help="how often each replays them all (60)")
    asyncio.run(_main(parser.parse_args().rounds))


if __name__ == "__main__":
    main()
