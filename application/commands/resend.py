"""Try notices again that were given up, on their agreements' own path."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

from activities.event_store.event_store import EventStore
from activities.postgres.rows import NoticeRow
from application.commands.bulk import BulkCommand
from application.config.keys import keyed_digest
from application.errors import NothingMatchedError
from domain.agreement.commands import Command
from domain.agreement.commands.operations import ResendNotices
from domain.kernel.model import PersonId
from domain.kernel.vocabulary import Role
from domain.ledger.notice import MOST_NOTICES_AT_ONCE


class ResendPlan(NamedTuple):
    """The commands that try notices again, one for each agreement."""

    commands: tuple[BulkCommand, ...]
    notices: int
    """How many notices were given up, of all these agreements."""


async def plan_resend(
    event_store: EventStore,
    *,
    actor_id: PersonId,
    reason: str,
    agreement_ids: Sequence[str] = (),
    recipients: Sequence[PersonId] = (),
) -> ResendPlan:
    """Find notices that were given up, and build the commands that try them again.

    The commands are the same while the same notices are given up for the same time.

    Args:
        event_store: Where the notices are.
        actor_id: Who gives the commands, as an operator.
        reason: Why; it is recorded with each.
        agreement_ids: Only of these agreements; empty for all.
        recipients: Only to these people; empty for all.

    Raises:
        NothingMatchedError: No such notice was given up.
    """
    failed = await event_store.notices.failed(list(agreement_ids) or None, list(recipients) or None)
    if not failed:
        raise NothingMatchedError("No such notice was given up; nothing was done.")
    by_agreement = groupby(failed, key=lambda row: row.notice.agreement_id)
    commands = tuple(
        BulkCommand.of(agreement_id, _resend(actor_id, reason, list(rows)[:MOST_NOTICES_AT_ONCE]))
        for agreement_id, rows in by_agreement
    )
    return ResendPlan(commands, len(failed))


def _resend(actor_id: PersonId, reason: str, rows: Sequence[NoticeRow]) -> Command:
    given_up = {row.notice.notice_id: row.attempts for row in rows}
    content = keyed_digest({"reason": reason, "actor_id": actor_id, "notices": dict(given_up)})
    return ResendNotices(
        command_id=f"resend/{content[:32]}",
        actor_id=actor_id,
        acting_as=Role.OPERATOR,
        notice_ids=tuple(given_up),
        reason=reason,
    )
