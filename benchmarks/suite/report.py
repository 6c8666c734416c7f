"""The suite's findings as a page with pictures, and compared with those that are committed."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pygal
from pygal.style import Style

from benchmarks.suite.figures import Figure, Ratio, Section

DOCS = Path(__file__).parents[2] / "docs"
PAGE, DATA, PICTURES = DOCS / "benchmarks.md", DOCS / "benchmarks.json", DOCS / "pictures"
MOVED = 0.25
"""A ratio that moved by more than this share of its committed value is named."""

CAN_BE_TRANSPARENT = Style(background="transparent", plot_background="transparent", font_family="sans-serif")


_HEAD = """# Benchmarks

Measured by `{command}` at {taken_at}. {machine} All servers and clients share that machine, and everything
that is compared took turns in the same run: read the ratios, not the absolutes. How each peer is written
stands in `benchmarks/peers/`; the data behind this page is `benchmarks.json`."""

_GOALS_HEAD = """## Goals

| What | Ratio | Goal | |
|---|---|---|---|"""

_A_MILLION = """## A million open agreements

Arithmetic over the figures above, for secondments of six months with 150 events each:

- **Actions**: 1,000,000 x {actions:.0f} / 6 months = {a_month:.0f} million a month, {a_second:.0f} a second.
- **Workers**: {memory:.0f} kB for each agreement that is cached, {memory:.0f} GB for all of them; what is not
  cached is loaded when it wakes. 150 events in 182 days are less than one wake-up a day: some 10 a second.
- **Database**: 1,000,000 x 150 events x {row:.0f} B = {gigabytes:.0f} GB with indexes and read models."""


def machine() -> str:
    """Return the machine in one sentence: processors, memory, system, and how busy it was."""
    memory = psutil.virtual_memory().total / 2**30
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    return (
        f"{os.cpu_count()} processors ({platform.machine()}), {memory:.0f} GiB, {platform.system()} "
        f"{platform.release()}, Python {platform.python_version()}; load at the end {load}."
    )


def write(sections: Sequence[Section], command: str) -> None:
    """Write the page, its data and its pictures into docs/."""
    found = {"taken_at": datetime.now(UTC).isoformat(timespec="seconds"), "machine": machine()}
    data = {**found, "sections": [section.as_data() for section in sections]}
    DATA.write_text(json.dumps(data, indent=1) + "\n")
    PICTURES.mkdir(exist_ok=True)
    for section in sections:
        _draw(section)
    PAGE.write_text(_page(sections, found, command))


def moved(sections: Sequence[Section]) -> list[str]:
    """Name each ratio that moved by more than a quarter since the committed run, if any is committed."""
    if not DATA.exists():
        return []
    before = {
        ratio["name"]: float(ratio["value"])
        for section in json.loads(DATA.read_text())["sections"]
        for ratio in section["ratios"]
    }
    return [
        f"{ratio.name}: {before[ratio.name]:.2f} before, {ratio.value:.2f} now"
        for section in sections
        for ratio in section.ratios
        if ratio.name in before and abs(ratio.value / before[ratio.name] - 1) > MOVED
    ]


def as_text(section: Section) -> str:
    """Return a section for a terminal."""
    lines = [section.title]
    lines += [f"  {_named(each):<62} {_amount(each)}" for each in section.figures]
    lines += [f"  {_goal(each)}" for each in section.ratios]
    return "\n".join([*lines, *(f"  {remark}" for remark in section.remarks)])


def _page(sections: Sequence[Section], found: Mapping[str, str], command: str) -> str:
    goals = "\n".join(_goal_row(ratio) for section in sections for ratio in section.ratios)
    parts = [_HEAD.format(command=command, **found), f"{_GOALS_HEAD}\n{goals}"]
    for section in sections:
        parts += [f"## {section.title}", section.taken]
        if _drawable(section):
            parts.append(f"![{section.title}: the table below as bars](pictures/benchmark-{section.key}.svg)")
        rows = "\n".join(f"| {each.name} | {each.way} | {_amount(each)} |" for each in section.figures)
        parts.append(f"| What | By | Median (least to most, turns) |\n|---|---|---|\n{rows}")
        parts += section.remarks
    return "\n\n".join([*parts, *_a_million(sections)]) + "\n"


def _a_million(sections: Sequence[Section]) -> list[str]:
    """Say what the figures mean for a million open agreements, with the arithmetic, if all are there."""
    by_name = {figure.name: figure.median for section in sections for figure in section.figures[::-1]}
    wanted = ("billable actions of a life", "memory of a cached agreement", "bytes on disk of an event")
    if not by_name.keys() >= set(wanted):
        return []
    actions, memory, row = (by_name[name] for name in wanted)
    return [
        _A_MILLION.format(
            actions=actions,
            a_month=actions / 6,
            a_second=actions * 1e6 / (182 * 86_400),
            memory=memory,
            row=row,
            gigabytes=150 * row / 1e3,
        )
    ]


def _goal_row(ratio: Ratio) -> str:
    verdict = "met" if ratio.met else "missed"
    return f"| {ratio.name} | {ratio.value:.2f} | {ratio.wanted} {ratio.goal:g} | {verdict} |"


def _goal(ratio: Ratio) -> str:
    verdict = "met" if ratio.met else "MISSED"
    return f"{ratio.name}: {ratio.value:.2f} ({ratio.wanted} {ratio.goal:g}: {verdict})"


def _named(figure: Figure) -> str:
    return f"{figure.name}, {figure.way}"


def _amount(figure: Figure) -> str:
    spread = "" if figure.turns == 1 else f" ({figure.least:,.1f} to {figure.most:,.1f}, {figure.turns})"
    return f"{figure.median:,.1f} {figure.unit}".rstrip() + spread


def _drawable(section: Section) -> bool:
    return len({figure.way for figure in section.figures}) > 1


def _draw(section: Section) -> None:
    if not _drawable(section):
        return
    units = {figure.unit for figure in section.figures}
    unit = max(units, key=lambda each: sum(figure.unit == each for figure in section.figures))
    shown = [figure for figure in section.figures if figure.unit == unit]
    names = list(dict.fromkeys(figure.name for figure in shown))
    chart = pygal.HorizontalBar(
        style=CAN_BE_TRANSPARENT,
        title=section.title,
        js=(),
        disable_xml_declaration=True,
        x_title=unit,
        truncate_legend=-1,
        legend_at_bottom=True,
        legend_at_bottom_columns=2,
    )
    chart.x_labels = names
    for way in dict.fromkeys(figure.way for figure in shown):
        by_name = {figure.name: figure.median for figure in shown if figure.way == way}
        chart.add(way, [by_name.get(name) for name in names])  # pyright: ignore[reportUnknownMemberType]
    drawn: str = chart.render()  # pyright: ignore[reportUnknownMemberType]  pygal carries no annotations
    (PICTURES / f"benchmark-{section.key}.svg").write_text(drawn + "\n")
