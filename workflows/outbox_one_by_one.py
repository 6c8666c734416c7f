"""Notices on their way as runs have it that an earlier release began: an activity and a timer for each."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError

from domain.handling.loaded import Deferral, Delivery
from domain.ledger.notice import Notice
from workflows import activity_definitions as activities
from workflows import user_metadata
from workflows.failures import reason_of
from workflows.outbox import Outbox

_GRACE = timedelta(minutes=2)


class OneByOneOutbox(Outbox):
    """What is still to be told, and what is being told at this moment.

    A nudge may come back from its delivery, to be sent on another day.
    """

    def __init__(self) -> None:
        self._waiting: dict[str, Notice] = {}
        self._sending: dict[str, asyncio.Task[None]] = {}

    @property
    def idle(self) -> bool:
        """Tell whether nothing is being sent."""
        return not self._sending

    def add(self, notices: Iterable[Notice], *, again: Collection[str] = ()) -> None:  # noqa: ARG002
        """Take notices in; those that are being sent stay as they are."""
        for notice in notices:
            if notice.notice_id not in self._sending:
                self._waiting.setdefault(notice.notice_id, notice)

    @property
    def empty(self) -> bool:
        """Tell whether nothing waits to be sent."""
        return not self._waiting

    def next_instant(self) -> datetime | None:
        """Return when the next of those that wait may be sent."""
        return min((notice.not_before for notice in self._waiting.values()), default=None)

    def send_due(self, now: datetime) -> None:
        """Begin to send whatever may be sent by now."""
        for notice in [each for each in self._waiting.values() if each.not_before <= now]:
            self._begin(notice)

    def send_the_rest(self, now: datetime) -> None:  # noqa: ARG002
        """Begin to send all that is left, its moment come or not."""
        for notice in list(self._waiting.values()):
            self._begin(notice)

    async def before_hand_over(self) -> None:
        """Wait for notices that are being sent; what is not sent in time is taken up by the next run."""
        try:
            await workflow.wait_condition(
                lambda: self.idle,
                timeout=_GRACE,
                timeout_summary="Notices under way before continue-as-new",
            )
        except TimeoutError:
            workflow.logger.info("notices under way are taken up by the next run")

    def _begin(self, notice: Notice) -> None:
        del self._waiting[notice.notice_id]
        self._sending[notice.notice_id] = asyncio.create_task(self._send(notice))

    async def _send(self, notice: Notice) -> None:
        """Deliver, however long it takes: a dead mail server delays no signature and no alarm."""
        try:
            told = await workflow.execute_activity(
                activities.deliver_notice,
                Delivery(notice=notice, at=workflow.now()),
                start_to_close_timeout=activities.DELIVERY_TIMEOUT,
                retry_policy=activities.OVER_A_DAY,
                summary=user_metadata.delivery_summary(notice),
            )
        except ActivityError as error:
            workflow.logger.warning(
                "a notice was given up: %s", reason_of(error), extra={"notice_id": notice.notice_id}
            )
        else:
            if isinstance(told, Deferral):
                self._waiting[notice.notice_id] = notice.model_copy(update={"not_before": told.until})
        finally:
            self._sending.pop(notice.notice_id, None)
