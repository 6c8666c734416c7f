"""Deliver notices of one agreement side by side: what is due now, and when the rest is to be looked at again.

One of them that hangs on a dead mail server keeps no other waiting, and one that fails fails by itself.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from activities.delivery.attempts import Attempt
from activities.delivery.deliver import NoticeDelivery
from activities.delivery.failures import TemporaryDeliveryError
from activities.event_store.notice_outbox import NoticeOutbox, waiting_until
from activities.postgres.rows import NoticeRow, NoticeState
from domain.handling.loaded import SettledAs
from domain.kernel.model import Frozen, Instant
from domain.ledger.notice import Notice

_PAUSE = timedelta(seconds=5)
"""Before another look at what another delivery is at, or what there was no time for."""
_SOONEST = timedelta(seconds=1)
"""Before the next attempt, whatever it is for."""
_AT_ANY_TIME = datetime.min.replace(tzinfo=UTC)
_SHARE_OF_AN_ATTEMPT = 0.5
"""After so much of the time that an attempt may take, nothing more is begun: a mail can take the rest."""
_AT_ONCE = 8
"""How many mails of one agreement are on their way at a time."""


class BatchResult(Frozen):
    """What became of each notice of a batch."""

    states: dict[str, NoticeState]
    """By notice id; `queued` where it waits."""
    again_at: Instant | None = None
    """When the first of those that wait may be sent, in the agreement's own time; None where none does."""

    def settled(self, notice_id: str) -> SettledAs:
        """Return what became of a notice in the end.

        Raises:
            ValueError: It waits.
        """
        state = self.states[notice_id]
        if state == "queued":
            raise ValueError(f"{notice_id} is not settled yet")
        return state

    def __str__(self) -> str:
        """Tell how many were settled in which way, and until when the others wait."""
        counts = Counter(self.states.values())
        told = [f"{counts[state]} {state}" for state in ("sent", "skipped", "failed") if counts[state]]
        if self.again_at is not None:
            told.append(f"{counts['queued']} deferred until {self.again_at:%Y-%m-%d %H:%M:%S} UTC")
        return ", ".join(told)


@dataclass(frozen=True, slots=True)
class BatchDelivery:
    """Delivers the notices of a batch, as often as it takes until each is sent, skipped or given up."""

    notices: NoticeOutbox
    delivery: NoticeDelivery

    async def deliver(
        self, notice_ids: Sequence[str], at: datetime, attempt: Attempt, *, closed: bool = False
    ) -> BatchResult:
        """Send what is due.

        Args:
            notice_ids: The batch.
            at: The present, in the agreement's own time.
            attempt: By whom. Another one is to follow at the instant that this one returns.
            closed: Whether the agreement is, so that nothing waits for its moment but tries at a dead server.

        Raises:
            DatabaseUnavailableError: The record is away; what was done so far is not done again.
        """
        waiting = [row for row in await self.notices.known(notice_ids) if row.state == "queued"]
        due = [row for row in waiting if _moment_of(row, closed=closed) <= at]
        busy = await self._deliver_all(due, at, attempt)
        rows = await self.notices.known(notice_ids)
        # What was never queued is nothing to wait for.
        states: dict[str, NoticeState] = dict.fromkeys(notice_ids, "failed")
        states |= {row.notice.notice_id: row.state for row in rows}
        left = [row for row in rows if row.state == "queued"]
        return BatchResult(states=states, again_at=_next_look(left, busy, at, closed=closed))

    async def _deliver_all(self, due: Iterable[NoticeRow], at: datetime, attempt: Attempt) -> frozenset[str]:
        """Deliver side by side; one after the other what goes to the same person, for it may be one mail.

        Returns:
            Ids of those for which there was no time, or which another delivery is at.
        """
        deadline = asyncio.get_running_loop().time() + _SHARE_OF_AN_ATTEMPT * attempt.longest.total_seconds()
        by_recipient = sorted(due, key=lambda row: row.notice.recipient_id)
        some = asyncio.Semaphore(_AT_ONCE)

        async def deliver_to_one(rows: Sequence[NoticeRow]) -> set[str]:
            busy: set[str] = set()
            async with some:
                for row in rows:
                    late = asyncio.get_running_loop().time() > deadline
                    if late or not await self._deliver_one(row.notice, at, attempt):
                        busy.add(row.notice.notice_id)
            return busy

        ended = await asyncio.gather(
            *(
                deliver_to_one(list(rows))
                for _, rows in itertools.groupby(by_recipient, key=lambda row: row.notice.recipient_id)
            ),
            return_exceptions=True,
        )
        failed = [each for each in ended if isinstance(each, BaseException)]
        if failed:
            # The others were not torn: a mail that has left is noted.
            raise failed[0]
        found = (each for each in ended if not isinstance(each, BaseException))
        return frozenset(itertools.chain.from_iterable(found))

    async def _deliver_one(self, notice: Notice, at: datetime, attempt: Attempt) -> bool:
        """Deliver a notice; False where another delivery is at it."""
        try:
            await self.delivery.deliver(notice, at, attempt)
        except TemporaryDeliveryError as error:
            # Without a pause of its own it was not tried.
            return error.again_after is not None
        return True


def _moment_of(row: NoticeRow, *, closed: bool) -> datetime:
    """Return when a notice may be sent; once its agreement is closed only a failed try makes it wait."""
    return row.next_try_at or _AT_ANY_TIME if closed else waiting_until(row)


def _next_look(
    left: Sequence[NoticeRow], busy: Collection[str], at: datetime, *, closed: bool
) -> datetime | None:
    moments = [
        at + _PAUSE if row.notice.notice_id in busy else max(_moment_of(row, closed=closed), at + _SOONEST)
        for row in left
    ]
    return min(moments, default=None)
