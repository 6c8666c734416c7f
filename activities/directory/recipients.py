"""Who reads a notice on a given day: the person, or whoever stands in while they are away."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Protocol
from zoneinfo import ZoneInfo

import structlog

from activities.directory.zones import UnknownTimeZoneError, load_zone
from domain.kernel.model import PersonId
from domain.kernel.organisation_calendar import OrganisationCalendar
from domain.kernel.person import Person

_log = structlog.get_logger(__name__)

_LONGEST_CHAIN = 5
"""How many delegates are asked in turn before the notice stays with the one it was meant for."""


class PeopleLookup(Protocol):
    """Looks people up."""

    async def get(self, person_ids: Iterable[str]) -> dict[str, Person]:
        """Return the people that it knows among these, by id."""
        ...


class WorkingTimeLookup(PeopleLookup, Protocol):
    """Looks up people, and the calendars of the organisations that they work for."""

    async def organisation_calendars(self, calendar_ids: Iterable[str]) -> dict[str, OrganisationCalendar]:
        """The versions in force of the calendars that it knows among these, by id."""
        ...


class DirectoryLookup(WorkingTimeLookup, Protocol):
    """The people directory."""

    async def stood_in_for(self, person_id: str, steps: int) -> list[str]:
        """Return ids of everybody whose delegate this is, directly or up to so many steps away."""
        ...


async def acquaint(directory: PeopleLookup, person_ids: Iterable[PersonId]) -> dict[PersonId, Person]:
    """Look up these people and everybody who may stand in for them, delegates of delegates included."""
    wanted = set(person_ids)
    known: dict[PersonId, Person] = {}
    for _ in range(_LONGEST_CHAIN + 1):
        if not wanted:
            break
        found = await directory.get(sorted(wanted))
        known |= found
        wanted = {person.delegate_id for person in found.values() if person.delegate_id} - known.keys()
    return known


async def read_by(directory: DirectoryLookup, reader: Person, moment: datetime) -> dict[PersonId, Person]:
    """Return everybody whose notices this person reads at a moment: also those whom they stand in for."""
    absent = await directory.stood_in_for(reader.person_id, _LONGEST_CHAIN)
    known = await acquaint(directory, (reader.person_id, *absent))
    mine = ((person_id, reader_of(person_id, known, moment)) for person_id in (reader.person_id, *absent))
    return {
        person_id: known[person_id]
        for person_id, reads in mine
        if reads is not None and reads.person_id == reader.person_id
    }


def reader_of(person_id: PersonId, known: Mapping[PersonId, Person], moment: datetime) -> Person | None:
    """Return the person, or the first of their delegates in turn who is there.

    Where nobody is there it stays with the person, who finds it on the day they are back.

    Args:
        person_id: who is meant.
        known: the person and their delegates, as `acquaint` found them.
        moment: when it is read; absences are whole days where each of them lives.

    Returns:
        None where the person is unknown, or has left and nobody stands in.
    """
    person = known.get(person_id)
    candidate = person
    for _ in range(_LONGEST_CHAIN + 1):
        if candidate is None:
            break
        if not _is_away(candidate, moment):
            return candidate
        candidate = known.get(candidate.delegate_id) if candidate.delegate_id else None
    return None if person is None or _has_left(person, moment) else person


def zone_of(person: Person) -> ZoneInfo:
    """Return the person's zone; UTC where nobody knows the directory's, rather than no notice at all."""
    try:
        return load_zone(person.time_zone)
    except UnknownTimeZoneError:
        _log.warning("unknown_time_zone", person_id=person.person_id)
        return load_zone("UTC")


def _is_away(person: Person, moment: datetime) -> bool:
    return _has_left(person, moment) or any(span.covers(_today(person, moment)) for span in person.leave)


def _has_left(person: Person, moment: datetime) -> bool:
    return person.left_on is not None and person.left_on < _today(person, moment)


def _today(person: Person, moment: datetime) -> date:
    return moment.astimezone(zone_of(person)).date()
