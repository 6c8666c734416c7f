"""The activities that a worker hosts: thin, as `domain.handling.activities` declares them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from temporalio import activity
from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from activities.delivery.attempts import Attempt, attempt_at_a_batch
from activities.delivery.batch import BatchDelivery
from activities.delivery.deliver import NoticeDelivery
from activities.delivery.failures import TemporaryDeliveryError
from activities.directory.calendars import CalendarSources
from activities.directory.people import Directory
from activities.directory.working_time import UnknownPeopleError, working_time
from activities.event_store.event_store import EventStore
from domain.handling.activities import ACTIVITY_NAMES, UNKNOWN_PERSON, AgreementActivities
from domain.handling.loaded import CalendarsWanted, Deferral, Deliveries, Delivery, LoadedAgreement, SettledAs
from domain.kernel.calendar import Calendar
from domain.kernel.model import PersonId
from domain.stream.messages import Append, Appended
from domain.stream.serialization import fold_recorded

NOTICES_WAIT = "NoticesWait"
"""The type of the error by which a delivery says that it is to go on later. It is none of anybody's."""


class Activities(AgreementActivities):
    """Everything that workflows ask of the world.

    Args:
        event_store: The event log, its read models and the outbox.
        directory: People.
        calendars: Where working time is resolved.
        delivery: How notices reach people.
    """

    def __init__(
        self,
        event_store: EventStore,
        directory: Directory,
        calendars: CalendarSources,
        delivery: NoticeDelivery,
    ) -> None:
        self._event_store = event_store
        self._directory = directory
        self._calendars = calendars
        self._delivery = delivery
        self._batches = BatchDelivery(event_store.notices, delivery)

    def all(self) -> Sequence[Callable[..., Any]]:
        """Return the activities to register: those that are declared, and no others."""
        return tuple(getattr(self, name) for name in ACTIVITY_NAMES)

    @activity.defn
    async def append_events(self, append: Append) -> Appended:
        """Write a command's events, read models and notices in one statement; idempotent."""
        return await self._event_store.append(append)

    @activity.defn
    async def load_agreement(self, agreement_id: str) -> LoadedAgreement:
        """Fold an agreement's stream, with what its workflow still has to deliver."""
        return LoadedAgreement(
            agreement=fold_recorded(await self._event_store.stream_to_decide_upon(agreement_id)),
            commands=tuple(await self._event_store.recent_commands(agreement_id)),
            undelivered=tuple(await self._event_store.notices.undelivered(agreement_id)),
        )

    @activity.defn
    async def resolve_calendars(self, wanted: CalendarsWanted) -> Mapping[PersonId, Calendar]:
        """Take a snapshot of people's working time, and of that of whoever may stand in for them.

        Raises:
            ApplicationError: Of type `UnknownPerson`, naming everybody whom the directory lacks or whose
                time zone or holiday calendar is unknown.
        """
        try:
            return await working_time(
                self._directory, self._calendars, wanted.person_ids, wanted.first, wanted.last
            )
        except UnknownPeopleError as error:
            raise ApplicationError(str(error), type=UNKNOWN_PERSON, non_retryable=True) from error

    @activity.defn
    async def deliver_notices(self, deliveries: Deliveries) -> tuple[SettledAs, ...]:
        """Send what is due of a batch, and come back for the rest.

        Returns:
            What became of each notice, in their order.

        Raises:
            ApplicationError: Some wait; Temporal makes the next attempt when the first of them may go.
        """
        info = activity.info()
        at = deliveries.at + _waited(info)
        attempt = attempt_at_a_batch(
            f"{info.workflow_run_id}/{info.activity_id}", info.start_to_close_timeout or timedelta.max
        )
        result = await self._batches.deliver(deliveries.notice_ids, at, attempt, closed=deliveries.closed)
        if result.again_at is not None:
            raise ApplicationError(
                str(result),
                type=NOTICES_WAIT,
                next_retry_delay=result.again_at - at,
                category=ApplicationErrorCategory.BENIGN,
            )
        return tuple(result.settled(notice_id) for notice_id in deliveries.notice_ids)

    @activity.defn
    async def deliver_notice(self, delivery: Delivery) -> str | Deferral:
        """Look at the obligation again and send a notice: `sent`, `skipped`, `failed`, or to wait."""
        info = activity.info()
        try:
            result = await self._delivery.deliver(
                delivery.notice, delivery.at + _waited(info), _attempt_of(info)
            )
        except TemporaryDeliveryError as error:
            raise ApplicationError(
                str(error), type=type(error).__name__, next_retry_delay=error.again_after
            ) from None
        return result.outcome if result.until is None else Deferral(until=result.until)


def _waited(info: activity.Info) -> timedelta:
    """Return how long ago an activity was first asked for: attempts can be days apart.

    By the agreement's own clock it is as much later.
    """
    return max(info.started_time - info.scheduled_time, timedelta())


def _attempt_of(info: activity.Info) -> Attempt:
    """Return what Temporal says of the attempt at hand."""
    policy = info.retry_policy or RetryPolicy()
    return Attempt(
        delivery_id=f"{info.workflow_run_id}/{info.activity_id}",
        longest=info.start_to_close_timeout or timedelta.max,
        most_tries=policy.maximum_attempts,
        another_follows=policy.maximum_attempts == 0 or info.attempt < policy.maximum_attempts,
        first_pause=policy.initial_interval,
        factor=policy.backoff_coefficient,
        longest_pause=policy.maximum_interval or timedelta.max,
    )
