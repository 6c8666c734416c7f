"""What the Temporal SDK's core logs: through Python's logging, as everything else.

By itself the core writes to standard output, in the middle of what a program reads there.
"""

from __future__ import annotations

import logging
from functools import cache

from temporalio.runtime import LogForwardingConfig, LoggingConfig, Runtime, TelemetryConfig

_CORE = logging.getLogger("temporalio.core")

FORWARDED = LoggingConfig(
    filter=LoggingConfig.default.filter,
    forwarding=LogForwardingConfig(
        logger=logging.getLogger("temporalio.core"),
        append_target_to_name=False,
        prepend_target_on_message=False,
    ),
)
"""For every runtime that is made: the SDK's default level, our handlers."""


@cache
def forward_sdk_logs() -> None:
    """Make the process's own runtime, which clients without metrics use, one that keeps to this."""
    Runtime.set_default(Runtime(telemetry=TelemetryConfig(logging=FORWARDED)), error_if_already_set=False)
