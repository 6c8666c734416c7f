"""Notices on their way: each is sent once its moment has come, beside everything else."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import datetime

from temporalio import workflow
from temporalio.exceptions import ActivityError

from domain.handling.loaded import Deferral, Delivery
from domain.ledger.notice import Notice
from workflows import activity_definitions as activities
from workflows import user_metadata as story
from workflows.failures import reason_of


class Outbox:
    """What is still to be told, and what is being told at this moment.

    The record holds the same notices: one that is lost here is taken up when the record is next loaded, and
    one that was settled meanwhile is skipped by its delivery. A nudge may come back from its delivery, to be
    sent on another day.
    """

    def __init__(self) -> None:
        self._waiting: dict[str, Notice] = {}
        self._sending: dict[str, asyncio.Task[None]] = {}

    @property
    def idle(self) -> bool:
        """Whether nothing is being sent."""
        return not self._sending

    def add(self, notices: Iterable[Notice]) -> None:
        """Takes notices in; those that are known already stay as they are."""
        for notice in notices:
            if notice.notice_id not in self._sending:
                self._waiting.setdefault(notice.notice_id, notice)

    @property
    def empty(self) -> bool:
        """Whether nothing waits to be sent."""
        return not self._waiting

    def next_instant(self) -> datetime | None:
        """When the next of those that wait may be sent."""
        return min((notice.not_before for notice in self._waiting.values()), default=None)

    def send_due(self, now: datetime) -> None:
        """Begins to send whatever may be sent by now."""
        for notice in [each for each in self._waiting.values() if each.not_before <= now]:
            self._begin(notice)

    def send_everything(self) -> None:
        """Begins to send all that is left, its moment come or not."""
        for notice in list(self._waiting.values()):
            self._begin(notice)

    def _begin(self, notice: Notice) -> None:
        del self._waiting[notice.notice_id]
        self._sending[notice.notice_id] = asyncio.create_task(self._send(notice))

    async def _send(self, notice: Notice) -> None:
        """Delivers, however long it takes: a dead mail server delays no signature and no alarm."""
        try:
            told = await workflow.execute_activity(
                activities.deliver_notice,
                Delivery(notice=notice, at=workflow.now()),
                start_to_close_timeout=activities.DELIVERY_TIMEOUT,
                retry_policy=activities.OVER_A_DAY,
                summary=story.delivery_summary(notice),
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
