"""Where Prometheus finds a process: our figures at one address, what the Temporal SDK measures at another."""

from __future__ import annotations

import socket
from collections.abc import Generator
from contextlib import contextmanager

import structlog
from prometheus_client import CollectorRegistry, ProcessCollector, start_http_server
from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig

from application.settings import PREFIX, Settings, SettingsError
from application.temporal.sdk_logging import FORWARDED
from workers.runtime.metrics import MetricsCollector

_log = structlog.get_logger(__name__)


@contextmanager
def serving_metrics(settings: Settings) -> Generator[None]:
    """Offers our figures, and the process's own, at `metrics_address` while the context lasts.

    Nothing is offered where the address is not set.

    Raises:
        SettingsError: The address cannot be listened at, or no database is known.
    """
    if settings.metrics_address is None:
        yield
        return
    registry = CollectorRegistry()
    registry.register(MetricsCollector(settings.database_dsn(), told=_log_change))
    ProcessCollector(registry=registry)
    host, port = _host_and_port("METRICS_ADDRESS", settings.metrics_address)
    try:
        server, thread = start_http_server(port, host, registry)
    except OSError as error:
        raise _not_ours("METRICS_ADDRESS", settings.metrics_address, error) from error
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def sdk_runtime(settings: Settings) -> Runtime | None:
    """What a worker's Temporal client has to be made with, so that the SDK's metrics are offered.

    They are offered at `sdk_metrics_address` for as long as the runtime lives. Names carry units and
    suffixes as Temporal's documentation and dashboards have them; durations are in seconds.

    Returns:
        None where the address is not set.

    Raises:
        SettingsError: The address cannot be listened at.
    """
    if settings.sdk_metrics_address is None:
        return None
    host, port = _host_and_port("SDK_METRICS_ADDRESS", settings.sdk_metrics_address)
    prometheus = PrometheusConfig(
        bind_address=f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
        counters_total_suffix=True,
        unit_suffix=True,
        durations_as_seconds=True,
    )
    try:
        return Runtime(telemetry=TelemetryConfig(logging=FORWARDED, metrics=prometheus))
    except ValueError as error:
        raise _not_ours("SDK_METRICS_ADDRESS", settings.sdk_metrics_address, error) from error


def _log_change(problem: str | None) -> None:
    if problem is None:
        _log.info("the record's figures can be read again")
    else:
        _log.warning("the record's figures cannot be read", problem=problem)


def _host_and_port(setting: str, address: str) -> tuple[str, int]:
    """As numbers: the SDK resolves no names."""
    host, _, port = address.rpartition(":")
    try:
        found = socket.getaddrinfo(
            host.strip("[]"), int(port), type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except OSError as error:
        raise _not_ours(setting, address, error) from error
    # Where a name has addresses of both families, the older one: it is what scrapers are told to use.
    first = min(found, key=lambda each: each[0] != socket.AF_INET)
    return str(first[4][0]), int(first[4][1])


def _not_ours(setting: str, address: str, error: Exception) -> SettingsError:
    return SettingsError(
        f"{PREFIX}{setting}: metrics cannot be offered at {address} ({error}). Name an address of this "
        "machine and a port that no other process uses, or leave the variable unset."
    )
