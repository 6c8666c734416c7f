"""How a run asks the event store and the directory: quickly inside its task, or patiently outside of it.

A local activity costs one marker and no task of its own, but it holds the workflow task for as long as it
takes. So it gets one try of a short time. Whatever keeps it from an answer, the regular activity takes over,
with retries that do not end. All three activities may be run again: an append is known by its command id,
and the others only read.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import TypeVar

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError, FailureError

from domain.handling.loaded import CalendarsWanted, LoadedAgreement
from domain.kernel.calendar import Calendar
from domain.kernel.model import PersonId
from domain.kernel.vocabulary import Role
from domain.stream.messages import Append, Appended
from workflows import activity_definitions as activities
from workflows import user_metadata

FAST_PATH_BUDGET = timedelta(seconds=2)
"""How long a workflow task is held for an answer at most. After ten seconds another worker would get it."""

_ONE_TRY = RetryPolicy(maximum_attempts=1)

Argument = TypeVar("Argument")
Answer = TypeVar("Answer")


class CallRefusedError(Exception):
    """The record or the directory will not do what was asked, now or later.

    Args:
        error: As the activity failed.
    """

    def __init__(self, error: FailureError) -> None:
        # A local activity fails with its own error, a regular one with an error about the activity.
        cause = error.cause if isinstance(error, ActivityError) else error
        self.type = cause.type if isinstance(cause, ApplicationError) else None
        """The name by which the activity called its error."""
        super().__init__(cause.message if isinstance(cause, FailureError) else str(cause or error))


class EventStoreClient:
    """Asks one activity at a time, and waits for the answer however long it takes.

    Args:
        fast_path: Whether to try inside the workflow task first, as runs do that this release began.
    """

    def __init__(self, *, fast_path: bool) -> None:
        self.fast_path = fast_path

    async def append(self, append: Append, event_types: Sequence[str]) -> Appended:
        """Write a command's events, read models and notices; the same append twice is once in the record.

        Args:
            append: What is to be written, all of it or nothing.
            event_types: What the Temporal UI says about it.

        Raises:
            CallRefusedError: The record will not take it.
        """
        return await self._ask(
            activities.append_events,
            append,
            activities.UNTIL_THE_RECORD_ANSWERS,
            user_metadata.append_summary(append.command_type, event_types),
            # A person's command stands beside it in the history, with its name and its receipt.
            shown_in_task=append.actor_role is Role.SYSTEM,
        )

    async def load(self, agreement_id: str) -> LoadedAgreement:
        """Fold an agreement's stream, with what its workflow still has to deliver."""
        return await self._ask(
            activities.load_agreement,
            agreement_id,
            activities.UNTIL_IT_CAN_BE_READ,
            f"Fold the record of {agreement_id}",
        )

    async def calendars(self, wanted: CalendarsWanted) -> Mapping[PersonId, Calendar]:
        """Snapshot people's working time.

        Raises:
            CallRefusedError: The directory does not have somebody.
        """
        return await self._ask(
            activities.resolve_calendars,
            wanted,
            activities.UNTIL_THE_RECORD_ANSWERS,
            f"Snapshot {len(wanted.person_ids)} calendars",
        )

    async def _ask(
        self,
        activity: Callable[[Argument], Awaitable[Answer]],
        argument: Argument,
        retry_policy: RetryPolicy,
        summary: str,
        *,
        shown_in_task: bool = False,
    ) -> Answer:
        final = frozenset(retry_policy.non_retryable_error_types or ())
        if self.fast_path:
            try:
                return await workflow.execute_local_activity(
                    activity,
                    argument,
                    schedule_to_close_timeout=FAST_PATH_BUDGET,
                    retry_policy=_ONE_TRY,
                    summary=summary if shown_in_task else None,
                )
            except FailureError as error:
                refused = CallRefusedError(error)
                if refused.type in final:
                    raise refused from error
        try:
            return await workflow.execute_activity(
                activity,
                argument,
                start_to_close_timeout=activities.RECORD_TIMEOUT,
                retry_policy=retry_policy,
                summary=summary,
            )
        except ActivityError as error:
            raise CallRefusedError(error) from error
