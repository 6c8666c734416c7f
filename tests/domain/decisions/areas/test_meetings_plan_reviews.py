"""The development plan is looked at every quarter, whatever the placement does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from domain.agreement.state import Agreement
from domain.kernel.vocabulary import ObligationKind, Phase, Role, StallReason
from domain.ledger.obligation import Obligation
from domain.views.health import assess

Lives = Callable[[str], Any]


def _review(agreement: Agreement) -> Any:  # noqa: ANN401  the obligation, asserted to be there
    [owed] = [each for each in agreement.obligations.values() if each.kind is ObligationKind.PLAN_REVIEW]
    return owed


def _neglects_the_plan(owed: Obligation) -> bool:
    return owed.kind is not ObligationKind.PLAN_REVIEW


@pytest.mark.parametrize("kind", ["secondment", "rotation"])
def test_a_review_is_owed_a_quarter_after_the_first_day(kind: str, active: Lives) -> None:
    """The line manager sees to it that mentee and manager look at the plan."""
    life = active(kind)
    owed = _review(life.agreement)
    quarter = life.agreement.starts_on + timedelta(days=91)
    assert (owed.owner_role, owed.subject) == (Role.LINE_MANAGER, "1")
    assert owed.due_at.date() > quarter
    assert owed.starts_at.date() >= quarter


def test_the_next_review_is_counted_from_the_last(active: Lives) -> None:
    """A quarter after the plan was looked at, not after the day on which it should have been."""
    life = active("rotation")
    life.wait(until=_review(life.agreement).starts_at + timedelta(days=12))
    life.by("mentee", "review_plan", outcome="On course.")
    following = _review(life.agreement)
    assert following.subject == "2"
    assert following.starts_at.date() >= life.now.date() + timedelta(days=91)


def test_shadowing_leaves_the_review_to_the_plan(active: Lives) -> None:
    """A stint of weeks has no quarter of its own."""
    kinds = {held.kind for held in active("shadowing").agreement.obligations.values()}
    assert ObligationKind.PLAN_REVIEW not in kinds


def test_a_neglected_review_stalls_by_its_name(active: Lives) -> None:
    """Once everything else is done, the plan is what it waits for."""
    life = active("secondment")
    owed = _review(life.agreement)

    def past(_: Agreement) -> bool:
        return life.now > owed.stalled_at

    life.live(past, _neglects_the_plan, patient=True)
    stall = assess(life.agreement, life.now).stall
    assert stall is not None
    assert (stall.reason, stall.obligation_id) == (StallReason.PLAN_REVIEW_OVERDUE, "plan_review:1")
    life.by("line_manager", "review_plan", outcome="Late, but held.")
    assert assess(life.agreement, life.now).stall is None


def test_a_review_held_elsewhere_sets_the_clock(active: Lives) -> None:
    """The plan outlives the placement: what counts is when it was looked at last, here or not."""
    life = active("secondment")
    held_on = life.agreement.local_date(life.now) - timedelta(days=30)
    life.by("line_manager", "review_plan", held_on=held_on.isoformat(), outcome="With last year's goals.")
    assert _review(life.agreement).starts_at.date() >= held_on + timedelta(days=91)
    assert _review(life.agreement).starts_at.date() < held_on + timedelta(days=95)


def test_what_cannot_be_a_review_is_refused(active: Lives) -> None:
    """A day ahead is none yet, and the plan is not reviewed twice for one day."""
    life = active("secondment")
    tomorrow = (life.now + timedelta(days=1)).date()
    ahead = life.refusal("mentee", "review_plan", held_on=tomorrow.isoformat(), outcome="Soon.")
    assert ahead.sentence == f"held_on: {tomorrow} is ahead; record it once it was held."
    life.by("mentee", "review_plan", outcome="On course.")
    again = life.refusal("mentee", "review_plan", outcome="On course.")
    assert again.code == "out_of_order"
    assert str(life.now.date()) in again.sentence


def test_a_review_that_would_come_after_the_end_is_not_owed(active: Lives) -> None:
    """Until the placement is extended past it."""
    life = active("secondment")
    ends_on = life.agreement.starts_on + timedelta(days=80)
    life.by("operator", "shorten_placement", ends_on=ends_on.isoformat(), reason="The budget ends.")
    kinds = {held.kind for held in life.agreement.obligations.values()}
    assert ObligationKind.PLAN_REVIEW not in kinds
    longer: date = ends_on + timedelta(days=40)
    life.by("operator", "extend_placement", ends_on=longer.isoformat(), reason="It goes on.")
    assert _review(life.agreement).subject == "1"


def test_of_a_waived_review_the_next_is_asked_for(active: Lives) -> None:
    """One quarter may go by with a reason; the plan does not."""
    life = active("rotation")
    first = _review(life.agreement)
    life.by("operator", "waive_obligation", obligation_id=first.obligation_id, reason="Just done by HR.")
    assert _review(life.agreement).subject == "2"
    assert _review(life.agreement).due_at > first.due_at + timedelta(days=80)


def test_the_last_day_ends_what_is_left_of_it(active: Lives) -> None:
    """After the placement the plan goes on without it."""
    life = active("secondment")

    def is_over(agreement: Agreement) -> bool:
        return agreement.phase is Phase.DEBRIEF

    life.live(is_over, _neglects_the_plan, patient=True)
    kinds = {held.kind for held in life.agreement.obligations.values()}
    assert ObligationKind.PLAN_REVIEW not in kinds
