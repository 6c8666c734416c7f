"""The command that closes an agreement may come right behind another one."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from temporalio.client import WorkflowUpdateFailedError

from domain.kernel.vocabulary import ObligationKind

if TYPE_CHECKING:
    from tests.workflows.conftest import House, Placement

AT_ONCE = 6


async def test_a_close_right_behind_another_command_ends_the_workflow(house: House) -> None:
    """Where time was being looked at while somebody closed the agreement, nobody sleeps on it for ever."""
    placements = [await house.place("secondment") for _ in range(AT_ONCE)]
    outcomes = await asyncio.gather(*(_signed_and_declined(placement) for placement in placements))
    assert outcomes == ["declined"] * AT_ONCE


async def _signed_and_declined(placement: Placement) -> str:
    obligations = (await placement.agreement()).obligations.values()
    owed = [held for held in obligations if held.kind is ObligationKind.SIGNATURE]
    signed = [await placement.cast_answer(held) for held in owed if held.owner_id != placement.terms.mentor]
    commands = [placement.act(command) for command in signed if command is not None]
    declined = placement.act(
        "decline_agreement", actor_id=placement.terms.mentor, reason="No time this year."
    )
    results = await asyncio.gather(*commands[:1], declined, *commands[1:], return_exceptions=True)
    # Whoever signs after the mentor has declined is too late; nothing else may go wrong.
    assert all(
        isinstance(result, WorkflowUpdateFailedError)
        for result in results
        if isinstance(result, BaseException)
    )
    async with asyncio.timeout(30):
        return await placement.outcome()
