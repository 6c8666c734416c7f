"""The way to Temporal: where it is, and how values are written there."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from temporalio.client import Client, Interceptor, Plugin
from temporalio.converter import DataConverter
from temporalio.envconfig import ClientConfig
from temporalio.runtime import Runtime

from activities.encryption.payload_converter import converter_with
from application.config.keys import key_ring
from application.settings import Settings
from application.temporal.sdk_logging import forward_sdk_logs
from deploy.addresses import find_running_stack

_HOW_TO = (
    "start the embedded stack with `sojourn up`, or set TEMPORAL_ADDRESS=temporal.example.org:7233 "
    "(with TEMPORAL_NAMESPACE, TEMPORAL_API_KEY, TEMPORAL_TLS_* where needed), or write them to temporal.toml"
)


class NoTemporalError(RuntimeError):
    """Temporal's address is not known, or nothing answers there; the text says what to do."""


def data_converter(settings: Settings) -> DataConverter:
    """Return how values become payloads: models as JSON, encrypted, and errors as payloads like any other.

    The same for clients, workers and replays.

    Raises:
        SettingsError: No keys are set, and no embedded stack's are there.
        KeysError: Those that are set cannot be used.
    """
    return converter_with(key_ring(settings))


async def connect(
    settings: Settings,
    *,
    payloads: bool = True,
    interceptors: Sequence[Interceptor] = (),
    plugins: Sequence[Plugin] = (),
    runtime: Runtime | None = None,
) -> Client:
    """Connect to Temporal: as `TEMPORAL_*` or temporal.toml say, else to the running embedded stack.

    Args:
        settings: Whose data folder names the embedded stack to prefer.
        payloads: Whether any are read or written; without, no keys are needed.
        interceptors: For the client and for the workers that use it.
        plugins: Likewise.
        runtime: Where the SDK's metrics go; None uses the process's own, which offers none.

    Raises:
        NoTemporalError: No address is known, or nothing answers there.
        SettingsError: As `data_converter`; KeysError likewise.
    """
    try:
        target = ClientConfig.load_client_connect_config()
    except (RuntimeError, OSError) as error:
        raise NoTemporalError(f"The settings of the Temporal client are wrong: {error}") from error
    if "target_host" not in target:
        stack = find_running_stack(settings.data) or find_running_stack()
        if stack is None:
            raise NoTemporalError(f"No Temporal server is known: {_HOW_TO}")
        target["target_host"] = stack.temporal_address
        target.setdefault("namespace", stack.namespace)
    converter = data_converter(settings) if payloads else DataConverter.default
    if runtime is None:
        forward_sdk_logs()
    try:
        return await Client.connect(
            **target,
            data_converter=converter,
            # In clear in every history, and of its own accord process and host: people's machines bear names.
            identity=f"sojourn-{secrets.token_hex(8)}",
            interceptors=interceptors,
            plugins=plugins,
            runtime=runtime,
        )
    except RuntimeError as error:
        raise NoTemporalError(
            f"Temporal does not answer at {target['target_host']} ({error}): {_HOW_TO}"
        ) from error
