"""A whole six-month secondment with its commands, timers and notices, beside the same life written naively.

python -m benchmarks.suite whole_life
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

from temporalio.client import Client
from temporalio.testing import TimeSkipper
from temporalio.worker import Worker

from application.settings import load_settings
from application.temporal.client import data_converter
from benchmarks.peers.naive_life import NaiveLife, Step, send_notice, write_events
from benchmarks.suite.figures import Section
from benchmarks.suite.histories import Cost, cost_of
from domain.agreement.commands import Command
from domain.agreement.events import Event
from domain.agreement.evolve import evolve
from domain.agreement.state import Agreement
from domain.kernel.vocabulary import Kind
from domain.notifications.derive import notices_of
from domain.stream.messages import RecordedEvent
from domain.stream.serialization import read_event
from workers.demo.life import Life
from workers.demo.stage import Stage, staged
from workers.demo.world import RunningWorld

OURS, NAIVE = "Sojourn", "naive Temporal"
BEFORE = {"events": 2061, "bytes": 819_000, "actions": 477}
"""The same secondment as the release of November 2026 lived it, counted the same way."""
QUEUE = "naive"


async def measure(turns: int) -> Section:
    """Live the example secondment, then play the same life naively, in turns."""
    section = Section(
        "whole_life",
        "A whole secondment",
        f"{turns} lives of the example secondment, each followed by the same life written naively: an "
        "activity per write and per notice, a timer per obligation, the same commands at the same instants. "
        "Events and bytes are those of the histories of all runs without time skipping's own; actions "
        "are counted as "
        "Temporal Cloud bills them.",
    )
    ours: list[Cost] = []
    naive: list[Cost] = []
    rates: tuple[list[float], list[float]] = ([], [])
    for _ in range(turns):
        with tempfile.TemporaryDirectory(prefix="sojourn-", ignore_cleanup_errors=True) as folder:
            async with staged(Path(folder) / "stage") as stage:
                began = time.perf_counter()
                agreement_id = await _live(stage)
                rates[0].append(60 / (time.perf_counter() - began))
                ours.append(await _cost(stage.client, agreement_id))
                began = time.perf_counter()
                naive.append(await _play_naively(stage, agreement_id))
                rates[1].append(60 / (time.perf_counter() - began))
    _add(section, OURS, ours, rates[0])
    _add(section, NAIVE, naive, rates[1])
    for name, goal in (("events", 0.4), ("bytes", 0.4), ("actions", 0.5)):
        mine = [float(getattr(cost, name)) for cost in ours]
        others = [float(getattr(cost, name)) for cost in naive]
        section.compare(f"{name} beside the release before", mine, [BEFORE[name]] * turns, "at most", goal)
        section.compare(f"{name} beside the naive life", mine, others, "at most", 0.6)
    section.remarks.append(f"Sojourn's actions: {_listed(ours[-1])}. The naive life's: {_listed(naive[-1])}.")
    return section


def _add(section: Section, way: str, costs: Sequence[Cost], rates: Sequence[float]) -> None:
    section.add("history events of a life", way, "", [cost.events for cost in costs])
    section.add("history bytes of a life", way, "kB", [cost.bytes / 1000 for cost in costs])
    section.add("billable actions of a life", way, "", [cost.actions for cost in costs])
    section.add("lives a minute, one at a time", way, "1/min", rates)


def _listed(cost: Cost) -> str:
    return ", ".join(f"{count} {kind}" for kind, count in sorted(cost.by_kind.items()) if count)


class _Unwatched:
    """Looks on and keeps nothing."""

    def at(self, life: Life) -> None:
        """Ignore it."""

    def happened(self, life: Life, event: RecordedEvent) -> None:
        """Ignore it."""

    def refused(self, life: Life, command: Command, sentence: str) -> None:
        """Ignore it."""

    def fell_silent(self, life: Life, person_id: str) -> None:
        """Ignore it."""

    async def looks_at_the_queue(self, life: Life) -> None:
        """Ignore it."""


async def _live(stage: Stage) -> str:
    (placement,) = await stage.place((Kind.SECONDMENT,))
    world = RunningWorld(placement.agreement_id, stage.client, stage.event_store, stage.mailboxes)
    await Life(placement.agreement_id, Kind.SECONDMENT, world, _Unwatched()).play()
    return placement.agreement_id


async def _cost(client: Client, workflow_id: str) -> Cost:
    described = await client.get_workflow_handle(workflow_id).describe()
    first = described.raw_description.workflow_execution_info.first_run_id or described.run_id
    return await cost_of(client, workflow_id, first)


async def _play_naively(stage: Stage, agreement_id: str) -> Cost:
    settings = load_settings(without_keys=True)
    client = await Client.connect(
        stage.addresses.temporal_address,
        namespace=stage.addresses.namespace,
        data_converter=data_converter(settings),
    )
    steps = _steps(await stage.event_store.stream(agreement_id))
    skipper = TimeSkipper(client)
    async with Worker(
        client, task_queue=QUEUE, workflows=[NaiveLife], activities=[write_events, send_notice]
    ):
        handle = await client.start_workflow(NaiveLife.run, id=f"naive/{agreement_id}", task_queue=QUEUE)
        now = datetime.now(UTC)
        for number, (at, step) in enumerate(steps):
            if at > now:
                await skipper.fast_forward(handle, at - now)
                now = at
            await handle.execute_update(  # pyright: ignore[reportUnknownMemberType]  one overload of theirs
                "take", step, id=f"step-{number}"
            )
        await handle.signal(NaiveLife.end)
        await handle.result()
        return await _cost(client, handle.id)


def _steps(stream: Sequence[RecordedEvent]) -> list[tuple[datetime, Step]]:
    """Return each command of a stream with what it led to, at its instant."""
    agreement: Agreement | None = None
    steps: list[tuple[datetime, Step]] = []
    for _, rows in groupby(stream, key=lambda row: row.command_id):
        step = Step([], [], {}, [])
        at = datetime.min.replace(tzinfo=UTC)
        for row in rows:
            event: Event = read_event(row)
            after = evolve(agreement, event)
            told = notices_of(agreement, after, event, row.event_id)
            step.events.append(dict(row.data))
            step.notices.extend(notice.model_dump(mode="json") for notice in told)
            changed = (*event.ledger.opened, *event.ledger.moved)
            step.opened.update({held.obligation_id: held.due_at for held in changed})
            step.settled.extend(gone.obligation_id for gone in event.ledger.settled)
            agreement, at = after, row.occurred_at
        steps.append((at, step))
    return steps
