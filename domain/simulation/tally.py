"""Adding up replays: flags by kind and reason under both policies, one agreement after another."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from statistics import median_low

from domain.kernel.model import Frozen
from domain.kernel.vocabulary import Kind, StallReason
from domain.ledger.obligation import Level
from domain.simulation.replay import AgreementReplay, Comparison


class Line(Frozen):
    """Flags of one kind of placement, for one reason."""

    kind: Kind
    reason: StallReason
    recorded: int
    """Flags under the policies that the agreements live by."""
    proposed: int
    gained: int
    """Flagged under the proposed policy only."""
    lost: int
    """Flagged under the recorded one only."""
    earlier: int
    later: int
    median_working_days: int | None
    """Of the flags that come at another time: the middle one's distance, negative where the proposed comes
    earlier. None where none does."""
    false_alarms_recorded: int
    false_alarms_proposed: int


class Summary(Frozen):
    """What a proposed policy would have changed."""

    agreements: int
    """With anything that could stall in the window."""
    flagged_recorded: int
    """Agreements with at least one flag."""
    flagged_proposed: int
    newly_flagged: tuple[str, ...]
    """Agreements with flags under the proposed policy only; the first of them."""
    newly_flagged_count: int
    no_longer_flagged: tuple[str, ...]
    no_longer_flagged_count: int
    lines: tuple[Line, ...]
    rungs_recorded: Mapping[Level, int]
    """How often each rung of the ladder came: 1 and 2 are reminders to the owner, 3 and 5 tell others."""
    rungs_proposed: Mapping[Level, int]
    watched: int
    """Obligations and spells of silence that were replayed."""
    estimated: int
    """Of those, how many had instants that could only be moved by what the policies differ in."""
    not_replayed: tuple[str, ...]
    """Thresholds that differ and that no replay can follow."""


NAMED_AT_MOST = 100
"""How many agreements a summary names; the rows have all of them."""


class Tally:
    """Adds up replays, and keeps nothing of them but the sums."""

    def __init__(self) -> None:
        self._agreements = self._watched = self._estimated = 0
        self._flagged: Counter[str] = Counter()
        self._newly: list[str] = []
        self._no_longer: list[str] = []
        self._counts: dict[tuple[Kind, StallReason], Counter[str]] = defaultdict(Counter)
        self._shifts: dict[tuple[Kind, StallReason], Counter[int]] = defaultdict(Counter)
        self._rungs_recorded: Counter[Level] = Counter()
        self._rungs_proposed: Counter[Level] = Counter()
        self._not_replayed: set[str] = set()

    def add(self, replayed: AgreementReplay) -> None:
        """Counts one agreement."""
        self._agreements += 1
        self._watched += replayed.watched
        self._estimated += replayed.estimated
        self._rungs_recorded.update(replayed.rungs_recorded)
        self._rungs_proposed.update(replayed.rungs_proposed)
        self._not_replayed.update(replayed.not_replayed)
        recorded = any(each.recorded is not None for each in replayed.comparisons)
        proposed = any(each.proposed is not None for each in replayed.comparisons)
        self._flagged.update({"recorded": recorded, "proposed": proposed})
        if proposed and not recorded:
            self._flagged["newly"] += 1
            self._newly += [replayed.agreement_id][: NAMED_AT_MOST - len(self._newly)]
        if recorded and not proposed:
            self._flagged["no longer"] += 1
            self._no_longer += [replayed.agreement_id][: NAMED_AT_MOST - len(self._no_longer)]
        for comparison in replayed.comparisons:
            self._count((replayed.kind, comparison.reason), comparison)

    def _count(self, line: tuple[Kind, StallReason], comparison: Comparison) -> None:
        counts = self._counts[line]
        counts[comparison.change] += 1
        for policy, flag in (("recorded", comparison.recorded), ("proposed", comparison.proposed)):
            counts[policy] += flag is not None
            counts[f"false {policy}"] += flag is not None and flag.false_alarm
        if comparison.change in {"earlier", "later"} and comparison.working_days is not None:
            self._shifts[line][comparison.working_days] += 1

    def summary(self) -> Summary:
        """The sums so far."""
        kinds, reasons = list(Kind), list(StallReason)
        lines = sorted(self._counts, key=lambda line: (kinds.index(line[0]), reasons.index(line[1])))
        return Summary(
            agreements=self._agreements,
            flagged_recorded=self._flagged["recorded"],
            flagged_proposed=self._flagged["proposed"],
            newly_flagged=tuple(self._newly),
            newly_flagged_count=self._flagged["newly"],
            no_longer_flagged=tuple(self._no_longer),
            no_longer_flagged_count=self._flagged["no longer"],
            lines=tuple(self._line(line) for line in lines),
            rungs_recorded=dict(sorted(self._rungs_recorded.items())),
            rungs_proposed=dict(sorted(self._rungs_proposed.items())),
            watched=self._watched,
            estimated=self._estimated,
            not_replayed=tuple(sorted(self._not_replayed)),
        )

    def _line(self, line: tuple[Kind, StallReason]) -> Line:
        counts, shifts = self._counts[line], self._shifts[line]
        kind, reason = line
        return Line(
            kind=kind,
            reason=reason,
            recorded=counts["recorded"],
            proposed=counts["proposed"],
            gained=counts["gained"],
            lost=counts["lost"],
            earlier=counts["earlier"],
            later=counts["later"],
            median_working_days=median_low(shifts.elements()) if shifts else None,
            false_alarms_recorded=counts["false recorded"],
            false_alarms_proposed=counts["false proposed"],
        )
