"""Calendars: working days, hours and clock changes, as data."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.kernel.calendar import FARTHEST_DAYS, Calendar, Leave, UtcOffset
from domain.kernel.model import EARLIEST_YEAR, LATEST_YEAR


def offset(since: str, hours: float) -> UtcOffset:
    """An offset in hours from an instant on."""
    return UtcOffset(since=datetime.fromisoformat(since), seconds=int(hours * 3600))


OFFSETS = {
    "Europe/Berlin": (
        offset("2026-01-01T00:00+00:00", 1),
        offset("2026-03-29T01:00+00:00", 2),
        offset("2026-10-25T01:00+00:00", 1),
        offset("2027-03-28T01:00+00:00", 2),
        offset("2027-10-31T01:00+00:00", 1),
    ),
    "Asia/Kolkata": (offset("2026-01-01T00:00+00:00", 5.5),),
    "America/New_York": (
        offset("2026-01-01T00:00+00:00", -5),
        offset("2026-03-08T07:00+00:00", -4),
        offset("2026-11-01T06:00+00:00", -5),
    ),
    "Australia/Sydney": (
        offset("2026-01-01T00:00+00:00", 11),
        offset("2026-04-04T16:00+00:00", 10),
        offset("2026-10-03T16:00+00:00", 11),
    ),
    "Asia/Dubai": (offset("2026-01-01T00:00+00:00", 4),),
    "Asia/Beirut": (offset("2026-01-01T00:00+00:00", 2), offset("2026-03-28T22:00+00:00", 3)),
}


def calendar(zone: str = "Europe/Berlin", **fields: Any) -> Calendar:  # noqa: ANN401 - right and wrong ones
    """A week from Monday to Friday, nine to five, with other fields where given."""
    defaults: dict[str, Any] = {
        "time_zone": zone,
        "utc_offsets": OFFSETS[zone],
        "working_weekdays": (1, 2, 3, 4, 5),
        "opens": time(9),
        "closes": time(17),
        "holiday_calendar": "DE-BE",
        "holidays": (),
        "covers_until": date(2027, 12, 31),
        "source": "written down for a test",
    }
    return Calendar.model_validate(defaults | fields)


def utc(text: str) -> datetime:
    """An instant written without its offset."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


EASTER_2026 = (date(2026, 4, 3), date(2026, 4, 6))


@pytest.mark.parametrize(
    ("zone", "day", "opening", "closing"),
    [
        ("Europe/Berlin", date(2026, 3, 27), "2026-03-27T08:00", "2026-03-27T16:00"),
        ("Europe/Berlin", date(2026, 3, 30), "2026-03-30T07:00", "2026-03-30T15:00"),
        ("Europe/Berlin", date(2026, 10, 26), "2026-10-26T08:00", "2026-10-26T16:00"),
        ("Asia/Kolkata", date(2026, 6, 1), "2026-06-01T03:30", "2026-06-01T11:30"),
        ("America/New_York", date(2026, 3, 9), "2026-03-09T13:00", "2026-03-09T21:00"),
        ("America/New_York", date(2026, 11, 2), "2026-11-02T14:00", "2026-11-02T22:00"),
        ("Australia/Sydney", date(2026, 1, 5), "2026-01-04T22:00", "2026-01-05T06:00"),
        ("Australia/Sydney", date(2026, 10, 5), "2026-10-04T22:00", "2026-10-05T06:00"),
        ("Australia/Sydney", date(2026, 7, 1), "2026-06-30T23:00", "2026-07-01T07:00"),
    ],
)
def test_working_hours_follow_the_clock_of_the_zone(zone: str, day: date, opening: str, closing: str) -> None:
    """Nine to five on the person's wall is the right pair of UTC instants, summer and winter."""
    assert calendar(zone).opening_of(day) == utc(opening)
    assert calendar(zone).closing_of(day) == utc(closing)


def test_a_skipped_wall_time_is_read_as_the_jump() -> None:
    """In Berlin 02:30 does not exist on 29 March 2026; work that opens then opens when the clocks jump."""
    night_shift = calendar(opens=time(2, 30), closes=time(6), working_weekdays=(7,))
    assert night_shift.opening_of(date(2026, 3, 29)) == utc("2026-03-29T01:00")
    assert night_shift.closing_of(date(2026, 3, 29)) == utc("2026-03-29T04:00")


def test_a_wall_time_shown_twice_opens_at_the_first_and_closes_at_the_second() -> None:
    """When Berlin's clocks go back nobody's day is cut short by the hour that is shown twice."""
    night_shift = calendar(opens=time(2, 15), closes=time(2, 45), working_weekdays=(7,))
    assert night_shift.opening_of(date(2026, 10, 25)) == utc("2026-10-25T00:15")
    assert night_shift.closing_of(date(2026, 10, 25)) == utc("2026-10-25T01:45")


def test_hours_swallowed_by_a_jump_keep_their_length() -> None:
    """Working hours that lie wholly in the skipped hour still open before they close."""
    night_shift = calendar(opens=time(2, 15), closes=time(2, 45), working_weekdays=(7,))
    assert night_shift.opening_of(date(2026, 3, 29)) == utc("2026-03-29T01:00")
    assert night_shift.closing_of(date(2026, 3, 29)) == utc("2026-03-29T01:30")


def test_a_jump_at_midnight_stays_on_its_day() -> None:
    """Beirut skips from midnight to one o'clock; an opening at half past midnight is still that Sunday."""
    early = calendar("Asia/Beirut", opens=time(0, 30), closes=time(8), working_weekdays=(7,))
    opening = early.opening_of(date(2026, 3, 29))
    assert opening == utc("2026-03-28T22:00")
    assert early.local_date(opening) == date(2026, 3, 29)


@pytest.mark.parametrize(
    ("zone", "instant", "day"),
    [
        ("Europe/Berlin", "2026-06-30T21:59:59", date(2026, 6, 30)),
        ("Europe/Berlin", "2026-06-30T22:00", date(2026, 7, 1)),
        ("Asia/Kolkata", "2026-06-30T18:30", date(2026, 7, 1)),
        ("America/New_York", "2026-07-01T03:59", date(2026, 6, 30)),
        ("Australia/Sydney", "2026-06-30T14:00", date(2026, 7, 1)),
    ],
)
def test_the_date_is_the_one_on_the_persons_wall(zone: str, instant: str, day: date) -> None:
    """Midnight comes when it comes where the person is."""
    assert calendar(zone).local_date(utc(instant)) == day


def test_weekends_holidays_and_leave_are_not_worked() -> None:
    """A due instant never lands on a rest day, a public holiday or a day of leave."""
    berlin = calendar(holidays=EASTER_2026, leave=(Leave(first=date(2026, 4, 8), last=date(2026, 4, 9)),))
    days = [date(2026, 4, 2) + timedelta(days=n) for n in range(9)]
    assert [day for day in days if berlin.is_working_day(day)] == [
        date(2026, 4, 2),
        date(2026, 4, 7),
        date(2026, 4, 10),
    ]


def test_counting_skips_easter() -> None:
    """Two working days after Maundy Thursday is the Wednesday after Easter, and back again."""
    berlin = calendar(holidays=EASTER_2026)
    assert berlin.working_day_from(date(2026, 4, 2), 2) == date(2026, 4, 8)
    assert berlin.working_day_from(date(2026, 4, 8), -2) == date(2026, 4, 2)


def test_zero_is_the_day_itself_or_the_next_one_worked() -> None:
    """`working_day_from(day, 0)` only moves off days that nobody works."""
    berlin = calendar(holidays=EASTER_2026)
    assert berlin.working_day_from(date(2026, 4, 2), 0) == date(2026, 4, 2)
    assert berlin.working_day_from(date(2026, 4, 3), 0) == date(2026, 4, 7)


def test_one_working_day_after_a_saturday_is_monday() -> None:
    """Counting starts the day after, whether or not the first day is worked."""
    assert calendar().working_day_from(date(2026, 6, 6), 1) == date(2026, 6, 8)
    assert calendar().working_day_from(date(2026, 6, 6), -1) == date(2026, 6, 5)


def test_a_friday_and_saturday_weekend() -> None:
    """Where Sunday opens the week, Thursday is followed by Sunday."""
    riyadh_week = calendar("Asia/Dubai", working_weekdays=(1, 2, 3, 4, 7))
    assert riyadh_week.working_day_from(date(2026, 6, 4), 1) == date(2026, 6, 7)
    assert riyadh_week.next_working_moment(utc("2026-06-04T14:00")) == utc("2026-06-07T05:00")


@pytest.mark.parametrize(
    ("instant", "expected"),
    [
        ("2026-06-05T06:59", "2026-06-05T07:00"),
        ("2026-06-05T07:00", "2026-06-05T07:00"),
        ("2026-06-05T14:59:59", "2026-06-05T14:59:59"),
        ("2026-06-05T15:00", "2026-06-08T07:00"),
        ("2026-06-06T10:00", "2026-06-08T07:00"),
    ],
)
def test_the_next_working_moment_waits_for_the_opening(instant: str, expected: str) -> None:
    """The opening belongs to working hours, the closing does not, and Friday evening waits for Monday."""
    assert calendar().next_working_moment(utc(instant)) == utc(expected)


def test_a_naive_instant_is_refused() -> None:
    """An instant without an offset could be anybody's midnight."""
    with pytest.raises(ValueError, match="has no offset"):
        calendar().local_date(datetime(2026, 6, 5, 12))  # noqa: DTZ001


def test_beyond_the_snapshot_the_weekday_pattern_decides() -> None:
    """A date that nobody has holidays for is still computed: no agreement gets stuck on one."""
    endless = calendar(
        leave=(Leave(first=date(2026, 6, 1), last=date(9999, 12, 31)),), covers_until=date(2026, 12, 31)
    )
    assert endless.working_day_from(date(2026, 6, 1), 0) == date(2027, 1, 1)
    assert endless.opening_of(date(2031, 7, 1)) == utc("2031-07-01T08:00")
    assert endless.local_date(utc("2055-01-01T23:30")) == date(2055, 1, 2)


def test_the_ends_of_time_raise_nothing() -> None:
    """Dates at the edge of what can be represented are answered, with clamping, rather than raised on."""
    for zone in OFFSETS:
        far = calendar(zone, opens=time(0), closes=time(23, 59))
        for day in (date.min, date.max):
            assert far.opening_of(day) < far.closing_of(day)
            assert isinstance(far.working_day_from(day, 3), date)
            assert isinstance(far.working_day_from(day, -3), date)
            assert EARLIEST_YEAR <= far.opening_of(day).year <= far.closing_of(day).year <= LATEST_YEAR
        assert far.next_working_moment(datetime.max.replace(tzinfo=UTC)).year == LATEST_YEAR
        assert far.next_working_moment(datetime.min.replace(tzinfo=UTC)).year == EARLIEST_YEAR


def test_a_search_is_bounded_whatever_is_asked() -> None:
    """An absurd count ends after a century of days instead of holding a workflow for ever."""
    start = date(2026, 6, 5)
    assert calendar().working_day_from(start, 10**12) == start + timedelta(days=FARTHEST_DAYS)
    never = calendar().model_copy(update={"working_weekdays": ()})
    assert never.working_day_from(start, 1) == start + timedelta(days=FARTHEST_DAYS)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"working_weekdays": ()}, "at least one ISO number"),
        ({"working_weekdays": (0, 1)}, "at least one ISO number"),
        ({"working_weekdays": (5, 1)}, "ascending"),
        ({"working_weekdays": (1, 1)}, "each once"),
        ({"opens": time(17), "closes": time(9)}, "not after they open"),
        ({"opens": time(9), "closes": time(9)}, "not after they open"),
        ({"opens": time(9, tzinfo=UTC)}, "without an offset"),
        ({"utc_offsets": ()}, "utc_offsets is empty"),
        ({"utc_offsets": OFFSETS["Europe/Berlin"][::-1]}, "out of order"),
        ({"utc_offsets": ({"since": "2026-01-01T00:00Z", "seconds": 86_400},)}, "a day or more"),
        ({"leave": ({"first": "2026-02-02", "last": "2026-02-01"},)}, "swap the dates"),
    ],
)
def test_a_calendar_that_cannot_be_computed_with_is_refused(fields: dict[str, Any], sentence: str) -> None:
    """Each malformed field is named with what to do about it."""
    with pytest.raises(ValidationError, match=sentence):
        calendar(**fields)


def test_what_is_derived_never_leaves_the_model() -> None:
    """Looking a day up changes neither equality, nor the hash, nor what is written down."""
    used, fresh = calendar(holidays=EASTER_2026), calendar(holidays=EASTER_2026)
    assert used.next_working_moment(utc("2026-04-03T12:00")) == utc("2026-04-07T07:00")
    assert used == fresh
    assert hash(used) == hash(fresh)
    assert used.model_dump_json() == fresh.model_dump_json()
    assert Calendar.model_validate_json(used.model_dump_json()) == fresh


@pytest.mark.parametrize("deep", [False, True])
def test_a_copy_derives_its_own_holidays(deep: bool) -> None:
    """A calendar copied with other holidays does not answer from the old ones."""
    used = calendar(holidays=EASTER_2026)
    assert not used.is_working_day(date(2026, 4, 3))
    assert used.model_copy(update={"holidays": ()}, deep=deep).is_working_day(date(2026, 4, 3))


days = st.dates(date(2025, 6, 1), date(2028, 6, 1))
instants = st.datetimes(datetime(2025, 6, 1), datetime(2028, 6, 1), timezones=st.just(UTC))  # noqa: DTZ001


@st.composite
def spans(draw: st.DrawFn) -> Leave:
    """Leave of up to six weeks."""
    first = draw(days)
    return Leave(first=first, last=first + timedelta(days=draw(st.integers(0, 40))))


@st.composite
def calendars(draw: st.DrawFn) -> Calendar:
    """Calendars of every zone above, with any pattern, hours, holidays and leave."""
    opens, closes = sorted(
        draw(st.lists(st.times().map(lambda wall: wall.replace(fold=0)), min_size=2, max_size=2, unique=True))
    )
    return calendar(
        draw(st.sampled_from(sorted(OFFSETS))),
        working_weekdays=tuple(sorted(draw(st.sets(st.integers(1, 7), min_size=1)))),
        opens=opens,
        closes=closes,
        holidays=tuple(sorted(draw(st.sets(days, max_size=30)))),
        leave=tuple(draw(st.lists(spans(), max_size=4))),
    )


@given(calendars(), days, st.integers(-60, 60))
def test_counting_lands_on_a_working_day(one: Calendar, day: date, count: int) -> None:
    """Whatever the pattern, `working_day_from` answers with a day that is worked, on the right side."""
    found = one.working_day_from(day, count)
    assert one.is_working_day(found)
    assert found >= day if count == 0 else (found > day) == (count > 0)


@given(calendars(), days, st.integers(-60, 60))
def test_counting_there_and_back_returns(one: Calendar, day: date, count: int) -> None:
    """From a working day, n working days on and n back is the same day."""
    assume(one.is_working_day(day))
    assert one.working_day_from(one.working_day_from(day, count), -count) == day


@given(calendars(), days, days, st.integers(-20, 20))
def test_counting_keeps_the_order_of_days(one: Calendar, day: date, other: date, count: int) -> None:
    """Who starts later is never due earlier, and one more working day is never an earlier day."""
    earlier, later = sorted((day, other))
    assert one.working_day_from(earlier, count) <= one.working_day_from(later, count)
    assert one.working_day_from(day, count) <= one.working_day_from(day, count + 1)


@given(calendars(), days, st.integers(1, 60))
def test_the_number_of_working_days_is_the_count_that_led_there(one: Calendar, day: date, count: int) -> None:
    """`working_days_between` undoes `working_day_from`, and changes its sign with its direction."""
    found = one.working_day_from(day, count)
    assert one.working_days_between(day, found) == count
    assert one.working_days_between(found, day) == -count


@given(calendars(), instants)
@example(calendar(opens=time(2, 30), closes=time(6), working_weekdays=(7,)), utc("2026-03-29T01:00"))
@example(
    calendar("Asia/Beirut", opens=time(0), closes=time(0, 1), working_weekdays=(7,)), utc("2026-03-28T22:00")
)
def test_a_working_moment_is_its_own_next_working_moment(one: Calendar, instant: datetime) -> None:
    """`next_working_moment` moves forward once, onto a working day, and then stays."""
    moment = one.next_working_moment(instant)
    assert moment >= instant
    assert one.is_working_day(one.local_date(moment))
    assert one.next_working_moment(moment) == moment


@given(calendars(), days)
def test_every_day_opens_before_it_closes(one: Calendar, day: date) -> None:
    """Clock changes included, there is always some time between opening and closing."""
    assert one.opening_of(day) < one.closing_of(day)


@given(calendars(), instants)
def test_every_instant_lies_on_its_local_day(one: Calendar, instant: datetime) -> None:
    """Local dates and the instants of a day agree: midnight comes before, the last minute after."""
    whole_day = one.model_copy(update={"opens": time(0), "closes": time(23, 59, 59, 999999)})
    day = one.local_date(instant)
    assert whole_day.opening_of(day) <= instant <= whole_day.closing_of(day)
