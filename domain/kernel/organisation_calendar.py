"""An organisation's own calendar, laid over the country's: closing days, half-holidays, days made up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, time, timedelta
from typing import Annotated, Self

from pydantic import Field, StringConstraints, field_validator, model_validator

from domain.kernel.model import Frozen, Slug, is_empty, is_none
from domain.kernel.working_hours import MOST_DAYS_APART, WEEKDAYS, Hours, Weekday, check_order, without

LONGEST_CLOSURE = 366
"""Days that one entry may run over."""

_A_DAY = timedelta(days=1)


class OrganisationDay(Frozen):
    """One day, or some, on which the organisation works otherwise than its country.

    Without `works_as`, `free_from`, `free_until` and `hours` it is closed.
    """

    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
    """What the day is called, as people are told."""
    on: Annotated[tuple[date, ...], Field(max_length=MOST_DAYS_APART)] = Field(
        default=(), exclude_if=is_empty
    )
    first: date | None = Field(default=None, exclude_if=is_none)
    """With `last`, instead of `on`: every day from the one to the other."""
    last: date | None = Field(default=None, exclude_if=is_none)
    works_as: Weekday | None = Field(default=None, exclude_if=is_none)
    """Worked, with the hours that each person has on this weekday: made up, or a holiday that is worked."""
    free_from: time | None = Field(default=None, exclude_if=is_none)
    """Free from this time on; with `free_until`, to that time. What else people work that day stays."""
    free_until: time | None = Field(default=None, exclude_if=is_none)
    hours: Hours | None = Field(default=None, exclude_if=is_none)
    """Worked in these hours by whoever works that day."""
    only: tuple[str, ...] = Field(default=(), exclude_if=is_empty)
    """Holiday calendars whose people it concerns, `DE` with all its regions. None: everybody."""

    @field_validator("on", mode="before")
    @classmethod
    def _one_day_or_several(cls, value: object) -> object:
        return (value,) if isinstance(value, str | date) else value

    @model_validator(mode="after")
    def _says_when_and_what(self) -> Self:
        if bool(self.on) == (self.first is not None and self.last is not None) or (
            (self.first is None) != (self.last is None)
        ):
            raise ValueError("says no day, or says it twice: give `on`, or `first` and `last`")
        if self.first is not None and self.last is not None:
            days = (self.last - self.first).days + 1
            if days < 1:
                raise ValueError(f"ends on {self.last}, before it begins on {self.first}: swap the dates")
            if days > LONGEST_CLOSURE:
                raise ValueError(f"runs over {days} days: at most {LONGEST_CLOSURE} are one entry")
        ways = [
            self.works_as is not None,
            self.hours is not None,
            not (self.free_from is None and self.free_until is None),
        ]
        if sum(ways) > 1:
            raise ValueError(
                "says it more than one way: give `works_as`, `hours`, or `free_from` and `free_until`"
            )
        if self.free_from is not None and self.free_until is not None and self.free_until <= self.free_from:
            raise ValueError(f"free_until ({self.free_until}) is not after free_from ({self.free_from})")
        check_order(self.hours or (), self.name)
        return self

    def days(self) -> Iterator[date]:
        """Every day that it is about."""
        if self.first is None or self.last is None:
            yield from self.on
            return
        for number in range((self.last - self.first).days + 1):
            yield self.first + number * _A_DAY

    def concerns(self, holiday_calendar: str) -> bool:
        """Whether it is about people with these public holidays."""
        return not self.only or any(
            holiday_calendar == code or holiday_calendar.startswith(f"{code}-") for code in self.only
        )

    def hours_on(self, day: date, hours: Hours, pattern: Callable[[date], Hours]) -> Hours:
        """Return what somebody works on one of its days.

        Args:
            day: The day.
            hours: What they would work without it.
            pattern: What they work on any day by their pattern alone.
        """
        if self.works_as is not None:
            return pattern(day + (WEEKDAYS.index(self.works_as) - day.weekday()) * _A_DAY)
        if self.hours is not None:
            return self.hours if hours else ()
        if self.free_from is None and self.free_until is None:
            return ()
        return without(hours, self.free_from, self.free_until)


class OrganisationCalendar(Frozen):
    """A version of an organisation's calendar. What has changed is another version."""

    calendar_id: Slug
    version: Annotated[int, Field(ge=1, le=2**31 - 1)]
    days: tuple[OrganisationDay, ...]

    @model_validator(mode="after")
    def _says_each_day_once(self) -> Self:
        entries: dict[date, list[OrganisationDay]] = {}
        for entry in self.days:
            for day in entry.days():
                clash = next(
                    (other for other in entries.get(day, ()) if _for_the_same(entry, other)),
                    None,
                )
                if clash is not None:
                    raise ValueError(
                        f"{day} is there as {clash.name!r} and as {entry.name!r}: keep one of them, or say "
                        "with `only` whom each concerns"
                    )
                entries.setdefault(day, []).append(entry)
        return self

    @property
    def title(self) -> str:
        """Its id and version, as snapshots name it."""
        return f"{self.calendar_id} {self.version}"

    def days_of(self, holiday_calendar: str) -> Iterator[tuple[date, OrganisationDay]]:
        """Every day that concerns people with these public holidays, with its entry."""
        for entry in self.days:
            if entry.concerns(holiday_calendar):
                yield from ((day, entry) for day in entry.days())


def _for_the_same(entry: OrganisationDay, other: OrganisationDay) -> bool:
    """Whether somebody may be concerned by both."""
    if not entry.only or not other.only:
        return True
    return any(entry.concerns(code) for code in other.only) or any(
        other.concerns(code) for code in entry.only
    )
