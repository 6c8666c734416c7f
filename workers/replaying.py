"""Replaying a policy over the record: agreement by agreement, never all of them in memory."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from datetime import UTC, datetime
from typing import NamedTuple

from activities.record import Record
from activities.rows import AgreementRow
from domain.policy import PolicySet
from domain.policy_replay import AgreementReplay, Window, replay
from domain.recording import RecordedEvent
from domain.vocabulary import Kind, Phase
from workers.standing import agreements
from workers.together import AT_ONCE, few_at_once


class Asked(NamedTuple):
    """What to replay over which stretch of time."""

    policies: PolicySet
    since: datetime
    until: datetime | None
    """None: up to now, or to an agreement's last event where its own time runs ahead of the clock."""
    kinds: list[Kind]
    """Empty for all."""
    false_alarm_days: int


async def replayed(
    record: Record, asked: Asked, one_more: Callable[[], None] = lambda: None
) -> AsyncGenerator[AgreementReplay]:
    """Every agreement that has anything in the window, in order of id.

    Args:
        record: Where the streams are.
        asked: What to replay.
        one_more: Called for each agreement that was looked at.

    Raises:
        UnreadableEvent: A newer release wrote one of the streams.
    """
    wanted: list[AgreementRow] = []
    async for row in agreements(record, kinds=asked.kinds or None):
        if not _may_matter(row, asked):
            one_more()
            continue
        wanted.append(row)
        if len(wanted) == AT_ONCE:
            async for each in _batch(record, asked, wanted, one_more):
                yield each
            wanted = []
    async for each in _batch(record, asked, wanted, one_more):
        yield each


async def _batch(
    record: Record, asked: Asked, wanted: list[AgreementRow], one_more: Callable[[], None]
) -> AsyncGenerator[AgreementReplay]:
    async def stream(row: AgreementRow) -> list[RecordedEvent]:
        return await record.stream(row.agreement_id)

    for rows in await few_at_once(stream, wanted):
        until = asked.until or max(datetime.now(UTC), rows[-1].occurred_at)
        window = Window(since=asked.since, until=until, false_alarm_days=asked.false_alarm_days)
        found = replay(rows, asked.policies, window)
        one_more()
        if found is not None:
            yield found


def _may_matter(row: AgreementRow, asked: Asked) -> bool:
    """Spares reading what had ended before the window, or began after it."""
    ended_before = row.head.phase is Phase.CLOSED and row.updated_at <= asked.since
    return not ended_before and (asked.until is None or row.opened_at < asked.until)
