"""When a reader works: from the directory as it is now, since a notice is read where its reader is now.

Deadlines follow the calendars that an agreement carries; whoever moved or went on leave since then is still
not to be nudged in their night.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime

import structlog

from activities.directory.calendars import CalendarSources
from activities.directory.recipients import WorkingTimeLookup, zone_of
from activities.directory.working_time import calendars_of_organisations
from domain.kernel.calendar import Calendar, UtcOffset
from domain.kernel.person import Person

_log = structlog.get_logger(__name__)


async def working_time_of(
    person: Person, at: datetime, sources: CalendarSources, directory: WorkingTimeLookup
) -> Calendar:
    """Return a person's working time around an instant.

    Where the directory names a zone or holidays that nobody knows, the hours of the week alone decide: the
    notice goes out all the same.

    Args:
        person: The reader.
        at: UTC.
        sources: Where holidays and clock changes are looked up.
        directory: Where the organisation's calendar is.
    """
    # Whole years, so that a look-up serves everybody for as long.
    first, last = date(at.year - 1, 12, 1), date(at.year + 1, 12, 31)
    try:
        organisations = await calendars_of_organisations(directory, [person])
        named = organisations.get(person.organisation_calendar or "")
        return await asyncio.to_thread(sources.resolve, person, first, last, named)
    except LookupError as error:
        _log.warning("working_time_unknown", person_id=person.person_id, error=str(error))
        return _of_the_week_alone(person, at, last)


def _of_the_week_alone(person: Person, at: datetime, last: date) -> Calendar:
    zone = zone_of(person)
    offset = at.astimezone(zone).utcoffset()
    return Calendar(
        time_zone=zone.key,
        utc_offsets=(
            UtcOffset(
                since=datetime(at.year - 1, 1, 1, tzinfo=UTC),
                seconds=0 if offset is None else int(offset.total_seconds()),
            ),
        ),
        working_weekdays=person.working_weekdays,
        opens=person.opens,
        closes=person.closes,
        holiday_calendar=person.holiday_calendar,
        holidays=(),
        leave=person.leave,
        delegate_id=person.delegate_id,
        covers_until=last,
        source="the directory alone",
        pattern=person.hours,
        days=person.exceptions,
    )
