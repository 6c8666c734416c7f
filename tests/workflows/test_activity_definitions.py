"""What workflows call is what workers host: both go by one declaration of name, argument and result."""

from __future__ import annotations

import typing
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from temporalio import activity

from activities.postgres.pool import DatabaseRefusedError
from activities.registered import Activities
from domain.handling.activities import (
    ACTIVITY_NAMES,
    REFUSED_BY_DATABASE,
    UNKNOWN_PERSON,
    AgreementActivities,
)
from workflows import activity_definitions


@pytest.mark.parametrize("name", ACTIVITY_NAMES)
def test_an_activity_is_called_and_hosted_as_it_is_declared(name: str) -> None:
    """A workflow's reference and the worker's implementation have the declared name, argument and result."""
    declared = typing.get_type_hints(getattr(AgreementActivities, name))
    reference = _definition(getattr(activity_definitions, name))
    assert (reference.name, reference.ret_type) == (name, declared["return"])
    implementation = getattr(Activities, name)
    assert _definition(implementation).name == name
    assert typing.get_type_hints(implementation) == declared


def test_a_worker_hosts_nothing_that_is_not_declared() -> None:
    """What could be registered with Temporal is exactly what is declared."""
    hosted = {
        name for name, member in vars(Activities).items() if hasattr(member, "__temporal_activity_definition")
    }
    assert hosted == set(ACTIVITY_NAMES)


def test_an_activity_without_an_implementation_stops_the_worker() -> None:
    """A declared activity that nobody implements is found when a worker starts."""

    class Unfinished(AgreementActivities):
        """Implements nothing."""

    with pytest.raises(TypeError, match="append_events"):
        Unfinished()  # pyright: ignore[reportAbstractUsage] the refusal is what is tested


def test_errors_that_end_retries_are_spelt_as_they_are_raised() -> None:
    """The errors after which an activity is not tried again are those that activities raise."""
    assert DatabaseRefusedError.__name__ == REFUSED_BY_DATABASE
    policy = activity_definitions.UNTIL_THE_RECORD_ANSWERS
    assert set(policy.non_retryable_error_types or ()) == {REFUSED_BY_DATABASE, UNKNOWN_PERSON}


def test_what_waits_for_the_record_hears_of_its_return_within_seconds() -> None:
    """However long PostgreSQL was away, the next try is seconds off, and tries do not end."""
    policy = activity_definitions.UNTIL_THE_RECORD_ANSWERS
    assert policy.maximum_interval is not None
    assert policy.maximum_interval <= timedelta(seconds=10)
    assert policy.maximum_attempts == 0


def test_a_notice_outlives_a_night_without_mail() -> None:
    """The attempts for a notice span more than twelve hours, and they end."""
    policy = activity_definitions.OVER_A_DAY
    waits = timedelta()
    pause = policy.initial_interval
    for _ in range(policy.maximum_attempts - 1):
        waits += pause
        pause = min(pause * policy.backoff_coefficient, policy.maximum_interval or pause)
    assert timedelta(hours=12) < waits < timedelta(days=2)


def _definition(function: Callable[..., Any]) -> activity._Definition:  # pyright: ignore[reportPrivateUsage]
    # The SDK has no public way to ask.
    return activity._Definition.must_from_callable(function)  # pyright: ignore[reportPrivateUsage, reportUnknownMemberType]
