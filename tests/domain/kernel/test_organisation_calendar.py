"""Calendars of organisations as data: what can be said of a day, and what is refused."""

from __future__ import annotations

from datetime import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.kernel.organisation_calendar import OrganisationCalendar
from domain.kernel.working_hours import Hours, Span, length_of, shortened, without


def calendar(*days: dict[str, Any]) -> OrganisationCalendar:
    """A calendar of these days."""
    return OrganisationCalendar.model_validate({"calendar_id": "halden", "version": 1, "days": days})


def spans(*texts: str) -> Hours:
    """Hours as they are written."""
    return tuple(Span.model_validate(text) for text in texts)


@pytest.mark.parametrize(
    ("day", "sentence"),
    [
        ({"name": "A"}, "says no day, or says it twice"),
        ({"name": "A", "on": "2027-05-07", "first": "2027-05-07", "last": "2027-05-08"}, "says it twice"),
        ({"name": "A", "first": "2027-05-07"}, "give `on`, or `first` and `last`"),
        ({"name": "A", "first": "2027-05-07", "last": "2027-05-01"}, "swap the dates"),
        ({"name": "A", "first": "2027-05-07", "last": "2029-05-01"}, "runs over 726 days"),
        ({"name": "A", "on": "2027-05-07", "works_as": "fri", "hours": []}, "more than one way"),
        ({"name": "A", "on": "2027-05-07", "free_from": "12:00", "free_until": "11:00"}, "is not after"),
        ({"name": "A", "on": "2027-05-07", "hours": ["13:00-17:00", "09:00-12:00"]}, "hours of A are out of"),
        ({"name": " ", "on": "2027-05-07"}, "at least 1 character"),
        ({"name": "A", "on": "2027-05-07", "closed": True}, "Extra inputs"),
    ],
)
def test_an_entry_that_cannot_be_right_is_refused(day: dict[str, Any], sentence: str) -> None:
    """Each mistake is one sentence that says what to write instead."""
    with pytest.raises(ValidationError, match=sentence):
        calendar(day)


def test_a_day_is_said_once_for_each_person() -> None:
    """Two entries of a day are refused where somebody is concerned by both."""
    for_germany = {"name": "Bridge day", "on": "2027-05-07", "only": ["DE"]}
    with pytest.raises(ValidationError, match="2027-05-07 is there as 'Bridge day' and as 'Party'"):
        calendar(for_germany, {"name": "Party", "on": "2027-05-07", "only": ["DE-BE"]})
    assert len(calendar(for_germany, {"name": "Party", "on": "2027-05-07", "only": ["FR"]}).days) == 2


def test_a_calendar_reads_as_it_was_written() -> None:
    """What is stored is what was given, one day or a stretch."""
    one = calendar(
        {"name": "Bridge day", "on": "2027-05-07"},
        {"name": "Closed", "first": "2027-12-27", "last": "2027-12-31"},
        {"name": "Half", "on": ["2027-12-24"], "free_from": "12:00"},
    )
    assert OrganisationCalendar.model_validate_json(one.model_dump_json()) == one
    assert len(list(one.days_of("DE"))) == 7
    assert one.title == "halden 1"


@pytest.mark.parametrize(
    ("hours", "start", "end", "left"),
    [
        (("09:00-17:00",), time(12), None, ("09:00-12:00",)),
        (("09:00-17:00",), None, time(12), ("12:00-17:00",)),
        (("09:00-17:00",), time(12), time(13), ("09:00-12:00", "13:00-17:00")),
        (("09:00-12:00", "13:00-17:00"), time(12, 30), None, ("09:00-12:00",)),
        (("22:00-06:00",), time(12), None, ()),
        (("22:00-06:00",), time(23), None, ("22:00-23:00",)),
        (("22:00-06:00",), time(20), time(23), ("23:00-06:00",)),
        (("22:00-06:00",), None, time(12), ("22:00-06:00",)),
        ((), time(12), None, ()),
    ],
)
def test_part_of_a_day_is_free(
    hours: tuple[str, ...], start: time | None, end: time | None, left: tuple[str, ...]
) -> None:
    """Morning, afternoon, an hour in between, and a night are cut where they are to be."""
    assert without(spans(*hours), start, end) == spans(*left)


clock = st.integers(0, 24 * 4 - 1).map(lambda quarter: time(quarter // 4, quarter % 4 * 15))


@given(st.lists(clock, min_size=2, max_size=6, unique=True), clock, st.floats(0, 1))
def test_a_shortened_day_is_never_longer_and_still_in_order(
    walls: list[time], cut: time, share: float
) -> None:
    """What is left of a day are spans of it, in order, as long in all as they may be."""
    ordered = sorted(walls)[: len(walls) // 2 * 2]
    hours = tuple(Span(opens=ordered[n], closes=ordered[n + 1]) for n in range(0, len(ordered), 2))
    kept = shortened(hours, length_of(hours) * share)
    assert abs(length_of(kept) - length_of(hours) * share).total_seconds() < 1
    halves = (without(hours, cut, None), without(hours, None, cut))
    assert sum(length_of(half).total_seconds() for half in halves) == length_of(hours).total_seconds()
    assert all(span.closes <= cut for span in halves[0])
