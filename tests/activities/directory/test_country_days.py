"""Working time resolved: days made up for, half days, closing days, rosters, each laid over the other."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import holidays
import pytest

from activities.directory.calendars import CalendarSources
from activities.directory.country_days import calendar_codes, days_of
from domain.kernel.calendar import Calendar
from domain.kernel.organisation_calendar import OrganisationCalendar
from domain.kernel.person import Person

FIRST, LAST = date(2026, 1, 1), date(2027, 12, 31)
sources = CalendarSources()

HALDEN = OrganisationCalendar.model_validate(
    {
        "calendar_id": "halden",
        "version": 3,
        "days": [
            {"on": "2026-05-15", "name": "Bridge day after Ascension", "only": ["DE"]},
            {"on": ["2026-12-24", "2026-12-31"], "name": "Half-holiday", "free_from": "12:00"},
            {"first": "2026-12-28", "last": "2026-12-30", "name": "Between the years"},
            {"on": "2026-10-03", "name": "Inventory", "works_as": "fri"},
            {"on": "2026-06-19", "name": "Summer party", "hours": ["09:00-13:00"]},
        ],
    }
)


def resolved(
    zone: str = "Europe/Berlin",
    code: str = "DE-BE",
    organisation: OrganisationCalendar | None = None,
    **fields: Any,  # noqa: ANN401  any field
) -> Calendar:
    """The calendar of somebody with these fields."""
    known = {"person_id": "p-1", "name": "Mia", "time_zone": zone, "holiday_calendar": code}
    return sources.resolve(Person.model_validate(known | fields), FIRST, LAST, organisation)


@pytest.mark.parametrize(
    ("zone", "code", "saturday", "before", "after"),
    [
        ("Asia/Shanghai", "CN", date(2026, 2, 14), date(2026, 2, 13), date(2026, 2, 24)),
        ("Asia/Shanghai", "CN", date(2026, 5, 9), date(2026, 5, 8), date(2026, 5, 11)),
        ("Europe/Budapest", "HU", date(2026, 1, 10), date(2026, 1, 9), date(2026, 1, 12)),
        ("Europe/Riga", "LV", date(2026, 6, 27), date(2026, 6, 26), date(2026, 6, 29)),
    ],
)
def test_a_day_made_up_for_is_worked(zone: str, code: str, saturday: date, before: date, after: date) -> None:
    """Working Saturdays of China and Hungary count, with a weekday's hours; they were weekends before."""
    one = resolved(zone, code)
    assert saturday.isoweekday() == 6
    assert one.is_working_day(saturday)
    assert one.closing_of(saturday) - one.opening_of(saturday) == timedelta(hours=8)
    assert one.working_day_from(before, 1) == saturday
    assert one.working_day_from(saturday, 1) == after


def test_whoever_did_not_work_the_freed_weekday_makes_nothing_up() -> None:
    """Hungary frees a Friday for Saturday, 10 January 2026: who never works on Fridays is free."""
    assert not resolved("Europe/Budapest", "HU", working_weekdays=(1, 2, 3)).is_working_day(date(2026, 1, 10))
    fridays = {"weeks": [{"thu": ["09:00-17:00"], "fri": ["08:00-11:00"]}]}
    one = resolved("Europe/Budapest", "HU", hours=fridays)
    assert one.spans_on(date(2026, 1, 10)) == (
        (datetime(2026, 1, 10, 7, tzinfo=UTC), datetime(2026, 1, 10, 10, tzinfo=UTC)),
    )


@pytest.mark.parametrize(
    ("zone", "code", "day", "closes"),
    [
        ("Atlantic/Reykjavik", "IS", date(2026, 12, 24), time(13)),
        ("Europe/Tallinn", "EE", date(2026, 12, 23), time(14)),
        ("Europe/Athens", "GR", date(2026, 12, 24), time(13)),
        ("Australia/Brisbane", "AU-QLD", date(2026, 12, 24), time(17)),
        ("Asia/Shanghai", "CN", date(2026, 5, 4), None),
        ("Europe/Berlin", "DE-BE", date(2026, 12, 24), time(17)),
    ],
)
def test_a_half_day_of_the_country_ends_when_it_says(
    zone: str, code: str, day: date, closes: time | None
) -> None:
    """To one o'clock, three hours shorter, or by half, as the library has it; China's are not everybody's."""
    one = resolved(zone, code)
    assert one.hours_on(day)[-1].closes == closes if closes else not one.days or one.name_of(day) is None
    assert [span for entry in one.days if day in entry.on for span in entry.hours] == (
        [] if closes in {None, time(17)} else list(one.hours_on(day))
    )


def test_every_half_day_of_the_library_is_understood() -> None:
    """A half day that says how long it is is read so; those without a word of it are known by name."""
    unsaid: set[str] = set()
    for code in calendar_codes():
        if len(code) != 2 or code not in holidays.list_supported_countries():
            continue
        for region in (None, *calendar_codes()[code]):
            short = days_of(code if region is None else f"{code}-{region}", FIRST, LAST).short
            unsaid |= {code for each in short.values() if each.free_from is None and each.shorter_by is None}
    assert unsaid <= {"CH", "CW", "FO", "GR", "IT", "KN", "PW", "BG"}


def test_an_organisations_days_lie_over_the_countrys() -> None:
    """Bridge day, half-holiday, closing week, a worked holiday and a short day, for whom each concerns."""
    one = resolved(organisation=HALDEN)
    assert not one.is_working_day(date(2026, 5, 15))
    assert one.name_of(date(2026, 5, 15)) == "Bridge day after Ascension"
    assert resolved("Europe/Paris", "FR", organisation=HALDEN).is_working_day(date(2026, 5, 15))
    assert one.closing_of(date(2026, 12, 24)) == datetime(2026, 12, 24, 11, tzinfo=UTC)
    assert one.working_day_from(date(2026, 12, 24), 1) == date(2026, 12, 31)
    assert one.is_working_day(date(2026, 10, 3))
    assert one.closing_of(date(2026, 6, 19)) == datetime(2026, 6, 19, 11, tzinfo=UTC)
    assert one.organisation_calendar == "halden 3"


def test_a_half_holiday_halves_what_each_works() -> None:
    """Free from noon on 24 December: a part-timer's morning stays, an evening shift is off."""
    morning = resolved(organisation=HALDEN, hours={"weeks": [{"thu": ["08:00-11:00", "12:30-14:00"]}]})
    evening = resolved(
        organisation=HALDEN, hours={"weeks": [{"thu": ["22:00-06:00"], "mon": ["22:00-06:00"]}]}
    )
    assert [span.as_text() for span in morning.hours_on(date(2026, 12, 24))] == ["08:00-11:00"]
    assert not evening.is_working_day(date(2026, 12, 24))


def test_a_nurse_works_through_holidays_and_by_the_roster() -> None:
    """On the ward neither Christmas nor a closing day counts; the roster of the month has the last word."""
    nurse = resolved(
        organisation=HALDEN,
        hours={
            "weeks": [{"fri": ["22:00-06:00"]}, {"mon": ["06:00-14:00"]}],
            "anchor": "2026-12-21",
            "through_holidays": True,
        },
        exceptions=[{"on": ["2026-12-29"], "hours": ["14:00-22:00"]}, {"on": ["2026-12-28"]}],
    )
    assert nurse.closing_of(date(2026, 12, 25)) == datetime(2026, 12, 26, 5, tzinfo=UTC)
    assert nurse.working_day_from(date(2026, 12, 25), 1) == date(2026, 12, 29)
    assert nurse.holidays == ()


def test_a_snapshot_holds_only_what_differs() -> None:
    """Whoever works as the country does has no days apart, and a calendar of before stays as it was."""
    assert resolved().days == ()
    assert "pattern" not in resolved().model_dump_json()
    assert resolved(organisation=HALDEN).model_copy(update={"days": ()}).holidays == resolved().holidays
    saturday_worker = resolved(organisation=HALDEN, working_weekdays=(6,))
    assert {day for entry in saturday_worker.days for day in entry.on} == set()


@pytest.mark.parametrize("code", ["CN", "HU", "LV", "IS", "DE-BE"])
def test_made_up_days_and_holidays_exclude_each_other(code: str) -> None:
    """No day is a holiday and made up for; each is made up for a day that is free."""
    found = days_of(code, FIRST, LAST)
    assert set(found.holidays).isdisjoint(found.made_up)
    assert set(found.made_up.values()) <= set(days_of(code, FIRST - timedelta(days=40), LAST).holidays)
