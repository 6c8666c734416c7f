"""Working time of the people whom an agreement asks about, and of everybody who may stand in for them."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping
from datetime import date, timedelta

from activities.directory.calendars import CalendarSources
from activities.directory.recipients import WorkingTimeLookup, acquaint
from domain.kernel.calendar import Calendar, Leave
from domain.kernel.model import PersonId
from domain.kernel.organisation_calendar import OrganisationCalendar
from domain.kernel.person import Person


class UnknownPeopleError(LookupError):
    """Somebody is not in the directory, or has a time zone or a holiday calendar that nobody knows."""


async def working_time(
    directory: WorkingTimeLookup,
    sources: CalendarSources,
    person_ids: Collection[PersonId],
    first: date,
    last: date,
) -> Mapping[PersonId, Calendar]:
    """Resolve calendars into data, those of delegates and their delegates included.

    Of a delegate whose calendar cannot be resolved there is none, so that they are not relied on; one who
    leaves is away for good from the day after their last.

    Args:
        directory: Where the people are.
        sources: Where holidays and clock changes are.
        person_ids: Whose calendars are needed.
        first: The earliest local day that will be asked about.
        last: The latest.

    Raises:
        UnknownPeopleError: Naming everybody of `person_ids` whose calendar cannot be resolved, and why.
    """
    known = await acquaint(directory, person_ids)
    missing = sorted(set(person_ids) - known.keys())
    if missing:
        raise UnknownPeopleError(
            f"The directory does not know {', '.join(missing)}; add them with `sojourn people FILE`."
        )
    organisations = await calendars_of_organisations(directory, known.values())
    return await asyncio.to_thread(
        _resolved, sources, known, frozenset(person_ids), (first, last), organisations
    )


async def calendars_of_organisations(
    directory: WorkingTimeLookup, people: Iterable[Person]
) -> Mapping[str, OrganisationCalendar]:
    """Look up the calendars of the organisations that people work for, by id."""
    named = {person.organisation_calendar for person in people if person.organisation_calendar is not None}
    return await directory.organisation_calendars(sorted(named)) if named else {}


def _resolved(
    sources: CalendarSources,
    known: Mapping[PersonId, Person],
    asked: frozenset[PersonId],
    stretch: tuple[date, date],
    organisations: Mapping[str, OrganisationCalendar],
) -> Mapping[PersonId, Calendar]:
    problems = {person_id: sources.problems(person, organisations) for person_id, person in known.items()}
    told = [f"{person_id}: {problem}" for person_id in sorted(asked) for problem in problems[person_id]]
    if told:
        raise UnknownPeopleError("; ".join(told))
    return {
        person_id: sources.resolve(
            person if person_id in asked else _until_they_leave(person, stretch[1]),
            *stretch,
            organisations.get(person.organisation_calendar or ""),
        )
        for person_id, person in known.items()
        if not problems[person_id]
    }


def _until_they_leave(person: Person, last: date) -> Person:
    if person.left_on is None or person.left_on >= last:
        return person
    gone = Leave(first=person.left_on + timedelta(days=1), last=last)
    return person.model_copy(update={"leave": (*person.leave, gone)})
