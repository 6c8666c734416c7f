"""Doing several things at once, but not all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

AT_ONCE = 8
"""As many as one command has connections."""


async def gather_limited(
    work: Callable[[Item], Awaitable[Result]], items: Sequence[Item], *, at_once: int = AT_ONCE
) -> list[Result]:
    """Return the results in the order of the items, a few worked on at a time; the first error ends all."""
    results: dict[int, Result] = {}
    waiting = iter(enumerate(items))

    async def one_after_another() -> None:
        for number, item in waiting:
            results[number] = await work(item)

    try:
        async with asyncio.TaskGroup() as group:
            # Not a task for each: there may be a million.
            for _ in range(min(at_once, len(items))):
                group.create_task(one_after_another())
    except ExceptionGroup as failed:
        # Callers know the errors of one request; the first that failed stands for all.
        raise failed.exceptions[0] from failed
    return [results[number] for number in range(len(items))]
