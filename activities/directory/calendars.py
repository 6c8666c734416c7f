"""Calendars resolved into data: holidays and clock changes, looked up once and carried by the agreement."""

from __future__ import annotations

from collections.abc import Container, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import TypeAlias
from zoneinfo import ZoneInfo

from activities.directory import country_days
from activities.directory.country_days import CountryDays, UnknownHolidayCalendarError
from activities.directory.zones import load_zone, zone_data_version, zone_names
from domain.kernel.calendar import Calendar, UtcOffset
from domain.kernel.organisation_calendar import OrganisationCalendar
from domain.kernel.person import Person
from domain.kernel.working_hours import Hours, grouped

__all__ = ["CalendarSources", "UnknownHolidayCalendarError"]

_Day: TypeAlias = "tuple[Hours, str | None]"
"""What is worked on a day, and what the day is called."""

_A_DAY = timedelta(days=1)
_A_SECOND = timedelta(seconds=1)


class CalendarSources:
    """Reads calendars from the packaged holiday and time zone data.

    Codes of holiday calendars are a country (`DE`), a country and a region (`DE-BE`, `GB-SCT`) or a
    market (`XNYS`, `ECB`). Safe to use from several threads; a first look-up takes some tenths of a
    second, so call it off the event loop.
    """

    def resolve(
        self, person: Person, first: date, last: date, organisation: OrganisationCalendar | None = None
    ) -> Calendar:
        """Take a snapshot of a person's working time from `first` to `last`, both included.

        Args:
            person: whose time zone, holiday calendar, working pattern, leave and delegate to read.
            first: the earliest local day that will be asked about.
            last: the latest; beyond it the weekday pattern alone decides.
            organisation: the calendar that is laid over the country's, if the person has one.

        Raises:
            UnknownTimeZoneError: if the person's time zone is unknown.
            UnknownHolidayCalendarError: if the person's holiday calendar is unknown.
            ValueError: if `last` is before `first`.
        """
        if last < first:
            raise ValueError(f"a calendar cannot run from {first} to {last}: give the earlier day first")
        country = country_days.days_of(person.holiday_calendar, first, last)
        through = person.hours is not None and person.hours.through_holidays
        return Calendar(
            time_zone=person.time_zone,
            utc_offsets=_offsets_of(load_zone(person.time_zone), first, last),
            working_weekdays=person.working_weekdays,
            opens=person.opens,
            closes=person.closes,
            holiday_calendar=person.holiday_calendar,
            holidays=() if through else country.holidays,
            leave=tuple(span for span in person.leave if span.first <= last and span.last >= first),
            delegate_id=person.delegate_id,
            covers_until=last,
            source=_source_of(person.holiday_calendar, last),
            pattern=person.hours,
            days=grouped(_days_apart(person, country, organisation, first, last)),
            organisation_calendar=None if organisation is None else organisation.title,
            meets_at=person.meets_at,
        )

    def problems(self, person: Person, organisations: Container[str] | None = None) -> list[str]:
        """Return what keeps a calendar from being resolved: one sentence each, none if all is well.

        Args:
            person: whose time zone and calendars to look at.
            organisations: the ids of the organisations' calendars that are in force; None leaves that out.
        """
        found: list[str] = []
        named = person.organisation_calendar
        if organisations is not None and named is not None and named not in organisations:
            found.append(
                f"organisation_calendar {named!r} is not in force in this installation: leave it out, or "
                "name one that is"
            )
        if person.time_zone not in zone_names():
            found.append(
                f"time_zone {person.time_zone!r} is not an IANA time zone: "
                + country_days.suggestion(person.time_zone, zone_names(), "Europe/Berlin")
            )
        if not country_days.is_known(person.holiday_calendar):
            found.append(country_days.problem_with(person.holiday_calendar))
        return found


def _offsets_of(zone: ZoneInfo, first: date, last: date) -> tuple[UtcOffset, ...]:
    """Return every offset in force from the day before `first` to the day after `last`, to the second.

    A day is looked at as a whole: two changes within one day that cancel each other go unnoticed, and no
    zone has had any.
    """
    moment = datetime.combine(first, time(), tzinfo=UTC) - _A_DAY
    end = datetime.combine(last, time(), tzinfo=UTC) + 2 * _A_DAY
    found = [(moment, _offset_at(zone, moment))]
    while moment < end:
        following = moment + _A_DAY
        if _offset_at(zone, following) != found[-1][1]:
            change = _change_between(zone, moment, following)
            found.append((change, _offset_at(zone, change)))
        moment = following
    return tuple(UtcOffset(since=since, seconds=int(offset.total_seconds())) for since, offset in found)


def _change_between(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """Return the first second at which the offset is no longer what it was at `before`."""
    was = _offset_at(zone, before)
    while after - before > _A_SECOND:
        middle = before + (after - before) // _A_SECOND // 2 * _A_SECOND
        if _offset_at(zone, middle) == was:
            before = middle
        else:
            after = middle
    return after


def _offset_at(zone: ZoneInfo, instant: datetime) -> timedelta:
    return instant.astimezone(zone).utcoffset() or timedelta()


def _days_apart(
    person: Person, country: CountryDays, organisation: OrganisationCalendar | None, first: date, last: date
) -> Mapping[date, _Day]:
    """The days on which somebody works otherwise than pattern and holidays say.

    The country's days come first, the organisation's are laid over them, and what is said of the person alone
    wins. Whoever works through holidays takes no notice of either.
    """
    holidays = frozenset(country.holidays)
    through = person.hours is not None and person.hours.through_holidays

    def by_the_country(day: date) -> Hours:
        made_up_for, short = country.made_up.get(day), country.short.get(day)
        if made_up_for is not None:
            return person.pattern_hours(day) or person.pattern_hours(made_up_for)
        hours = () if day in holidays else person.pattern_hours(day)
        return hours if short is None else short.hours(hours)

    found: dict[date, _Day] = {}
    if not through:
        found.update({day: (by_the_country(day), None) for day in (*country.made_up, *country.short)})
        for day, entry in () if organisation is None else organisation.days_of(person.holiday_calendar):
            hours = entry.hours_on(day, by_the_country(day), person.pattern_hours)
            found[day] = (hours, entry.name)
    found.update({day: (entry.hours, entry.name) for entry in person.exceptions for day in entry.on})

    def usual(day: date) -> Hours:
        return () if day in holidays and not through else person.pattern_hours(day)

    return {day: apart for day, apart in found.items() if first <= day <= last and apart[0] != usual(day)}


def _source_of(code: str, last: date) -> str:
    known = country_days.known_until(code)
    missing = f" ({code} is known until {known})" if last.year > known else ""
    return f"holidays {country_days.release()}{missing}, {zone_data_version()}"
