"""Logs of every process: one line per event, as JSON or for people, with agreement and command ids.

Workflows log through `workflow.logger`, activities through `activity.logger` or structlog; all of it
leaves through one handler. What a workflow logs is left out on replay: the SDK's logger sees to it, which
is why workflow code must not use structlog itself.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from typing import TextIO, cast

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger
from temporalio import activity, workflow

from application.settings import Settings

HANDLER = "sojourn"
"""The name of the one handler."""


def configure_logs(settings: Settings, stream: TextIO | None = None) -> None:
    """Send all logs of this process through one handler. A second call replaces the first.

    Args:
        settings: Format and level.
        stream: Where lines go; standard error unless given, so that `--json` output stays clean.
    """
    # Otherwise the same details are also appended to each message as text.
    workflow.logger.workflow_info_on_message = False
    activity.logger.activity_info_on_message = False
    # Processors only read the record; inside the sandbox they would be imported once per workflow.
    workflow.logger.unsafe_disable_sandbox()
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.name = HANDLER
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*_shared(), structlog.stdlib.ExtraAdder(), _temporal_ids],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_rendering(settings)],
        )
    )
    root = logging.getLogger()
    root.handlers = [kept for kept in root.handlers if kept.name != HANDLER]
    root.addHandler(handler)
    root.setLevel(settings.log_level)
    logging.captureWarnings(capture=True)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_shared(),
            structlog.stdlib.PositionalArgumentsFormatter(),
            _temporal_ids,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def _shared() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]


def _rendering(settings: Settings) -> list[Processor]:
    # Tracebacks as plain text in both: the richer ones print local variables, and those may name people.
    if settings.log_format == "json":
        return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(default=str)]
    colors = sys.stderr.isatty()
    plain = structlog.dev.plain_traceback
    return [structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=plain)]


def _temporal_ids(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Lift the ids that people search by out of the SDK's details, and add them inside an activity."""
    # Left on the record by whichever other handler formatted it first.
    event.pop("message", None)
    event.pop("asctime", None)
    found = _details(event.pop("temporal_workflow", None))
    running = _details(event.pop("temporal_activity", None))
    if not running and activity.in_activity():
        info = activity.info()
        running = {
            "workflow_id": info.workflow_id,
            "workflow_run_id": info.workflow_run_id,
            "activity_type": info.activity_type,
            "attempt": info.attempt,
        }
    ids = {
        "agreement_id": found.get("workflow_id") or running.get("workflow_id"),
        "run_id": found.get("run_id") or running.get("workflow_run_id"),
        "command_id": found.get("update_id"),
        "activity": running.get("activity_type"),
        "attempt": running.get("attempt"),
    }
    for name, value in ids.items():
        if value is not None:
            event.setdefault(name, value)
    return event


def _details(value: object) -> Mapping[str, object]:
    return cast("Mapping[str, object]", value) if isinstance(value, Mapping) else {}
