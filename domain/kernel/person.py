"""A person as the directory knows them: the only place where an opaque id meets a name and an address."""

from __future__ import annotations

from datetime import date, time
from typing import Annotated, Self

from pydantic import Field, StringConstraints, field_validator, model_validator

from domain.kernel.calendar import Leave
from domain.kernel.model import Frozen, PersonId, Slug, is_empty, is_none
from domain.kernel.working_hours import MOST_DAYS_APART, DayHours, Hours, Span, WorkingPattern

_WORKING_WEEK = (1, 2, 3, 4, 5)

Address = Annotated[str, StringConstraints(pattern=r"^[^@\s<>]+@[^@\s<>]+$", max_length=254)]
"""A mail address without a display name."""


class Person(Frozen):
    """Who somebody is, where they can be reached and when they work."""

    person_id: PersonId
    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
    email: Address | None = None
    channels: tuple[str, ...] = ()
    """Other ways to be told, as Apprise URLs. They may carry secrets and are never logged."""
    time_zone: str
    """IANA name, such as `Europe/Berlin`."""
    holiday_calendar: str
    """A country, with a region where holidays differ: `US`, `DE-BE`, `GB-SCT`."""
    working_weekdays: tuple[Annotated[int, Field(ge=1, le=7)], ...] = Field(
        default=_WORKING_WEEK, min_length=1
    )
    """ISO numbers, Monday is 1."""
    opens: time = time(9)
    """When the working day begins, on the wall clock of the time zone."""
    closes: time = time(17)
    hours: WorkingPattern | None = Field(default=None, exclude_if=is_none)
    """Where the days differ: takes the place of `working_weekdays`, `opens` and `closes`."""
    exceptions: tuple[DayHours, ...] = Field(default=(), exclude_if=is_empty)
    """Days that are worked otherwise, whatever pattern and holidays say: a roster, a swapped day."""
    organisation_calendar: Slug | None = Field(default=None, exclude_if=is_none)
    """The organisation's calendar that is laid over the holidays, by its id."""
    meets_at: time | None = Field(default=None, exclude_if=is_none)
    """When they like to meet, on the wall clock of the time zone; None where they did not say."""
    leave: tuple[Leave, ...] = ()
    delegate_id: PersonId | None = None
    """Who acts while this person is away."""
    locale: str = "en"
    employee_number: str | None = None
    """As HR knows it; not unique across sources, so never a key."""
    assignment_id: str | None = None
    is_operator: bool = False
    """Works the operators' queue."""
    mentor_hours_per_month: float | None = Field(default=None, ge=0)
    """What this person can give over all mentees; None where no limit is stated."""
    left_on: date | None = None
    """The last day in the organisation."""

    @field_validator("working_weekdays")
    @classmethod
    def _each_day_once_in_order(cls, days: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(sorted(set(days)))

    @model_validator(mode="after")
    def _works_some_time(self) -> Self:
        if self.opens.tzinfo is not None or self.closes.tzinfo is not None:
            raise ValueError(
                "opens and closes are wall clock times of the time zone: give them without an offset"
            )
        if self.opens >= self.closes:
            raise ValueError(
                f"closes ({self.closes}) must be later than opens ({self.opens}) on the same day"
            )
        if self.meets_at is not None and self.meets_at.tzinfo is not None:
            raise ValueError("meets_at is a wall clock time of the time zone: give it without an offset")
        self._check_exceptions()
        if self.delegate_id == self.person_id:
            raise ValueError("delegate_id names the person themselves: name somebody else, or leave it out")
        return self

    def _check_exceptions(self) -> None:
        days = [day for entry in self.exceptions for day in entry.on]
        twice = sorted({day for day in days if days.count(day) > 1}) if len(set(days)) < len(days) else []
        if twice:
            raise ValueError(f"exceptions has {twice[0]} twice: say once what is worked on that day")
        if len(days) > MOST_DAYS_APART:
            raise ValueError(f"exceptions names {len(days)} days: at most {MOST_DAYS_APART}")

    def pattern_hours(self, day: date) -> Hours:
        """Return the spans that they work on a day by their pattern alone: no holidays, no exceptions."""
        if self.hours is not None:
            return self.hours.hours_on(day)
        works = day.isoweekday() in self.working_weekdays
        return (Span(opens=self.opens, closes=self.closes),) if works else ()
