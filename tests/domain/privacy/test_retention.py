"""How long words are kept: what a class's name says, what an organisation says, and the calendar."""

from __future__ import annotations

from datetime import date

import pytest

from domain.privacy.retention import State, period_of, state_of


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


@pytest.mark.parametrize(
    ("due_on", "on_hold", "begun", "state"),
    [
        (date(2030, 1, 1), False, False, State.DUE),
        (date(2030, 1, 1), True, False, State.ON_HOLD),
        (None, False, False, State.WITHOUT_DATE),
        (None, False, True, State.DUE),
        (None, True, True, State.ON_HOLD),
    ],
)
def test_a_hold_keeps_what_is_due_and_what_was_begun_is_finished(
    due_on: date | None, on_hold: bool, begun: bool, state: State
) -> None:
    """A class without a period erases nothing by itself; a hold comes before everything."""
    assert state_of(due_on, on_hold=on_hold, begun=begun) is state
