"""What operators and owners may do about what is held up, and what it does to the ledger."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from domain.decisions.time_passing import next_instant
from domain.kernel.errors import RefusalCode
from domain.kernel.vocabulary import Health, Role, StallReason
from domain.views.health import assess, next_step

Active = Callable[[str], Any]
CHARTER = "milestone:charter"


def test_an_obligation_is_nudged_four_times_at_most_the_ladder_included(active: Active) -> None:
    """More reminders help nobody; nudging ends no silence."""
    life = active("secondment")
    before = life.agreement.last_activity_at
    for _ in range(4):
        life.by("mentor", "nudge_obligation", obligation_id=CHARTER)
    refused = life.refusal("mentor", "nudge_obligation", obligation_id=CHARTER)
    assert refused.code is RefusalCode.ALREADY_DONE
    assert life.agreement.last_activity_at == before

    other = active("secondment")
    held = other.agreement.obligations[CHARTER]
    other.wait(until=next(rung.at for rung in held.ladder if rung.level == 2))
    by_ladder = other.agreement.obligations[CHARTER].reached + 1
    for _ in range(4 - by_ladder):
        other.by("mentor", "nudge_obligation", obligation_id=CHARTER)
    assert other.refusal("mentor", "nudge_obligation", obligation_id=CHARTER).code is RefusalCode.ALREADY_DONE


def test_an_acknowledgement_stops_the_climb_and_not_the_clock(active: Active) -> None:
    """Due and stalled stay; nobody but the owner and HR can say so; it answers no forced choice."""
    life = active("secondment")
    held = life.agreement.obligations[CHARTER]
    assert (
        life.refusal("mentor", "acknowledge_obligation", obligation_id=CHARTER, plan="Soon.").code
        is RefusalCode.NOT_ALLOWED_FOR_ROLE
    )
    life.by("mentee", "acknowledge_obligation", obligation_id=CHARTER, plan="On Friday.")
    known = life.agreement.obligations[CHARTER]
    assert (known.due_at, known.stalled_at) == (held.due_at, held.stalled_at)
    assert not known.ladder
    assert "it waits for the mentee" in next_step(known, held.stalled_at)
    life.wait(until=held.stalled_at + timedelta(days=60))
    assert life.agreement.obligations[CHARTER].reached is None
    assert f"forced_choice:{CHARTER}" not in life.agreement.obligations


def test_reminders_are_put_off_by_three_working_days_in_all(active: Active) -> None:
    """Only the rungs ahead move, by working days."""
    life = active("secondment")
    held = life.agreement.obligations[CHARTER]
    snooze = {"obligation_id": CHARTER, "reason": "Audit."}
    life.by("mentee", "snooze_obligation", working_days=2, **snooze)
    moved = life.agreement.obligations[CHARTER]
    assert moved.due_at == held.due_at
    calendar = life.agreement.calendar_of(held.owner_id)
    for before, after in zip(held.ladder, moved.ladder, strict=True):
        assert calendar.local_date(after.at) == calendar.working_day_from(calendar.local_date(before.at), 2)
    refused = life.refusal("mentee", "snooze_obligation", working_days=2, **snooze)
    assert "can be put off by 1 more" in refused.sentence


def test_a_hold_mutes_everything_but_the_look_at_it(active: Active) -> None:
    """HR is asked on the day to look again; after the release what fell due has its allowance anew."""
    life = active("secondment")
    due_at = life.agreement.obligations[CHARTER].due_at
    review_on = (life.now + timedelta(days=30)).date().isoformat()
    past = life.now.date().isoformat()
    hold = {"waits_for": "The works council."}
    assert life.refusal("hrbp", "hold_placement", review_on=past, **hold).code is (
        RefusalCode.OUTSIDE_THE_PLACEMENT
    )
    life.by("hrbp", "hold_placement", review_on=review_on, **hold)
    review = life.agreement.obligations["hold_review:placement"]
    assert (review.owner_role, review.due_at.date().isoformat() >= review_on) == (Role.HRBP, True)
    life.wait(until=due_at + timedelta(days=90))
    assert assess(life.agreement, life.now).health is Health.EXTERNAL_HOLD
    assert life.agreement.obligations[CHARTER].reached in {None, 0}
    assert life.agreement.obligations["hold_review:placement"].reached is not None
    assert life.refusal("mentor", "nudge_obligation", obligation_id=CHARTER).code is RefusalCode.PAUSED
    life.by("hrbp", "release_placement", reason="They agreed.")
    assert "hold_review:placement" not in life.agreement.obligations
    assert life.agreement.obligations[CHARTER].due_at > life.now
    assert life.refusal("hrbp", "release_placement", reason="Again.").code is RefusalCode.NOT_OPEN


def test_a_held_placement_waits_on_somebody_past_its_end(active: Active) -> None:
    """However long a hold lasts, somebody owes a look at it."""
    life = active("secondment")
    life.by("hrbp", "hold_placement", waits_for="The court.", review_on="2027-02-01")
    life.wait(days=900)
    assert "hold_review:placement" in life.agreement.obligations
    assert not life.agreement.closed
    assert next_instant(life.agreement, life.now) is None or life.agreement.obligations


@pytest.mark.usefixtures("brisk")
def test_another_policy_counts_what_is_open_anew(active: Active) -> None:
    """Due sooner under the tighter set, never before the next working day; meetings keep their day."""
    life = active("secondment")
    before = life.agreement.obligations
    life.by("programme_owner", "adopt_policy", policy_set_id="brisk", version=1, reason="Tighter.")
    after = life.agreement.obligations
    assert life.agreement.policy.policy_set_id == "brisk"
    assert after[CHARTER].due_at < before[CHARTER].due_at
    assert all(held.due_at > life.now for held in after.values())
    meetings = [key for key in before if key.startswith("check_in")]
    assert [after[key].due_at for key in meetings] == [before[key].due_at for key in meetings]
    life.by("programme_owner", "adopt_policy", policy_set_id="default", version=1, reason="Back.")
    assert life.agreement.obligations == before
    again = life.refusal("hrbp", "adopt_policy", policy_set_id="default", version=1, reason="Again.")
    assert again.code is RefusalCode.NO_CHANGE
    unknown = life.refusal("hrbp", "adopt_policy", policy_set_id="default", version=9, reason="New.")
    assert "there is default version 1" in unknown.sentence


def test_a_correction_makes_it_owed_again(active: Active) -> None:
    """What followed from the entry goes, what it had settled comes back, and only what was entered can go."""
    life = active("secondment")
    taken_back = {"entry": "milestone.verified", "subject": "charter", "explanation": "Wrong agreement."}
    assert life.refusal("operator", "correct_entry", **taken_back).code is RefusalCode.NOT_OPEN
    life.answer(CHARTER)
    life.answer("milestone_verification:charter")
    assert CHARTER not in life.agreement.obligations
    life.by("operator", "correct_entry", **taken_back)
    assert CHARTER in life.agreement.obligations
    assert "feedback:milestone:charter" not in life.agreement.obligations


def test_a_leaver_is_the_reason_and_is_not_written_to(active: Active) -> None:
    """What they owe, also later, says so and climbs no ladder, until a successor is found."""
    life = active("secondment")
    mentor = life.terms.mentor
    life.by("operator", "report_departure", person_id=mentor, reason="Left.")
    again = life.refusal("operator", "report_departure", person_id=mentor, reason="Left.")
    assert again.code is RefusalCode.ALREADY_DONE
    search = life.agreement.obligations[f"successor:{mentor}"]
    assert (search.owner_role, search.reason) == (Role.PROGRAMME_OWNER, StallReason.PARTY_LEFT)
    life.wait(days=25)
    theirs = [held for held in life.agreement.obligations.values() if held.owner_id == mentor]
    assert theirs
    assert {(held.reason, held.ladder) for held in theirs} == {(StallReason.PARTY_LEFT, ())}
    refused = life.refusal("operator", "nudge_obligation", obligation_id=theirs[0].obligation_id)
    assert "has left" in refused.sentence
    life.by(
        "operator", "reassign_role", role="mentor", from_person=mentor, to_person="N-1", reason="Takes over."
    )
    assert f"successor:{mentor}" not in life.agreement.obligations
    assert not life.agreement.departed
    for held in life.agreement.obligations.values():
        assert held.reason is not StallReason.PARTY_LEFT, held.obligation_id


def test_a_programme_owner_who_left_finds_no_successor(active: Active) -> None:
    """Somebody who is still there is asked."""
    life = active("secondment")
    owner = life.terms.programme_owner
    life.by("operator", "report_departure", person_id=owner, reason="Left.")
    assert life.agreement.obligations[f"successor:{owner}"].owner_role is Role.HRBP


def test_a_concern_stays_hidden_from_whom_it_is_about(active: Active) -> None:
    """Neither its refusal nor the list of what is open tells the mentor that a concern was raised."""
    life = active("secondment")
    life.by("mentee", "raise_concern", matter_id="k1", about=life.terms.mentor, what="Cancelled.")
    [concern] = [key for key in life.agreement.obligations if "k1" in key]
    refused = life.refusal("mentor", "nudge_obligation", obligation_id=concern)
    assert refused.code is RefusalCode.NOT_OPEN
    assert refused.sentence.count("k1") == 1, "the id that was asked about and nothing more"
    assert life.by("operator", "nudge_obligation", obligation_id=concern) == ["obligation.nudged"]


def test_leave_moves_what_would_fall_due_in_it(active: Active) -> None:
    """Nothing is due on a day off, and nothing becomes due earlier."""
    life = active("secondment")
    mentee = life.terms.mentee
    before = life.agreement.obligations
    life.by("hrbp", "read_calendar_again", person_id=mentee, reason="Leave.")
    assert life.agreement.obligations == before
    stranger = life.refusal("hrbp", "read_calendar_again", person_id="N-9", reason="Leave.")
    assert stranger.code is RefusalCode.NOT_A_PARTY
