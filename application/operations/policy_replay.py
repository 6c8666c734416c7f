"""Replay a policy over the record: agreement by agreement, never all of them in memory.

Judging one life takes a processor some ten milliseconds, so many are spread over processes. A few are judged
here, for starting a process costs as much as a hundred of them.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import aclosing
from datetime import UTC, datetime
from multiprocessing import get_context
from types import TracebackType
from typing import NamedTuple, Self

from activities.event_store.event_store import EventStore
from activities.postgres.rows import AgreementRow
from application.concurrency import AT_ONCE, gather_limited
from application.container import Container
from application.identity.principal import Principal, require_machine
from application.progress import NO_PROGRESS, Progress
from application.queries.agreements import agreements
from domain.kernel.vocabulary import Kind, Phase
from domain.policy.policy_set import PolicySet
from domain.simulation.replay import AgreementReplay, Window, replay
from domain.simulation.tally import Summary, Tally
from domain.stream.messages import RecordedEvent

HERE_AT_MOST = 96
"""Agreements that are judged in this process before others are started."""

Lives = Sequence[Sequence[RecordedEvent]]
Judged = list[AgreementReplay | None]


class ReplayRequest(NamedTuple):
    """What to replay over which stretch of time."""

    policies: PolicySet
    since: datetime
    until: datetime | None
    """None: up to now, or to an agreement's last event where its own time runs ahead of the clock."""
    kinds: list[Kind]
    """Empty for all."""
    false_alarm_days: int


async def replay_policy(
    container: Container,
    principal: Principal,
    asked: ReplayRequest,
    *,
    each: Callable[[AgreementReplay], None],
    progress: Progress = NO_PROGRESS,
) -> Summary:
    """Replay the record under a proposed policy, and return the sums; nothing is written.

    Args:
        container: What it takes.
        principal: Whoever has a machine of the installation.
        asked: What to replay.
        each: Given every agreement that has anything in the window, in order of id.
        progress: Told of each agreement that was looked at.

    Raises:
        NotPermittedError: The principal has no machine of the installation.
        UnreadableEvent: A newer release wrote one of the streams.
    """
    require_machine(principal)
    tally = Tally()
    async with aclosing(replay_agreements(await container.event_store(), asked, progress.advance)) as found:
        async for replayed in found:
            tally.add(replayed)
            each(replayed)
    return tally.summary()


async def replay_agreements(
    event_store: EventStore,
    asked: ReplayRequest,
    one_more: Callable[[], None] = lambda: None,
    *,
    here_at_most: int = HERE_AT_MOST,
    processes: int | None = None,
) -> AsyncGenerator[AgreementReplay]:
    """Yield every agreement that has anything in the window, in order of id.

    Args:
        event_store: Where the streams are.
        asked: What to replay.
        one_more: Called for each agreement that was looked at.
        here_at_most: How many are judged in this process.
        processes: How many others judge the rest; as many as there are processors where left out.

    Raises:
        UnreadableEvent: A newer release wrote one of the streams.
    """
    with _Judges(asked, here_at_most, processes or os.cpu_count() or 1) as judges:
        under_way: deque[asyncio.Future[Judged]] = deque()
        async for lives in _lives(event_store, asked, one_more):
            under_way.append(judges.judge(lives))
            if len(under_way) > judges.at_once:
                for each in _found(await under_way.popleft(), one_more):
                    yield each
        while under_way:
            for each in _found(await under_way.popleft(), one_more):
                yield each


class _Judges:
    """Judges lives: the first ones here, the others in processes of their own."""

    def __init__(self, asked: ReplayRequest, here_at_most: int, processes: int) -> None:
        self._asked = asked
        self._here = here_at_most
        self._processes = processes
        self._pool: ProcessPoolExecutor | None = None

    @property
    def at_once(self) -> int:
        """How many batches may be under way: one in each process, and one that waits for it."""
        return 2 * self._processes

    def judge(self, lives: Lives) -> asyncio.Future[Judged]:
        loop = asyncio.get_running_loop()
        if self._here > 0 or self._processes == 1:
            self._here -= len(lives)
            done: asyncio.Future[Judged] = loop.create_future()
            done.set_result(_judged(self._asked, lives))
            return done
        if self._pool is None:
            # Not forked: this process has threads and connections that a copy of it would not survive.
            self._pool = ProcessPoolExecutor(
                self._processes, mp_context=get_context("spawn"), initializer=_leave_interrupts_alone
            )
        return loop.run_in_executor(self._pool, _judged, self._asked, lives)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)


def _leave_interrupts_alone() -> None:
    # Ctrl-C reaches every process of the terminal; the one that asked ends the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _judged(asked: ReplayRequest, lives: Lives) -> Judged:
    now = datetime.now(UTC)
    return [
        replay(
            rows,
            asked.policies,
            Window(
                since=asked.since,
                until=asked.until or max(now, rows[-1].occurred_at),
                false_alarm_days=asked.false_alarm_days,
            ),
        )
        for rows in lives
    ]


def _found(judged: Judged, one_more: Callable[[], None]) -> list[AgreementReplay]:
    for _ in judged:
        one_more()
    return [each for each in judged if each is not None]


async def _lives(
    event_store: EventStore, asked: ReplayRequest, one_more: Callable[[], None]
) -> AsyncGenerator[Lives]:
    """Yield the streams that may matter, a few at a time."""

    async def stream(row: AgreementRow) -> list[RecordedEvent]:
        return await event_store.stream(row.agreement_id)

    wanted: list[AgreementRow] = []
    async for row in agreements(event_store, kinds=asked.kinds or None):
        if not _may_matter(row, asked):
            one_more()
            continue
        wanted.append(row)
        if len(wanted) == AT_ONCE:
            yield await gather_limited(stream, wanted)
            wanted = []
    if wanted:
        yield await gather_limited(stream, wanted)


def _may_matter(row: AgreementRow, asked: ReplayRequest) -> bool:
    """Tell whether a stream has to be read: not what had ended before the window, or began after it."""
    ended_before = row.head.phase is Phase.CLOSED and row.updated_at <= asked.since
    return not ended_before and (asked.until is None or row.opened_at < asked.until)
