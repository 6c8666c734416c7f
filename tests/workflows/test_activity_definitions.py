"""What workflows call is what workers host: each definition by name, argument and result."""

from __future__ import annotations

import typing
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from temporalio import activity

from activities.postgres.pool import DatabaseRefusedError
from activities.registered import UNKNOWN_PERSON, Activities
from workflows import activity_definitions as named

DEFINITIONS: tuple[Callable[..., Any], ...] = (
    named.append_events,
    named.load_agreement,
    named.resolve_calendars,
    named.deliver_notice,
)


@pytest.mark.parametrize("definition", DEFINITIONS, ids=lambda definition: definition.__name__)
def test_a_definition_is_implemented_as_it_is_typed(definition: Callable[..., Any]) -> None:
    """A workflow and the activity that it names agree on what goes in and what comes out."""
    implementation = getattr(Activities, definition.__name__)
    assert _name(definition) == _name(implementation)
    assert typing.get_type_hints(definition) == typing.get_type_hints(implementation)


def test_nothing_is_hosted_that_nobody_calls() -> None:
    """The activities that a worker registers are those that workflows name."""
    hosted = {
        name for name, member in vars(Activities).items() if hasattr(member, "__temporal_activity_definition")
    }
    assert hosted == {definition.__name__ for definition in DEFINITIONS}


def test_errors_are_called_by_their_names() -> None:
    """The errors that end retries are spelt as activities raise them."""
    assert DatabaseRefusedError.__name__ == named.REFUSED_BY_DATABASE
    assert UNKNOWN_PERSON == named.UNKNOWN_PERSON
    assert {named.REFUSED_BY_DATABASE, named.UNKNOWN_PERSON} == set(
        named.UNTIL_THE_RECORD_ANSWERS.non_retryable_error_types or ()
    )


def test_a_notice_outlives_a_night_without_mail() -> None:
    """The attempts for a notice span more than twelve hours, and they end."""
    policy = named.OVER_A_DAY
    waits = timedelta()
    pause = policy.initial_interval
    for _ in range(policy.maximum_attempts - 1):
        waits += pause
        pause = min(pause * policy.backoff_coefficient, policy.maximum_interval or pause)
    assert timedelta(hours=12) < waits < timedelta(days=2)


def _name(function: Callable[..., Any]) -> str | None:
    # The SDK has no public way to ask.
    definition = activity._Definition.from_callable(function)  # pyright: ignore[reportPrivateUsage, reportUnknownMemberType]
    return None if definition is None else definition.name
