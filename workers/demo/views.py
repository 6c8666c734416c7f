"""How a demonstration is looked at while it runs: live in a terminal, line by line anywhere else."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping, Sequence
from datetime import timedelta
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from application.queries.agreements import StalledAgreement
from domain.kernel.person import Person
from domain.kernel.vocabulary import Health, Kind
from domain.stream.messages import RecordedEvent
from domain.views.health import oldest_first
from domain.views.status import StatusView, status_view
from workers.cli.agreements.list import stalled_table
from workers.demo.life import Life
from workers.demo.narration import day, is_shown, is_turning_point, name_of, told

COLOURS: Mapping[Kind, str] = {Kind.SECONDMENT: "cyan", Kind.SHADOWING: "magenta", Kind.ROTATION: "yellow"}
_HEALTH: Mapping[Health, str] = {
    Health.TOO_EARLY: "green",
    Health.ON_TRACK: "green",
    Health.DUE_SOON: "green",
    Health.OVERDUE: "yellow",
    Health.END_DECISION_DUE: "yellow",
    Health.AT_RISK: "dark_orange",
    Health.STALLED: "bold red",
    Health.PAUSED: "blue",
    Health.EXTERNAL_HOLD: "blue",
    Health.CLOSED: "bold green",
}
_STAYS = frozenset(
    {
        "meeting.rescheduled",
        "concern.raised",
        "placement.paused",
        "role.reassigned",
        "endorsement.given",
        "agreement.completed",
    }
)
"""Events that stay above the blocks, to be read afterwards."""
_FRAME_SECONDS = 0.12
_LINES_PER_LIFE = 6
_MOST_FEED_LINES = 9
_FEWEST_FEED_LINES = 2
_AFTERWARDS = timedelta(days=25)
"""Debriefs and synthesis take about as long after the last day."""


class View(Protocol):
    """Shows what happens."""

    def __enter__(self) -> Self:
        """Begins to show."""
        ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Ends."""
        ...

    def at(self, life: Life) -> None:
        """Where a life has come to."""
        ...

    def happened(self, life: Life, event: RecordedEvent) -> None:
        """Something is in the record."""
        ...

    def says(self, life: Life, sentence: str) -> None:
        """Something that the record does not hold."""
        ...

    def queue(self, life: Life, rows: Sequence[StalledAgreement]) -> None:
        """What an operator sees of what is stalled."""
        ...


def queue_command(life: Life) -> str:
    """What an operator would type to see the same."""
    return f"sojourn stalled --kind {life.kind} --as-of {life.now:%Y-%m-%dT%H:%M:%SZ}"


class PlainView:
    """A line per turning point. For logs, pipes and CI."""

    def __init__(self, console: Console, people: Mapping[str, Person]) -> None:
        self._console = console
        self._people = people

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Nothing to end."""

    def at(self, life: Life) -> None:
        """Lines are kept for what happens."""

    def happened(self, life: Life, event: RecordedEvent) -> None:
        """A line, where it matters."""
        if is_turning_point(event):
            self._line(f"{day(event.occurred_at)}  {life.kind:<10}  {told(event, self._people)}")

    def says(self, life: Life, sentence: str) -> None:
        """A line."""
        self._line(f"{day(life.now)}  {life.kind:<10}  {sentence}")

    def queue(self, life: Life, rows: Sequence[StalledAgreement]) -> None:
        """The command and its table."""
        self._line(f"\n$ {queue_command(life)}")
        self._console.print(Padding(stalled_table(rows), (0, 0, 1, 2)))

    def _line(self, line: str) -> None:
        self._console.print(line, markup=False, soft_wrap=True)


class QuietView(PlainView):
    """Nothing at all: the result speaks."""

    def happened(self, life: Life, event: RecordedEvent) -> None:
        """Nothing."""

    def queue(self, life: Life, rows: Sequence[StalledAgreement]) -> None:
        """Nothing."""

    def _line(self, line: str) -> None:
        """Nothing."""


class LiveView:
    """One block per placement and the last things that happened, redrawn in place."""

    def __init__(self, console: Console, people: Mapping[str, Person]) -> None:
        self._console = console
        self._people = people
        self._lives: dict[str, Life] = {}
        self._last: dict[str, str] = {}
        self._feed: deque[Text] = deque(maxlen=_MOST_FEED_LINES)
        self._live = Live(console=console, auto_refresh=False, vertical_overflow="crop")
        self._drawn_at = 0.0
        self._began_at = time.monotonic()

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._draw()
        self._live.stop()

    def at(self, life: Life) -> None:
        """Redraws, not more often than an eye can follow."""
        self._lives[life.agreement_id] = life
        if time.monotonic() - self._drawn_at >= _FRAME_SECONDS:
            self._draw()

    def happened(self, life: Life, event: RecordedEvent) -> None:
        """Enters the feed."""
        if is_shown(event):
            line = told(event, self._people)
            self._last[life.agreement_id] = f"{day(event.occurred_at)}  {line}"
            style = "red" if event.type == "meeting.missed" else ""
            entry = self._entry(life, day(event.occurred_at), line, style)
            self._feed.append(entry)
            if event.type in _STAYS:
                self._live.console.print(entry, soft_wrap=True)

    def says(self, life: Life, sentence: str) -> None:
        """Stays above the blocks."""
        self._live.console.print(self._entry(life, day(life.now), sentence, "bold"), soft_wrap=True)

    def queue(self, life: Life, rows: Sequence[StalledAgreement]) -> None:
        """Stays above the blocks."""
        command = Text(f"$ {queue_command(life)}", style="bold")
        self._live.console.print(Padding(Group(command, stalled_table(rows)), (1, 0)))

    def _entry(self, life: Life, when: str, line: str, style: str) -> Text:
        kind = Text(f"{life.kind:<11}", style=COLOURS[life.kind])
        return Text.assemble((f"{when}  ", "dim"), kind, (line, style), overflow="ellipsis", no_wrap=True)

    def _draw(self) -> None:
        self._drawn_at = time.monotonic()
        order = list(Kind)
        lives = sorted(self._lives.values(), key=lambda life: order.index(life.kind))
        rows = self._console.size.height - len(lives) * _LINES_PER_LIFE - 2
        is_roomy = rows > len(lives) + _MOST_FEED_LINES
        feed = list(self._feed)[-max(_FEWEST_FEED_LINES, min(_MOST_FEED_LINES, rows)) :]
        done = sum(life.agreement.closed for life in lives)
        title = f"{done} of {len(lives)} closed · {self._drawn_at - self._began_at:.0f} s"
        gap = [Text()] if is_roomy else []
        blocks = [line for life in lives for line in (*self._block(life), *gap)]
        self._live.update(Group(*gap, *blocks, Rule(title, style="dim", align="right"), *feed), refresh=True)

    def _block(self, life: Life) -> list[RenderableType]:
        view = status_view(life.agreement, life.now)
        head = Table.grid(expand=True)
        head.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
        head.add_column(justify="right", no_wrap=True)
        head.add_row(
            Text.assemble(
                (f"{life.kind.upper():<11}", f"bold {COLOURS[life.kind]}"), (life.agreement_id, "dim")
            ),
            Text.assemble((f"{life.now:%a %d %b %Y}", "bold")),
        )
        bar = ProgressBar(
            total=1.0, completed=_share(life), complete_style=COLOURS[life.kind], finished_style="green"
        )
        last = Text.assemble(
            ("last  ", "dim"), self._last.get(life.agreement_id, ""), overflow="ellipsis", no_wrap=True
        )
        # A bar ends no line of its own.
        return [head, Padding(bar, 0), self._health(view), _stages(view), last, self._next(life)]

    def _health(self, view: StatusView) -> Text:
        words = view.health.replace("_", " ")
        if view.outcome is not None:
            words = f"closed: {view.outcome.replace('_', ' ')}"
        line = Text.assemble(("● ", _HEALTH[view.health]), (words, _HEALTH[view.health]))
        if view.stall is not None:
            waits = name_of(view.stall.waiting_on.person_id, self._people)
            level = "" if view.stall.level is None else f", level {view.stall.level}"
            line.append(f": {view.stall.reason.replace('_', ' ')}, waits on {waits}{level}")
        if view.paused_until is not None:
            line.append(f" until {day(view.paused_until)}")
        if view.outcome is None:
            line.append(f"   phase {view.phase}", style="dim")
        line.no_wrap, line.overflow = True, "ellipsis"
        return line

    def _next(self, life: Life) -> Text:
        owed = oldest_first(life.agreement)
        line = Text("next  ", style="dim", overflow="ellipsis", no_wrap=True)
        if not owed:
            return line.append("nothing is owed", style="dim")
        first = owed[0]
        who = name_of(first.owner_id, self._people)
        line.append(f"{day(first.due_at)}  {first.obligation_id} by {who}", style="default")
        return line


def _share(life: Life) -> float:
    """How far a life has come, from the proposal to some weeks after its last day."""
    agreement = life.agreement
    if agreement.closed:
        return 1.0
    whole = (agreement.ends_on - agreement.proposed_at.date()) + _AFTERWARDS
    return min(0.98, max(0.0, (life.now - agreement.proposed_at) / whole))


def _stages(view: StatusView) -> Text:
    """The five stages: done, under way, not begun."""
    line = Text(no_wrap=True, overflow="ellipsis")
    for stage in view.stages:
        style = "dim" if stage.done is None else "green" if stage.done == stage.total else "default"
        name = stage.name.removesuffix(" signed")
        line.append(f"{name} {str(stage).removeprefix(stage.name).strip()}", style=style)
        line.append("  ")
    line.rstrip()
    return line
