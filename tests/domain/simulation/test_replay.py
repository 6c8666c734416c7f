"""Policy replay: the same policy changes nothing, a stricter one only adds, flags are what operators saw."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from domain.agreement.state import Agreement
from domain.decisions.time_passing import next_instant
from domain.kernel.errors import Refused
from domain.kernel.vocabulary import Kind, ObligationKind, StallReason
from domain.ledger.obligation import MEETING_KINDS, Obligation
from domain.policy.policy_set import DEFAULT, Allowance, KindPolicy, PolicySet, SilenceLimit
from domain.simulation.replay import AgreementReplay, Comparison, Window, replay
from domain.simulation.tally import Tally
from domain.simulation.timeline import lifetimes
from domain.stream.messages import RecordedEvent
from domain.stream.serialization import fold_recorded
from domain.views.health import assess

Begun = Callable[[str], Any]
Until = Callable[[Agreement], bool]

EVER = Window(since=datetime(2000, 1, 1, tzinfo=UTC), until=datetime(2100, 1, 1, tzinfo=UTC))

REPRODUCIBLE = settings(
    derandomize=True,
    deadline=None,
    max_examples=20,
    database=None,
    # Explaining a failure traces every line, which makes the lives many times slower.
    phases=(Phase.explicit, Phase.generate, Phase.shrink),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

DOINGS = st.lists(
    st.tuples(
        st.sampled_from(
            (
                "answer",
                "answer",
                "answer",
                "wait",
                "wait",
                "pause",
                "resume",
                "reassign",
                "breach",
                "settle",
                "waive",
                "hold",
                "release",
                "departure",
                "leave",
                "remind",
            )
        ),
        st.integers(min_value=0, max_value=97),
    ),
    min_size=10,
    max_size=30,
)
"""What happens to a placement: something, and a number that chooses how much, whom or what."""


def _live(life: Any, until: Until, answers: Callable[[Obligation], bool] = lambda _: True) -> None:  # noqa: ANN401
    life.live(until, answers)


def _rests_for_good(agreement: Agreement, now: datetime) -> bool:
    return agreement.closed or next_instant(agreement, now) is None


def _live_with(life: Any, doings: Sequence[tuple[str, int]]) -> None:  # noqa: ANN401  the shared fixtures' life
    for doing, number in doings:
        if life.agreement.closed:
            return
        try:
            _do(life, doing, number)
        except Refused:
            continue


def _do(life: Any, doing: str, number: int) -> None:  # noqa: ANN401
    agreement, operator = life.agreement, {"actor_id": "OP-1", "acting_as": "operator"}
    match doing:
        case "answer":
            _until(life, days=number % 9 + 1, answers=lambda held: hash_of(held) % 3 != number % 3)
        case "wait":
            _until(life, days=number % 40, answers=lambda _: False)
        case "pause":
            until = (agreement.local_date(life.now) + timedelta(days=number + 1)).isoformat()
            life.give(
                "pause_placement", until=until, shifts_dates=bool(number % 2), reason="Away.", **operator
            )
        case "resume":
            life.give("resume_placement", **operator)
        case "reassign":
            party = agreement.parties[number % len(agreement.parties)]
            life.give(
                "reassign_role",
                role=party.role,
                from_person=party.person_id,
                to_person=f"N-{number}",
                reason="Moved on.",
                **operator,
            )
        case "breach":
            life.give("report_breach", agreement.mentee_id, matter_id="b1", breaches="ethics", what="Seen.")
        case "settle":
            life.give("settle_matter", matter_id="b1", resolution="Cleared.", **operator)
        case "waive":
            owed = sorted(agreement.obligations)
            life.give("waive_obligation", obligation_id=owed[number % len(owed)], reason="Done.", **operator)
        case _:
            _befall(life, doing, number)


def _befall(life: Any, doing: str, number: int) -> None:  # noqa: ANN401
    agreement, operator = life.agreement, {"actor_id": "OP-1", "acting_as": "operator"}
    person = agreement.parties[number % len(agreement.parties)].person_id
    match doing:
        case "hold":
            review_on = (agreement.local_date(life.now) + timedelta(days=number % 20 + 1)).isoformat()
            life.give("hold_placement", waits_for="The works council.", review_on=review_on, **operator)
        case "release":
            life.give("release_placement", reason="They agreed.", **operator)
        case "departure":
            life.give("report_departure", person_id=person, reason="Resigned.", **operator)
        case "leave":
            delegate = f"N-{number}" if number % 2 else None
            life.away(person, days=number % 25 + 1, after=number % 9, delegate=delegate)
        case _:
            key = sorted(agreement.obligations)[number % len(agreement.obligations)]
            owner = {"actor_id": agreement.obligations[key].owner_id, "obligation_id": key}
            if number % 3:
                life.give("snooze_obligation", working_days=number % 3, reason="Audit.", **owner)
            else:
                life.give("acknowledge_obligation", plan="On Friday.", **owner)


def hash_of(held: Obligation) -> int:
    """The same on every run, unlike Python's own."""
    return sum(held.obligation_id.encode())


def _until(life: Any, *, days: int, answers: Callable[[Obligation], bool]) -> None:  # noqa: ANN401
    end = life.now + timedelta(days=days)
    refused = 0
    while life.now < end and not _rests_for_good(life.agreement, life.now) and refused < 3:
        try:
            _live(life, lambda agreement: life.now >= end or _rests_for_good(agreement, life.now), answers)
        except Refused:
            refused += 1


def _replayed(rows: Sequence[RecordedEvent], policies: PolicySet, window: Window = EVER) -> AgreementReplay:
    found = replay(rows, policies, window)
    assert found is not None
    return found


def _changed(kind: Kind, **changes: object) -> PolicySet:
    policy = DEFAULT.kinds[kind].model_copy(update=changes)
    return DEFAULT.model_copy(update={"version": 2, "kinds": {**DEFAULT.kinds, kind: policy}})


def _with_allowance(kind: Kind, obligation: ObligationKind, due: int, stalled: int) -> PolicySet:
    allowances = {**DEFAULT.kinds[kind].allowances, obligation: Allowance(due=due, stalled=stalled)}
    return _changed(kind, allowances=allowances)


@pytest.mark.parametrize("kind", list(Kind))
@REPRODUCIBLE
@given(doings=DOINGS)
def test_the_same_policy_changes_nothing(kind: Kind, begun: Begun, doings: list[tuple[str, int]]) -> None:
    """Replaying the policy in force gives every instant of the record again, derived and not copied."""
    life = begun(kind)
    _live_with(life, doings)
    found = lifetimes(life.rows, DEFAULT)
    assert found is not None
    for each in found.all:
        assert not each.estimated, f"what {each.obligation_id} was counted from is not understood"
        assert all(stretch.recorded == stretch.proposed for stretch in each.stretches), each
    replayed = _replayed(life.rows, DEFAULT)
    assert {each.change for each in replayed.comparisons} <= {"same"}
    assert {each.working_days for each in replayed.comparisons} <= {0}
    assert replayed.rungs_recorded == replayed.rungs_proposed


@pytest.mark.parametrize("kind", list(Kind))
@REPRODUCIBLE
@given(doings=DOINGS)
def test_flags_are_what_operators_saw(kind: Kind, begun: Begun, doings: list[tuple[str, int]]) -> None:
    """At each recorded flag the agreement counted as stalled, and it never did without a flag standing."""
    life = begun(kind)
    _live_with(life, doings)
    replayed = _replayed(life.rows, DEFAULT, Window(since=EVER.since, until=life.now + timedelta(days=1)))
    standing = [
        (each.recorded.at, each.ended_at) for each in replayed.comparisons if each.recorded is not None
    ]
    moments = {row.occurred_at for row in life.rows} | {life.now} | {since for since, _ in standing}
    ahead, agreement = list(life.rows), None
    for moment in sorted(moments):
        now = [row for row in ahead if row.occurred_at <= moment]
        agreement, ahead = fold_recorded(now, agreement), ahead[len(now) :]
        assert agreement is not None
        stall = assess(agreement, moment).stall
        if moment in {since for since, _ in standing}:
            assert stall is not None, f"flagged at {moment} without being stalled"
        if stall is not None and stall.obligation_kind is not ObligationKind.FORCED_CHOICE:
            assert any(since <= moment and (ended is None or moment < ended) for since, ended in standing)


def _stricter(policy: KindPolicy, due_by: int, stalled_by: int) -> KindPolicy:
    """Nothing is due later, no stall keeps a longer distance from due, no silence lasts longer."""

    def less(allowance: Allowance, *, meeting: bool = False) -> Allowance:
        due = allowance.due if meeting else max(min(0, allowance.due), allowance.due - due_by)
        grace = max(1, allowance.stalled - allowance.due - stalled_by)
        return Allowance(due=due, stalled=due + grace)

    allowances = {
        kind: less(allowance, meeting=kind in MEETING_KINDS) for kind, allowance in policy.allowances.items()
    }
    silence = SilenceLimit(
        least=max(1, policy.silence.least - stalled_by), most=max(1, policy.silence.most - stalled_by)
    )
    first = less(policy.first_meeting)
    changes = {"allowances": allowances, "silence": silence, "first_meeting": first}
    return policy.model_copy(update=changes)


@pytest.mark.parametrize("kind", list(Kind))
@REPRODUCIBLE
@given(
    due_by=st.integers(min_value=0, max_value=4),
    stalled_by=st.integers(min_value=0, max_value=6),
    doings=st.lists(
        st.tuples(st.sampled_from(("answer", "answer", "wait")), st.integers(min_value=0, max_value=97)),
        min_size=5,
        max_size=25,
    ),
)
def test_a_stricter_policy_flags_no_less_and_no_later(
    kind: Kind, begun: Begun, due_by: int, stalled_by: int, doings: list[tuple[str, int]]
) -> None:
    """Whoever tightens a policy loses no flag and gets none later, in lives without a rest or a handover."""
    life = begun(kind)
    _live_with(life, doings)
    policy = _stricter(DEFAULT.kinds[kind], due_by, stalled_by)
    policies = DEFAULT.model_copy(update={"version": 2, "kinds": {**DEFAULT.kinds, kind: policy}})
    changes = {each.change for each in _replayed(life.rows, policies).comparisons}
    assert changes <= {"same", "earlier", "gained"}


def _milestone_late(begun: Begun, days_late: int) -> tuple[Any, str]:
    """A secondment whose first milestone is completed so many days after it fell due."""
    life = begun("secondment")
    first = life.terms.milestones[0].milestone_id
    key = f"milestone:{first}"
    _live(life, lambda agreement: key in agreement.obligations)
    due_at = life.agreement.obligations[key].due_at
    _neglected(life, key, due_at + timedelta(days=days_late))
    _live(life, lambda agreement: first in agreement.milestones_verified)
    return life, key


def _neglected(life: Any, key: str, until: datetime) -> None:  # noqa: ANN401
    """Everything is done but this, up to an instant."""
    _live(
        life,
        lambda agreement: (next_instant(agreement, life.now) or until) >= until,
        lambda held: held.obligation_id != key,
    )
    life.now = until


def _of(replayed: AgreementReplay, key: str) -> Comparison:
    return next(each for each in replayed.comparisons if each.obligation_id == key)


def test_a_shorter_allowance_flags_earlier_by_exactly_its_days(begun: Begun) -> None:
    """Seven working days less before a stall is a flag seven working days earlier."""
    life, key = _milestone_late(begun, days_late=20)
    policies = _with_allowance(Kind.SECONDMENT, ObligationKind.MILESTONE, due=5, stalled=8)
    found = _of(_replayed(life.rows, policies), key)
    assert (found.reason, found.change, found.working_days) == (
        StallReason.MILESTONE_OVERDUE,
        "earlier",
        -7,
    )
    assert found.recorded is not None
    assert found.proposed is not None
    assert found.recorded.due_at == found.proposed.due_at
    assert found.calendar_days == (found.proposed.at.date() - found.recorded.at.date()).days


def test_a_longer_allowance_loses_the_flag_of_what_was_done_meanwhile(begun: Begun) -> None:
    """What was done before the later stall is not flagged any more."""
    life, key = _milestone_late(begun, days_late=20)
    policies = _with_allowance(Kind.SECONDMENT, ObligationKind.MILESTONE, due=5, stalled=60)
    assert _of(_replayed(life.rows, policies), key).change == "lost"


def test_a_new_flag_that_resolved_itself_is_a_false_alarm(begun: Begun) -> None:
    """Flagged one day before its owner did it, with nobody told and no operator at work: a false alarm."""
    life, key = _milestone_late(begun, days_late=6)
    policies = _with_allowance(Kind.SECONDMENT, ObligationKind.MILESTONE, due=5, stalled=8)
    found = _of(_replayed(life.rows, policies), key)
    assert found.change == "gained"
    assert found.proposed is not None
    assert found.proposed.false_alarm
    soon = EVER.model_copy(update={"false_alarm_days": 0})
    other = _of(_replayed(life.rows, policies, soon), key)
    assert other.proposed is not None
    assert not other.proposed.false_alarm


def test_a_flag_after_others_were_told_is_no_false_alarm(begun: Begun) -> None:
    """Once mentor and manager were told, that it was done then is no proof that it would have been anyhow."""
    life, key = _milestone_late(begun, days_late=15)
    found = _of(_replayed(life.rows, DEFAULT), key)
    assert found.recorded is not None
    assert found.recorded.level == 3
    assert not found.recorded.false_alarm


def test_a_flag_that_an_operator_dealt_with_is_no_false_alarm(begun: Begun) -> None:
    """An operator's act on the agreement after the due day may be what moved the owner."""
    life = begun("secondment")
    first = life.terms.milestones[0].milestone_id
    key = f"milestone:{first}"
    _live(life, lambda agreement: key in agreement.obligations)
    due_at = life.agreement.obligations[key].due_at
    _neglected(life, key, due_at + timedelta(days=1))
    life.give(
        "reassign_role",
        "OP-1",
        acting_as="operator",
        role="hrbp",
        from_person=life.agreement.terms.hrbp,
        to_person="N-9",
        reason="Moved on.",
    )
    _neglected(life, key, due_at + timedelta(days=6))
    _live(life, lambda agreement: first in agreement.milestones_verified)
    policies = _with_allowance(Kind.SECONDMENT, ObligationKind.MILESTONE, due=5, stalled=8)
    proposed = _of(_replayed(life.rows, policies), key).proposed
    assert proposed is not None
    assert not proposed.false_alarm


def test_a_silence_is_flagged_and_compared(active: Begun) -> None:
    """A shorter limit flags a silence earlier, in the mentee's calendar; nobody's obligation is named."""
    life = active("secondment")
    silent_at = life.agreement.silent_at
    _live(life, lambda _: life.now > silent_at + timedelta(days=5), lambda _: False)
    policies = _changed(Kind.SECONDMENT, silence=SilenceLimit(least=5, most=8))
    silence = next(each for each in _replayed(life.rows, policies).comparisons if each.obligation_id is None)
    assert (silence.reason, silence.change) == (StallReason.SILENT, "earlier")
    assert silence.recorded is not None
    assert silence.recorded.at == silent_at
    assert silence.working_days is not None
    assert silence.working_days < 0


def test_a_pause_keeps_both_policies_from_flagging(active: Begun) -> None:
    """What comes to its stall in a pause is flagged at its end at the earliest, under either policy."""
    life = active("secondment")
    until = life.agreement.local_date(life.now) + timedelta(days=60)
    life.give(
        "pause_placement",
        "OP-1",
        acting_as="operator",
        until=until.isoformat(),
        shifts_dates=False,
        reason="Leave.",
    )
    paused_at, resumes_at = life.now, life.agreement.paused_until
    _live(life, lambda _: life.now >= resumes_at + timedelta(days=40), lambda _: False)
    policies = _changed(Kind.SECONDMENT, silence=SilenceLimit(least=2, most=2))
    flags = [
        flag.at
        for each in _replayed(life.rows, policies).comparisons
        for flag in (each.recorded, each.proposed)
        if flag is not None
    ]
    assert flags
    assert not [at for at in flags if paused_at <= at < resumes_at]


def test_only_what_lasted_into_the_window_counts(begun: Begun) -> None:
    """What was settled before the window is left out, and a stall after it has not come yet."""
    life, key = _milestone_late(begun, days_late=20)
    flagged = _of(_replayed(life.rows, DEFAULT), key).recorded
    assert flagged is not None
    after = Window(since=life.now + timedelta(days=1), until=EVER.until)
    assert key not in {each.obligation_id for each in _replayed(life.rows, DEFAULT, after).comparisons}
    before = Window(since=EVER.since, until=flagged.at)
    assert key not in {each.obligation_id for each in _replayed(life.rows, DEFAULT, before).comparisons}
    long_before = Window(since=EVER.since, until=life.rows[0].occurred_at)
    assert replay(life.rows, DEFAULT, long_before) is None


def test_a_stream_written_by_other_rules_is_moved_by_the_difference_and_says_so(begun: Begun) -> None:
    """Where the record does not tell what a date was counted from, the policies' difference moves it."""
    life, key = _milestone_late(begun, days_late=30)
    rows = [_with_stall_moved(row, key, timedelta(days=7)) for row in life.rows]
    same = _of(_replayed(rows, DEFAULT), key)
    assert (same.change, same.estimated) == ("same", True)
    policies = _with_allowance(Kind.SECONDMENT, ObligationKind.MILESTONE, due=5, stalled=12)
    moved = _of(_replayed(rows, policies), key)
    assert (moved.change, moved.working_days, moved.estimated) == ("earlier", -3, True)
    assert _replayed(rows, policies).estimated == 1


def _with_stall_moved(row: RecordedEvent, key: str, by: timedelta) -> RecordedEvent:
    ledger: Any = row.data["ledger"]
    opened = [
        {**each, "stalled_at": (datetime.fromisoformat(each["stalled_at"]) + by).isoformat()}
        if each["obligation_id"] == key
        else each
        for each in ledger["opened"]
    ]
    return row.model_copy(update={"data": {**row.data, "ledger": {**ledger, "opened": opened}}})


def test_thresholds_that_decide_what_happens_are_named_and_not_replayed(begun: Begun) -> None:
    """No record tells what another count of missed meetings would have led to; the replay says so."""
    life, _ = _milestone_late(begun, days_late=1)
    replayed = _replayed(life.rows, _changed(Kind.SECONDMENT, missed_running=3, missed_after=5))
    assert replayed.not_replayed == ("missed_running", "missed_after")
    assert {each.change for each in replayed.comparisons} <= {"same"}


def test_sums_add_up(begun: Begun) -> None:
    """Gained, lost and moved flags add up to both totals, and new agreements are named."""
    policies = _with_allowance(Kind.SECONDMENT, ObligationKind.MILESTONE, due=5, stalled=8)
    tally = Tally()
    lives = [_milestone_late(begun, days_late=days)[0] for days in (1, 6, 20)]
    for life in lives:
        tally.add(_replayed(life.rows, policies))
    summary = tally.summary()
    assert summary.agreements == 3
    [line] = [line for line in summary.lines if line.reason is StallReason.MILESTONE_OVERDUE]
    assert (line.recorded, line.proposed, line.gained, line.lost, line.earlier) == (1, 2, 1, 0, 1)
    assert (line.median_working_days, line.false_alarms_recorded, line.false_alarms_proposed) == (-7, 0, 1)
    assert summary.flagged_proposed == summary.flagged_recorded + summary.newly_flagged_count
    assert len(summary.newly_flagged) == summary.newly_flagged_count
