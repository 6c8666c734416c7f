"""Nothing that was accepted is lost or doubled, whatever breaks; `make chaos` does the same for longer."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.running import run_chaos
from tests.chaos.schedule import Fault, Plan

PLAN = Plan(seed=5, seconds=8, pause=0.6, longest=2.0, haste=0.8)
"""Everything breaks once, one thing on top of the other."""


@pytest.mark.timeout(420)
async def test_nothing_is_lost_or_doubled_while_everything_breaks(data_folder: Path) -> None:
    """Placements of all three kinds reach their end while workers, both servers and mail fail at random."""
    report = await run_chaos(data_folder, PLAN)
    assert report.ok, [check for check in report.checks if not check.holds]
    assert report.agreements >= 3
    assert report.acknowledged > 0
    assert report.strokes.keys() == set(Fault)
