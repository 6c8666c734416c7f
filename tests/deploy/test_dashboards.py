"""Dashboards and alerts ask for what is really there: held to scrapes of real workers."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any, cast

import promql_parser
import yaml

from tests.fixtures.paths import ROOT
from workers.runtime.metrics import MetricsCollector

DASHBOARD = json.loads((ROOT / "deploy/dashboards/grafana.json").read_text())
ALERTS: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((ROOT / "deploy/dashboards/alerts.yaml").read_text())["groups"]
    for rule in group["rules"]
]
PANELS: list[dict[str, Any]] = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
QUERIES = [target["expr"] for panel in PANELS for target in panel["targets"]] + [
    rule["expr"] for rule in ALERTS
]
OF_PROMETHEUS = {"instance", "job"}
NOT_COUNTED = {
    (name, "status_code", "RESOURCE_EXHAUSTED")
    for name in ("temporal_request_failure_total", "temporal_long_request_failure_total")
}
"""The server says so in a trailer where the SDK looks at headers only; other servers may not."""
OF_EACH_WORKER = {"sojourn_record_up", "sojourn_record_read_seconds", "sojourn_build_info"}

Scrape = Mapping[str, Mapping[str, set[str]]]
"""For each metric its labels, for each label the values seen."""


def selectors(query: str) -> list[promql_parser.VectorSelector]:
    """The series that a query asks for; it is parsed as Prometheus would."""
    found: list[promql_parser.VectorSelector] = []

    def note(expression: promql_parser.Expr) -> None:
        if isinstance(expression, promql_parser.VectorSelector):
            found.append(expression)
        if isinstance(expression, promql_parser.MatrixSelector):
            found.append(expression.vector_selector)

    promql_parser.walk(promql_parser.parse(plain(query)), note)
    return found


def groupings(query: str) -> list[tuple[str, set[str]]]:
    """Each metric of a query with the labels that it is grouped by."""
    found: list[tuple[str, set[str]]] = []

    def note(expression: promql_parser.Expr) -> None:
        if isinstance(expression, promql_parser.AggregateExpr) and expression.modifier is not None:
            inside = expression.expr.prettify()
            found.extend((each.name or "", set(expression.modifier.labels)) for each in selectors(inside))

    promql_parser.walk(promql_parser.parse(plain(query)), note)
    return found


def plain(query: str) -> str:
    """A query without Grafana's variables."""
    return query.replace("$__rate_interval", "5m").replace("$kind", ".*")


def test_every_metric_asked_for_is_exported(scraped: Scrape) -> None:
    """A panel or an alert on a name that nobody exports is silent for ever."""
    asked = {selector.name for query in QUERIES for selector in selectors(query)}
    assert len(asked) > 20
    assert asked <= scraped.keys(), asked - scraped.keys()


def test_every_label_asked_for_is_on_its_metric(scraped: Scrape) -> None:
    """Matching or grouping by a label that a metric lacks finds nothing, or lumps everything together."""
    for query in QUERIES:
        for selector in selectors(query):
            labels = {matcher.name for matcher in selector.matchers.matchers}
            assert labels <= scraped[selector.name or ""].keys() | OF_PROMETHEUS, query
        for name, labels in groupings(query):
            assert labels <= scraped[name].keys() | OF_PROMETHEUS, query


def test_every_value_asked_for_occurs(scraped: Scrape) -> None:
    """An alert on a reason or status of another spelling would never fire: each was seen happening."""
    asked = {
        (selector.name or "", matcher.name, matcher.value)
        for query in QUERIES
        for selector in selectors(query)
        for matcher in selector.matchers.matchers
        if str(matcher.op) == str(promql_parser.MatchOp.Equal)
    }
    assert {value for _, _, value in asked} >= {"6", "failed", "NonDeterminismError", "RESOURCE_EXHAUSTED"}
    for name, label, value in asked - NOT_COUNTED:
        assert value in scraped[name][label], (name, label, value)
    too_large = scraped["temporal_workflow_task_execution_failed_total"]["failure_reason"]
    assert "PayloadsTooLarge" in too_large


def test_no_figure_is_counted_once_per_worker() -> None:
    """The record's figures are the same from every worker: each query takes the largest before it sums."""
    for query in QUERIES:
        taken = Counter(re.findall(r"\b(?:max|min)(?: by \([^)]*\))? ?\((sojourn_\w+)", query))
        named = Counter(selector.name or "" for selector in selectors(query))
        figures = {name for name in named if name.startswith("sojourn_")} - OF_EACH_WORKER
        assert {name: taken[name] for name in figures} == {name: named[name] for name in figures}, query


def test_every_figure_is_on_the_dashboard() -> None:
    """What is exported is looked at."""
    shown = {
        selector.name for panel in PANELS for each in panel["targets"] for selector in selectors(each["expr"])
    }
    exported = {
        f"{family.name}_info" if family.type == "info" else family.name
        for family in MetricsCollector("postgresql://unused").describe()
    }
    assert exported <= shown


def test_alerts_say_what_to_do() -> None:
    """Whoever is woken reads what happened and what to do, with labels that the alert really has."""
    assert len({rule["alert"] for rule in ALERTS}) == len(ALERTS)
    for rule in ALERTS:
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert rule["annotations"].keys() == {"summary", "description"}
        written = " ".join(cast("dict[str, str]", rule["annotations"]).values())
        used = set(re.findall(r"\$labels\.(\w+)", written)) - OF_PROMETHEUS
        grouped = set[str]().union(*(labels for _, labels in groupings(rule["expr"])))
        assert used <= grouped, rule["alert"]


def test_the_dashboard_is_whole() -> None:
    """Grafana imports it as it is: ids once, panels that do not overlap, each explained, one data source."""
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(ids)) == len(ids)
    cells: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        covered = {
            (column, line)
            for column in range(at["x"], at["x"] + at["w"])
            for line in range(at["y"], at["y"] + at["h"])
        }
        assert at["x"] + at["w"] <= 24
        assert not covered & cells, panel["title"]
        cells |= covered
    for panel in PANELS:
        assert panel["description"].endswith(".")
        assert panel["datasource"]["uid"] == "${datasource}"
        assert all(target["datasource"]["uid"] == "${datasource}" for target in panel["targets"])
    assert {each["name"] for each in DASHBOARD["templating"]["list"]} == {"datasource", "kind"}


def test_the_page_tells_each_alert() -> None:
    """docs/metrics.md lists the alerts that there are, in their order."""
    told = re.findall(r"^\| `(Sojourn\w+)` \|", (ROOT / "docs/metrics.md").read_text(), re.MULTILINE)
    assert told == [rule["alert"] for rule in ALERTS]
