"""Run a use case for a command: with a container of its own, closed whether or not it succeeds."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from application.container import Container, open_container
from application.settings import load_settings

Result = TypeVar("Result")


def run(use_case: Callable[[Container], Awaitable[Result]]) -> Result:
    """Run a use case and return its result."""

    async def within() -> Result:
        async with open_container(load_settings()) as container:
            return await use_case(container)

    return asyncio.run(within())
