"""Leave: somebody stands in and the work comes back; where nobody covers, it is said and cover is sought."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.agreement.state import Absence, Agreement
from domain.decisions.time_passing import next_instant
from domain.kernel.calendar import Leave
from domain.kernel.vocabulary import Kind, ObligationKind, Phase, Role, StallReason
from domain.policy.policy_set import DEFAULT
from domain.stream.serialization import fold_recorded
from domain.views.health import assess

Lives = Callable[[str], Any]

MENTOR, DELEGATE, MANAGER = "P-1107", "N-1", "P-1015"
BLOCKER = {"category": "access", "what": "No account.", "needed": "One."}


def _blocked(life: Any, matter_id: str = "b1") -> None:  # noqa: ANN401  the life of the fixtures
    life.by("mentee", "raise_blocker", matter_id=matter_id, **BLOCKER)


def _reminded(agreement: Agreement, key: str, now: datetime) -> bool:
    return any(rung.at > now for rung in agreement.obligations[key].ladder)


def test_what_is_owed_passes_to_the_delegate_and_comes_back(active: Lives) -> None:
    """The delegate owes it, in the same role, from the first day of leave to the last."""
    life = active("secondment")
    _blocked(life)
    assert life.agreement.obligations["blocker:b1"].owner_id == MENTOR
    life.away(MENTOR, 14, after=2, delegate=DELEGATE)
    assert life.agreement.obligations["blocker:b1"].owner_id == MENTOR
    life.wait(days=3)
    taken = life.agreement.obligations["blocker:b1"]
    assert (taken.owner_id, taken.owner_role, taken.stands_in_for) == (DELEGATE, Role.MENTOR, MENTOR)
    assert life.agreement.absent[MENTOR].stand_in == DELEGATE
    life.by(DELEGATE, "settle_matter", matter_id="b1", resolution="Asked IT.")
    _blocked(life, "b2")
    assert life.agreement.obligations["blocker:b2"].owner_id == DELEGATE
    life.wait(days=14)
    back = life.agreement.obligations["blocker:b2"]
    assert (back.owner_id, back.stands_in_for) == (MENTOR, None)
    assert _reminded(life.agreement, "blocker:b2", life.now)
    assert life.agreement.absent == {}
    assert fold_recorded(life.rows) == life.agreement


def test_a_delegate_acts_in_the_role_of_whom_they_stand_in_for_and_only_then(active: Lives) -> None:
    """Before and after the leave they are nobody here."""
    life = active("secondment")
    held = {"note": "Spoken.", "audience": "author"}
    assert life.refusal(DELEGATE, "keep_note", **held).code == "not_a_party"
    life.away(MENTOR, 14, delegate=DELEGATE)
    assert life.by(DELEGATE, "keep_note", **held) == ["note.kept"]
    assert life.rows[-1].actor_role is Role.MENTOR
    life.wait(days=15)
    assert life.refusal(DELEGATE, "keep_note", **held).code == "not_a_party"


def test_consent_is_nobody_elses(begun: Lives) -> None:
    """A signature waits for the signatory; where it cannot wait, it is said that nobody covers."""
    life = begun("secondment")
    key = f"signature:mentor:{MENTOR}:v1"
    before = life.agreement.obligations[key]
    life.away(MENTOR, 40, delegate=DELEGATE)
    held = life.agreement.obligations[key]
    assert held.owner_id == MENTOR
    assert held.due_at > before.due_at
    assert life.refusal(DELEGATE, "sign_agreement", terms_version=1).code == "not_open"


def test_where_nobody_covers_it_says_so_and_somebody_is_sought(active: Lives) -> None:
    """Nobody is reminded who is away; somebody in charge is asked, and told who could take over."""
    life = active("secondment")
    _blocked(life)
    _blocked(life, "b2")
    events = life.away(MENTOR, 21)
    assert events[-2:] == ["party.went_on_leave", "cover.sought"]
    flagged = life.agreement.obligations["blocker:b1"]
    assert (flagged.owner_id, flagged.reason) == (MENTOR, StallReason.PARTY_ON_LEAVE_UNCOVERED)
    assert not _reminded(life.agreement, "blocker:b1", life.now)
    [cover] = [held for held in life.agreement.obligations.values() if held.kind is ObligationKind.COVER]
    assert (cover.owner_role, cover.reason) == (
        Role.PROGRAMME_OWNER,
        StallReason.PARTY_ON_LEAVE_UNCOVERED,
    )
    assert life.rows[-1].data["proposed"] not in {None, MENTOR, life.agreement.mentee_id}
    life.wait(days=6)
    stall = assess(life.agreement, life.now).stall
    assert stall is not None
    assert stall.reason is StallReason.PARTY_ON_LEAVE_UNCOVERED
    refusal = life.refusal("operator", "nudge_obligation", obligation_id="blocker:b1")
    assert "is on leave until" in refusal.sentence
    life.wait(days=20)
    assert cover.obligation_id not in life.agreement.obligations
    back = life.agreement.obligations["blocker:b1"]
    assert (back.reason, back.owner_id) == (StallReason.BLOCKER_AGING, MENTOR)
    assert back.due_at > life.now - timedelta(days=7), "what fell due meanwhile has its allowance anew"
    assert assess(life.agreement, life.now - timedelta(days=3)).stall is None


def test_a_delegate_named_later_takes_over_and_ends_the_search(active: Lives) -> None:
    """The same leave with a delegate is covered from then on."""
    life = active("secondment")
    _blocked(life)
    life.away(MENTOR, 21)
    life.away(MENTOR, 21, delegate=DELEGATE)
    assert life.agreement.obligations["blocker:b1"].owner_id == DELEGATE
    assert life.agreement.obligations["blocker:b1"].reason is StallReason.BLOCKER_AGING
    assert not [held for held in life.agreement.obligations.values() if held.kind is ObligationKind.COVER]


def test_cover_that_is_not_needed_is_not_sought_twice(active: Lives) -> None:
    """Whoever is asked may say that it can wait."""
    life = active("secondment")
    _blocked(life)
    life.away(MENTOR, 21)
    [key] = [key for key in life.agreement.obligations if key.startswith("cover:")]
    life.by("operator", "waive_obligation", obligation_id=key, reason="It can wait.")
    life.wait(days=10)
    assert key not in life.agreement.obligations


def test_the_delegate_of_a_delegate_stands_in_where_both_are_away(active: Lives) -> None:
    """The first in the chain who is there, also where that changes during the leave."""
    life = active("secondment")
    _blocked(life)
    first = life.agreement.local_date(life.now) + timedelta(days=4)
    leave = Leave(first=first, last=first + timedelta(days=20))
    life.known["N-1"] = life.agreement.calendars[MENTOR].model_copy(
        update={"leave": (leave,), "delegate_id": "N-2"}
    )
    life.away(MENTOR, 14, delegate="N-1")
    assert life.agreement.absent[MENTOR].stand_in == "N-1"
    life.wait(days=6)
    assert life.agreement.absent[MENTOR].stand_in == "N-2"
    assert life.agreement.obligations["blocker:b1"].owner_id == "N-2"


def test_nobody_stands_in_to_hear_a_concern_about_themselves(active: Lives) -> None:
    """A concern stays with whom it was raised to, and goes to nobody whom it is about."""
    life = active("secondment")
    life.by("mentor", "raise_concern", matter_id="c1", about="P-2240", what="Absent.")
    assert life.agreement.obligations["concern:c1"].owner_id == MANAGER
    life.away(MANAGER, 14, delegate="P-2240")
    assert life.agreement.obligations["concern:c1"].owner_id == MANAGER
    assert life.agreement.obligations["concern:c1"].reason is StallReason.PARTY_ON_LEAVE_UNCOVERED


def test_a_short_leave_moves_what_is_due_and_nothing_passes(active: Lives) -> None:
    """Two days off need no stand-in."""
    life = active("secondment")
    life.away(MENTOR, 2, delegate=DELEGATE)
    assert life.agreement.absent == {}
    _blocked(life)
    assert life.agreement.obligations["blocker:b1"].owner_id == MENTOR


def test_nobody_stands_in_for_the_mentee(active: Lives) -> None:
    """Their leave moves what they owe, as it is their placement."""
    life = active("secondment")
    mentee = life.agreement.mentee_id
    before = [held for held in life.agreement.obligations.values() if held.owner_id == mentee]
    life.away(mentee, 30, delegate=DELEGATE)
    after = [life.agreement.obligations[held.obligation_id] for held in before]
    assert life.agreement.absent == {}
    assert {held.owner_id for held in after} == {mentee}


def test_a_successor_takes_over_from_whoever_stood_in(active: Lives) -> None:
    """Also where the stand-in is the successor, who then owes it in their own name."""
    for successor in ("N-7", DELEGATE):
        life = active("secondment")
        _blocked(life)
        life.away(MENTOR, 14, delegate=DELEGATE)
        life.by(
            "operator",
            "reassign_role",
            role="mentor",
            from_person=MENTOR,
            to_person=successor,
            reason="For good.",
        )
        held = life.agreement.obligations["blocker:b1"]
        assert (held.owner_id, held.stands_in_for) == (successor, None)
        assert life.agreement.absent == {}
        life.wait(days=20)
        assert life.agreement.obligations["blocker:b1"].owner_id == successor


def test_who_leaves_for_good_while_on_leave_is_succeeded(active: Lives) -> None:
    """Their delegate is proposed, and does not go on as if they came back."""
    life = active("secondment")
    _blocked(life)
    life.away(MENTOR, 14, delegate=DELEGATE)
    life.by("operator", "report_departure", person_id=MENTOR, reason="Resigned.")
    assert life.rows[-1].data["proposed_successor"] == DELEGATE
    held = life.agreement.obligations["blocker:b1"]
    assert (held.owner_id, held.reason) == (MENTOR, StallReason.PARTY_LEFT)
    life.wait(days=20)
    assert life.agreement.obligations["blocker:b1"].reason is StallReason.PARTY_LEFT
    assert f"successor:{MENTOR}" in life.agreement.obligations


@pytest.mark.parametrize("person", [MENTOR, MANAGER, "P-2240", "P-1300"])
def test_a_leaver_without_a_delegate_has_somebody_proposed_whom_the_rules_allow(
    person: str, active: Lives
) -> None:
    """Whoever is proposed can be named as successor as it is said."""
    life = active("secondment")
    roles = sorted(life.agreement.roles_of(person))
    life.by("operator", "report_departure", person_id=person, reason="Resigned.")
    proposed = life.rows[-1].data["proposed_successor"]
    assert proposed is None or proposed not in {person, life.agreement.mentee_id}
    if proposed is not None:
        for role in roles:
            life.by(
                "operator", "reassign_role", role=role, from_person=person, to_person=proposed, reason="So."
            )
        assert f"successor:{person}" not in life.agreement.obligations


def test_nothing_passes_on_during_a_pause(active: Lives) -> None:
    """Nobody acts then; whoever is still away at its end is stood in for from there."""
    life = active("secondment")
    _blocked(life)
    until = (life.now + timedelta(days=10)).date().isoformat()
    life.by("operator", "pause_placement", until=until, shifts_dates=False, reason="Site closed.")
    life.away(MENTOR, 21, delegate=DELEGATE)
    assert life.agreement.absent == {}
    life.wait(days=12)
    assert life.agreement.paused_until is None
    assert life.agreement.obligations["blocker:b1"].owner_id == DELEGATE


def test_a_meeting_takes_place_with_the_stand_in(active: Lives) -> None:
    """Check-ins go on; without a stand-in they come after the leave."""
    covered, uncovered = active("secondment"), active("secondment")
    covered.away(MENTOR, 28, delegate=DELEGATE)
    uncovered.away(MENTOR, 28)
    meeting = covered.agreement.obligations["check_in:1"]
    assert (meeting.owner_id, meeting.stands_in_for) == (DELEGATE, MENTOR)
    later = uncovered.agreement.obligations["check_in:1"]
    assert later.owner_id == MENTOR
    assert later.due_at > meeting.due_at
    assert later.starts_at is not None
    assert later.starts_at > uncovered.now + timedelta(days=27)


def test_an_agreement_under_an_older_policy_lives_as_it_did(active: Lives) -> None:
    """Where the policy says nothing of stand-ins, leave moves dates and nothing passes on."""
    older = DEFAULT.kinds[Kind.SECONDMENT].model_dump(mode="json")
    del older["covered_from"]
    policy = type(DEFAULT.kinds[Kind.SECONDMENT]).model_validate(older)
    assert policy.covered_from is None
    life = active("secondment")
    life._state = life.agreement.model_copy(update={"policy": policy})
    _blocked(life)
    life.away(MENTOR, 21, delegate=DELEGATE)
    assert life.agreement.absent == {}
    assert life.agreement.obligations["blocker:b1"].owner_id == MENTOR


def test_the_turns_of_a_leave_are_instants_of_the_ledger(active: Lives) -> None:
    """The workflow wakes when a leave begins and when it is over, in the time of whoever is away."""
    life = active("secondment")
    life.away(MENTOR, 14, after=3, delegate=DELEGATE)
    day = life.agreement.local_date(life.now)
    begins = datetime.combine(day + timedelta(days=3), datetime.min.time(), UTC).replace(hour=9)
    instants: set[datetime] = set()
    at = life.now
    while (upcoming := next_instant(life.agreement, at)) is not None and len(instants) < 40:
        instants.add(upcoming)
        at = upcoming
    assert {begins, begins + timedelta(days=14)} <= instants
    life.wait(until=begins)
    assert life.agreement.absent[MENTOR] == Absence(
        first=day + timedelta(days=3), last=day + timedelta(days=16), stand_in=DELEGATE
    )
    assert life.agreement.phase is Phase.ACTIVE
