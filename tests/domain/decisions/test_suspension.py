"""Pauses and holds: nobody is nudged or late while a placement rests, and everything goes on afterwards."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from domain.agreement.state import Agreement
from domain.decisions.time_passing import next_instant
from domain.kernel.vocabulary import Health, Phase
from domain.views.health import assess

Active = Callable[[str], Any]

KINDS = ("secondment", "shadowing", "rotation")


def _pause(life: Any, days: int, *, shifts_dates: bool) -> None:  # noqa: ANN401  the life of the fixtures
    until = life.agreement.local_date(life.now) + timedelta(days=days)
    life.by(
        "operator",
        "pause_placement",
        until=until.isoformat(),
        shifts_dates=shifts_dates,
        reason="Parental leave.",
    )


def _ethics(life: Any) -> None:  # noqa: ANN401  the life of the fixtures
    life.by("mentee", "report_breach", matter_id="r1", breaches="ethics", what="Undeclared interest.")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shifts_dates", [True, False])
def test_nobody_is_nudged_in_a_pause_and_it_ends_by_itself(
    kind: str, shifts_dates: bool, active: Active
) -> None:
    """No escalation, no missed meeting, no stall; the only instant ahead is the end of the pause."""
    life = active(kind)
    _pause(life, 40, shifts_dates=shifts_dates)
    paused = len(life.rows)
    assert next_instant(life.agreement, life.now) == life.agreement.paused_until
    life.wait(until=life.agreement.paused_until - timedelta(minutes=1))
    assert [row.type for row in life.rows[paused:]] == []
    assert assess(life.agreement, life.now).health is Health.PAUSED
    life.wait(days=1)
    assert life.rows[paused].type == "placement.resumed"
    assert life.agreement.paused_until is None


@pytest.mark.parametrize("kind", KINDS)
def test_a_pause_that_shifts_dates_moves_the_plan_by_its_days(kind: str, active: Active) -> None:
    """End, milestones, sessions and legs come as many days later as the pause lasted."""
    life = active(kind)
    before = life.agreement
    _pause(life, 28, shifts_dates=True)
    life.wait(days=28)
    after = life.agreement
    by = timedelta(days=28)
    assert after.ends_on == before.ends_on + by
    assert after.terms.planned_end == before.terms.planned_end + by
    for earlier, later in zip(before.terms.milestones, after.terms.milestones, strict=True):
        assert later.due_on == earlier.due_on + by
        key = f"milestone:{later.milestone_id}"
        assert after.obligations[key].due_at == before.obligations[key].due_at + by
    check_in = after.obligations["check_in:1"]
    assert check_in.due_at == before.obligations["check_in:1"].due_at + by
    assert check_in.starts_at == before.obligations["check_in:1"].starts_at + by
    assert check_in.sequence > before.obligations["check_in:1"].sequence


def test_a_pause_that_leaves_dates_alone_gives_what_fell_due_its_allowance_anew(active: Active) -> None:
    """Nobody comes back to find that they are two months late; what is still ahead stays where it was."""
    life = active("secondment")
    before = life.agreement
    _pause(life, 60, shifts_dates=False)
    life.wait(days=61)
    assert life.agreement.ends_on == before.ends_on
    assert assess(life.agreement, life.now).stall is None
    assert not any(held.due_at <= life.now for held in life.agreement.obligations.values())
    assert life.agreement.obligations["milestone:charter"].due_at > life.now
    assert life.agreement.obligations["milestone:handover"] == before.obligations["milestone:handover"]
    check_in = life.agreement.obligations["check_in:1"]
    assert check_in.starts_at is not None
    assert check_in.starts_at > life.now


def test_a_meeting_that_a_pause_called_off_is_on_again_after_an_early_return(active: Active) -> None:
    """Calendars heed the new invite only under a sequence above that of the cancellation."""
    life = active("secondment")
    before = life.agreement.obligations["check_in:1"]
    _pause(life, 30, shifts_dates=False)
    life.now += timedelta(days=1)
    life.by("mentee", "resume_placement")
    after = life.agreement.obligations["check_in:1"]
    assert after.starts_at == before.starts_at
    assert after.sequence == before.sequence + 2


@pytest.mark.parametrize("shifts_dates", [True, False])
def test_silence_is_counted_from_the_end_of_a_pause(active: Active, shifts_dates: bool) -> None:
    """A rest is no silence."""
    life = active("secondment")
    _pause(life, 90, shifts_dates=shifts_dates)
    life.wait(days=90)
    assert life.agreement.silent_at is not None
    assert life.agreement.silent_at > life.now + timedelta(days=13)


def test_a_forced_choice_is_made_by_pausing(active: Active) -> None:
    """Whoever has to choose may choose to pause; what was overdue begins anew afterwards."""
    life = active("secondment")
    life.wait(days=70)
    choices = [key for key in life.agreement.obligations if key.startswith("forced_choice:")]
    assert choices
    _pause(life, 30, shifts_dates=False)
    assert not [key for key in life.agreement.obligations if key.startswith("forced_choice:")]
    life.wait(days=31)
    late = life.agreement.obligations[choices[0].removeprefix("forced_choice:")]
    assert late.reached in {None, 0}
    life.wait(days=70)
    assert choices[0] in life.agreement.obligations


def test_an_early_end_in_a_pause_resumes_first(active: Active) -> None:
    """The notice runs from today: a pause does not shift the last day that was just set."""
    life = active("secondment")
    _pause(life, 60, shifts_dates=True)
    life.wait(days=10)
    today = life.agreement.local_date(life.now)
    types = life.by("line_manager", "end_early", by="home", reason="Two people left.")
    assert types == ["placement.resumed", "end.brought_forward"]
    assert life.agreement.ends_on == today + timedelta(days=life.terms.early_end_notice_days.home)


def test_a_paused_placement_does_not_end(active: Active) -> None:
    """Even decided, it ends once it has resumed, after its shifted last day."""
    life = active("shadowing")
    life.by("operator", "decide_end", decision="end", reason="As planned.")
    life.now += timedelta(days=40)
    _pause(life, 60, shifts_dates=True)
    life.wait(days=59)
    assert life.agreement.phase is Phase.ACTIVE
    life.wait(days=70)
    assert life.agreement.phase is Phase.DEBRIEF


@pytest.mark.parametrize("kind", KINDS)
def test_a_breach_of_ethics_holds_the_placement_until_it_is_settled(kind: str, active: Active) -> None:
    """Nobody is nudged about anything but the breach, and afterwards nobody is late by the time it took."""
    life = active(kind)
    _ethics(life)
    held = len(life.rows)
    life.wait(days=60)
    assert {row.type for row in life.rows[held:]} == {"obligation.escalated"}
    assert all(
        change["obligation_id"].startswith(("breach:", "forced_choice:"))
        for row in life.rows[held:]
        for change in row.data["ledger"]["escalated"]
    )
    assert assess(life.agreement, life.now).health is Health.EXTERNAL_HOLD
    life.by("hrbp", "settle_matter", matter_id="r1", resolution="Declared now.")
    assert not any(held.due_at <= life.now for held in life.agreement.obligations.values())
    assert assess(life.agreement, life.now).stall is None


def test_a_breach_of_boundaries_holds_nothing(active: Active) -> None:
    """It opens a conversation, not a stop."""
    life = active("secondment")
    life.by("mentee", "report_breach", matter_id="r1", breaches="boundary", what="Three days in a week.")
    assert not life.agreement.held
    life.wait(days=40)
    assert assess(life.agreement, life.now).health is Health.STALLED


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_starts_or_ends_on_hold(kind: str, begun: Active) -> None:
    """The first and the last day wait for the breach to be settled, and come at once when it is."""
    life = begun(kind)

    def concluded(agreement: Agreement) -> bool:
        return agreement.concluded_at is not None

    life.live(concluded)
    _ethics(life)
    life.wait(days=120)
    assert life.agreement.phase is Phase.AGREEMENT
    life.by("hrbp", "settle_matter", matter_id="r1", resolution="Declared now.")
    assert life.agreement.phase is Phase.ACTIVE
    life.by("operator", "decide_end", decision="end", reason="As planned.")
    if life.agreement.phase is Phase.ACTIVE:
        _ethics(life)
        life.wait(days=700)
        assert life.agreement.phase is Phase.ACTIVE
        life.by("hrbp", "settle_matter", matter_id="r1", resolution="Declared again.")
    assert life.agreement.phase is Phase.DEBRIEF
