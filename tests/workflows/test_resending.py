"""Notices that were given up go out after all, on their agreement's own path."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from activities.postgres.rows import NoticeRow
    from tests.workflows.conftest import House


A_FEW = 3
"""Notices about signatures that a mail server missed for days."""


async def test_what_was_given_up_is_sent_once_somebody_asks_for_it(house: House) -> None:
    """After an outage an operator's command queues it again, and the agreement delivers it as any other."""
    house.mailbox.close()
    placement = await house.place("secondment")
    await placement.fast_forward(timedelta(days=4))

    async def given_up() -> list[NoticeRow]:
        return await house.event_store.notices.failed([placement.agreement_id])

    failed = await house.eventually(given_up, lambda rows: len(rows) >= A_FEW)
    assert house.mailbox.mails == []

    house.mailbox.open()
    chosen = sorted(row.notice.notice_id for row in failed)[:2]
    receipt = await placement.act(
        "resend_notices",
        command_id="resend/1",
        actor_id="P-9001",
        acting_as="operator",
        notice_ids=[*chosen, "no-such-notice"],
        reason="The mail server takes mail again.",
    )
    assert receipt.event_types == ("notices.resent",)

    async def sent() -> list[str]:
        rows = await house.event_store.notices.of(placement.agreement_id)
        return sorted(row.notice.notice_id for row in rows if row.state == "sent")

    await house.eventually(sent, lambda ids: set(ids) >= set(chosen))
    arrived = {mail["X-Sojourn-Notice"].strip() for mail in house.mailbox.mails}
    assert arrived >= set(chosen)
    left = {row.notice.notice_id for row in failed} - set(chosen)
    assert left <= {row.notice.notice_id for row in await given_up()}
    assert left.isdisjoint(arrived)
    assert (await placement.status()).version == receipt.version


async def test_what_was_settled_meanwhile_is_not_sent_again(house: House) -> None:
    """A request whose obligation is fulfilled by now is skipped, as it would have been in time."""
    house.mailbox.close()
    placement = await house.place("secondment")
    await placement.fast_forward(timedelta(days=4))
    failed = await house.eventually(
        lambda: house.event_store.notices.failed([placement.agreement_id]), lambda rows: len(rows) >= A_FEW
    )
    mine = failed[0]
    owed = (await placement.agreement()).obligations[str(mine.notice.obligation_id)]
    command = await placement.cast_answer(owed)
    assert command is not None
    await placement.act(command)

    house.mailbox.open()
    await placement.act(
        "resend_notices",
        actor_id="P-9001",
        acting_as="operator",
        notice_ids=[mine.notice.notice_id],
        reason="The mail server takes mail again.",
    )

    async def became() -> tuple[str, str | None]:
        rows = await house.event_store.notices.of(placement.agreement_id)
        return next((row.state, row.reason) for row in rows if row.notice.notice_id == mine.notice.notice_id)

    await house.eventually(became, lambda told: told == ("skipped", "the obligation is settled"))
    arrived = {mail["X-Sojourn-Notice"].strip() for mail in house.mailbox.mails}
    assert mine.notice.notice_id not in arrived
