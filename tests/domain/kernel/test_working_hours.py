"""Working hours as people have them: part-time weeks, nights, cycles, and days with hours of their own."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.kernel.calendar import Calendar, Leave, UtcOffset
from domain.kernel.model import EARLIEST_YEAR, LATEST_YEAR
from domain.kernel.working_hours import WEEKDAYS, DayHours, Hours, Span, WorkingPattern, grouped


def offsets(*changes: tuple[str, float]) -> tuple[UtcOffset, ...]:
    """Offsets in hours, each from an instant on."""
    return tuple(
        UtcOffset(since=datetime.fromisoformat(since), seconds=int(hours * 3600)) for since, hours in changes
    )


OFFSETS = {
    "Europe/Berlin": offsets(
        ("2026-01-01T00:00+00:00", 1),
        ("2026-03-29T01:00+00:00", 2),
        ("2026-10-25T01:00+00:00", 1),
        ("2027-03-28T01:00+00:00", 2),
        ("2027-10-31T01:00+00:00", 1),
    ),
    "America/New_York": offsets(
        ("2026-01-01T00:00+00:00", -5), ("2026-03-08T07:00+00:00", -4), ("2026-11-01T06:00+00:00", -5)
    ),
    "Asia/Beirut": offsets(("2026-01-01T00:00+00:00", 2), ("2026-03-28T22:00+00:00", 3)),
    "Asia/Kolkata": offsets(("2026-01-01T00:00+00:00", 5.5)),
}


def calendar(zone: str = "Europe/Berlin", **fields: Any) -> Calendar:  # noqa: ANN401  right and wrong ones
    """Somebody's calendar with the fields given."""
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


def pattern(*weeks: dict[str, list[str]], **fields: Any) -> WorkingPattern:  # noqa: ANN401  likewise
    """Weeks as they are written in a file."""
    return WorkingPattern.model_validate({"weeks": weeks, **fields})


def utc(text: str) -> datetime:
    """An instant written without its offset."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


PART_TIME = pattern({"mon": ["09:00-17:00"], "tue": ["09:00-12:30"], "thu": ["08:00-12:00", "13:00-16:00"]})
NURSE = pattern(
    {"mon": ["06:00-14:00"], "tue": ["06:00-14:00"], "wed": ["14:00-22:00"], "sat": ["22:00-06:00"]},
    {"thu": ["22:00-06:00"], "fri": ["22:00-06:00"], "sun": ["14:00-22:00"]},
    anchor=date(2026, 6, 1),
    through_holidays=True,
)


def test_a_part_time_week_has_hours_of_its_own_for_each_day() -> None:
    """Tuesday ends at half past twelve, Thursday has a break, and Wednesday and Friday are not worked."""
    one = calendar(pattern=PART_TIME)
    assert one.closing_of(date(2026, 6, 2)) == utc("2026-06-02T10:30")
    assert one.working_day_from(date(2026, 6, 2), 1) == date(2026, 6, 4)
    assert one.next_working_moment(utc("2026-06-04T10:30")) == utc("2026-06-04T11:00")
    assert one.next_working_moment(utc("2026-06-02T10:30")) == utc("2026-06-04T06:00")
    assert one.working_day_from(date(2026, 6, 4), 1) == date(2026, 6, 8)


def test_a_nurses_cycle_of_weeks_begins_at_its_anchor() -> None:
    """The week of the anchor is the first of the cycle, before the anchor as well as after it."""
    one = calendar(pattern=NURSE)
    worked = [date(2026, 5, 25) + timedelta(days=n) for n in range(28)]
    assert [day.isoformat()[5:] for day in worked if one.is_working_day(day)] == [
        *("05-28", "05-29", "05-31"),
        *("06-01", "06-02", "06-03", "06-06"),
        *("06-11", "06-12", "06-14"),
        *("06-15", "06-16", "06-17", "06-20"),
    ]


def test_a_night_belongs_to_the_day_it_begins_on() -> None:
    """What is due at the end of Saturday's night is due on Saturday, although the wall shows Sunday."""
    one = calendar(pattern=NURSE)
    saturday = date(2026, 6, 6)
    assert one.opening_of(saturday) == utc("2026-06-06T20:00")
    assert one.closing_of(saturday) == utc("2026-06-07T04:00")
    assert one.local_date(utc("2026-06-07T02:00")) == saturday
    assert one.local_date(one.closing_of(saturday)) == saturday
    assert one.local_date(utc("2026-06-07T04:01")) == date(2026, 6, 7)
    assert one.next_working_moment(utc("2026-06-07T02:00")) == utc("2026-06-07T02:00")
    assert one.next_working_moment(utc("2026-06-07T04:00")) == utc("2026-06-11T20:00")


@pytest.mark.parametrize(
    ("day", "hours"), [(date(2026, 3, 28), 7), (date(2026, 10, 24), 9), (date(2026, 6, 6), 8)]
)
def test_a_night_over_a_clock_change_is_an_hour_shorter_or_longer(day: date, hours: int) -> None:
    """From ten in the evening to six in the morning is what the walls say it is."""
    one = calendar(pattern=pattern({"sat": ["22:00-06:00"]}))
    assert one.closing_of(day) - one.opening_of(day) == timedelta(hours=hours)


def test_a_day_with_hours_of_its_own_wins_over_pattern_and_holiday() -> None:
    """A Saturday made up, a short Christmas Eve, a closing day and a duty on a holiday: each as given."""
    one = calendar(
        holidays=(date(2026, 12, 25),),
        days=(
            DayHours.model_validate({"on": [date(2026, 12, 19)], "hours": ["09:00-17:00"]}),
            DayHours.model_validate({"on": [date(2026, 12, 24)], "hours": ["09:00-12:00"]}),
            DayHours(on=(date(2026, 12, 28),), name="Between the years"),
            DayHours.model_validate({"on": [date(2026, 12, 25)], "hours": ["22:00-06:00"]}),
        ),
    )
    assert one.is_working_day(date(2026, 12, 19))
    assert one.closing_of(date(2026, 12, 24)) == utc("2026-12-24T11:00")
    assert one.working_day_from(date(2026, 12, 25), 1) == date(2026, 12, 29)
    assert one.name_of(date(2026, 12, 28)) == "Between the years"
    assert one.closing_of(date(2026, 12, 25)) == utc("2026-12-26T05:00")
    assert not one.model_copy(
        update={"leave": (Leave(first=date(2026, 12, 19), last=date(2026, 12, 19)),)}
    ).is_working_day(date(2026, 12, 19))


def test_a_night_yields_to_the_day_after_it() -> None:
    """A duty that is called for before a night has ended takes the rest of it: each instant has one day."""
    one = calendar(
        pattern=pattern({"mon": ["22:00-06:00"]}),
        days=(DayHours.model_validate({"on": [date(2026, 6, 2)], "hours": ["05:00-09:00"]}),),
    )
    assert one.closing_of(date(2026, 6, 1)) == utc("2026-06-02T02:59")
    assert one.local_date(one.opening_of(date(2026, 6, 2))) == date(2026, 6, 2)


def test_what_is_written_stays_short_and_plain_calendars_as_they_were() -> None:
    """Days of the same hours share them, and nothing is added to a calendar without any."""
    assert calendar().model_dump(mode="json").keys().isdisjoint({"pattern", "days", "meets_at"})
    on = {
        date(2026, 6, 1) + timedelta(days=n): ((Span(opens=time(6), closes=time(14)),), None)
        for n in range(90)
    }
    roster = calendar(days=grouped(on))
    assert len(roster.model_dump_json()) - len(calendar().model_dump_json()) < 90 * 14
    assert Calendar.model_validate_json(roster.model_dump_json()) == roster
    assert roster.model_dump(mode="json")["days"][0]["hours"] == ["06:00-14:00"]
    assert hash(Calendar.model_validate_json(calendar(pattern=NURSE).model_dump_json())) == hash(
        calendar(pattern=NURSE)
    )


REFUSED: list[tuple[list[dict[str, list[str]]], dict[str, Any], str]] = [
    ([{}], {}, "has no working time at all"),
    ([{"mon": []}, {}], {"anchor": date(2026, 1, 5)}, "has no working time at all"),
    ([], {}, "at least 1 item"),
    ([{"mon": ["09:00-17:00"]}, {}], {}, "a cycle of 2 weeks needs `anchor`"),
    ([{"mon": ["09:00 to 17:00"]}], {}, "is no span of working hours: write it as 09:00-17:00"),
    ([{"mon": ["9-17"]}], {}, "is no span of working hours"),
    ([{"mon": ["13:00-17:00", "09:00-12:00"]}], {}, "the hours of mon are out of order"),
    ([{"mon": ["09:00-12:00", "12:00-17:00"]}], {}, "with time between them"),
    ([{"mon": ["22:00-06:00", "23:00-23:30"]}], {}, "a night last"),
    (
        [{"fri": ["22:00-06:00"], "sat": ["06:00-14:00"]}],
        {},
        "the night of fri in week 1 lasts until 06:00",
    ),
    (
        [{"mon": ["06:00-14:00"]}, {"sun": ["22:00-07:00"]}],
        {"anchor": date(2026, 1, 5)},
        "the night of sun in week 2",
    ),
    ([{"monday": ["09:00-17:00"]}], {}, "monday"),
]


@pytest.mark.parametrize(("weeks", "fields", "sentence"), REFUSED)
def test_a_pattern_that_nobody_can_work_is_refused_by_name(
    weeks: list[dict[str, list[str]]], fields: dict[str, Any], sentence: str
) -> None:
    """Each mistake is named with what to write instead: a week without any working time above all."""
    with pytest.raises(ValidationError, match=sentence):
        pattern(*weeks, **fields)


days = st.dates(date(2025, 9, 1), date(2028, 3, 1))
instants = st.datetimes(datetime(2025, 9, 1), datetime(2028, 3, 1), timezones=st.just(UTC))  # noqa: DTZ001
SHAPES: tuple[Hours, ...] = tuple(
    tuple(Span.model_validate(span) for span in shape.split())
    for shape in (
        *("", "", "09:00-17:00", "08:00-12:00 13:00-16:30", "09:00-12:30", "22:00-06:00", "22:00-02:30"),
        *(
            "00:00-00:01",
            "00:30-08:00",
            "02:15-02:45",
            "02:30-06:00",
            "02:00-02:15 02:45-03:30",
            "01:30-02:30",
        ),
        *("00:00-24:00", "23:59-23:59", "18:00-24:00", "12:00-12:00", "00:00-02:00 23:00-01:00"),
    )
)
"""Days as people have them, and as they have them where clocks change; nights and whole days among them."""
hours = st.sampled_from(SHAPES)


@st.composite
def patterns(draw: st.DrawFn) -> WorkingPattern | None:
    """Patterns of one to three weeks that somebody can work; None where those drawn cannot be."""
    drawn = draw(st.lists(st.tuples(*[hours] * 7), min_size=1, max_size=3))
    weeks = [dict(zip(WEEKDAYS, week, strict=True)) for week in drawn]
    try:
        return WorkingPattern.model_validate({"weeks": weeks, "anchor": draw(days)})
    except ValidationError:
        return None


@st.composite
def calendars(draw: st.DrawFn) -> Calendar:
    """Calendars with patterns, holidays, leave, and days with hours of their own."""
    first = draw(days)
    return calendar(
        draw(st.sampled_from(sorted(OFFSETS))),
        pattern=draw(patterns()),
        holidays=tuple(sorted(draw(st.sets(days, max_size=8)))),
        leave=(Leave(first=first, last=first + timedelta(days=draw(st.integers(0, 40)))),),
        days=grouped(draw(st.dictionaries(days, st.tuples(hours, st.none()), max_size=12))),
    )


NIGHTS = calendar(pattern=NURSE)
CLOCKS_BACK = calendar(pattern=pattern({"sat": ["22:00-02:30"], "sun": ["02:45-03:15"]}))


@settings(deadline=None)
@given(calendars(), days, st.integers(-40, 40))
@example(NIGHTS, date(2026, 6, 7), 0)
def test_counting_lands_on_a_working_day_and_comes_back(one: Calendar, day: date, count: int) -> None:
    """Whatever the pattern: n working days on is worked, and n back from there is where one began."""
    found = one.working_day_from(day, count)
    assert one.is_working_day(found)
    assert one.working_day_from(found, -count) == found if count == 0 else True
    if one.is_working_day(day):
        assert one.working_day_from(found, -count) == day
    if count > 0:
        assert one.working_days_between(day, found) == count


@settings(deadline=None)
@given(calendars(), days, days, st.integers(-20, 20))
def test_counting_is_monotone(one: Calendar, day: date, other: date, count: int) -> None:
    """Who starts later is never due earlier."""
    earlier, later = sorted((day, other))
    assert one.working_day_from(earlier, count) <= one.working_day_from(later, count)
    assert one.working_day_from(day, count) <= one.working_day_from(day, count + 1)


@settings(deadline=None)
@given(calendars(), days)
@example(CLOCKS_BACK, date(2026, 10, 24))
def test_days_open_and_close_one_after_another(one: Calendar, day: date) -> None:
    """Each worked day opens before it closes, and opens and closes before the next one does."""
    day = one.working_day_from(day, 0)
    following = one.working_day_from(day, 1)
    assert one.opening_of(day) < one.closing_of(day)
    assert one.opening_of(day) < one.opening_of(following)
    assert one.closing_of(day) < one.closing_of(following)


@settings(deadline=None)
@given(calendars(), days)
@example(NIGHTS, date(2026, 6, 6))
@example(CLOCKS_BACK, date(2026, 10, 24))
def test_a_days_opening_and_closing_count_to_that_day(one: Calendar, day: date) -> None:
    """`local_date` undoes `opening_of` and `closing_of` of a worked day: due instants are read back so."""
    day = one.working_day_from(day, 0)
    assert one.local_date(one.opening_of(day)) == day
    assert one.local_date(one.closing_of(day)) == day


@settings(deadline=None)
@given(calendars(), instants)
@example(CLOCKS_BACK, utc("2026-10-25T00:40"))
def test_a_working_moment_lies_in_a_span_and_stays(one: Calendar, instant: datetime) -> None:
    """`next_working_moment` moves forward once, into a span that is worked, and then stays."""
    moment = one.next_working_moment(instant)
    assert moment >= instant
    assert one.next_working_moment(moment) == moment
    assert any(opening <= moment < closing for opening, closing in one.spans_on(one.local_date(moment))), (
        moment
    )


@settings(deadline=None)
@given(calendars(), instants, instants)
def test_working_moments_are_monotone(one: Calendar, instant: datetime, other: datetime) -> None:
    """Who asks later is never told an earlier moment."""
    earlier, later = sorted((instant, other))
    assert one.next_working_moment(earlier) <= one.next_working_moment(later)


@settings(deadline=None)
@given(calendars(), st.dates())
@example(NIGHTS, date.min)
@example(NIGHTS, date.max)
def test_no_day_raises_or_searches_for_ever(one: Calendar, day: date) -> None:
    """Any day at all has an opening, a closing and a working day near it, inside the years that there are."""
    assert EARLIEST_YEAR <= one.opening_of(day).year <= one.closing_of(day).year <= LATEST_YEAR
    assert isinstance(one.working_day_from(day, 3), date)
    assert isinstance(one.working_day_from(day, -3), date)
    assert isinstance(one.next_working_moment(one.closing_of(day)), datetime)
