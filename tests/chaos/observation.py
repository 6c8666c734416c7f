"""What is there once a run is over: the log by SQL, streams folded, letters, notices, what was broken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from application.operations.verify import verify
from domain.agreement.state import Agreement
from domain.stream.messages import RecordedEvent
from domain.stream.serialization import fold_recorded
from tests.chaos.listening import noted
from tests.chaos.notes import Notes
from tests.chaos.post import Letter
from tests.chaos.processes import Death
from tests.chaos.striking import Struck
from tests.chaos.surroundings import TASK_QUEUE, Surroundings

_LOG = """
SELECT agreement_id, version, type, command_id, tx::text AS transaction
FROM sojourn.event ORDER BY agreement_id, version
"""
_NOTICES = "SELECT notice_id, agreement_id, state, last_error FROM sojourn.notice ORDER BY notice_id"


class LogRow(NamedTuple):
    """One event of the log."""

    agreement_id: str
    version: int
    type: str
    command_id: str
    transaction: str
    """Which append wrote it."""


class NoticeFact(NamedTuple):
    """What the record says became of a notice."""

    notice_id: str
    agreement_id: str
    state: str
    last_error: str | None


class Span(NamedTuple):
    """From when to when something was owed, by the clock of the record's server."""

    opened_at: datetime
    settled_at: datetime | None


@dataclass(frozen=True)
class Course:
    """One agreement as its stream tells it."""

    owed: Mapping[str, Sequence[Span]]
    """By obligation id."""
    closed_at: datetime | None
    """When its close was recorded, by the clock of the record's server."""


@dataclass(frozen=True)
class Observation:
    """Everything that the checks look at."""

    notes: Notes
    log: Sequence[LogRow]
    notices: Sequence[NoticeFact]
    letters: Sequence[Letter]
    noted: Mapping[str, datetime]
    """By notice id, when the record was told that it is sent."""
    deaths: Sequence[Death]
    """Of worker processes."""
    struck: Sequence[Struck]
    courses: Mapping[str, Course]
    """By agreement id."""
    differences: Sequence[str]
    """What `sojourn verify` finds in chains, read models and workflows."""


async def observe(around: Surroundings, notes: Notes, struck: Sequence[Struck]) -> Observation:
    """Reads the record once everything is mended and over."""
    pool, event_store = around.pool, around.event_store
    log = [LogRow(**dict(row)) for row in await pool.fetch(_LOG)]
    courses: dict[str, Course] = {}
    for agreement_id in sorted({row.agreement_id for row in log}):
        courses[agreement_id] = course_of(await event_store.stream(agreement_id))
    return Observation(
        notes=notes,
        log=log,
        notices=[NoticeFact(**dict(row)) for row in await pool.fetch(_NOTICES)],
        letters=list(around.post.letters),
        noted=await noted(pool),
        deaths=list(around.workers.deaths),
        struck=list(struck),
        courses=courses,
        differences=[str(found) for found in await verify(pool, around.client, task_queue=TASK_QUEUE)],
    )


def course_of(stream: Sequence[RecordedEvent]) -> Course:
    """When each obligation stood and when the agreement was closed, event by event."""
    owed: dict[str, list[Span]] = {}
    closed_at: datetime | None = None
    agreement: Agreement | None = None
    standing: set[str] = set()
    for event in stream:
        agreement = fold_recorded((event,), agreement)
        assert agreement is not None
        now = set(agreement.obligations)
        for obligation_id in now - standing:
            owed.setdefault(obligation_id, []).append(Span(event.recorded_at, None))
        for obligation_id in standing - now:
            spans = owed[obligation_id]
            spans[-1] = spans[-1]._replace(settled_at=event.recorded_at)
        standing = now
        if agreement.closed and closed_at is None:
            closed_at = event.recorded_at
    return Course(owed, closed_at)
