"""What a run still has to have told, and the activities that see to it beside everything else."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError

from domain.handling.loaded import Deliveries
from domain.ledger.notice import Notice
from domain.notifications.timing import is_nudge
from workflows import activity_definitions as activities
from workflows import user_metadata

_LONGEST_WAIT = timedelta(seconds=10)
"""How long a run that hands over waits for notices that nothing but the mail server keeps."""


class Outbox(ABC):
    """Notices that are to be sent, each once its moment has come.

    The record holds the same notices: one that is lost here is taken up when the record is next loaded, and
    one that was settled meanwhile is skipped by its delivery.
    """

    @abstractmethod
    def add(self, notices: Iterable[Notice], *, again: Collection[str] = ()) -> None:
        """Take notices in.

        Args:
            notices: Those that are known already stay as they are.
            again: Ids of those among them that were given up, and are to be tried anew.
        """

    @abstractmethod
    def next_instant(self) -> datetime | None:
        """Return when the run has to wake for a notice; None where no notice needs that."""

    @abstractmethod
    def send_due(self, now: datetime) -> None:
        """Begin to send whatever may be sent by now."""

    @abstractmethod
    def send_the_rest(self, now: datetime) -> None:
        """Begin to send all that is left of a closed agreement, its moment come or not."""

    @abstractmethod
    async def before_hand_over(self) -> None:
        """Wait for what a run should not leave to the next one, for a while."""

    @property
    @abstractmethod
    def idle(self) -> bool:
        """Tell whether nothing is under way."""

    @property
    @abstractmethod
    def empty(self) -> bool:
        """Tell whether nothing waits to be sent."""


class BatchOutbox(Outbox):
    """Has each batch of notices delivered by one activity, which is tried again until all are settled.

    Between its attempts, while notices wait for their readers' mornings or for a mail server, nothing runs
    and nothing is added to the history: Temporal makes the next attempt when the first of them may be sent.
    """

    def __init__(self) -> None:
        self._new: dict[str, Notice] = {}
        self._under_way: dict[str, Notice] = {}
        self._deliveries: set[asyncio.Task[None]] = set()
        self._on_their_way: set[asyncio.Task[None]] = set()

    def add(self, notices: Iterable[Notice], *, again: Collection[str] = ()) -> None:
        """Take notices in; see `Outbox`."""
        for notice in notices:
            if notice.notice_id in again or notice.notice_id not in self._under_way:
                self._new.setdefault(notice.notice_id, notice)

    def next_instant(self) -> datetime | None:
        """Return None: what waits is begun already, and comes back by itself."""
        return None

    def send_due(self, now: datetime) -> None:
        """Hand everything new to an activity, which keeps to each notice's moment."""
        self._begin(now, closed=False)

    def send_the_rest(self, now: datetime) -> None:
        """Hand everything that is left to one activity, with what others wait for: see `Outbox`."""
        self._new = {**self._under_way, **self._new}
        self._begin(now, closed=True)

    async def before_hand_over(self) -> None:
        """Wait for what is on its way to the mail server; the next run has the others delivered."""
        if not self._on_their_way:
            return
        with suppress(TimeoutError):
            await workflow.wait_condition(
                lambda: not self._on_their_way,
                timeout=_LONGEST_WAIT,
                timeout_summary="Notices under way before continue-as-new",
            )

    @property
    def idle(self) -> bool:
        """Tell whether every notice that was handed over is settled."""
        return not self._under_way

    @property
    def empty(self) -> bool:
        """Tell whether every notice is handed over and settled."""
        return not self._new and not self._under_way

    def _begin(self, now: datetime, *, closed: bool) -> None:
        if not self._new:
            return
        notices, self._new = self._new, {}
        self._under_way |= notices
        delivery = asyncio.create_task(self._deliver(notices, now, closed=closed))
        self._deliveries.add(delivery)
        delivery.add_done_callback(self._deliveries.discard)
        if not any(is_nudge(notice) or notice.not_before > now for notice in notices.values()):
            # Nothing of it waits for a morning.
            self._on_their_way.add(delivery)
            delivery.add_done_callback(self._on_their_way.discard)

    async def _deliver(self, notices: Mapping[str, Notice], now: datetime, *, closed: bool) -> None:
        try:
            await workflow.execute_activity(
                activities.deliver_notices,
                Deliveries(notice_ids=tuple(notices), at=now, closed=closed),
                start_to_close_timeout=activities.DELIVERY_TIMEOUT,
                retry_policy=activities.UNTIL_ALL_IS_SETTLED,
                summary=user_metadata.deliveries_summary(list(notices.values())),
            )
        except ActivityError as error:
            workflow.logger.warning("a delivery was given up", extra={"cause": repr(error.cause)})
        finally:
            for notice_id in notices:
                self._under_way.pop(notice_id, None)
