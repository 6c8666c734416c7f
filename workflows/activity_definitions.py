"""How workflows call the activities: a reference to each, its time limits, and how often it is tried.

Their names and types are declared in `domain.handling.activities`; what they do is in `activities/`.
"""

from __future__ import annotations

import typing
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

from temporalio import activity
from temporalio.common import RetryPolicy

from domain.handling.activities import REFUSED_BY_DATABASE, UNKNOWN_PERSON, AgreementActivities

Argument = TypeVar("Argument")
Result = TypeVar("Result")

DELIVERY_ATTEMPTS = 12
"""How often a notice is tried before it is given up and shown as failed."""

CALENDARS_REACH_BEYOND_THE_END = timedelta(days=730)
"""Extensions, debriefs and synthesis lie inside the snapshot."""

RECORD_TIMEOUT = timedelta(seconds=20)
"""For one attempt to reach PostgreSQL."""
DELIVERY_TIMEOUT = timedelta(seconds=90)
"""For one attempt to hand a notice over."""

UNTIL_THE_RECORD_ANSWERS = RetryPolicy(
    initial_interval=timedelta(milliseconds=200),
    maximum_interval=timedelta(seconds=10),
    non_retryable_error_types=[REFUSED_BY_DATABASE, UNKNOWN_PERSON],
)
"""Without end: what was accepted is recorded once PostgreSQL is back."""

UNTIL_IT_CAN_BE_READ = RetryPolicy(
    initial_interval=timedelta(milliseconds=200), maximum_interval=timedelta(minutes=1)
)
"""Without end and whatever the error: an agreement is never given up for a record that cannot be read now."""

UNTIL_ALL_IS_SETTLED = RetryPolicy(
    initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=30)
)
"""Without end: the record counts the tries at each notice, and gives it up after some."""

OVER_A_DAY = RetryPolicy(
    initial_interval=timedelta(seconds=5),
    backoff_coefficient=3,
    maximum_interval=timedelta(hours=4),
    maximum_attempts=DELIVERY_ATTEMPTS,
)
"""For runs of earlier releases, in which Temporal keeps to the pauses between the tries at one notice."""


def _reference(
    declared: Callable[[AgreementActivities, Argument], Awaitable[Result]],
) -> Callable[[Argument], Awaitable[Result]]:
    """Return what the SDK's calls take for an activity: a function of the declared name and types."""

    async def called_by_name(argument: Argument) -> Result:
        raise NotImplementedError(argument)

    called_by_name.__annotations__["return"] = typing.get_type_hints(declared)["return"]
    return activity.defn(name=declared.__name__)(called_by_name)


append_events = _reference(AgreementActivities.append_events)
load_agreement = _reference(AgreementActivities.load_agreement)
resolve_calendars = _reference(AgreementActivities.resolve_calendars)
deliver_notices = _reference(AgreementActivities.deliver_notices)
deliver_notice = _reference(AgreementActivities.deliver_notice)
