"""The performance: places the examples, lets the cast live them side by side, and looks whether all holds."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from application.queries.agreements import StalledAgreement
from application.queries.stalled import stalled_list
from domain.agreement.commands import Command
from domain.kernel.person import Person
from domain.kernel.vocabulary import Kind
from domain.stream.messages import RecordedEvent
from workers.demo.life import Life
from workers.demo.narration import name_of
from workers.demo.proof import Proof
from workers.demo.report import Addresses, DemonstrationReport, Durations, report_on
from workers.demo.stage import Stage
from workers.demo.views import View
from workers.demo.world import RunningWorld

KINDS = (Kind.SECONDMENT, Kind.SHADOWING, Kind.ROTATION)
LONGEST_SECONDS = 300
"""Far longer than it takes on a slow machine: whoever waits is told where it stopped."""


class UnfinishedError(RuntimeError):
    """A placement did not come to its end; the text says where it stopped."""


class Audience:
    """Tells a view what happens, and keeps what operators saw."""

    def __init__(self, stage: Stage, view: View, people: dict[str, Person]) -> None:
        self._stage = stage
        self._view = view
        self._people = people
        self.seen_stalled: list[StalledAgreement] = []

    def at(self, life: Life) -> None:
        """Time has passed."""
        self._view.at(life)

    def happened(self, life: Life, event: RecordedEvent) -> None:
        """Something is in the record."""
        self._view.happened(life, event)

    def refused(self, life: Life, command: Command, sentence: str) -> None:
        """A rule forbade what somebody tried."""
        who = name_of(command.actor_id, self._people)
        self._view.says(life, f"{who} tries {command.type}; refused: {sentence}")

    def fell_silent(self, life: Life, person_id: str) -> None:
        """Somebody reads no letters any more."""
        self._view.says(life, f"{name_of(person_id, self._people)}, mentor, stops answering.")

    async def looks_at_the_queue(self, life: Life) -> None:
        """Asks what `sojourn stalled` would."""
        rows = await stalled_list(self._stage.event_store, life.now, {"kind": [life.kind]})
        self.seen_stalled.extend(rows)
        self._view.queue(life, rows)


async def perform(stage: Stage, view: View, people: dict[str, Person], began: float) -> DemonstrationReport:
    """Plays all placements at once and reports.

    Args:
        stage: Set up, with nothing placed yet.
        view: Entered.
        people: Everybody who may appear, by id.
        began: When the set-up began, by the monotonic clock.

    Raises:
        UnfinishedError: A placement did not come to its end in time.
    """
    placing = time.monotonic()
    placements = await stage.place(KINDS)
    audience = Audience(stage, view, people)
    lives = [
        Life(
            each.agreement_id,
            Kind(each.terms.kind),
            RunningWorld(each.agreement_id, stage.client, stage.event_store, stage.mailboxes),
            audience,
        )
        for each in placements
    ]
    await _play(lives)
    closed = time.monotonic()
    reports = await asyncio.gather(
        *(report_on(life, stage.event_store, stage.mailboxes.letters(life.agreement_id)) for life in lives)
    )
    checks = await Proof(reports, stage.event_store, stage.client).checks()
    return DemonstrationReport(
        ok=all(check.holds for check in checks),
        agreements=tuple(reports),
        stalled=tuple(audience.seen_stalled),
        checks=tuple(checks),
        durations=Durations(
            set_up=round(placing - began, 2),
            placements=round(closed - placing, 2),
            checks=round(time.monotonic() - closed, 2),
        ),
        addresses=Addresses(
            temporal=stage.addresses.temporal_address,
            namespace=stage.addresses.namespace,
            ui_url=stage.addresses.ui_url,
            record=stage.addresses.dsn,
            data=str(stage.addresses.data),
            kept_open=False,
        ),
    )


async def _play(lives: Sequence[Life]) -> None:
    try:
        async with asyncio.timeout(LONGEST_SECONDS), asyncio.TaskGroup() as group:
            for life in lives:
                group.create_task(life.play())
    except TimeoutError as error:
        open_ones = [
            f"{life.agreement_id} is in {life.agreement.phase} on {life.now:%Y-%m-%d}"
            for life in lives
            if not life.agreement.closed
        ]
        raise UnfinishedError(f"Not over within {LONGEST_SECONDS} s: {'; '.join(open_ones)}") from error
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from failed
