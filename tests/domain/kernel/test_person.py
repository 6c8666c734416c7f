"""A person in the directory: what is accepted and what is refused."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from domain.kernel.person import Person

FIELDS = {"person_id": "p-1", "name": "Ada", "time_zone": "Europe/London", "holiday_calendar": "GB-ENG"}


def test_most_fields_have_a_sensible_default() -> None:
    """HR tooling need only say who somebody is and where: nine to five, Monday to Friday."""
    person = Person.model_validate(FIELDS)
    assert person.working_weekdays == (1, 2, 3, 4, 5)
    assert (person.opens.hour, person.closes.hour) == (9, 17)
    assert not person.is_operator


def test_working_weekdays_are_put_in_order() -> None:
    """The same working week is the same value, however it was written."""
    assert Person.model_validate({**FIELDS, "working_weekdays": [3, 1, 3]}).working_weekdays == (1, 3)


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("name", "  ", "at least 1 character"),
        ("email", "Ada <ada@example.org>", "pattern"),
        ("working_weekdays", [], "at least 1 item"),
        ("working_weekdays", [0], "greater than or equal to 1"),
        ("closes", "09:00", "must be later than opens"),
        ("opens", "08:00+01:00", "without an offset"),
        ("delegate_id", "p-1", "name somebody else"),
        ("mentor_hours_per_month", -1, "greater than or equal to 0"),
        ("nickname", "Countess", "Extra inputs"),
    ],
)
def test_a_field_that_makes_no_sense_is_refused(field: str, value: object, problem: str) -> None:
    """Each refusal names the field's rule."""
    with pytest.raises(ValidationError, match=problem):
        Person.model_validate({**FIELDS, field: value})
