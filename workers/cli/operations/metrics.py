"""The record's figures, once: for a look, and for machines that no Prometheus scrapes."""

from __future__ import annotations

import sys

import typer
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import Metric
from pydantic import JsonValue

from application.container import Container
from workers.cli.options import AsJson
from workers.cli.run import run
from workers.runtime.metrics import MetricsCollector
from workers.terminal.failures import ExitCode
from workers.terminal.output import print_json, say


def metrics(as_json: AsJson = False) -> None:
    """Print the record's figures as Prometheus reads them: what is stalled, owed, queued and failed.

    The same as a worker offers at SOJOURN_METRICS_ADDRESS. --json prints an array with one object per sample.
    Where the record cannot be read, sojourn_record_up is 0 and the exit code is 3.
    """

    async def dsn(container: Container) -> str:
        return container.dsn()

    collector = MetricsCollector(run(dsn))
    families = list(collector.collect())
    if as_json:
        print_json([sample for family in families for sample in _samples(family)])
    else:
        registry = CollectorRegistry()
        registry.register(collector)
        sys.stdout.write(generate_latest(registry).decode())
    if collector.problem is not None:
        say(f"The record cannot be read: {collector.problem}")
        raise typer.Exit(ExitCode.UNREACHABLE)


def _samples(family: Metric) -> list[JsonValue]:
    return [
        {"name": sample.name, "labels": dict(sample.labels), "value": sample.value}
        for sample in family.samples
    ]
