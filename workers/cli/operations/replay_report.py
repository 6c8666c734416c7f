"""Print a policy replay: rows as they come for programs, and sums with the first rows for people."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping

from rich.table import Table

from application.operations.policy_replay import ReplayRequest
from domain.ledger.obligation import Level
from domain.simulation.replay import AgreementReplay, Comparison, Flag
from domain.simulation.tally import Line, Summary
from workers.terminal.output import NOTHING, console, instant, say, table, words

ROWS_AT_MOST = 50
"""Rows that a person is shown; `--json` has all of them."""


class Report:
    """What was replayed, agreement by agreement; no more of them is kept than will be shown."""

    def __init__(self, asked: ReplayRequest, *, as_json: bool) -> None:
        self._asked = asked
        self._as_json = as_json
        self._rows: list[tuple[str, ...]] = []
        self._left_out = 0
        self._printed = 0

    def row(self, replayed: AgreementReplay) -> None:
        """Take one agreement; one without a flag under either policy is left out."""
        if not replayed.comparisons:
            return
        if self._as_json:
            self._print_json_row(replayed)
            return
        for comparison in replayed.comparisons:
            if comparison.change == "same":
                continue
            if len(self._rows) < ROWS_AT_MOST:
                self._rows.append(_shown(replayed, comparison))
            else:
                self._left_out += 1

    def close(self, summary: Summary) -> None:
        """Print what is left to print: nothing more comes."""
        if self._as_json:
            if not self._printed:
                self._open_json()
            sys.stdout.write("\n  ],\n")
            sys.stdout.write(f'  "summary": {summary.model_dump_json()}\n}}\n')
            return
        self._print(summary)

    def _open_json(self) -> None:
        policies, asked = self._asked.policies, self._asked
        head = {
            "policy_set_id": policies.policy_set_id,
            "version": policies.version,
            "since": asked.since.isoformat(),
            "until": None if asked.until is None else asked.until.isoformat(),
            "false_alarm_days": asked.false_alarm_days,
        }
        lines = [f"  {json.dumps(name)}: {json.dumps(value)}," for name, value in head.items()]
        sys.stdout.write("\n".join(["{", *lines, '  "agreements": [']))

    def _print_json_row(self, replayed: AgreementReplay) -> None:
        # Written as it comes: an array of a hundred thousand agreements is nothing to keep in memory.
        if not self._printed:
            self._open_json()
        sys.stdout.write(f"{',' if self._printed else ''}\n    {replayed.model_dump_json()}")
        self._printed += 1

    def _print(self, summary: Summary) -> None:
        out = console()
        policies = self._asked.policies
        out.print(f"{policies.policy_set_id} version {policies.version}", style="bold")
        if not summary.agreements:
            out.print("Nothing that could stall lasted into that time.")
            return
        out.print(
            f"Agreements flagged, of {summary.agreements}: {summary.flagged_recorded} as it was, "
            f"{summary.flagged_proposed} under this policy; {summary.newly_flagged_count} newly, "
            f"{summary.no_longer_flagged_count} no longer."
        )
        out.print(_nudges(summary))
        if summary.lines:
            out.print()
            out.print(_sums(summary.lines))
        if self._rows:
            out.print()
            out.print(table("Agreement, what", "Flagged, would be", "Change", rows=self._rows))
        if self._left_out:
            say(f"{self._left_out} more rows; --json has all of them.")
        for remark in _remarks(summary):
            say(remark)


def _shown(replayed: AgreementReplay, comparison: Comparison) -> tuple[str, ...]:
    change: str = comparison.change
    if comparison.working_days is not None:
        change = f"{abs(comparison.working_days)} working days {comparison.change}"
    return (
        f"{replayed.agreement_id}\n{comparison.obligation_id or words(comparison.reason)}",
        f"{_flag(comparison.recorded)}\n{_flag(comparison.proposed)}",
        change,
    )


def _flag(flag: Flag | None) -> str:
    if flag is None:
        return NOTHING
    return f"{instant(flag.at)}{', false alarm' if flag.false_alarm else ''}"


def _sums(lines: tuple[Line, ...]) -> Table:
    return table(
        "Kind, reason",
        "Flags",
        "New",
        "Gone",
        "Earlier",
        "Later",
        "By, median",
        "False alarms",
        rows=(
            (
                f"{line.kind}\n{words(line.reason)}",
                f"{line.recorded} → {line.proposed}",
                line.gained,
                line.lost,
                line.earlier,
                line.later,
                NOTHING if line.median_working_days is None else f"{line.median_working_days:+} days",
                f"{line.false_alarms_recorded} → {line.false_alarms_proposed}",
            )
            for line in lines
        ),
    )


def _nudges(summary: Summary) -> str:
    def count(rungs: Mapping[Level, int], levels: tuple[Level, ...]) -> int:
        return sum(rungs.get(level, 0) for level in levels)

    was, would = summary.rungs_recorded, summary.rungs_proposed
    return (
        f"Rungs reached: {count(was, (1, 2))} → {count(would, (1, 2))} reminders, "
        f"{count(was, (3, 5))} → {count(would, (3, 5))} times others are told, "
        f"{count(was, (4,))} → {count(would, (4,))} times the operators' queue, "
        f"{count(was, (6,))} → {count(would, (6,))} forced choices."
    )


def _remarks(summary: Summary) -> Iterator[str]:
    if summary.estimated:
        yield (
            f"{summary.estimated} of {summary.watched} could only be moved by what the policies differ in: "
            "what their dates were counted from cannot be told from the record."
        )
    if summary.not_replayed:
        yield (
            f"Not replayed, because they decide what happens at all: {', '.join(summary.not_replayed)}. "
            "They differ from what agreements live by."
        )
