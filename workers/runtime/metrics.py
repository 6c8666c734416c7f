"""Our own figures for Prometheus: what the record says about all agreements, read when Prometheus asks.

The figures are the record's and not the process's: every worker that offers them offers the same, so a query
over several takes the largest (`max by`), never the sum. No label holds an id: only words of the vocabulary.
"""

from __future__ import annotations

import asyncio
import importlib.metadata
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import product

from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from activities.postgres.metrics import AgreementCount, EventStoreMetrics, Metrics, read_metrics
from activities.postgres.pool import DatabaseRefusedError, DatabaseUnavailableError
from domain.kernel.vocabulary import Kind, ObligationKind, Outcome, Phase
from domain.ledger.notice import NoticeKind

KEPT = timedelta(seconds=5)
"""How long figures are answered with again before the record is asked anew."""

_PART_OF_TIME = 20
"""Reading takes at most one part in so many of the time, however often and by however many we are scraped."""

_Values = Mapping[tuple[str, ...], float]


class MetricsCollector(Collector):
    """Turns the record's figures into metrics at each scrape. Safe to scrape from many threads at once.

    A record that cannot be read breaks no scrape: `sojourn_record_up` is 0 and the other figures are absent
    until it answers again.
    """

    def __init__(
        self,
        dsn: str,
        *,
        kept: timedelta = KEPT,
        told: Callable[[str | None], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare to read; nothing is read yet.

        Args:
            dsn: The record's database.
            kept: How long figures are answered with again, at least.
            told: Called with the reason when the record stops answering, with None when it answers again.
            clock: Seconds that never go back.
        """
        self._dsn = dsn
        self._kept = kept.total_seconds()
        self._told = told
        self._clock = clock
        self._one_at_a_time = threading.Lock()
        self._fresh_until = float("-inf")
        self._known: list[Metric] = []
        self._problem: str | None = None

    @property
    def problem(self) -> str | None:
        """Why the record could not be read at the last attempt; None where it could."""
        return self._problem

    def describe(self) -> Iterable[Metric]:
        """Every metric there can be, without samples."""
        nothing = Metrics((), (), (), (), EventStoreMetrics(None, None))
        for metric in (*_about_reading(nothing, 0.0), *_about_agreements(nothing)):
            metric.samples.clear()
            yield metric

    def collect(self) -> Iterable[Metric]:
        """The figures now, or those of a few seconds ago. Not to be called inside an event loop."""
        with self._one_at_a_time:
            if self._clock() >= self._fresh_until:
                began = self._clock()
                metrics = self._read()
                took = self._clock() - began
                self._known = list(_about_reading(metrics, took))
                if metrics is not None:
                    self._known.extend(_about_agreements(metrics))
                self._fresh_until = self._clock() + max(self._kept, _PART_OF_TIME * took)
            return self._known

    def _read(self) -> Metrics | None:
        before, self._problem = self._problem, None
        metrics: Metrics | None = None
        try:
            # An event loop of its own: neither a busy worker nor a stuck one keeps Prometheus waiting.
            metrics = asyncio.run(read_metrics(self._dsn))
        except (DatabaseUnavailableError, DatabaseRefusedError) as error:
            self._problem = str(error)
        if (before is None) != (self._problem is None):
            self._told(self._problem)
        return metrics


def _about_reading(metrics: Metrics | None, took: float) -> Iterator[Metric]:
    yield InfoMetricFamily(
        "sojourn_build",
        "Which release offers these figures.",
        value={"version": importlib.metadata.version("sojourn")},
    )
    up = 0 if metrics is None else 1
    yield _gauge(
        "sojourn_record_up", "Whether the record could be read: 1, or 0 and the other figures are absent.", up
    )
    yield _gauge("sojourn_record_read_seconds", "How long reading these figures took, or trying to.", took)


def _about_agreements(metrics: Metrics) -> Iterator[Metric]:
    yield from _stalled(metrics)
    yield from _obligations(metrics)
    yield from _agreements(metrics.agreements)
    yield from _notices(metrics)
    yield _gauge(
        "sojourn_record_last_append_age_seconds",
        "Since the last event was written to the record; absent while it is empty.",
        metrics.event_store.last_append_seconds,
    )
    yield _gauge(
        "sojourn_record_order_lag_seconds",
        "How long the oldest event not yet readable in the global order has waited; 0 where none waits.",
        metrics.event_store.order_lag_seconds or 0.0,
    )


def _stalled(metrics: Metrics) -> Iterator[Metric]:
    yield _gauges(
        "sojourn_agreements_stalled",
        "Agreements stalled now: why, on which role they wait, and the highest rung of the ladder reached.",
        ("kind", "reason", "role", "level"),
        {(row.kind, row.reason, row.role, row.level): row.agreements for row in metrics.stalled},
    )
    oldest: defaultdict[tuple[str, ...], float] = defaultdict(float)
    for row in metrics.stalled:
        oldest[row.kind, row.reason] = max(oldest[row.kind, row.reason], row.oldest_seconds)
    yield _gauges(
        "sojourn_oldest_stall_age_seconds",
        "For how long the agreement that is stalled for longest has been so; absent where none is.",
        ("kind", "reason"),
        oldest,
    )


def _obligations(metrics: Metrics) -> Iterator[Metric]:
    label, usual = ("obligation_kind",), product(ObligationKind)
    none = dict.fromkeys(usual, 0)
    yield _gauges(
        "sojourn_obligations_overdue",
        "Open obligations past their due instant, those of paused and held agreements not counted.",
        label,
        none | {(row.obligation_kind,): row.overdue for row in metrics.obligations},
    )
    yield _gauges(
        "sojourn_obligations_due_within_one_day",
        "Open obligations due in the next 24 hours, those of paused and held agreements not counted.",
        label,
        none | {(row.obligation_kind,): row.due_within_one_day for row in metrics.obligations},
    )


def _agreements(rows: Sequence[AgreementCount]) -> Iterator[Metric]:
    phases = _sums(product(Kind, Phase), (((row.kind, row.phase), row.agreements) for row in rows))
    yield _gauges("sojourn_agreements", "Agreements in each phase.", ("kind", "phase"), phases)
    ended = (((row.kind, row.outcome), row.agreements) for row in rows if row.outcome is not None)
    outcomes = _sums(product(Kind, Outcome), ended)
    yield _gauges(
        "sojourn_agreements_closed", "Closed agreements by how they ended.", ("kind", "outcome"), outcomes
    )
    held = _sums(product(Kind), (((row.kind,), row.held) for row in rows))
    yield _gauges("sojourn_agreements_held", "Open agreements on hold.", ("kind",), held)
    paused = _sums(product(Kind), (((row.kind,), row.paused) for row in rows))
    meaning = "Open agreements that are paused, those on hold not counted."
    yield _gauges("sojourn_agreements_paused", meaning, ("kind",), paused)


def _notices(metrics: Metrics) -> Iterator[Metric]:
    none = dict.fromkeys(product(("queued", "failed"), NoticeKind), 0)
    yield _gauges(
        "sojourn_notices",
        "Notices queued (for now, or for their recipient's next working hour) and failed (given up).",
        ("state", "notice_kind"),
        none | {(row.state, row.kind): row.notices for row in metrics.notices},
    )
    yield _gauge(
        "sojourn_oldest_queued_notice_age_seconds",
        "For how long the first queued notice could have been sent already; 0 where none could be.",
        max((row.oldest_seconds or 0.0 for row in metrics.notices), default=0.0),
    )


def _sums(
    usual: Iterable[tuple[str, ...]], counted: Iterable[tuple[tuple[str, ...], int]]
) -> dict[tuple[str, ...], int]:
    """Counts by labels; zero where a usual combination has none, so that no series comes and goes."""
    sums = dict.fromkeys(usual, 0)
    for labels, count in counted:
        sums[labels] = sums.get(labels, 0) + count
    return sums


def _gauge(name: str, meaning: str, value: float | None) -> Metric:
    return _gauges(name, meaning, (), {} if value is None else {(): value})


def _gauges(name: str, meaning: str, labels: tuple[str, ...], values: _Values) -> Metric:
    family = GaugeMetricFamily(name, meaning, labels=labels)
    for of, value in values.items():
        family.add_metric([str(each) for each in of], value)
    return family
