"""Calendars resolved from the packaged holiday and time zone data."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from activities.directory.calendars import CalendarSources, UnknownHolidayCalendarError
from activities.directory.zones import UnknownTimeZoneError, load_zone, zone_names
from domain.kernel.calendar import Leave
from domain.kernel.person import Person


def person(zone: str = "Europe/Berlin", holidays: str = "DE-BE", **fields: Any) -> Person:  # noqa: ANN401 - any field
    """Somebody in Berlin, with other fields where given."""
    known: dict[str, Any] = {
        "person_id": "p-1",
        "name": "Mia",
        "time_zone": zone,
        "holiday_calendar": holidays,
    }
    return Person.model_validate(known | fields)


FIRST, LAST = date(2026, 1, 1), date(2027, 12, 31)
sources = CalendarSources()


@pytest.mark.parametrize(
    ("zone", "changes"),
    [
        (
            "Europe/Berlin",
            ["2026-03-29T01:00", "2026-10-25T01:00", "2027-03-28T01:00", "2027-10-31T01:00"],
        ),
        (
            "America/New_York",
            ["2026-03-08T07:00", "2026-11-01T06:00", "2027-03-14T07:00", "2027-11-07T06:00"],
        ),
        (
            "Australia/Sydney",
            ["2026-04-04T16:00", "2026-10-03T16:00", "2027-04-03T16:00", "2027-10-02T16:00"],
        ),
        ("Asia/Kolkata", []),
        ("UTC", []),
    ],
)
def test_every_clock_change_is_found_to_the_second(zone: str, changes: list[str]) -> None:
    """The snapshot holds each change of the clocks at its exact instant, and nothing else."""
    resolved = sources.resolve(person(zone), FIRST, LAST)
    assert [offset.since for offset in resolved.utc_offsets[1:]] == [
        datetime.fromisoformat(change).replace(tzinfo=UTC) for change in changes
    ]


@pytest.mark.parametrize(
    "zone", ["Africa/Casablanca", "America/St_Johns", "Australia/Lord_Howe", "Africa/Cairo"]
)
def test_the_snapshot_agrees_with_the_zone_at_every_hour(zone: str) -> None:
    """Local dates computed from the snapshot are those of the zone itself, odd zones included."""
    resolved = sources.resolve(person(zone), FIRST, LAST)
    rules = load_zone(zone)
    instant = datetime(2026, 1, 1, tzinfo=UTC)
    while instant < datetime(2027, 12, 31, tzinfo=UTC):
        assert resolved.local_date(instant) == instant.astimezone(rules).date()
        instant += timedelta(minutes=30)


@pytest.mark.parametrize("day", [date(2026, 3, 29), date(2026, 7, 1), date(2026, 10, 25), date(2026, 12, 31)])
def test_opening_hours_agree_with_the_zone(day: date) -> None:
    """Nine o'clock in the snapshot is nine o'clock in the zone, on days of a clock change too."""
    resolved = sources.resolve(person(), FIRST, LAST)
    assert resolved.opening_of(day) == datetime.combine(day, time(9), tzinfo=load_zone("Europe/Berlin"))


@pytest.mark.parametrize(
    ("code", "holiday", "worked"),
    [
        ("DE-BE", date(2026, 3, 8), date(2026, 1, 6)),
        ("DE-BY", date(2026, 1, 6), date(2026, 9, 21)),
        ("GB-SCT", date(2026, 11, 30), date(2026, 4, 6)),
        ("GB-ENG", date(2026, 4, 6), date(2026, 11, 30)),
        ("US", date(2026, 11, 26), date(2026, 11, 30)),
        ("IN", date(2026, 1, 26), date(2026, 1, 27)),
        ("XNYS", date(2026, 4, 3), date(2026, 10, 12)),
        ("ECB", date(2026, 5, 1), date(2026, 10, 3)),
    ],
)
def test_a_code_means_the_holidays_of_its_place(code: str, holiday: date, worked: date) -> None:
    """Countries, regions and markets each have their own days."""
    resolved = sources.resolve(person(holidays=code), FIRST, LAST)
    assert holiday in resolved.holidays
    assert worked not in resolved.holidays


def test_a_holiday_observed_in_the_year_before_is_there() -> None:
    """New Year 2028 is a Saturday: in the United States it is observed on the last day of 2027."""
    assert date(2027, 12, 31) in sources.resolve(person(holidays="US"), FIRST, LAST).holidays


def test_the_snapshot_takes_the_working_pattern_and_the_leave_that_touches_it() -> None:
    """Pattern, hours and delegate are copied; leave that ended before is nobody's business."""
    past = Leave(first=date(2025, 5, 1), last=date(2025, 5, 9))
    across = Leave(first=date(2025, 12, 20), last=date(2026, 1, 3))
    resolved = sources.resolve(
        person(
            working_weekdays=(1, 2, 3),
            opens=time(8),
            closes=time(14),
            leave=(past, across),
            delegate_id="p-2",
        ),
        FIRST,
        LAST,
    )
    assert resolved.leave == (across,)
    assert (resolved.working_weekdays, resolved.opens, resolved.closes) == ((1, 2, 3), time(8), time(14))
    assert (resolved.delegate_id, resolved.covers_until) == ("p-2", LAST)


def test_the_source_names_the_releases() -> None:
    """Years later one can still tell which release an instant was computed from."""
    assert sources.resolve(person(), FIRST, LAST).source.startswith("holidays 0.")
    assert "tzdata 20" in sources.resolve(person(), FIRST, LAST).source


def test_the_source_says_where_holidays_are_not_known_that_far() -> None:
    """A calendar that ends early says so instead of passing for one without holidays."""
    assert "LK is known until 2026" in sources.resolve(person(holidays="LK"), FIRST, LAST).source


def test_what_is_known_has_no_problems() -> None:
    """A person whose zone and holidays can be resolved passes."""
    assert sources.problems(person("Asia/Kolkata", "IN-KA")) == []


@pytest.mark.parametrize(
    ("zone", "code", "sentence"),
    [
        (
            "Europe/Berln",
            "DE",
            "time_zone 'Europe/Berln' is not an IANA time zone: did you mean Europe/Berlin",
        ),
        ("europe/berlin", "DE", "did you mean Europe/Berlin"),
        ("Xyzzy", "DE", "give a code or name such as Europe/Berlin"),
        ("../../etc/passwd", "DE", "is not an IANA time zone"),
        ("UTC", "DE-XX", "DE has no region 'XX', use 'DE' or one of DE-Augsburg, DE-BB, DE-BE"),
        ("UTC", "de-be", "holiday_calendar 'de-be' is not known: did you mean DE-BE"),
        ("UTC", "AF-KAB", "AF has no regions of its own, use 'AF'"),
        ("UTC", "XNYX", "did you mean XNYS"),
        ("UTC", "", "give a code or name such as DE"),
        ("UTC", "DE-", "DE has no region ''"),
    ],
)
def test_what_is_unknown_is_named_with_what_was_probably_meant(zone: str, code: str, sentence: str) -> None:
    """A wrong zone or holiday calendar is one precise sentence that says what to write instead."""
    problems = sources.problems(person(zone, code))
    assert len(problems) == 1
    assert sentence in problems[0]


def test_what_is_unknown_is_not_resolved() -> None:
    """Nothing is guessed: neither an unknown zone nor an unknown holiday calendar gives a calendar."""
    with pytest.raises(UnknownTimeZoneError, match="there is no time zone"):
        sources.resolve(person("Mars/Olympus"), FIRST, LAST)
    with pytest.raises(UnknownHolidayCalendarError, match="DE has no region"):
        sources.resolve(person(holidays="DE-XX"), FIRST, LAST)
    with pytest.raises(ValueError, match="give the earlier day first"):
        sources.resolve(person(), LAST, FIRST)


def test_every_listed_zone_loads() -> None:
    """Whatever passes as a zone name can be computed with."""
    assert all(load_zone(name).key == name for name in zone_names())


def test_threads_resolve_alike() -> None:
    """Look-ups from several threads at once, the first included, all give the same calendar."""
    fresh = CalendarSources()
    with ThreadPoolExecutor(8) as threads:
        asked = [threads.submit(fresh.resolve, person("Africa/Cairo", "EG"), FIRST, LAST) for _ in range(16)]
        found = [one.result() for one in asked]
    assert all(one == found[0] for one in found)
