"""Noting that a message left: whatever keeps the record from being told would have it leave again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

from activities.postgres.pool import DatabaseUnavailableError

PATIENCE = timedelta(seconds=40)
"""For how long a record that is away is told again: with the mail server's answer less than one attempt."""
_PAUSE = timedelta(milliseconds=250)

Answer = TypeVar("Answer")


async def until_noted(note: Callable[[], Awaitable[Answer]], *, patience: timedelta = PATIENCE) -> Answer:
    """Tell the event store what has happened, again and again while it is away.

    Args:
        note: Safe to do twice.
        patience: For how long.

    Raises:
        DatabaseUnavailableError: The record was away for longer; what left will leave once more.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + patience / timedelta(seconds=1)
    while True:
        try:
            return await note()
        except DatabaseUnavailableError:
            if loop.time() > deadline:
                raise
        await asyncio.sleep(_PAUSE / timedelta(seconds=1))
