"""When a nudge may go out, in anybody's working time."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from hypothesis import given
from hypothesis import strategies as st

from domain.kernel.calendar import Calendar, Leave, UtcOffset
from domain.notifications.timing import GATHERING, first_slot, next_days_slot

BEGINNING = datetime(2027, 1, 1, tzinfo=UTC)


@st.composite
def _calendars(draw: st.DrawFn) -> Calendar:
    opens = draw(st.integers(0, 1380))
    lasts = draw(st.integers(1, 1439 - opens))
    away = date(2027, 1, 1) + timedelta(days=draw(st.integers(0, 60)))
    return Calendar(
        time_zone="Anywhere/At_All",
        utc_offsets=(UtcOffset(since=BEGINNING, seconds=3600 * draw(st.integers(-11, 12))),),
        working_weekdays=tuple(sorted(draw(st.sets(st.integers(1, 7), min_size=1)))),
        opens=time(opens // 60, opens % 60),
        closes=time((opens + lasts) // 60, (opens + lasts) % 60),
        holiday_calendar="none",
        holidays=tuple(date(2027, 1, 1) + timedelta(days=each) for each in draw(st.sets(st.integers(0, 60)))),
        leave=(Leave(first=away, last=away + timedelta(days=draw(st.integers(0, 20)))),),
        covers_until=date(2027, 6, 1),
        source="made up",
    )


_INSTANTS = st.integers(0, 60 * 24 * 60).map(lambda minutes: BEGINNING + timedelta(minutes=minutes))


@given(_calendars(), _INSTANTS)
def test_a_slot_lies_in_working_time_and_is_its_own(calendar: Calendar, at: datetime) -> None:
    """A nudge put off to a slot goes out at that slot: it is inside working hours and never put off again."""
    slot = first_slot(calendar, at)
    assert slot >= at
    assert calendar.next_working_moment(slot) == slot
    assert first_slot(calendar, slot) == slot


@given(_calendars(), _INSTANTS)
def test_the_next_days_slot_is_on_a_later_working_day(calendar: Calendar, at: datetime) -> None:
    """Whoever has had the mail of a day is next nudged on another day of theirs, in the morning."""
    slot = next_days_slot(calendar, at)
    assert calendar.local_date(slot) > calendar.local_date(at)
    assert calendar.is_working_day(calendar.local_date(slot))
    assert slot - calendar.opening_of(calendar.local_date(slot)) in {GATHERING, timedelta()}


@given(_calendars(), _INSTANTS)
def test_where_the_day_is_long_enough_its_opening_is_waited_out(calendar: Calendar, at: datetime) -> None:
    """All ladders that climb when the day opens are in one mail: none leaves before the gathering is over."""
    slot = first_slot(calendar, at)
    day = calendar.local_date(slot)
    if calendar.closing_of(day) - calendar.opening_of(day) > GATHERING:
        assert slot - calendar.opening_of(day) >= GATHERING
