"""Working days, hours and time zones as data: the arithmetic of due instants.

A calendar is a snapshot. It is resolved once by an activity and carried by the agreement, so that a
release of a holiday library or of the time zone database never moves an instant that was promised.

Nothing here raises for a date that the snapshot does not reach, because a workflow that cannot compute
its next instant is stuck for good: after `covers_until` the weekday pattern alone decides, and before
the first and after the last known offset that offset holds.

A night shift belongs to the day it begins on: until it ends, and at the instant it ends, that is the day.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from itertools import pairwise
from typing import Any, Self

from pydantic import Field, model_validator

from domain.kernel.model import EARLIEST_YEAR, LATEST_YEAR, Frozen, Instant, PersonId, is_empty, is_none
from domain.kernel.working_hours import DayHours, Hours, Span, WorkingPattern

FARTHEST_DAYS = 36_600
"""How far a search for working days goes, in days: about a century. It bounds every loop, whatever the
leave, the holidays and the counts asked for; the day it has reached by then is the answer."""

_A_DAY = timedelta(days=1)
_A_MINUTE = timedelta(minutes=1)
_FIRST_DAY, _LAST_DAY = date(EARLIEST_YEAR, 1, 2), date(LATEST_YEAR, 12, 30)
"""Days asked about are drawn in to these, so that every answer is an instant that the domain accepts."""
_FIRST_INSTANT, _LAST_INSTANT = (datetime.combine(day, time(), tzinfo=UTC) for day in (_FIRST_DAY, _LAST_DAY))

_DERIVED = ("_holiday_set", "_days_apart", "_plain_hours", "_has_nights", "_leave_spans", "_offset_starts")
"""What a copy of a calendar with other fields has to derive again."""


class UtcOffset(Frozen):
    """From an instant on, local time is UTC plus so many seconds."""

    since: Instant
    seconds: int

    @model_validator(mode="after")
    def _is_less_than_a_day(self) -> Self:
        if abs(self.seconds) >= _A_DAY.total_seconds():
            raise ValueError(
                f"an offset of {self.seconds} seconds is a day or more: give seconds east of UTC"
            )
        return self


class Leave(Frozen):
    """Days on which a person is away, both ends included."""

    first: date
    last: date

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Self:
        if self.last < self.first:
            raise ValueError(f"leave ends on {self.last}, before it begins on {self.first}: swap the dates")
        return self

    def covers(self, day: date) -> bool:
        """Return whether the person is away on this day."""
        return self.first <= day <= self.last


class Calendar(Frozen):
    """One person's working time over a stretch of years."""

    time_zone: str
    """IANA name, for display; the offsets below do the arithmetic."""
    utc_offsets: tuple[UtcOffset, ...]
    working_weekdays: tuple[int, ...]
    """ISO numbers, Monday is 1."""
    opens: time
    closes: time
    holiday_calendar: str
    holidays: tuple[date, ...]
    leave: tuple[Leave, ...] = ()
    delegate_id: PersonId | None = None
    """Who acts while this person is away."""
    covers_until: date
    """After this day neither holidays nor leave are read: the weekday pattern alone decides."""
    source: str
    """What the holidays and offsets were read from, with versions."""
    pattern: WorkingPattern | None = Field(default=None, exclude_if=is_none)
    """Takes the place of `working_weekdays`, `opens` and `closes` where the days differ."""
    days: tuple[DayHours, ...] = Field(default=(), exclude_if=is_empty)
    """Days with hours of their own, whatever pattern and holidays say: made up, shortened, closed."""
    organisation_calendar: str | None = Field(default=None, exclude_if=is_none)
    """Which calendar of the organisation is among `days`, with its version: `halden 3`."""
    meets_at: time | None = Field(default=None, exclude_if=is_none)
    """When on their wall this person likes to meet; None where they did not say."""

    @model_validator(mode="after")
    def _can_be_computed_with(self) -> Self:
        weekdays = self.working_weekdays
        if not weekdays or list(weekdays) != sorted(set(weekdays)) or not set(weekdays) <= set(range(1, 8)):
            raise ValueError(
                f"working_weekdays is {weekdays}: give at least one ISO number, 1 (Monday) to 7 (Sunday), "
                "ascending, each once"
            )
        if self.opens.tzinfo is not None or self.closes.tzinfo is not None:
            raise ValueError("opens and closes are times on the person's wall: give them without an offset")
        if self.closes <= self.opens:
            raise ValueError(
                f"working hours close at {self.closes}, not after they open at {self.opens}: "
                "give two times of one day"
            )
        if not self.utc_offsets:
            raise ValueError("utc_offsets is empty: give at least the offset that holds at the beginning")
        if any(later.since <= earlier.since for earlier, later in pairwise(self.utc_offsets)):
            raise ValueError("utc_offsets are out of order: give each change once, ascending by `since`")
        return self

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Copy with some fields replaced; what was derived from the old ones is derived again."""
        copied = super().model_copy(update=update, deep=deep)
        for derived in _DERIVED:
            if derived in copied.__dict__:
                delattr(copied, derived)
        return copied

    @cached_property
    def _holiday_set(self) -> frozenset[date]:
        return frozenset(self.holidays)

    @cached_property
    def _days_apart(self) -> dict[date, Hours]:
        return {day: entry.hours for entry in self.days for day in entry.on}

    @cached_property
    def _plain_hours(self) -> Hours:
        return (Span(opens=self.opens, closes=self.closes),)

    @cached_property
    def _has_nights(self) -> bool:
        weeks = () if self.pattern is None else self.pattern.weeks
        days = [*(hours for week in weeks for hours in week.days), *(entry.hours for entry in self.days)]
        return any(span.ends_next_day for hours in days for span in hours)

    @cached_property
    def _leave_spans(self) -> tuple[tuple[date, ...], tuple[date, ...]]:
        """Return first and last days of leave, ascending, with overlapping spans made one."""
        firsts: list[date] = []
        lasts: list[date] = []
        for span in sorted(self.leave, key=lambda span: span.first):
            if lasts and span.first <= lasts[-1]:
                lasts[-1] = max(lasts[-1], span.last)
            else:
                firsts.append(span.first)
                lasts.append(span.last)
        return tuple(firsts), tuple(lasts)

    @cached_property
    def _offset_starts(self) -> tuple[datetime, ...]:
        return tuple(offset.since for offset in self.utc_offsets)

    def leave_spans(self) -> tuple[Leave, ...]:
        """Return leave in order, with days that overlap or follow one another as one span."""
        spans: list[Leave] = []
        for first, last in zip(*self._leave_spans, strict=True):
            if spans and first <= spans[-1].last + _A_DAY:
                spans[-1] = Leave(first=spans[-1].first, last=max(last, spans[-1].last))
            else:
                spans.append(Leave(first=first, last=last))
        return tuple(spans)

    def is_on_leave(self, day: date) -> bool:
        """Return whether the snapshot has the person away on this day."""
        firsts, lasts = self._leave_spans
        index = bisect_right(firsts, day) - 1
        return index >= 0 and day <= lasts[index]

    def hours_on(self, day: date) -> Hours:
        """Return the spans that the person works on this day; none where they do not.

        After `covers_until` only the pattern is looked at.
        """
        if day <= self.covers_until:
            if self.is_on_leave(day):
                return ()
            apart = self._days_apart.get(day)
            if apart is not None:
                return apart
            if day in self._holiday_set:
                return ()
        return self._pattern_hours(day)

    def is_working_day(self, day: date) -> bool:
        """Whether the person works on this day: by their pattern, with no holiday and no leave.

        After `covers_until` only the pattern is looked at.
        """
        return bool(self.hours_on(day))

    def name_of(self, day: date) -> str | None:
        """Return what a day with hours of its own is called; None for any other, and where it has no name."""
        return next((entry.name for entry in self.days if day in entry.on), None)

    def local_date(self, instant: datetime) -> date:
        """The date on the person's wall at this instant; during a night, to its end, the day it began on.

        Raises:
            ValueError: if `instant` is naive.
        """
        instant = _on_the_line(instant)
        day = self._wall_date(instant)
        if self._has_nights:
            before = day - _A_DAY
            hours = self.hours_on(before)
            if hours and hours[-1].ends_next_day and instant <= self.closing_of(before):
                return before
        return day

    def opening_of(self, day: date) -> datetime:
        """Return the UTC instant at which working hours begin on this local day.

        Where the clocks are put back and the wall shows the opening time twice, the first counts; where
        they are put forward over it, the jump itself is the opening. A day that is not worked opens as the
        person usually does.
        """
        return self._readings_of(day, self._hours_to_go_by(day)[0].opens)[0]

    def closing_of(self, day: date) -> datetime:
        """The UTC instant at which working hours end that began on this local day: always after the opening.

        Where the wall shows the closing time twice, the second counts, so that a clock change never
        takes time from anybody; where it is skipped, the jump itself is the closing. Hours that a jump
        swallows whole keep their length and begin at the jump. A night ends a minute before the next day
        opens where it would last longer.
        """
        day = _drawn_in(day)
        last = self._hours_to_go_by(day)[-1]
        closing = self._span_on(day, last)[1]
        following = day + _A_DAY
        if last.ends_next_day and self.is_working_day(following):
            before_it = self.opening_of(following) - _A_MINUTE
            if self.opening_of(day) < before_it < closing:
                return before_it
        return closing

    def spans_on(self, day: date) -> tuple[tuple[datetime, datetime], ...]:
        """Return the beginning and the end, in UTC, of each span that is worked on this local day."""
        hours = self.hours_on(day)
        if not hours:
            return ()
        spans = [self._span_on(day, span) for span in hours]
        return (*spans[:-1], (spans[-1][0], self.closing_of(day)))

    def working_day_from(self, day: date, count: int) -> date:
        """Return the working day `count` working days after `day` (before it, where negative).

        Zero is `day` itself if worked, else the next working day. Counting starts on the day after `day`
        whether or not that is worked: one working day after a Saturday is the Monday.

        The search ends after `FARTHEST_DAYS`, or at the ends of the years that the domain knows, and then
        answers with the day it has reached.
        """
        day = _drawn_in(day)
        if count == 0 and self.is_working_day(day):
            return day
        step = -_A_DAY if count < 0 else _A_DAY
        remaining = abs(count) or 1
        for _ in range(FARTHEST_DAYS):
            if not _FIRST_DAY <= day + step <= _LAST_DAY:
                break
            day += step
            remaining -= self.is_working_day(day)
            if remaining == 0:
                break
        return day

    def working_days_between(self, first: date, last: date) -> int:
        """Count the working days after `first`, up to and including `last`; negative if that is earlier.

        The inverse of `working_day_from`: `working_days_between(day, working_day_from(day, n)) == n` for
        every positive n. Of a longer stretch the first `FARTHEST_DAYS` days are counted.
        """
        if last < first:
            return -self.working_days_between(last, first)
        days = min((last - first).days, FARTHEST_DAYS)
        return sum(self.is_working_day(first + timedelta(days=n)) for n in range(1, days + 1))

    def next_working_moment(self, instant: datetime) -> datetime:
        """Return `instant` itself inside working hours, else the next opening.

        The opening belongs to working hours, the closing does not.

        Raises:
            ValueError: if `instant` is naive.
        """
        instant = _on_the_line(instant)
        today = self._wall_date(instant)
        for day in (today - _A_DAY, today) if self._has_nights else (today,):
            for opening, closing in self.spans_on(day):
                if instant < closing:
                    return max(instant, opening)
        return self.opening_of(self.working_day_from(today, 1))

    def _pattern_hours(self, day: date) -> Hours:
        if self.pattern is not None:
            return self.pattern.hours_on(day)
        return self._plain_hours if day.isoweekday() in self.working_weekdays else ()

    def _hours_to_go_by(self, day: date) -> Hours:
        """The hours of a day; of one that is not worked, those that it would have."""
        usual = self._plain_hours if self.pattern is None else self.pattern.usual
        return self.hours_on(day) or self._pattern_hours(day) or usual

    def _wall_date(self, instant: datetime) -> date:
        return (instant + self._offset_at(instant)).date()

    def _span_on(self, day: date, span: Span) -> tuple[datetime, datetime]:
        day = _drawn_in(day)
        opening = self._readings_of(day, span.opens)[0]
        closing = self._readings_of(day + _A_DAY if span.ends_next_day else day, span.closes)[-1]
        return opening, closing if closing > opening else opening + span.length

    def _offset_at(self, instant: datetime) -> timedelta:
        index = max(bisect_right(self._offset_starts, instant) - 1, 0)
        return timedelta(seconds=self.utc_offsets[index].seconds)

    def _readings_of(self, day: date, wall: time) -> list[datetime]:
        """Return the instants at which this wall shows this time; the jump itself where it never does."""
        as_if_utc = datetime.combine(_drawn_in(day), wall, tzinfo=UTC)
        # No offset reaches a day, so what the wall shows is decided within a day of the same time in UTC.
        before, after = as_if_utc - _A_DAY, as_if_utc + _A_DAY
        starts = self._offset_starts
        changes = starts[bisect_right(starts, before) : bisect_right(starts, after)]
        readings = {as_if_utc - self._offset_at(since) for since in (before, *changes)}
        shown = sorted(reading for reading in readings if reading + self._offset_at(reading) == as_if_utc)
        return shown or [next(change for change in changes if change + self._offset_at(change) > as_if_utc)]


def _drawn_in(day: date) -> date:
    return min(max(day, _FIRST_DAY), _LAST_DAY)


def _on_the_line(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        raise ValueError(f"{instant.isoformat()} has no offset: give an instant, for example in UTC")
    return min(max(instant.astimezone(UTC), _FIRST_INSTANT), _LAST_INSTANT)
