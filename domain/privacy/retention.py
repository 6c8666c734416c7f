"""How long what people wrote is kept: a period for each retention class, counted from an agreement's close.

A class may say its period itself, as `placement-7y` does: its name ends in a number and d, w, m or y. An
organisation's own table comes first. A class that neither says is kept, and named to whoever looks.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Mapping
from datetime import date, timedelta
from enum import StrEnum
from typing import Annotated, NamedTuple

from pydantic import StringConstraints

_IN_A_NAME = re.compile(r"^.*[^0-9A-Za-z](?P<period>\d{1,4}[dwmy])$")
_PERIOD = re.compile(r"^(?P<number>\d{1,4})(?P<unit>[dwmy])$")
_MONTHS = {"m": 1, "y": 12}
_DAYS = {"d": 1, "w": 7}

PeriodText = Annotated[str, StringConstraints(pattern=_PERIOD.pattern)]
"""Such as 90d, 6w, 18m or 7y."""


class Period(NamedTuple):
    """How long; months and days are counted separately, for months differ."""

    months: int
    days: int

    def after(self, day: date) -> date:
        """Return the first day on which the period is over.

        Args:
            day: The day on which an agreement was closed. Where a month has no such day, its last one counts.
        """
        month = day.month - 1 + self.months
        year, month = day.year + month // 12, month % 12 + 1
        last = calendar.monthrange(year, month)[1]
        return date(year, month, min(day.day, last)) + timedelta(days=self.days)


def period_of(retention_class: str, periods: Mapping[str, str]) -> Period | None:
    """Return how long words under a class are kept; None where nobody has said.

    Args:
        retention_class: As the terms name it.
        periods: The organisation's own table: by class, such as `{"placement-7y": "6y"}`.

    Raises:
        ValueError: The table holds something that is no period.
    """
    own = periods.get(retention_class)
    if own is not None:
        return _period(own)
    named = _IN_A_NAME.match(retention_class)
    return None if named is None else _period(named["period"])


class State(StrEnum):
    """What may be done about an agreement's words."""

    DUE = "due"
    """Their date has come."""
    ON_HOLD = "on_hold"
    """Their date has come, and a legal hold on one of its people keeps all of it."""
    WITHOUT_DATE = "without_date"
    """Nobody has said how long their retention class lasts."""


def state_of(due_on: date | None, *, on_hold: bool, begun: bool) -> State:
    """Return what may be done about words that are due, or whose period nobody has said.

    Args:
        due_on: The first day on which they are not to be kept any more; None where nobody has said.
        on_hold: Whether anybody in the agreement is on legal hold, which keeps all of it.
        begun: Whether an earlier run began to erase them and was cut off; what it began is finished.
    """
    if on_hold:
        return State.ON_HOLD
    return State.WITHOUT_DATE if due_on is None and not begun else State.DUE


def _period(text: str) -> Period:
    found = _PERIOD.match(text)
    if found is None:
        raise ValueError(f"{text!r} is no period: a number and d, w, m or y, such as 90d or 7y")
    number, unit = int(found["number"]), found["unit"]
    return Period(months=number * _MONTHS.get(unit, 0), days=number * _DAYS.get(unit, 0))
