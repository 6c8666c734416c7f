"""The activities by name and type, as workflows call them. What they do is in `activities/`.

A test compares every definition with its implementation.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from temporalio import activity
from temporalio.common import RetryPolicy

from domain.handling.loaded import CalendarsWanted, Deferral, Delivery, LoadedAgreement
from domain.kernel.calendar import Calendar
from domain.kernel.model import PersonId
from domain.stream.messages import Append, Appended

REFUSED_BY_DATABASE = "DatabaseRefusedError"
"""The record will not take it, now or later: a defect, never bad luck."""
UNKNOWN_PERSON = "UnknownPerson"
"""The directory does not have somebody, or cannot resolve their calendar."""

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

OVER_A_DAY = RetryPolicy(
    initial_interval=timedelta(seconds=5),
    backoff_coefficient=3,
    maximum_interval=timedelta(hours=4),
    maximum_attempts=DELIVERY_ATTEMPTS,
)
"""A mail server that is down for a night delays a notice and nothing else."""


@activity.defn
async def append_events(append: Append) -> Appended:
    """Writes a command's events, read models and notices in one statement; idempotent."""
    raise NotImplementedError(append)


@activity.defn
async def load_agreement(agreement_id: str) -> LoadedAgreement:
    """Folds an agreement's stream, with what its workflow still has to deliver."""
    raise NotImplementedError(agreement_id)


@activity.defn
async def resolve_calendars(wanted: CalendarsWanted) -> Mapping[PersonId, Calendar]:
    """Snapshots people's working time."""
    raise NotImplementedError(wanted)


@activity.defn
async def deliver_notice(delivery: Delivery) -> str | Deferral:
    """Looks at the obligation again and sends a notice: `sent`, `skipped`, `failed`, or to wait."""
    raise NotImplementedError(delivery)
