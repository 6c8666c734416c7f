"""Figures for monitoring: what is counted, as of now, and what happens when the database does not answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import astuple
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from activities.event_store.event_store import EventStore
from activities.postgres.metrics import (
    AgreementCount,
    EventStoreMetrics,
    NoticeCount,
    ObligationCount,
    read_metrics,
)
from activities.postgres.pool import DatabaseRefusedError, DatabaseUnavailableError
from deploy.embedded import EmbeddedPostgres
from domain.kernel.vocabulary import Kind, ObligationKind, Outcome, Phase, Role, StallReason
from domain.ledger.notice import Notice, NoticeKind
from domain.ledger.obligation import LedgerChange, Level, Obligation, Rung
from domain.stream.messages import Append

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


async def test_an_empty_record_has_no_figures(database: str) -> None:
    """Before the first placement nothing is counted, and nothing is invented."""
    figures = await read_metrics(database)
    assert (figures.stalled, figures.obligations, figures.agreements, figures.notices) == ((), (), (), ())
    assert figures.event_store == EventStoreMetrics(last_append_seconds=None, order_lag_seconds=None)


async def test_stalled_is_counted_as_the_record_lists_it(
    database: str,
    event_store: EventStore,
    make_append: Callable[..., Append],
    make_obligation: Callable[..., Obligation],
) -> None:
    """Each row of the operators' queue is in exactly one figure, under its kind, reason, role and rung."""
    now = datetime.now(UTC)

    def late(days: int, *rungs: Level, **changes: object) -> Obligation:
        ladder = tuple(Rung(level=level, at=now - days * DAY) for level in rungs)
        due = {"opened_at": now - 90 * DAY, "due_at": now - (days + 7) * DAY, "stalled_at": now - days * DAY}
        return make_obligation(**{**due, "ladder": ladder, **changes})

    lives: list[tuple[dict[str, object], Obligation]] = [
        ({}, late(10, 0, 1, 2)),
        ({}, late(3, 0, 1, 2)),
        ({}, late(5, 0, 1, 2, 3)),
        ({"kind": Kind.ROTATION}, late(1, owner_role=Role.LEG_MANAGER, reason=StallReason.HANDOVER_MISSING)),
        ({"phase": Phase.ACTIVE, "silent_at": now - 2 * DAY}, late(-9)),
        ({"held": True}, late(30)),
        ({"paused_until": now + DAY}, late(30)),
        ({"phase": Phase.CLOSED, "outcome": Outcome.WITHDRAWN}, late(30)),
    ]
    for number, (head, owed) in enumerate(lives):
        await event_store.append(
            make_append(
                [LedgerChange(opened=(owed,))],
                agreement_id=f"agreement-{number}",
                head={"request_id": f"request-{number}", **head},
            )
        )

    figures = await read_metrics(database)
    counted = {astuple(row)[:4]: row for row in figures.stalled}
    assert {labels: row.agreements for labels, row in counted.items()} == {
        ("secondment", "milestone_overdue", "mentee", "2"): 2,
        ("secondment", "milestone_overdue", "mentee", "3"): 1,
        ("rotation", "handover_missing", "leg_manager", "none"): 1,
        ("secondment", "silent", "mentor", "none"): 1,
    }
    oldest = counted["secondment", "milestone_overdue", "mentee", "2"].oldest_seconds
    assert oldest == pytest.approx((10 * DAY).total_seconds(), abs=60)
    stalled = await event_store.read_models.stalled(datetime.now(UTC))
    assert sum(row.agreements for row in figures.stalled) == len(stalled)


async def test_obligations_are_overdue_due_soon_or_later(
    database: str,
    event_store: EventStore,
    make_append: Callable[..., Append],
    make_obligation: Callable[..., Obligation],
) -> None:
    """Overdue from the due instant on, due soon within 24 hours; paused and held ones do not count."""
    now = datetime.now(UTC)

    def owed(name: str, due_in: timedelta, kind: ObligationKind) -> Obligation:
        return make_obligation(
            name, kind=kind, due_at=now + due_in, stalled_at=now + due_in + 9 * DAY, opened_at=now - 40 * DAY
        )

    ledger = (
        owed("late", -HOUR, ObligationKind.CHECK_IN),
        owed("later", -9 * HOUR, ObligationKind.CHECK_IN),
        owed("soon", 23 * HOUR, ObligationKind.CHECK_IN),
        owed("soon-too", 5 * HOUR, ObligationKind.DEBRIEF),
        owed("not-yet", 25 * HOUR, ObligationKind.SYNTHESIS),
    )
    await event_store.append(make_append([LedgerChange(opened=ledger)]))
    for number, suspended in enumerate(({"held": True}, {"paused_until": now + DAY})):
        await event_store.append(
            make_append(
                [LedgerChange(opened=ledger)],
                agreement_id=f"suspended-{number}",
                head={"request_id": f"suspended-{number}", **suspended},
            )
        )
    figures = await read_metrics(database)
    assert figures.obligations == (
        ObligationCount(obligation_kind="check_in", overdue=2, due_within_one_day=1),
        ObligationCount(obligation_kind="debrief", overdue=0, due_within_one_day=1),
    )


async def test_agreements_by_kind_phase_and_outcome(
    database: str, event_store: EventStore, make_append: Callable[..., Append]
) -> None:
    """A closed agreement counts by its outcome, an open one that rests as held or paused, a hold first."""
    later = datetime.now(UTC) + DAY
    heads: list[dict[str, object]] = [
        {},
        {"phase": Phase.ACTIVE, "held": True, "paused_until": later},
        {"phase": Phase.ACTIVE, "paused_until": later},
        {"phase": Phase.CLOSED, "outcome": Outcome.COMPLETED, "paused_until": later},
    ]
    for number, head in enumerate(heads):
        await event_store.append(
            make_append(agreement_id=f"agreement-{number}", head={"request_id": f"request-{number}", **head})
        )
    figures = await read_metrics(database)
    assert figures.agreements == (
        AgreementCount("secondment", "active", None, agreements=2, held=1, paused=1),
        AgreementCount("secondment", "agreement", None, agreements=1, held=0, paused=0),
        AgreementCount("secondment", "closed", "completed", agreements=1, held=0, paused=0),
    )
    assert figures.event_store.last_append_seconds is not None
    assert 0 <= figures.event_store.last_append_seconds < 60


async def test_notices_that_wait_and_notices_given_up(
    database: str,
    event_store: EventStore,
    make_append: Callable[..., Append],
    make_notice: Callable[..., Notice],
) -> None:
    """A notice for later is queued and not late; one that was sent is no figure; one given up stays one."""
    now = datetime.now(UTC)
    notices = (
        make_notice("ripe", kind=NoticeKind.REMINDER, not_before=now - DAY),
        make_notice("for-tomorrow", kind=NoticeKind.INVITE, not_before=now + DAY),
        make_notice("sent", kind=NoticeKind.REMINDER, not_before=now - DAY),
        make_notice("given-up", kind=NoticeKind.REMINDER, not_before=now - DAY),
    )
    await event_store.append(make_append(notices=notices))
    await event_store.notices.settle("sent", "sent")
    await event_store.notices.settle("given-up", "failed", error="no such mailbox")
    figures = await read_metrics(database)
    failed, tomorrow, ripe = figures.notices
    assert failed == NoticeCount("reminder", "failed", notices=1, oldest_seconds=None)
    assert tomorrow == NoticeCount("invite", "queued", notices=1, oldest_seconds=None)
    assert (ripe.kind, ripe.state, ripe.notices) == ("reminder", "queued", 1)
    # It could have been sent since it was queued, whatever its own time says.
    assert ripe.oldest_seconds is not None
    assert 0 <= ripe.oldest_seconds < 60


async def test_an_open_transaction_holds_the_order_back(
    database: str,
    event_store: EventStore,
    pool: asyncpg.Pool[asyncpg.Record],
    make_append: Callable[..., Append],
) -> None:
    """While an older transaction runs, readers of the global order wait, and the figure says for how long."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT pg_current_xact_id()")
        await event_store.append(make_append())
        held_back = (await read_metrics(database)).event_store.order_lag_seconds
    assert held_back is not None
    assert held_back >= 0
    assert (await read_metrics(database)).event_store.order_lag_seconds is None


async def test_a_blocked_table_is_given_up_on_in_time(
    database: str, owner: asyncpg.Pool[asyncpg.Record]
) -> None:
    """A scrape does not wait for a migration's lock: it is told that the record does not answer."""
    async with owner.acquire() as connection, connection.transaction():
        await connection.execute("LOCK TABLE sojourn.agreement IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(DatabaseUnavailableError, match=r"figures: (no answer within 0\.3 s|.*timeout)"):
            await read_metrics(database, within=timedelta(seconds=0.3))


async def test_no_server_and_no_schema_are_told_apart(postgres: EmbeddedPostgres) -> None:
    """A server that is away may come back; a database without our tables has to be migrated."""
    with pytest.raises(DatabaseUnavailableError):
        await read_metrics("postgresql://127.0.0.1:1/sojourn")
    with pytest.raises(DatabaseRefusedError, match=r"sojourn\.stalled_as_of_v1|does not exist"):
        await read_metrics(postgres.dsn_of("postgres"))
