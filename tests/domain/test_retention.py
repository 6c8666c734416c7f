"""How long words are kept: what a class's name says, what an organisation says, and the calendar."""

from __future__ import annotations

from datetime import date

import pytest

from domain.retention import period_of


@pytest.mark.parametrize(
    ("retention_class", "closed_on", "over_on"),
    [
        ("placement-7y", date(2027, 3, 31), date(2034, 3, 31)),
        ("placement-18m", date(2027, 8, 31), date(2029, 2, 28)),
        ("placement_1y", date(2028, 2, 29), date(2029, 2, 28)),
        ("trial.90d", date(2027, 12, 1), date(2028, 2, 29)),
        ("trial-2w", date(2027, 12, 25), date(2028, 1, 8)),
        ("at-once-0d", date(2027, 12, 25), date(2027, 12, 25)),
    ],
)
def test_a_class_may_say_its_period_itself(retention_class: str, closed_on: date, over_on: date) -> None:
    """Months and years end on the same day of the month, or on its last where it has no such day."""
    period = period_of(retention_class, {})
    assert period is not None
    assert period.after(closed_on) == over_on


@pytest.mark.parametrize("retention_class", ["permanent", "7y", "class7y", "placement-7", "placement-7x"])
def test_what_says_no_period_has_none(retention_class: str) -> None:
    """A name that merely looks like it is not guessed at: nothing is erased on a guess."""
    assert period_of(retention_class, {}) is None


def test_the_organisations_own_table_comes_first() -> None:
    """Whoever justified another period says so once for all agreements of the class."""
    table = {"placement-7y": "6m", "permanent": "30y"}
    shorter, named = period_of("placement-7y", table), period_of("permanent", table)
    assert shorter is not None
    assert named is not None
    assert shorter.after(date(2027, 1, 1)) == date(2027, 7, 1)
    assert named.after(date(2027, 1, 1)) == date(2057, 1, 1)
    with pytest.raises(ValueError, match="no period"):
        period_of("permanent", {"permanent": "for ever"})
