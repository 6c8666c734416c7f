"""The notices of the record: what is to be sent, what became of it, and which delivery is at it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import asyncpg

from activities.postgres.pool import Database, DatabaseRefusedError, columns_of
from activities.postgres.rows import NoticeRow, NoticeState, TakenNotice
from domain.ledger.notice import Notice


class NoticeOutbox:
    """Reads notices, which appends queue with their events, and settles them.

    Every method raises `DatabaseUnavailableError` where trying again may help and `DatabaseRefusedError`
    where it cannot.

    Args:
        pool: Connections to a database at this release's migration.
    """

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record]) -> None:
        self._database = Database(pool)

    async def of(self, agreement_id: str) -> list[NoticeRow]:
        """Return an agreement's notices and what became of each, by the instant it may be sent."""
        return [_notice(row) for row in await self._database.rows("notices", agreement_id, False)]

    async def known(self, notice_ids: Sequence[str]) -> list[NoticeRow]:
        """Return these notices and what became of them; those that were never queued are left out."""
        return [_notice(row) for row in await self._database.rows("notices_by_id", list(notice_ids))]

    async def undelivered(self, agreement_id: str) -> list[Notice]:
        """Return what still waits to be sent, by the instant it may be; nothing that was given up.

        What was tried in vain waits for its next try, whichever run of the workflow makes that.
        """
        rows = [_notice(row) for row in await self._database.rows("notices", agreement_id, True)]
        return sorted((_waiting(row) for row in rows), key=lambda notice: notice.not_before)

    async def failed(
        self, agreement_ids: Sequence[str] | None = None, recipient_ids: Sequence[str] | None = None
    ) -> list[NoticeRow]:
        """Return notices that were given up; None leaves a filter out."""
        rows = await self._database.rows(
            "failed_notices",
            None if agreement_ids is None else list(agreement_ids),
            None if recipient_ids is None else list(recipient_ids),
        )
        return [_notice(row) for row in rows]

    async def state(self, notice_id: str) -> NoticeState | None:
        """Return what became of a notice so far; None where it was never queued."""
        row = await self._database.row("notice_state", notice_id)
        return None if row is None else row["state"]

    async def take(self, notice_id: str, taken_by: str, *, abandoned_after: timedelta) -> TakenNotice | None:
        """Let a delivery have a notice, unless another one is at it; None where it was never queued.

        Args:
            notice_id: Which.
            taken_by: The delivery. It has the notice until it settles or defers it, over all of its tries.
            abandoned_after: Another delivery that took it longer ago is dead.
        """
        row = await self._database.row("take_notice", notice_id, taken_by, abandoned_after)
        return None if row is None else TakenNotice(**dict(row))

    async def settle(
        self,
        notice_id: str,
        state: NoticeState,
        *,
        error: str | None = None,
        reason: str | None = None,
        at: datetime | None = None,
        next_try_at: datetime | None = None,
    ) -> bool:
        """Write down what became of a notice.

        Args:
            notice_id: Which.
            state: `queued` with an error: this attempt failed, another follows.
            error: What went wrong; required where `failed`.
            reason: Why it was not sent; required where `skipped`.
            at: When it was sent; the server's clock where left out.
            next_try_at: Where it stays queued: when another try is to follow.

        Returns:
            Whether this call settled it; False where it was sent or skipped before.

        Raises:
            DatabaseRefusedError: The notice is unknown, or its error or reason is missing.
        """
        settled = await self._database.row("settle_notice", notice_id, state, error, reason, at, next_try_at)
        if settled is not None:
            return True
        if await self._database.row("notice_state", notice_id) is None:
            raise DatabaseRefusedError(f"settle_notice: no notice {notice_id} was ever queued.")
        return False


def _notice(row: asyncpg.Record) -> NoticeRow:
    notice = Notice.model_validate_json(row["notice"])
    fields = columns_of(row, NoticeRow.model_fields)
    fields["notice"] = notice
    return NoticeRow(**fields)


def waiting_until(row: NoticeRow) -> datetime:
    """Return when a queued notice may be sent: neither before its moment nor before its next try."""
    moment = row.notice.not_before
    return moment if row.next_try_at is None else max(moment, row.next_try_at)


def _waiting(row: NoticeRow) -> Notice:
    """Return the notice, not before its next try."""
    return row.notice.model_copy(update={"not_before": waiting_until(row)})
