"""Health and stalled: one answer, with a reason, a name, since when and what happens next."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from domain.agreement.state import Agreement
from domain.kernel.vocabulary import Health, Kind, ObligationKind, Outcome, StallReason
from domain.ledger.obligation import Obligation
from domain.views.health import assess, longest_overdue

Lives = Callable[[str], Any]


def _health(life: Any) -> Health:  # noqa: ANN401  the life of the fixtures
    return assess(life.agreement, life.now).health


def _all_but_milestones(owed: Obligation) -> bool:
    return owed.kind is not ObligationKind.MILESTONE


def test_health_goes_from_bad_to_worse_as_an_obligation_ages(active: Lives) -> None:
    """Too early, due soon, overdue, at risk, stalled: the worse never before the better."""
    life = active("secondment")
    charter = life.agreement.obligations["milestone:charter"]
    seen: dict[Health, None] = {}

    def is_stalled(agreement: Agreement) -> bool:
        seen.setdefault(assess(agreement, life.now).health)
        return Health.STALLED in seen

    life.live(is_stalled, _all_but_milestones)
    worse = [health for health in seen if health in {Health.OVERDUE, Health.AT_RISK, Health.STALLED}]
    assert next(iter(seen)) is Health.TOO_EARLY
    assert Health.DUE_SOON in seen
    assert worse == [Health.OVERDUE, Health.AT_RISK, Health.STALLED]
    stall = assess(life.agreement, life.now).stall
    assert stall is not None
    assert (stall.obligation_id, stall.since) == (charter.obligation_id, charter.stalled_at)


@pytest.mark.parametrize("kind", list(Kind))
def test_an_unsigned_agreement_names_whom_it_waits_on(kind: str, begun: Lives) -> None:
    """Who has not signed, since when, how far up the ladder, and what comes next."""
    life = begun(kind)

    def is_not_the_managers(owed: Obligation) -> bool:
        return owed.owner_role != "line_manager"

    def is_stalled(agreement: Agreement) -> bool:
        return assess(agreement, life.now).stall is not None

    life.live(is_stalled, is_not_the_managers)
    stall = assess(life.agreement, life.now).stall
    assert stall is not None
    assert stall.reason is StallReason.RELEASE_MISSING
    assert stall.waiting_on.role == "line_manager"
    assert stall.waiting_on.person_id == life.terms.line_manager
    assert stall.since <= life.now
    assert stall.due_at is not None
    assert stall.due_at < stall.since
    assert stall.level is not None
    assert f"level {stall.level + 1}" in stall.next


def test_the_oldest_stall_is_the_one_that_is_named(active: Lives) -> None:
    """Of several things held up, the one that has been for longest."""
    life = active("secondment")
    life.wait(days=150)
    stall = assess(life.agreement, life.now).stall
    assert stall is not None
    past = [held for held in life.agreement.obligations.values() if held.stalled_at <= life.now]
    assert len(past) > 1
    assert stall.since == min(held.stalled_at for held in past)


def test_the_longest_overdue_is_told_with_the_rungs_about_it(active: Lives) -> None:
    """From the instant at which it is due: which, on whom it waits, how far it has climbed, what is ahead."""
    life = active("secondment")
    charter = life.agreement.obligations["milestone:charter"]
    later = charter.model_copy(
        update={"obligation_id": "milestone:a", "due_at": charter.due_at + timedelta(1)}
    )
    agreement = life.agreement.model_copy(
        update={"obligations": {each.obligation_id: each for each in (later, charter)}}
    )
    assert longest_overdue(agreement, charter.due_at - timedelta(microseconds=1)) is None
    owed = longest_overdue(agreement, charter.due_at)
    assert owed is not None
    assert (owed.obligation_id, owed.obligation_kind, owed.due_at) == (
        "milestone:charter",
        ObligationKind.MILESTONE,
        charter.due_at,
    )
    assert (owed.waiting_on_role, owed.waiting_on_id) == (charter.owner_role, charter.owner_id)
    reached, ahead = (rung for rung in charter.ladder if rung.level in {2, 3})
    owed = longest_overdue(agreement, ahead.at - timedelta(microseconds=1))
    assert owed is not None
    assert (owed.level, owed.next_level, owed.next_at) == (reached.level, ahead.level, ahead.at)
    owed = longest_overdue(agreement, charter.ladder[-1].at)
    assert owed is not None
    assert (owed.level, owed.next_level, owed.next_at) == (charter.ladder[-1].level, None, None)


def test_silence_is_a_stall_of_its_own(active: Lives) -> None:
    """Where nothing is late and yet nobody was heard of, it waits on the mentor since the limit."""
    life = active("secondment")
    limit = life.agreement.silent_at
    ahead = {"due_at": limit + timedelta(days=9), "stalled_at": limit + timedelta(days=9)}
    later = {key: held.model_copy(update=ahead) for key, held in life.agreement.obligations.items()}
    agreement = life.agreement.model_copy(update={"obligations": later})
    assert assess(agreement, limit - timedelta(seconds=1)).stall is None
    stall = assess(agreement, limit).stall
    assert stall is not None
    assert (stall.reason, stall.since, stall.obligation_id) == (StallReason.SILENT, limit, None)
    assert stall.waiting_on.person_id == life.terms.mentor


@pytest.mark.parametrize(
    "command",
    [
        ("record_win_or_setback", {"is_win": True, "what": "A yes.", "lesson": "Ask."}),
        ("make_proposal", {"matter_id": "p1", "what": "Let me lead.", "expected": "One review."}),
    ],
)
def test_what_people_do_ends_a_silence(command: tuple[str, dict[str, Any]], active: Lives) -> None:
    """A deed counts."""
    life = active("secondment")
    limit = life.agreement.silent_at
    life.now += timedelta(days=3)
    life.by("mentee", command[0], **command[1])
    assert life.agreement.silent_at > limit


def test_bookings_reminders_and_private_notes_end_no_silence(active: Lives) -> None:
    """Moving a meeting is no meeting, and a nudge is nobody's deed."""
    life = active("secondment")
    limit = life.agreement.silent_at
    life.now += timedelta(days=2)
    starts_at = (life.now + timedelta(days=1)).isoformat()
    life.by("mentee", "reschedule_meeting", starts_at=starts_at, reason="The mentor travels.")
    life.by("mentee", "keep_note", note="I said yes too quickly.")
    life.wait(days=10)
    assert any(row.type == "obligation.escalated" for row in life.rows)
    assert life.agreement.silent_at == limit


def test_an_end_that_is_not_decided_has_a_health_of_its_own(active: Lives) -> None:
    """Due and not yet stalled, the end decision is what an operator looks at first."""
    life = active("secondment")

    def everything_else(owed: Obligation) -> bool:
        return owed.kind is not ObligationKind.END_DECISION

    def is_due(agreement: Agreement) -> bool:
        return agreement.obligations["end_decision:placement"].due_at <= life.now

    life.live(is_due, everything_else)
    assert _health(life) is Health.END_DECISION_DUE


def test_a_concern_says_that_it_skips_the_ladder(active: Lives) -> None:
    """Nothing is announced about it that will not happen."""
    life = active("secondment")
    life.by("mentee", "raise_concern", matter_id="c1", about="P-1107", what="Cancelled on the day.")
    owed = life.agreement.obligations["concern:c1"]
    alone = life.agreement.model_copy(update={"obligations": {"concern:c1": owed}})
    stall = assess(alone, owed.stalled_at).stall
    assert stall is not None
    assert stall.next == "Nothing by itself: it waits for the line manager."
    assert (stall.level, stall.reason) == (None, StallReason.BLOCKER_AGING)


def test_what_is_closed_is_never_stalled(active: Lives) -> None:
    """However late it was."""
    life = active("shadowing")
    life.wait(days=300)
    assert _health(life) is Health.STALLED
    life.by("operator", "close_incomplete", reason="The mentee left.")
    assert life.agreement.outcome is Outcome.CLOSED_INCOMPLETE
    assessment = assess(life.agreement, life.now)
    assert (assessment.health, assessment.stall) == (Health.CLOSED, None)
    assert (assessment.waiting_on, assessment.next_due_at) == (None, None)


@pytest.mark.parametrize("kind", list(Kind))
def test_a_placement_that_is_cared_for_is_never_stalled_by_what_is_owed(kind: str, begun: Lives) -> None:
    """From proposal to close, where everybody answers by the instant at which it falls due."""
    life = begun(kind)
    held_up: set[str] = set()

    def is_over(agreement: Agreement) -> bool:
        assessment = assess(agreement, life.now)
        if assessment.stall is not None and assessment.stall.obligation_id is not None:
            held_up.add(assessment.stall.obligation_id)
        assert assessment.health is not Health.AT_RISK
        return agreement.closed

    life.live(is_over, patient=True)
    assert not held_up
