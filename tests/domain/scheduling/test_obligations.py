"""Due, stalled and the ladder: every instant follows the policy table, in the owner's working days."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple

import pytest

from domain.agreement.state import Agreement, Party
from domain.kernel.calendar import Leave, UtcOffset
from domain.kernel.vocabulary import Kind, ObligationKind, Phase, Role, StallReason
from domain.policy.policy_set import DEFAULT, Allowance
from domain.scheduling.obligations import REASONS, NewObligation, open_obligation

Lives = Callable[[str], Any]

MONDAY = date(2027, 3, 1)
AT = datetime(2027, 3, 1, 10, tzinfo=UTC)


class _Expected(NamedTuple):
    """Working days from the anchor to due, and to stalled, by kind."""

    secondment: tuple[int, int]
    shadowing: tuple[int, int]
    rotation: tuple[int, int]


# Section by section as practice asks for it, not as the code happens to have it.
TABLE: Mapping[ObligationKind, _Expected] = {
    ObligationKind.SIGNATURE: _Expected((10, 20), (3, 6), (10, 20)),
    ObligationKind.ANNEX_SIGNATURE: _Expected((5, 10), (5, 10), (5, 10)),
    ObligationKind.MILESTONE: _Expected((5, 15), (2, 5), (5, 10)),
    ObligationKind.LEG_DELIVERABLE: _Expected((5, 10), (5, 10), (5, 10)),
    ObligationKind.LEG_DEBRIEF: _Expected((5, 15), (5, 15), (5, 15)),
    ObligationKind.FEEDBACK: _Expected((5, 10), (2, 4), (5, 10)),
    ObligationKind.END_DECISION: _Expected((-40, -20), (-2, 0), (-60, -40)),
    ObligationKind.DEBRIEF: _Expected((10, 20), (2, 5), (10, 20)),
    ObligationKind.SYNTHESIS: _Expected((20, 30), (5, 8), (20, 30)),
}
LADDERS: Mapping[str, Mapping[int, int]] = {
    "secondment": {0: -3, 1: 1, 2: 4, 3: 8, 4: 12, 5: 17, 6: 22},
    "shadowing": {0: -1, 1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8},
    "rotation": {0: -3, 1: 1, 2: 4, 3: 8, 4: 12, 5: 17, 6: 22},
}


def _owed(agreement: Agreement, kind: ObligationKind, anchor: date, **others: Any) -> NewObligation:  # noqa: ANN401
    return NewObligation(kind=kind, subject="x", owner=agreement.holder(Role.MENTEE), anchor=anchor, **others)


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("owed", list(TABLE))
def test_due_and_stalled_follow_the_table(kind: str, owed: ObligationKind, begun: Lives) -> None:
    """Both are the close of business so many working days from the anchor day."""
    agreement = begun(kind).agreement
    calendar = agreement.calendar_of(agreement.mentee_id)
    anchor = calendar.working_day_from(MONDAY, 100)
    obligation = open_obligation(agreement, _owed(agreement, owed, anchor), AT)
    due, stalled = getattr(TABLE[owed], kind)
    assert obligation.due_at == calendar.closing_of(calendar.working_day_from(anchor, due))
    assert obligation.stalled_at == calendar.closing_of(calendar.working_day_from(anchor, stalled))


@pytest.mark.parametrize("kind", list(Kind))
def test_the_ladder_follows_the_table(kind: str, begun: Lives) -> None:
    """Each rung is the opening of a working day around the due day; shadowing climbs three times as fast."""
    agreement = begun(kind).agreement
    calendar = agreement.calendar_of(agreement.mentee_id)
    obligation = open_obligation(agreement, _owed(agreement, ObligationKind.DEBRIEF, date(2027, 6, 1)), AT)
    due_day = calendar.local_date(obligation.due_at)
    assert {rung.level: rung.at for rung in obligation.ladder} == {
        level: calendar.opening_of(calendar.working_day_from(due_day, days))
        for level, days in LADDERS[kind].items()
    }


@pytest.mark.parametrize(
    ("kind", "due", "stalled"), [("secondment", 5, 10), ("shadowing", 1, 3), ("rotation", 5, 10)]
)
def test_the_first_check_in_confirms_the_start(kind: str, due: int, stalled: int, active: Lives) -> None:
    """It comes within days of the start, stalls as an unconfirmed start, and is never missed by itself."""
    agreement = active(kind).agreement
    calendar = agreement.calendar_of(agreement.holder(Role.MENTOR).person_id)
    first = agreement.obligations["check_in:1"]
    start = agreement.starts_on
    assert first.due_at == calendar.closing_of(calendar.working_day_from(start, due))
    assert first.stalled_at == calendar.closing_of(calendar.working_day_from(start, stalled))
    assert first.reason is StallReason.START_UNCONFIRMED
    assert first.acts_by_itself_at is None


@pytest.mark.parametrize(("kind", "limit"), [("secondment", 20), ("shadowing", 5), ("rotation", 15)])
def test_silence_is_twice_the_cadence_within_bounds(kind: str, limit: int, active: Lives) -> None:
    """Counted anew from each thing that a person does."""
    life = active(kind)
    life.now += timedelta(hours=26)
    life.by("mentee", "record_win_or_setback", is_win=True, what="A yes.", lesson="Ask.")
    calendar = life.agreement.calendar_of(life.agreement.mentee_id)
    today = calendar.local_date(life.now)
    assert life.agreement.silent_at == calendar.closing_of(calendar.working_day_from(today, limit))


@pytest.mark.parametrize(("kind", "missed"), [("secondment", 2), ("shadowing", 1), ("rotation", 2)])
def test_so_many_check_ins_missed_in_a_row_are_a_stall(kind: str, missed: int, active: Lives) -> None:
    """Those before are counted as missed by themselves; the last one stays open and holds it up."""
    life = active(kind)
    life.answer("check_in:1")
    life.wait(days=120)
    assert life.agreement.meetings[ObligationKind.CHECK_IN].missed == missed - 1
    last = life.agreement.obligations[f"check_in:{missed + 1}"]
    assert last.stalled_at < life.now
    assert last.reason is StallReason.CHECKINS_MISSED


def test_a_signature_stalls_in_time_for_the_first_day(begun: Lives) -> None:
    """Where twenty working days would be too late, it stalls five before the start."""
    life = begun("secondment")
    terms = life.terms.model_copy(update={"approved_at": datetime(2026, 12, 21, 9, tzinfo=UTC)})
    late = type(life)(terms)
    owed = late.agreement.obligations["signature:mentor:P-1107:v1"]
    assert late.agreement.local_date(owed.stalled_at) == date(2027, 1, 4)
    assert owed.due_at <= owed.stalled_at


@pytest.mark.parametrize("kind", list(Kind))
def test_an_approval_after_the_fact_gives_everybody_a_working_day(kind: str, begun: Lives) -> None:
    """Approved long after it began, a placement is signed first and starts at once, with nobody late yet."""
    life = begun(kind)
    approved = datetime.combine(life.terms.planned_end - timedelta(days=20), time(10), tzinfo=UTC)
    late = type(life)(life.terms.model_copy(update={"approved_at": approved}))
    assert all(held.due_at > late.now for held in late.agreement.obligations.values())

    def started(agreement: Agreement) -> bool:
        return agreement.phase is Phase.ACTIVE

    late.live(started)
    assert late.agreement.starts_on == late.agreement.local_date(late.now)
    assert all(held.due_at > late.now for held in late.agreement.obligations.values())


def test_what_was_due_before_is_due_on_the_next_working_day(begun: Lives) -> None:
    """Nobody is late before they had a working day, and the stall keeps its distance."""
    agreement = begun("secondment").agreement
    calendar = agreement.calendar_of(agreement.mentee_id)
    obligation = open_obligation(agreement, _owed(agreement, ObligationKind.MILESTONE, date(2027, 1, 4)), AT)
    assert calendar.local_date(obligation.due_at) == date(2027, 3, 2)
    assert calendar.local_date(obligation.stalled_at) == calendar.working_day_from(date(2027, 3, 2), 10)


def test_instants_are_the_owners_own(begun: Lives) -> None:
    """Another zone, another week and leave move due instants of their owner, and of nobody else."""
    life = begun("secondment")
    mentor = life.agreement.holder(Role.MENTOR)
    theirs = life.agreement.calendars[mentor.person_id].model_copy(
        update={
            "utc_offsets": (UtcOffset(since=datetime(2000, 1, 1, tzinfo=UTC), seconds=9 * 3600),),
            "working_weekdays": (1, 2, 3, 4),
            "leave": (Leave(first=date(2027, 3, 2), last=date(2027, 3, 3)),),
        }
    )
    calendars = {**life.agreement.calendars, mentor.person_id: theirs}
    agreement = life.agreement.model_copy(update={"calendars": calendars})
    owed = NewObligation(
        kind=ObligationKind.BLOCKER, subject="b1", owner=mentor, allowance=Allowance(due=2, stalled=3)
    )
    obligation = open_obligation(agreement, owed, AT)
    # Tuesday and Wednesday on leave, Friday to Sunday free: Thursday is the first, Monday the second.
    assert obligation.due_at == datetime(2027, 3, 8, 8, tzinfo=UTC)
    assert obligation.stalled_at == datetime(2027, 3, 9, 8, tzinfo=UTC)


def test_a_missed_meeting_acts_by_itself_after_its_day(begun: Lives) -> None:
    """At the close of business so many working days later; other obligations wait for people."""
    agreement = begun("secondment").agreement
    owed = _owed(agreement, ObligationKind.REFLECTIVE_SESSION, MONDAY + timedelta(days=7), missed_after=3)
    obligation = open_obligation(agreement, owed, AT)
    assert obligation.acts_by_itself_at == datetime(2027, 3, 11, 17, tzinfo=UTC)
    assert (
        open_obligation(agreement, _owed(agreement, ObligationKind.DEBRIEF, MONDAY), AT).acts_by_itself_at
        is None
    )


def test_a_release_that_is_missing_is_named_as_such(begun: Lives) -> None:
    """Managers release by signing: their missing signature is another reason than the pair's."""
    reasons = {held.owner_role: held.reason for held in begun("secondment").agreement.obligations.values()}
    assert reasons[Role.LINE_MANAGER] is StallReason.RELEASE_MISSING
    assert reasons[Role.HOST_MANAGER] is StallReason.RELEASE_MISSING
    assert reasons[Role.MENTEE] is StallReason.AGREEMENT_UNSIGNED


def test_every_kind_of_obligation_has_its_allowance_and_its_reason() -> None:
    """Nothing can be owed that could not be said to be late, or why."""
    assert set(REASONS) == set(ObligationKind)
    for policy in DEFAULT.kinds.values():
        assert set(policy.allowances) == set(ObligationKind)
        assert all(allowance.due <= allowance.stalled for allowance in policy.allowances.values())


def test_a_concern_and_a_forced_choice_climb_no_ladder(begun: Lives) -> None:
    """The one goes round people, the other is where the ladder ends."""
    agreement = begun("secondment").agreement
    party = Party(role=Role.PROGRAMME_OWNER, person_id="P-1310")
    for kind in (ObligationKind.CONCERN, ObligationKind.FORCED_CHOICE):
        assert open_obligation(agreement, NewObligation(kind=kind, subject="x", owner=party), AT).ladder == ()


@pytest.mark.parametrize(
    ("kind", "day"), [("secondment", date(2027, 5, 12)), ("rotation", date(2027, 7, 23))]
)
def test_the_terms_may_name_the_day_of_the_end_decision(kind: str, day: date, active: Lives) -> None:
    """As long as the end is the one they name; after an extension the policy counts from the new end."""
    life = active(kind)
    decision = life.agreement.obligations["end_decision:placement"]
    assert life.agreement.local_date(decision.due_at) == day
    life.by("operator", "extend_placement", ends_on="2027-12-17", reason="The launch moved.")
    moved = life.agreement.obligations["end_decision:placement"]
    calendar = life.agreement.calendar_of(moved.owner_id)
    due, stalled = getattr(TABLE[ObligationKind.END_DECISION], kind)
    assert moved.due_at == calendar.closing_of(calendar.working_day_from(date(2027, 12, 17), due))
    assert moved.stalled_at == calendar.closing_of(calendar.working_day_from(date(2027, 12, 17), stalled))


def test_each_leg_begins_with_a_check_in(active: Lives) -> None:
    """Five working days after a leg begins at the latest, whatever the cadence says."""
    life = active("rotation")

    def second_leg(agreement: Agreement) -> bool:
        return len(agreement.legs_started) == 2

    life.live(second_leg, patient=True)
    agreement, began = life.agreement, life.agreement.local_date(life.now)
    (check_in,) = [held for held in agreement.obligations.values() if held.kind is ObligationKind.CHECK_IN]
    calendar = agreement.calendar_of(check_in.owner_id)
    latest = calendar.working_day_from(began, 5)
    assert calendar.local_date(check_in.due_at) == latest
    assert check_in.stalled_at == calendar.closing_of(calendar.working_day_from(began, 10))
    assert check_in.reason is StallReason.START_UNCONFIRMED
