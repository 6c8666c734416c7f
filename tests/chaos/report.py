"""What a run did and found, for people and for programs."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

from pydantic import BaseModel
from rich.console import Console
from rich.table import Table

from tests.chaos.checks import CHECKS, appends_of, lateness
from tests.chaos.notes import Fate
from tests.chaos.observation import Observation
from tests.chaos.schedule import Fault, Plan

_MOST_FINDINGS = 20


class CheckResult(BaseModel):
    """One thing that has to hold, and where it does not."""

    name: str
    findings: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether nothing was found."""
        return not self.findings


class ChaosReport(BaseModel):
    """The figures of one run."""

    ok: bool
    seed: int
    seconds: float
    """How long faults were struck."""
    took_seconds: float
    """Until the last agreement was over."""
    agreements: int
    events: int
    strokes: dict[Fault, int]
    processes_hit: int
    """Killed, stopped or frozen."""
    workers_started_in_vain: int
    """Workers that ended by themselves, such as those started while a server was away."""
    commands: int
    deliveries: int
    acknowledged: int
    refused: int
    unknown: int
    unknown_and_recorded: int
    """Never acknowledged, and in the log, which is allowed once."""
    lost: int
    doubled: int
    crowds: int
    leaps: int
    letters: int
    letters_again: int
    """Copies of a letter that came again, for a reason that is allowed."""
    letters_crossed: int
    """Left for what was settled in the same moment."""
    longest_crossing_seconds: float
    notices_given_up: int
    statuses_compared: int
    checks: tuple[CheckResult, ...]


def report_on(seen: Observation, plan: Plan, *, began: datetime, workers_started_in_vain: int) -> ChaosReport:
    """Judges a run."""
    checks = tuple(CheckResult(name=name, findings=tuple(check(seen))) for name, check in CHECKS.items())
    findings = [finding for check in checks for finding in check.findings]
    sent = list(seen.notes.commands.values())
    fates = Counter(each.fate for each in sent)
    crossings = [late for letter in seen.letters if (late := lateness(letter, seen)) is not None]
    return ChaosReport(
        ok=not findings,
        seed=plan.seed,
        seconds=plan.seconds,
        took_seconds=round((datetime.now(UTC) - began).total_seconds(), 1),
        agreements=len(seen.courses),
        events=len(seen.log),
        strokes=dict(Counter(each.fault for each in seen.struck)),
        processes_hit=sum(each.processes for each in seen.struck),
        workers_started_in_vain=workers_started_in_vain,
        commands=len(sent),
        deliveries=sum(each.deliveries for each in sent),
        acknowledged=fates[Fate.ACKNOWLEDGED],
        refused=fates[Fate.REFUSED],
        unknown=fates[Fate.UNKNOWN],
        unknown_and_recorded=sum(appends_of(seen, each) > 0 for each in sent if each.fate is Fate.UNKNOWN),
        lost=sum(finding.startswith("lost:") for finding in findings),
        doubled=sum(finding.startswith("doubled:") for finding in findings),
        crowds=seen.notes.crowds,
        leaps=seen.notes.leaps,
        letters=len(seen.letters),
        letters_again=len(seen.letters) - len({letter.notice_id for letter in seen.letters}),
        letters_crossed=len(crossings),
        longest_crossing_seconds=round(max((each.total_seconds() for each in crossings), default=0.0), 3),
        notices_given_up=sum(notice.state == "failed" for notice in seen.notices),
        statuses_compared=len(seen.notes.standings),
        checks=checks,
    )


def print_report(report: ChaosReport) -> None:
    """Shows the figures and what was found, as tables."""
    console = Console()
    figures = Table(title=f"Chaos, seed {report.seed}, {report.seconds:g} s of faults", show_header=False)
    for fault, times in sorted(report.strokes.items()):
        figures.add_row(fault, str(times))
    figures.add_section()
    hidden = {"ok", "seed", "seconds", "strokes", "checks"}
    for name, value in report.model_dump(exclude=hidden).items():
        figures.add_row(name.replace("_", " "), str(value))
    console.print(figures)
    checks = Table("What has to hold", "", "Found")
    for check in report.checks:
        shown = [*check.findings[:_MOST_FINDINGS]]
        if len(check.findings) > _MOST_FINDINGS:
            shown.append(f"and {len(check.findings) - _MOST_FINDINGS} more")
        checks.add_row(check.name, "yes" if check.holds else "NO", "\n".join(shown))
    console.print(checks)
