"""Serving an HTTP application beside other work in one event loop."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from starlette.types import ASGIApp

_GRACE_SECONDS = 2


class CannotListenError(OSError):
    """Nothing can listen at an address; the text says where and why."""


def listening(host: str, port: int | None) -> socket.socket:
    """Open a socket that nobody else can take any more.

    Args:
        host: A name or an address of this machine.
        port: None for any that is free.

    Raises:
        CannotListenError: The port is taken, or the address is not this machine's.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port or 0, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        made = socket.socket(family, kind, protocol)
        try:
            if port:
                made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.bind(address)
            # A port that is bound and not listened at can be somebody else's by the time it is.
            made.listen()
        except BaseException:
            made.close()
            raise
    except OSError as error:
        raise CannotListenError(f"Nothing can listen at {host}:{port or 'any'}: {error.strerror}") from error
    return made


class _Server(uvicorn.Server):
    """A server that leaves signals to the process it is part of."""

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Capture none."""
        yield


@asynccontextmanager
async def serving(application: ASGIApp, at: socket.socket) -> AsyncGenerator[None]:
    """Answer requests at a socket for as long as the context lasts, then close it."""
    config = uvicorn.Config(
        application,
        log_config=None,
        # Requests are logged by whoever answers them, with what matters and nothing else.
        access_log=False,
        lifespan="off",
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    server = _Server(config)
    running = asyncio.create_task(server.serve(sockets=[at]))
    try:
        yield
    finally:
        server.should_exit = True
        await running
        at.close()
