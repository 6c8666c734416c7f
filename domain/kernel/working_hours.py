"""Working hours as people have them: several spans a day, nights, cycles of weeks, and single days apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from functools import cached_property
from itertools import pairwise
from typing import Annotated, Any, Literal, Self

from pydantic import Field, GetJsonSchemaHandler, StringConstraints, model_serializer, model_validator
from pydantic_core import CoreSchema

from domain.kernel.model import Frozen, is_empty, is_none

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""In the order of their ISO numbers, Monday first."""

LONGEST_CYCLE = 53
"""Weeks after which a pattern has to begin anew."""
MOST_SPANS = 8
"""Spans that one day may have."""
MOST_DAYS_APART = 2000
"""Days that one list of days with hours of their own may name: rosters of some years."""

_A_DAY, _A_WEEK = timedelta(days=1), timedelta(weeks=1)
_SOME_MONDAY = date(2001, 1, 1)
_MIDNIGHT_AT_THE_END = "24:00"
_SPAN = r"^\d\d:\d\d(:\d\d)?-\d\d:\d\d(:\d\d)?$"


class Span(Frozen):
    """Working hours without a break, written `09:00-12:30`; `22:00-06:00` ends on the day after."""

    opens: time
    closes: time
    """Not later than `opens`: on the day after. The same time: a whole day later."""

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        opens, _, closes = value.partition("-")
        try:
            return {"opens": _time_of(opens), "closes": _time_of(closes)}
        except ValueError:
            raise ValueError(
                f"{value!r} is no span of working hours: write it as 09:00-17:00, a night as 22:00-06:00"
            ) from None

    @model_validator(mode="after")
    def _is_on_a_wall(self) -> Self:
        if self.opens.tzinfo is not None or self.closes.tzinfo is not None:
            raise ValueError("hours are times on the person's wall: give them without an offset")
        return self

    @model_serializer
    def as_text(self) -> str:
        """Return it as it is written."""
        return f"{_text_of(self.opens)}-{_text_of(self.closes)}"

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Show it in the JSON Schema as the text that it is."""
        return {"type": "string", "pattern": _SPAN, "description": cls.__doc__ or ""}

    @property
    def ends_next_day(self) -> bool:
        """Whether it ends on the day after it begins, midnight included."""
        return self.closes <= self.opens

    @property
    def length(self) -> timedelta:
        """How long it lasts where no clock is changed."""
        lasts = datetime.combine(_SOME_MONDAY, self.closes) - datetime.combine(_SOME_MONDAY, self.opens)
        return lasts + _A_DAY if self.ends_next_day else lasts


Hours = Annotated[tuple[Span, ...], Field(max_length=MOST_SPANS)]
"""The spans of one day, ascending; none where it is not worked. Only the last may end on the day after."""


class Week(Frozen):
    """The hours of each day of a week; a day that is left out is not worked."""

    mon: Hours = Field(default=(), exclude_if=is_empty)
    tue: Hours = Field(default=(), exclude_if=is_empty)
    wed: Hours = Field(default=(), exclude_if=is_empty)
    thu: Hours = Field(default=(), exclude_if=is_empty)
    fri: Hours = Field(default=(), exclude_if=is_empty)
    sat: Hours = Field(default=(), exclude_if=is_empty)
    sun: Hours = Field(default=(), exclude_if=is_empty)

    @model_validator(mode="after")
    def _each_day_is_in_order(self) -> Self:
        for weekday, hours in zip(WEEKDAYS, self.days, strict=True):
            check_order(hours, weekday)
        return self

    @cached_property
    def days(self) -> tuple[Hours, ...]:
        """The hours of Monday to Sunday."""
        return (self.mon, self.tue, self.wed, self.thu, self.fri, self.sat, self.sun)


class WorkingPattern(Frozen):
    """The weeks that a person works, over and over again.

    One week is the same week always. Several are a cycle: the week of `anchor` is the first of them.
    """

    weeks: Annotated[tuple[Week, ...], Field(min_length=1, max_length=LONGEST_CYCLE)]
    anchor: date | None = Field(default=None, exclude_if=is_none)
    """A day of the first week. Weeks begin on Monday."""
    through_holidays: bool = Field(default=False, exclude_if=lambda value: value is False)
    """Whether holidays and the organisation's closing days are worked like any other, as on a ward."""

    @model_validator(mode="after")
    def _can_be_worked(self) -> Self:
        days = [hours for week in self.weeks for hours in week.days]
        if not any(days):
            raise ValueError(
                'has no working time at all: give at least one span, as in {"mon": ["09:00-17:00"]}'
            )
        if len(self.weeks) > 1 and self.anchor is None:
            raise ValueError(f"a cycle of {len(self.weeks)} weeks needs `anchor`: a day of its first week")
        for index, (hours, following) in enumerate(zip(days, [*days[1:], days[0]], strict=True)):
            if hours and following and hours[-1].ends_next_day and hours[-1].closes >= following[0].opens:
                week, weekday = divmod(index, len(WEEKDAYS))
                raise ValueError(
                    f"the night of {WEEKDAYS[weekday]} in week {week + 1} lasts until "
                    f"{_text_of(hours[-1].closes)}, when the day after it has begun at "
                    f"{_text_of(following[0].opens)}: leave time between them"
                )
        return self

    def hours_on(self, day: date) -> Hours:
        """Return the spans of a day as the pattern alone has them."""
        return self.week_of(day).days[day.weekday()]

    def week_of(self, day: date) -> Week:
        """Return the week of the cycle that a day lies in."""
        anchor = self.anchor or _SOME_MONDAY
        weeks = (day - anchor + timedelta(days=anchor.weekday())) // _A_WEEK
        return self.weeks[weeks % len(self.weeks)]

    @cached_property
    def usual(self) -> Hours:
        """The hours of the first day that is worked: where a day that is not worked is asked about."""
        return next(hours for week in self.weeks for hours in week.days if hours)


class DayHours(Frozen):
    """Single days whose hours are their own, whatever the pattern says."""

    on: Annotated[tuple[date, ...], Field(min_length=1, max_length=MOST_DAYS_APART)]
    hours: Hours = ()
    """None: these days are not worked."""
    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)] | None = (
        Field(default=None, exclude_if=is_none)
    )
    """What these days are called, where that says why."""

    @model_validator(mode="after")
    def _is_in_order(self) -> Self:
        check_order(self.hours, f"{self.on[0]}")
        return self


def check_order(hours: Sequence[Span], where: str) -> None:
    """Refuse spans of one day that are out of order, overlap, or go on after a night.

    Args:
        hours: The spans.
        where: Which day, for the sentence.

    Raises:
        ValueError: With the two spans that clash.
    """
    for earlier, later in pairwise(hours):
        if earlier.ends_next_day or later.opens <= earlier.closes:
            raise ValueError(
                f"the hours of {where} are out of order: {later.as_text()} comes after {earlier.as_text()}; "
                "give spans one after another, with time between them, a night last"
            )


def grouped(days: Mapping[date, tuple[Hours, str | None]]) -> tuple[DayHours, ...]:
    """Return days with hours of their own, those of the same hours and name as one entry.

    Args:
        days: Hours and name of each day.
    """
    entries: dict[tuple[Hours, str | None], list[date]] = {}
    for day, entry in sorted(days.items(), key=lambda item: item[0]):
        entries.setdefault(entry, []).append(day)
    return tuple(DayHours(on=tuple(on), hours=hours, name=name) for (hours, name), on in entries.items())


def without(hours: Hours, start: time | None, end: time | None) -> Hours:
    """Return the hours of a day without what lies between two times of its wall.

    Args:
        hours: What would be worked.
        start: From when on it is free; None is the beginning of the day.
        end: Until when; None is the end of its last span, a night's end included.
    """
    first = timedelta() if start is None else _since_midnight(start)
    last = None if end is None else _since_midnight(end)
    kept: list[Span] = []
    for span in hours:
        opens = _since_midnight(span.opens)
        closes = opens + span.length
        if opens < first:
            kept.append(_span(opens, min(closes, first)))
        if last is not None and closes > last and max(opens, last) < _A_DAY:
            kept.append(_span(max(opens, last), closes))
    return tuple(kept)


def shortened(hours: Hours, worked: timedelta) -> Hours:
    """Return the hours of a day without its end, so that no more than this is worked."""
    kept: list[Span] = []
    for span in hours:
        if worked <= timedelta():
            break
        opens = _since_midnight(span.opens)
        kept.append(_span(opens, opens + min(span.length, worked)))
        worked -= span.length
    return tuple(kept)


def length_of(hours: Hours) -> timedelta:
    """Return how long is worked in all."""
    return sum((span.length for span in hours), timedelta())


def _since_midnight(wall: time) -> timedelta:
    return datetime.combine(_SOME_MONDAY, wall) - datetime.combine(_SOME_MONDAY, time())


def _span(opens: timedelta, closes: timedelta) -> Span:
    midnight = datetime.combine(_SOME_MONDAY, time())
    return Span(opens=(midnight + opens).time(), closes=(midnight + closes).time())


def _time_of(text: str) -> time:
    text = text.strip()
    return time() if text == _MIDNIGHT_AT_THE_END else time.fromisoformat(text)


def _text_of(wall: time) -> str:
    return wall.isoformat("minutes" if wall == wall.replace(second=0, microsecond=0) else "auto")
