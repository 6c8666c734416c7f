"""The way to Temporal: where it is, and how values are written there."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from temporalio.client import Client, Interceptor, Plugin
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.converter import DataConverter, DefaultFailureConverterWithEncodedAttributes
from temporalio.envconfig import ClientConfig
from temporalio.runtime import Runtime

from deploy.embedded.addresses import find_running_stack
from workers.settings import Settings

_HOW_TO = (
    "start the embedded stack with `sojourn up`, or set TEMPORAL_ADDRESS=temporal.example.org:7233 "
    "(with TEMPORAL_NAMESPACE, TEMPORAL_API_KEY, TEMPORAL_TLS_* where needed), or write them to temporal.toml"
)


class NoTemporalError(RuntimeError):
    """Temporal's address is not known, or nothing answers there; the text says what to do."""


def data_converter() -> DataConverter:
    """How values become payloads: pydantic models as JSON, and errors as payloads like any other value.

    The same for clients, workers and replays.
    """
    return dataclasses.replace(
        pydantic_data_converter, failure_converter_class=DefaultFailureConverterWithEncodedAttributes
    )


async def connect(
    settings: Settings,
    *,
    interceptors: Sequence[Interceptor] = (),
    plugins: Sequence[Plugin] = (),
    runtime: Runtime | None = None,
) -> Client:
    """Connect to Temporal: as `TEMPORAL_*` or temporal.toml say, else to the running embedded stack.

    Args:
        settings: Whose data folder names the embedded stack to prefer.
        interceptors: For the client and for the workers that use it.
        plugins: Likewise.
        runtime: Where the SDK's metrics go; None uses the process's own, which offers none.

    Raises:
        NoTemporalError: No address is known, or nothing answers there.
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
    try:
        return await Client.connect(
            **target,
            data_converter=data_converter(),
            interceptors=interceptors,
            plugins=plugins,
            runtime=runtime,
        )
    except RuntimeError as error:
        raise NoTemporalError(
            f"Temporal does not answer at {target['target_host']} ({error}): {_HOW_TO}"
        ) from error
