"""Where the record keeps who was nudged on which day, and what a nudge stands on."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from typing import Literal

import asyncpg
from pydantic import TypeAdapter

from activities.postgres.pool import Database
from domain.kernel.model import Frozen, Instant, PersonId
from domain.ledger.notice import Notice
from domain.notifications.timing import NUDGES, CurrentObligation, SendingContext

_INSTANT = TypeAdapter(Instant)

Claim = Literal["claimed", "sent", "under_way"]
"""`claimed`: send it now. `sent`: the day has had its mail. `under_way`: another delivery is sending it."""


class DigestKey(Frozen):
    """The one mail of nudges that somebody gets on a day."""

    reader_id: PersonId
    local_day: date
    """The date on the reader's wall."""

    @property
    def digest_id(self) -> str:
        """Return its name in notices and headers."""
        return f"{self.reader_id}/{self.local_day}"


class DigestLog:
    """Claims days and settles their mails, over a pool of connections.

    Every method raises `DatabaseUnavailableError` where trying again may help and `DatabaseRefusedError`
    where it cannot.
    """

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record]) -> None:
        self._database = Database(pool)

    async def sending_context(self, notice: Notice) -> SendingContext | None:
        """What a notice stands on now; None where its agreement is not in the record."""
        row = await self._database.row(
            "notice_ground", notice.agreement_id, notice.obligation_id, notice.recipient_id, sorted(NUDGES)
        )
        if row is None:
            return None
        obligation = None
        if row["status"] is not None:
            obligation = CurrentObligation(**{name: row[name] for name in CurrentObligation.model_fields})
        about = {name: row[name] for name in ("phase", "held", "paused", "takes_part")}
        return SendingContext(**about, obligation=obligation)

    async def defer(self, notice_id: str, until: datetime, reason: str) -> None:
        """Let a notice wait, with the reason for people to see."""
        text = _INSTANT.dump_python(until, mode="json")
        await self._database.row("defer_notice", notice_id, until, text, reason)

    async def claim(self, key: DigestKey, notice_id: str, *, abandoned_after: timedelta) -> Claim:
        """Claim the mail of a day: of any number of deliveries at once, one is told `claimed`.

        Args:
            key: Whose mail of which day.
            notice_id: Whose delivery asks; a later attempt at the same notice goes on with its own claim.
            abandoned_after: A claim of others that is older, with no mail sent, is taken over.
        """
        row = await self._database.row(
            "claim_digest", key.reader_id, key.local_day, notice_id, abandoned_after
        )
        return "under_way" if row is None else row["verdict"]

    async def release(self, key: DigestKey, notice_id: str) -> None:
        """Give a claim back, where the mail did not go out."""
        await self._database.row("release_digest", key.reader_id, key.local_day, notice_id)

    async def gatherable(self, recipients: Collection[PersonId], at: datetime) -> list[Notice]:
        """Return nudges of all agreements that may go to these people now, what was due first in front."""
        rows = await self._database.rows("gatherable_notices", sorted(recipients), at, sorted(NUDGES))
        return [Notice.model_validate_json(row["notice"]) for row in rows]

    async def settle(
        self, key: DigestKey, notice_ids: Sequence[str], at: datetime, error: str | None = None
    ) -> None:
        """Note that the mail of a day went out with these notices.

        Args:
            key: Whose mail of which day.
            notice_ids: What it told.
            at: When it was sent, in the agreements' own time.
            error: Which channels did not take it, if any.
        """
        await self._database.row(
            "settle_digest", key.reader_id, key.local_day, list(notice_ids), at, error, key.digest_id
        )
