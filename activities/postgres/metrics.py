"""Figures of the whole record, for monitoring: counts and ages as of one instant, and nobody's id."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta

import asyncpg

from activities.postgres.pool import translated_errors
from activities.postgres.statements import STATEMENTS

LONGEST = timedelta(seconds=4)
"""How long reading the figures may take: a scrape gives up after ten seconds, unless told otherwise."""


@dataclass(frozen=True, slots=True)
class StalledCount:
    """Stalled agreements that have these four things in common."""

    kind: str
    reason: str
    role: str
    """On whom they wait; `nobody` where an agreement is silent and has no mentor."""
    level: str
    """The highest rung reached, or `none`."""
    agreements: int
    oldest_seconds: float
    """For how long the first of them has been stalled."""


@dataclass(frozen=True, slots=True)
class ObligationCount:
    """Open obligations of one kind, in agreements that are neither paused nor on hold."""

    obligation_kind: str
    overdue: int
    due_within_one_day: int


@dataclass(frozen=True, slots=True)
class AgreementCount:
    """Agreements of one kind in one phase, with one outcome where they are closed."""

    kind: str
    phase: str
    outcome: str | None
    agreements: int
    held: int
    paused: int


@dataclass(frozen=True, slots=True)
class NoticeCount:
    """Notices of one kind that wait (`queued`) or were given up (`failed`)."""

    kind: str
    state: str
    notices: int
    oldest_seconds: float | None
    """For how long the first of them could have been sent; None where none could be, or where they failed."""


@dataclass(frozen=True, slots=True)
class EventStoreMetrics:
    """The event log itself."""

    last_append_seconds: float | None
    """Since the last event was written; None in an empty log."""
    order_lag_seconds: float | None
    """How long the oldest event not yet readable in the global order has waited; None where none waits."""


@dataclass(frozen=True, slots=True)
class Metrics:
    """Everything, as of one instant."""

    stalled: tuple[StalledCount, ...]
    obligations: tuple[ObligationCount, ...]
    agreements: tuple[AgreementCount, ...]
    notices: tuple[NoticeCount, ...]
    event_store: EventStoreMetrics


async def read_metrics(dsn: str, *, within: timedelta = LONGEST) -> Metrics:
    """Read all metrics over a connection of their own: a busy worker's pool neither waits nor delays.

    Args:
        dsn: The record's database.
        within: How long everything may take, from connecting to the last row.

    Raises:
        DatabaseUnavailableError: PostgreSQL does not answer, or not in time.
        DatabaseRefusedError: It refuses the connection, or the database is not one of this release.
    """
    with translated_errors("figures"):
        try:
            async with asyncio.timeout(within.total_seconds()):
                return await _read(dsn, within)
        except TimeoutError as error:
            raise TimeoutError(f"no answer within {within.total_seconds():g} s") from error


async def _read(dsn: str, within: timedelta) -> Metrics:
    settings = {
        "application_name": "sojourn-figures",
        # The server gives up by itself, also where we are gone and can no longer ask it to.
        "statement_timeout": f"{within // timedelta(milliseconds=1)}",
        "timezone": "UTC",
        "jit": "off",
    }
    connection = await asyncpg.connect(dsn, server_settings=settings)
    try:
        # One snapshot, so that the figures fit one another.
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            stalled = await connection.fetch(STATEMENTS["figures_stalled"])
            obligations = await connection.fetch(STATEMENTS["figures_obligations"])
            agreements = await connection.fetch(STATEMENTS["figures_agreements"])
            notices = await connection.fetch(STATEMENTS["figures_notices"])
            [event_store] = await connection.fetch(STATEMENTS["figures_record"])
        await connection.close()
    finally:
        # No farewell where something went wrong: it could take longer than there is time.
        connection.terminate()
    return Metrics(
        stalled=tuple(StalledCount(**dict(row)) for row in stalled),
        obligations=tuple(ObligationCount(**dict(row)) for row in obligations),
        agreements=tuple(AgreementCount(**dict(row)) for row in agreements),
        notices=tuple(NoticeCount(**dict(row)) for row in notices),
        event_store=EventStoreMetrics(**dict(event_store)),
    )
