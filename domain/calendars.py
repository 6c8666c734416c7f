"""Working days, hours and time zones as data: the arithmetic of due instants.

A calendar is a snapshot. It is resolved once by an activity and carried by the agreement, so that a
release of a holiday library or of the time zone database never moves an instant that was promised.
"""

from __future__ import annotations

from datetime import date, datetime, time

from domain.model import Frozen, Instant, PersonId


class UtcOffset(Frozen):
    """From an instant on, local time is UTC plus so many seconds."""

    since: Instant
    seconds: int


class Leave(Frozen):
    """Days on which a person is away, both ends included."""

    first: date
    last: date


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
    source: str
    """What the holidays and offsets were read from, with versions."""

    def is_working_day(self, day: date) -> bool:
        """Whether the person works on this day: a working weekday, no holiday, no leave."""
        raise NotImplementedError

    def local_date(self, instant: datetime) -> date:
        """The date on the person's wall at this instant."""
        raise NotImplementedError

    def opening_of(self, day: date) -> datetime:
        """The UTC instant at which working hours begin on this local day."""
        raise NotImplementedError

    def closing_of(self, day: date) -> datetime:
        """The UTC instant at which working hours end on this local day."""
        raise NotImplementedError

    def working_day_from(self, day: date, count: int) -> date:
        """The working day `count` working days after `day` (before it, where negative).

        Zero is `day` itself if worked, else the next working day.
        """
        raise NotImplementedError

    def next_working_moment(self, instant: datetime) -> datetime:
        """`instant` itself inside working hours, else the next opening."""
        raise NotImplementedError
