"""Why stalled, and why not: an explanation says the same as the assessment, with the events behind it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from domain.agreement.state import Agreement
from domain.decisions.time_passing import next_instant
from domain.kernel.vocabulary import Health, Phase, StallReason
from domain.ledger.obligation import Obligation
from domain.stream.serialization import read_event
from domain.views.explain import explain
from domain.views.explanation import Explanation
from domain.views.health import assess

Begun = Callable[[str], Any]


def _live(life: Any, until: Callable[[Agreement], bool], *neglected: str) -> None:  # noqa: ANN401  the fixtures'
    def answers(held: Obligation) -> bool:
        confirms_the_start = held.obligation_id == "check_in:1" and "check_in:1" not in neglected
        return confirms_the_start or not held.obligation_id.startswith(neglected)

    life.live(until, answers, patient=True)


def _explained(life: Any, at: datetime | None = None) -> Explanation:  # noqa: ANN401
    """The explanation, held to what every explanation must be."""
    moment = at or life.now
    found = explain(life.agreement, life.rows, moment)
    assessment = assess(life.agreement, moment)
    assert (found.health, found.stall) == (assessment.health, assessment.stall)
    assert found.agreement_id in found.paragraph
    if found.cause is not None:
        row = life.rows[found.cause.version - 1]
        assert (found.cause.event_id, found.cause.type) == (row.event_id, row.type)
        assert row.type in found.paragraph
        assert found.cause.event_id in found.paragraph
        assert f"{row.occurred_at:%Y-%m-%d}" in found.paragraph
    if found.about is not None:
        held = life.agreement.obligations[found.about.obligation_id]
        assert held.owner_id in found.paragraph
        assert held.obligation_id in found.paragraph
        origin = read_event(life.rows[(found.about.moved_by or found.about.opened_by).version - 1])
        assert held.obligation_id in {
            each.obligation_id for each in (*origin.ledger.opened, *origin.ledger.moved)
        }
        reached = max((each.level for each in found.about.levels), default=None)
        assert reached == held.reached or held.level_at(moment) != held.reached
    assert [each.at for each in found.next] == sorted(each.at for each in found.next)
    assert all(each.at > moment for each in found.next)
    return found


def _stalls_for(reason: StallReason, life: Any) -> Callable[[Agreement], bool]:  # noqa: ANN401
    def so(agreement: Agreement) -> bool:
        stall = assess(agreement, life.now).stall
        return agreement.closed or (stall is not None and stall.reason is reason)

    return so


@pytest.mark.parametrize(
    ("reason", "kind", "neglected"),
    [
        (StallReason.AGREEMENT_UNSIGNED, "secondment", "signature:mentee"),
        (StallReason.RELEASE_MISSING, "secondment", "signature:host_manager"),
        (StallReason.START_UNCONFIRMED, "secondment", "check_in:1"),
        (StallReason.MILESTONE_OVERDUE, "secondment", "milestone:"),
        (StallReason.CHECKINS_MISSED, "secondment", "check_in:"),
        (StallReason.FEEDBACK_OUTSTANDING, "secondment", "feedback:"),
        (StallReason.END_DATE_UNDECIDED, "secondment", "end_decision:"),
        (StallReason.RETURN_PLAN_MISSING, "secondment", "return_plan:"),
        (StallReason.DEBRIEF_OVERDUE, "secondment", "debrief:"),
        (StallReason.SYNTHESIS_OVERDUE, "secondment", "synthesis:"),
        (StallReason.DEBRIEF_OVERDUE, "shadowing", "session_debrief:"),
        (StallReason.CHECKINS_MISSED, "shadowing", "observation:"),
        (StallReason.AGREEMENT_UNSIGNED, "rotation", "annex_signature:"),
        (StallReason.HANDOVER_MISSING, "rotation", "handover:"),
        (StallReason.MILESTONE_OVERDUE, "rotation", "leg_deliverable:"),
    ],
)
def test_a_stall_names_who_what_since_when_and_why(
    begun: Begun, reason: StallReason, kind: str, neglected: str
) -> None:
    """For each reason: obligation, owner, the event that opened it, the policy's line, the next step."""
    life = begun(kind)
    _live(life, _stalls_for(reason, life), neglected)
    found = _explained(life)
    assert found.health is Health.STALLED
    assert found.about is not None
    assert found.stall is not None
    assert found.stall.reason is reason
    assert found.about.obligation_id.startswith(neglected)
    assert f"stalled since {found.stall.since:%Y-%m-%d}" in found.paragraph
    assert f"({reason.replace('_', ' ')})" in found.paragraph
    assert "Policy set default version 1" in found.paragraph
    assert found.about.policy.threshold in found.paragraph
    assert found.about.policy.counted_from is not None, "what its dates were counted from is known"
    assert found.stall.next in found.paragraph
    for climbed in found.about.levels:
        assert f"level {climbed.level} on {climbed.event.at:%Y-%m-%d %H:%M}Z" in found.paragraph


def test_the_days_of_the_policy_lead_to_the_dates(begun: Begun) -> None:
    """Counting the named allowance from the named day in the owner's calendar gives due day and stall."""
    life = begun("secondment")
    _live(life, _stalls_for(StallReason.MILESTONE_OVERDUE, life), "milestone:")
    about = _explained(life).about
    assert about is not None
    line = about.policy
    assert (line.threshold, line.due, line.stalled) == ("allowances.milestone", 5, 15)
    assert line.counted_from == life.terms.milestones[0].due_on
    calendar = life.agreement.calendar_of(about.waiting_on.person_id)
    assert line.due is not None
    assert calendar.closing_of(calendar.working_day_from(line.counted_from, line.due)) == about.due_at
    assert calendar.closing_of(calendar.working_day_from(line.counted_from, line.stalled)) == about.stalled_at


def test_the_first_check_in_is_counted_from_the_start(begun: Begun) -> None:
    """It confirms the start, so the policy's line is that of the first meeting and the day is the first."""
    life = begun("secondment")
    _live(life, _stalls_for(StallReason.START_UNCONFIRMED, life), "check_in:1")
    about = _explained(life).about
    assert about is not None
    assert (about.policy.threshold, about.policy.due, about.policy.stalled) == ("first_meeting", 5, 10)
    assert about.policy.counted_from == life.agreement.starts_on


def test_a_silence_names_the_last_sign_of_life(active: Begun) -> None:
    """Nobody owes the silence: what counts is who did something last, and how long the policy bears it."""
    life = active("rotation")
    _live(life, lambda agreement: "check_in:2" in agreement.obligations)
    heard = life.rows[-1]
    life.give("keep_note", life.terms.mentee, note="Nobody sees this.")
    silent_at = life.agreement.silent_at
    found = _explained(life, silent_at)
    assert found.stall is not None
    assert (found.stall.reason, found.about) == (StallReason.SILENT, None)
    assert found.cause is not None
    assert found.cause.event_id == heard.event_id
    assert found.silence is not None
    calendar = life.agreement.calendar_of(life.terms.mentee)
    limit = calendar.working_day_from(calendar.local_date(heard.occurred_at), found.silence.stalled)
    assert calendar.closing_of(limit) == silent_at
    assert f"{found.silence.stalled} working days of silence" in found.paragraph
    assert life.terms.mentor in found.paragraph


def test_raising_a_blocker_that_nobody_settles(active: Begun) -> None:
    """What was raised and not settled is held up by whoever has to help."""
    life = active("secondment")
    life.give(
        "raise_blocker",
        life.terms.mentee,
        matter_id="m1",
        category="access",
        what="No account.",
        needed="One.",
    )
    raised = life.rows[-1]
    _live(life, _stalls_for(StallReason.BLOCKER_AGING, life), "blocker:")
    found = _explained(life)
    assert found.about is not None
    assert found.about.obligation_id == "blocker:m1"
    assert found.about.opened_by.event_id == raised.event_id
    assert "No account" not in found.paragraph, "no word that people wrote"


def test_what_was_handed_over_names_the_handing_over(begun: Begun) -> None:
    """A successor's dates follow from the reassignment, and no day of counting is made up for them."""
    life = begun("secondment")
    _live(life, lambda agreement: "milestone:charter" in agreement.obligations, "milestone:")
    life.give(
        "reassign_role",
        "OP-1",
        acting_as="operator",
        role="mentor",
        from_person=life.terms.mentor,
        to_person="N-1",
        reason="Moved on.",
    )
    reassigned = next(row for row in reversed(life.rows) if row.type == "role.reassigned")
    theirs = min(
        (held for held in life.agreement.obligations.values() if held.owner_id == "N-1"),
        key=lambda held: held.stalled_at,
    )
    found = _explained(life, theirs.stalled_at)
    assert found.about is not None
    assert found.about.obligation_id == theirs.obligation_id
    assert found.about.moved_by is not None
    assert found.about.moved_by.event_id == reassigned.event_id
    assert found.about.policy.counted_from is None
    assert "Moved on" not in found.paragraph


def test_a_pause_says_since_when_until_when_and_by_whom(active: Begun) -> None:
    """A paused agreement is not stalled, whatever is overdue; the reason stays with those who may read it."""
    life = active("secondment")
    until = life.agreement.local_date(life.now) + timedelta(days=30)
    life.give(
        "pause_placement",
        "OP-1",
        acting_as="operator",
        until=until.isoformat(),
        shifts_dates=True,
        reason="Parental leave.",
    )
    found = _explained(life, life.now + timedelta(days=20))
    assert (found.health, found.about) == (Health.PAUSED, None)
    assert found.cause is not None
    assert found.cause.type == "placement.paused"
    assert "by the operator OP-1" in found.paragraph
    assert f"on {life.agreement.paused_until:%Y-%m-%d}" in found.paragraph
    assert "moves by the days it lasts" in found.paragraph
    assert "Parental" not in found.paragraph
    assert [each.at for each in found.next] == [life.agreement.paused_until]


def test_a_hold_names_its_cause_and_not_who_reported_it(active: Begun) -> None:
    """On hold: what has to be settled by whom, without the name of whoever spoke up in the sentence."""
    life = active("secondment")
    life.give("report_breach", life.terms.mentee, matter_id="b1", breaches="ethics", what="Copied files.")
    found = _explained(life, life.now + timedelta(days=60))
    assert found.health is Health.EXTERNAL_HOLD
    assert found.cause is not None
    assert found.cause.type == "breach.reported"
    assert found.about is not None
    assert found.about.obligation_id == "breach:b1"
    assert life.terms.hrbp in found.paragraph
    assert life.terms.mentee not in found.paragraph
    assert "Copied" not in found.paragraph


def test_a_closed_agreement_names_its_outcome_and_the_event(begun: Begun) -> None:
    """Nothing can be stalled after the close."""
    life = begun("shadowing")
    _live(life, lambda agreement: agreement.closed)
    found = _explained(life)
    assert (found.health, found.next) == (Health.CLOSED, ())
    assert "closed (completed) by agreement.completed" in found.paragraph


def _reaches(health: Health, life: Any) -> Callable[[Agreement], bool]:  # noqa: ANN401
    return lambda agreement: assess(agreement, life.now).health is health


@pytest.mark.parametrize(
    ("health", "neglected", "part"),
    [
        (Health.TOO_EARLY, "", "too early to judge"),
        (Health.DUE_SOON, "", "due soon"),
        (Health.OVERDUE, "", "is overdue and not stalled yet"),
        (Health.AT_RISK, "milestone:", "is at risk and not stalled yet"),
        (Health.END_DECISION_DUE, "end_decision:", "its end has to be decided"),
        (Health.ON_TRACK, "", "is on track"),
    ],
)
def test_what_is_not_stalled_says_what_is_first_and_when_it_would_be(
    active: Begun, health: Health, neglected: str, part: str
) -> None:
    """For each health: the obligation that makes it so, its owner, when it would stall, what is next."""
    life = active("secondment")
    _live(life, _reaches(health, life), neglected or "milestone:")
    found = _explained(life)
    assert found.health is health
    assert part in found.paragraph
    assert found.about is not None
    assert found.about.obligation_id.startswith(neglected)
    assert f"would count as stalled on {found.about.stalled_at:%Y-%m-%d}" in found.paragraph
    assert f"Next, on {found.next[0].at:%Y-%m-%d %H:%M}Z" in found.paragraph
    assert found.stall is None
    assert found.also_stalled == ()


def test_nothing_owed_before_the_start_says_when_it_starts(begun: Begun) -> None:
    """Signed and waiting for its first day: nobody holds anything up."""
    life = begun("secondment")
    _live(life, lambda agreement: agreement.concluded_at is not None)
    found = _explained(life)
    assert (found.health, found.about) == (Health.TOO_EARLY, None)
    assert "Nobody owes anything now" in found.paragraph
    assert found.next[0].what == "it starts"


def test_the_question_about_a_later_instant_says_what_no_event_tells_yet(begun: Begun) -> None:
    """Looked at in the future, levels come by their dates; none is claimed to be in the record."""
    life = begun("secondment")
    found = _explained(life, life.now + timedelta(days=45))
    assert found.about is not None
    assert found.about.levels == ()
    assert found.stall is not None
    assert f"Level {found.stall.level} has come by" in found.paragraph


def _until(life: Any, moment: datetime) -> Callable[[Agreement], bool]:  # noqa: ANN401
    return lambda agreement: agreement.closed or life.now >= moment


@pytest.mark.parametrize("kind", ["secondment", "shadowing", "rotation"])
def test_every_moment_of_a_neglected_life_can_be_explained(begun: Begun, kind: str) -> None:
    """From proposal to close, with half of what is owed left undone, each instant has its explanation."""
    life = begun(kind)
    for _ in range(150):
        upcoming = next_instant(life.agreement, life.now)
        if life.agreement.closed or upcoming is None:
            break
        _live(life, _until(life, upcoming), "milestone:", "feedback:", "synthesis:")
        _explained(life)
    assert life.agreement.phase is not Phase.AGREEMENT


def test_an_explanation_needs_a_history(begun: Begun) -> None:
    """Without events there is nothing to explain from."""
    life = begun("secondment")
    with pytest.raises(ValueError, match="no history"):
        explain(life.agreement, [], life.now)
