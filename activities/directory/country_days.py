"""Which days are holidays of a country or market, which are made up for, and which are shortened."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, time, timedelta
from difflib import get_close_matches
from functools import cache, lru_cache
from importlib.metadata import version
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from domain.kernel.working_hours import Hours, length_of, shortened, without

if TYPE_CHECKING:
    from holidays import HolidayBase

HALF_DAYS_OF_SOME = frozenset({"CN", "CHN"})
"""Where the library's half days are not everybody's: in China women's, children's, soldiers'."""

_A_DAY = timedelta(days=1)
_A_WEEK = 7
_NOON = 12
_LANGUAGE = "en_US"
"""In which names are read: the library tells in them what a day is made up for, and from when it is free."""
_SUBSTITUTED = re.compile(r"substituted from (\d\d)/(\d\d)/(\d{4})")
_FREE_FROM = re.compile(r"\(from (\d{1,2})(am|pm)\)")
_SHORTER_BY = re.compile(r"\(workday shortened by (\d+) hours?\)")


class UnknownHolidayCalendarError(LookupError):
    """No holiday calendar has this code."""


@dataclass(frozen=True, slots=True)
class ShortDay:
    """A day on which less is worked: to a time, or by some hours, or else by half."""

    free_from: time | None = None
    shorter_by: timedelta | None = None

    def hours(self, usual: Hours) -> Hours:
        """Return what is left of a day's usual hours."""
        if self.free_from is not None:
            return without(usual, self.free_from, None)
        whole = length_of(usual)
        return shortened(usual, whole / 2 if self.shorter_by is None else whole - self.shorter_by)


@dataclass(frozen=True, slots=True)
class CountryDays:
    """Days of a country that its weekdays do not tell."""

    holidays: tuple[date, ...]
    """Ascending."""
    made_up: Mapping[date, date]
    """Days at a weekend that are worked, each for a day that was made free in exchange."""
    short: Mapping[date, ShortDay]


@cache
def calendar_codes() -> Mapping[str, frozenset[str]]:
    """Every country and market with the regions that have a calendar of their own."""
    # Imported where it is used: command lines that never resolve a calendar start without it.
    import holidays  # noqa: PLC0415

    listed = holidays.list_supported_countries() | holidays.list_supported_financial()
    return {code: frozenset(regions) for code, regions in listed.items()}


def is_known(code: str) -> bool:
    """Whether there is a holiday calendar of this code."""
    entity, dash, region = code.partition("-")
    regions = calendar_codes().get(entity)
    return regions is not None and (not dash or region in regions)


@lru_cache(maxsize=256)
def days_of(code: str, first: date, last: date) -> CountryDays:
    """Look the days of a country or market up.

    Args:
        code: Of the holiday calendar: `DE`, `GB-SCT`, `XNYS`.
        first: The first day that is asked about.
        last: The last.

    Raises:
        UnknownHolidayCalendarError: There is no calendar of this code.
    """
    if not is_known(code):
        raise UnknownHolidayCalendarError(problem_with(code))
    import holidays  # noqa: PLC0415

    # The neighbouring years as well: a holiday on a weekend may be observed across the turn of the year.
    years = range(first.year - 1, last.year + 2)
    entity, _, region = code.partition("-")
    if entity not in holidays.list_supported_countries():
        markets = holidays.financial_holidays(entity, subdiv=region or None, years=years)
        return CountryDays(_between(markets, first, last), MappingProxyType({}), MappingProxyType({}))
    found = _country(entity, region, years)
    made_up = _made_up(found, first, last)
    return CountryDays(
        holidays=tuple(day for day in _between(found, first, last) if day not in made_up),
        made_up=MappingProxyType(made_up),
        short=MappingProxyType(_short_days(entity, region, years, first, last)),
    )


def _country(entity: str, region: str, years: Iterable[int], **categories: Any) -> HolidayBase:  # noqa: ANN401  the library's
    import holidays  # noqa: PLC0415

    speaks = holidays.country_holidays(entity).supported_languages
    language = _LANGUAGE if _LANGUAGE in speaks else None
    return holidays.country_holidays(
        entity, subdiv=region or None, years=years, language=language, **categories
    )


def _between(days: Iterable[date], first: date, last: date) -> tuple[date, ...]:
    return tuple(sorted(day for day in days if first <= day <= last))


def _made_up(found: HolidayBase, first: date, last: date) -> dict[date, date]:
    """Working days at a weekend; where the library does not tell for which day, for the Friday before."""
    free = {
        date(int(year), int(month), int(day)): freed
        for freed, name in found.items()
        for month, day, year in _SUBSTITUTED.findall(name)
    }
    return {
        day: free.get(day, day - timedelta(days=max(1, day.isoweekday() - 5)))
        for day in _between(found.weekend_workdays, first, last)
    }


def _short_days(
    entity: str, region: str, years: Iterable[int], first: date, last: date
) -> dict[date, ShortDay]:
    import holidays  # noqa: PLC0415

    if (
        entity in HALF_DAYS_OF_SOME
        or holidays.HALF_DAY not in holidays.country_holidays(entity).supported_categories
    ):
        return {}
    found = _country(entity, region, years, categories=(holidays.HALF_DAY,))
    return {day: _short_day(name) for day, name in found.items() if first <= day <= last}


def _short_day(name: str) -> ShortDay:
    from_hour, by_hours = _FREE_FROM.search(name), _SHORTER_BY.search(name)
    if from_hour is not None:
        hour = int(from_hour[1]) % _NOON + (_NOON if from_hour[2] == "pm" else 0)
        return ShortDay(free_from=time(hour))
    return ShortDay(shorter_by=None if by_hours is None else timedelta(hours=int(by_hours[1])))


@cache
def known_until(code: str) -> int:
    """The last year that the library has holidays of this calendar for."""
    import holidays  # noqa: PLC0415

    entity = code.partition("-")[0]
    if entity in holidays.list_supported_countries():
        return holidays.country_holidays(entity).end_year
    return holidays.financial_holidays(entity).end_year


@cache
def release() -> str:
    """The library's version: the packages' own notes on it take longer to read than a calendar to compute."""
    return version("holidays")


def problem_with(code: str) -> str:
    """Say why there is no holiday calendar of this code, and what was probably meant."""
    entity, _, region = code.partition("-")
    regions = calendar_codes().get(entity)
    if regions is None:
        known = [
            name
            for country, parts in calendar_codes().items()
            for name in (country, *(f"{country}-{part}" for part in parts))
        ]
        return f"holiday_calendar {code!r} is not known: " + suggestion(code, known, "DE, DE-BE or XNYS")
    if not regions:
        return f"holiday_calendar {code!r} is not known: {entity} has no regions of its own, use {entity!r}"
    return (
        f"holiday_calendar {code!r} is not known: {entity} has no region {region!r}, "
        f"use {entity!r} or one of " + ", ".join(f"{entity}-{known}" for known in sorted(regions))
    )


def suggestion(given: str, known: Iterable[str], example: str) -> str:
    """Say which of the known names was probably meant, or what one looks like."""
    by_folded = {name.casefold(): name for name in sorted(known)}
    if given.casefold() in by_folded:
        return f"did you mean {by_folded[given.casefold()]}?"
    close = get_close_matches(given.casefold(), by_folded, n=3, cutoff=0.6)
    if not close:
        return f"give a code or name such as {example}"
    return "did you mean " + " or ".join(by_folded[match] for match in close) + "?"
