"""The codec endpoint of this process: for the UI of an embedded stack, or for one elsewhere with tokens."""

from __future__ import annotations

import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import asyncpg

from activities.event_store.event_store import EventStore
from activities.keys.ring import KeyRing
from activities.keys.subjects import SubjectKeys
from activities.postgres.pool import open_pool
from application.config.keys import key_ring
from application.config.token_rules import token_rules
from application.settings import Settings, SettingsError
from deploy.migrate import check_schema
from gateway.codec.application import CodecEndpoint
from gateway.serving import listening, serving

LOCAL_NAMES = ("127.0.0.1", "localhost")
"""What this machine is called in the address of a page that it serves itself."""
USUAL_PORT = 8234

_CONNECTIONS = 4


def local_socket() -> socket.socket:
    """Where the endpoint of an embedded stack will answer: its usual port where free, else any."""
    try:
        return listening(LOCAL_NAMES[0], USUAL_PORT)
    except OSError:
        return listening(LOCAL_NAMES[0], None)


def address_of(at: socket.socket) -> str:
    """The address to give to the UI."""
    return f"http://{LOCAL_NAMES[0]}:{at.getsockname()[1]}"


@asynccontextmanager
async def answering_the_local_ui(
    settings: Settings, at: socket.socket, ui_url: str | None
) -> AsyncGenerator[None]:
    """Answers the UI of an embedded stack, which has no login: who sits at this machine is its operator.

    Args:
        settings: The stack's own.
        at: From `local_socket`; closed afterwards.
        ui_url: The UI's; None where there is no UI, and nothing to do.
    """
    keys = key_ring(settings)
    if ui_url is None or keys is None:
        at.close()
        yield
        return
    ports = urlsplit(ui_url).port, at.getsockname()[1]
    async with _event_store(settings, keys) as (event_store, erasures):
        endpoint = CodecEndpoint(
            keys=keys,
            streams=event_store,
            erasures=erasures,
            origins=frozenset(f"http://{name}:{ports[0]}" for name in LOCAL_NAMES),
            tokens=token_rules(settings),
            local_hosts=frozenset(f"{name}:{ports[1]}" for name in LOCAL_NAMES),
        )
        async with serving(endpoint.application(), at):
            yield


@asynccontextmanager
async def answering_with_tokens(settings: Settings, namespace: str | None = None) -> AsyncGenerator[str]:
    """Answers the UI that settings name, and whoever else brings a token.

    Args:
        settings: Where to listen, whom to answer, keys and record.
        namespace: The only Temporal namespace to answer for; None for any.

    Yields:
        The address.

    Raises:
        SettingsError: The UI's origin, keys or what tokens are checked with are not set.
        TokenKeysError: Tokens cannot be checked with what is set.
        CannotListenError: The address is taken.
    """
    keys, tokens = key_ring(settings), token_rules(settings)
    if keys is None:
        raise SettingsError("There is nothing to decode: SOJOURN_WITHOUT_KEYS keeps everything in clear.")
    if tokens is None:
        raise SettingsError(
            "Nobody can be told apart: set SOJOURN_TOKEN_KEY_FILE to the keys of your identity provider, or "
            "SOJOURN_TOKEN_SECRET to a shared secret."
        )
    if settings.ui_origin is None:
        raise SettingsError(
            "Set SOJOURN_UI_ORIGIN to where your Temporal UI is: https://temporal.example.org"
        )
    host, _, port = settings.gateway_address.rpartition(":")
    async with _event_store(settings, keys) as (event_store, erasures):
        endpoint = CodecEndpoint(
            keys=keys,
            streams=event_store,
            erasures=erasures,
            origins=frozenset({settings.ui_origin}),
            tokens=tokens,
            namespace=namespace,
        )
        async with serving(endpoint.application(), listening(host, int(port))):
            yield f"http://{settings.gateway_address}"


@asynccontextmanager
async def _event_store(settings: Settings, keys: KeyRing) -> AsyncGenerator[tuple[EventStore, SubjectKeys]]:
    pool: asyncpg.Pool[asyncpg.Record] = await open_pool(
        settings.database_dsn(), application_name="sojourn-gateway", largest=_CONNECTIONS, check=check_schema
    )
    try:
        yield EventStore(pool), SubjectKeys(pool, keys)
    finally:
        await pool.close()
