"""Calendars resolved into data: holidays and clock changes, looked up once and carried by the agreement."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from difflib import get_close_matches
from functools import cache, lru_cache
from importlib.metadata import version
from zoneinfo import ZoneInfo

from activities.directory.zones import load_zone, zone_data_version, zone_names
from domain.kernel.calendar import Calendar, UtcOffset
from domain.kernel.person import Person

_A_DAY = timedelta(days=1)
_A_SECOND = timedelta(seconds=1)


class UnknownHolidayCalendarError(LookupError):
    """No holiday calendar has this code."""


class CalendarSources:
    """Reads calendars from the packaged holiday and time zone data.

    Codes of holiday calendars are a country (`DE`), a country and a region (`DE-BE`, `GB-SCT`) or a
    market (`XNYS`, `ECB`). Safe to use from several threads; a first look-up takes some tenths of a
    second, so call it off the event loop.
    """

    def resolve(self, person: Person, first: date, last: date) -> Calendar:
        """Snapshot a person's working time from `first` to `last`, both included.

        Args:
            person: whose time zone, holiday calendar, working pattern, leave and delegate to read.
            first: the earliest local day that will be asked about.
            last: the latest; beyond it the weekday pattern alone decides.

        Raises:
            UnknownTimeZoneError: if the person's time zone is unknown.
            UnknownHolidayCalendarError: if the person's holiday calendar is unknown.
            ValueError: if `last` is before `first`.
        """
        if last < first:
            raise ValueError(f"a calendar cannot run from {first} to {last}: give the earlier day first")
        return Calendar(
            time_zone=person.time_zone,
            utc_offsets=_offsets_of(load_zone(person.time_zone), first, last),
            working_weekdays=person.working_weekdays,
            opens=person.opens,
            closes=person.closes,
            holiday_calendar=person.holiday_calendar,
            holidays=_holidays_of(person.holiday_calendar, first, last),
            leave=tuple(span for span in person.leave if span.first <= last and span.last >= first),
            delegate_id=person.delegate_id,
            covers_until=last,
            source=_source_of(person.holiday_calendar, last),
        )

    def problems(self, person: Person) -> list[str]:
        """What keeps this person's calendar from being resolved: one sentence each, none if all is well."""
        found: list[str] = []
        if person.time_zone not in zone_names():
            found.append(
                f"time_zone {person.time_zone!r} is not an IANA time zone: "
                + _suggestion(person.time_zone, zone_names(), "Europe/Berlin")
            )
        if not _is_known(person.holiday_calendar):
            found.append(_holiday_problem(person.holiday_calendar))
        return found


def _offsets_of(zone: ZoneInfo, first: date, last: date) -> tuple[UtcOffset, ...]:
    """Every offset in force from the day before `first` to the day after `last`, changes to the second.

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
    """The first second at which the offset is no longer what it was at `before`."""
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


@cache
def _calendar_codes() -> dict[str, frozenset[str]]:
    """Every country and market with the regions that have a calendar of their own."""
    # Imported where it is used: command lines that never resolve a calendar start without it.
    import holidays  # noqa: PLC0415

    listed = holidays.list_supported_countries() | holidays.list_supported_financial()
    return {code: frozenset(regions) for code, regions in listed.items()}


def _is_known(code: str) -> bool:
    entity, dash, region = code.partition("-")
    regions = _calendar_codes().get(entity)
    return regions is not None and (not dash or region in regions)


@lru_cache(maxsize=256)
def _holidays_of(code: str, first: date, last: date) -> tuple[date, ...]:
    if not _is_known(code):
        raise UnknownHolidayCalendarError(_holiday_problem(code))
    import holidays  # noqa: PLC0415

    entity, _, region = code.partition("-")
    # The neighbouring years as well: a holiday on a weekend may be observed across the turn of the year.
    years = range(first.year - 1, last.year + 2)
    if entity in holidays.list_supported_countries():
        found = holidays.country_holidays(entity, subdiv=region or None, years=years)
    else:
        found = holidays.financial_holidays(entity, subdiv=region or None, years=years)
    return tuple(sorted(day for day in found if first <= day <= last))


@cache
def _known_until(code: str) -> int:
    """The last year that the library has holidays of this calendar for."""
    import holidays  # noqa: PLC0415

    entity = code.partition("-")[0]
    if entity in holidays.list_supported_countries():
        return holidays.country_holidays(entity).end_year
    return holidays.financial_holidays(entity).end_year


@cache
def _release_of_holidays() -> str:
    """The library's version: the packages' own notes on it take longer to read than a calendar to compute."""
    return version("holidays")


def _source_of(code: str, last: date) -> str:
    known = _known_until(code)
    missing = f" ({code} is known until {known})" if last.year > known else ""
    return f"holidays {_release_of_holidays()}{missing}, {zone_data_version()}"


def _holiday_problem(code: str) -> str:
    entity, _, region = code.partition("-")
    regions = _calendar_codes().get(entity)
    if regions is None:
        known = [
            name
            for country, parts in _calendar_codes().items()
            for name in (country, *(f"{country}-{part}" for part in parts))
        ]
        return f"holiday_calendar {code!r} is not known: " + _suggestion(code, known, "DE, DE-BE or XNYS")
    if not regions:
        return f"holiday_calendar {code!r} is not known: {entity} has no regions of its own, use {entity!r}"
    return (
        f"holiday_calendar {code!r} is not known: {entity} has no region {region!r}, "
        f"use {entity!r} or one of " + ", ".join(f"{entity}-{known}" for known in sorted(regions))
    )


def _suggestion(given: str, known: Iterable[str], example: str) -> str:
    by_folded = {name.casefold(): name for name in sorted(known)}
    if given.casefold() in by_folded:
        return f"did you mean {by_folded[given.casefold()]}?"
    close = get_close_matches(given.casefold(), by_folded, n=3, cutoff=0.6)
    if not close:
        return f"give a code or name such as {example}"
    return "did you mean " + " or ".join(by_folded[match] for match in close) + "?"
