"""Roles that change hands: open work moves, done work stays, and whoever owes something can give it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from domain.agreement.state import Agreement, Party
from domain.decisions.areas.forming import parties_of
from domain.kernel.vocabulary import ObligationKind, Outcome, Phase, Role
from domain.notifications.derive import notices_of
from domain.stream.serialization import fold_recorded, read_event

Lives = Callable[[str], Any]
Situation = Callable[..., Any]

KINDS = ("secondment", "shadowing", "rotation")


def _reassign(life: Any, role: str, from_person: str, to_person: str) -> None:  # noqa: ANN401  the life of the fixtures
    life.by(
        "operator",
        "reassign_role",
        role=role,
        from_person=from_person,
        to_person=to_person,
        reason="On to another post.",
    )


def _closed(agreement: Agreement) -> bool:
    return agreement.closed


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("phase", ["agreement", "active", "debrief", "synthesis"])
def test_a_placement_completes_whenever_everybody_but_the_mentee_changes(
    kind: str, phase: str, begun: Lives
) -> None:
    """In each phase each role can go to somebody else, and the life goes on to its signed synthesis."""
    life = begun(kind)

    def is_there(agreement: Agreement) -> bool:
        return agreement.phase is Phase(phase)

    life.live(is_there)
    for number, party in enumerate(life.agreement.parties):
        if party.role is not Role.MENTEE and party in life.agreement.parties:
            _reassign(life, party.role, party.person_id, f"N-{number}")
    people = {party.person_id for party in life.agreement.parties}
    assert {person for person in people if not person.startswith("N-")} == {life.terms.mentee}
    assert {held.owner_id for held in life.agreement.obligations.values()} <= people
    life.live(_closed, patient=True)
    assert life.agreement.outcome is Outcome.COMPLETED


@pytest.mark.parametrize("kind", KINDS)
def test_the_terms_name_whoever_holds_a_role_now(kind: str, active: Lives) -> None:
    """What the terms ask of a role is asked of the successor: verifier, host of a session, leg manager."""
    life = active(kind)
    for number, party in enumerate(life.agreement.parties):
        if party.role is not Role.MENTEE and party in life.agreement.parties:
            _reassign(life, party.role, party.person_id, f"N-{number}")
    assert set(parties_of(life.agreement.terms)) == set(life.agreement.parties)


def test_a_successor_signs_for_themselves_before_the_start(begun: Lives) -> None:
    """The predecessor's signature is no consent of theirs; the start waits for it."""
    life = begun("secondment")

    def concluded(agreement: Agreement) -> bool:
        return agreement.concluded_at is not None

    life.live(concluded)
    _reassign(life, "mentor", "P-1107", "N-1")
    assert "signature:mentor:N-1:v1" in life.agreement.obligations
    life.wait(days=120)
    assert life.agreement.phase is Phase.AGREEMENT
    life.answer("signature:mentor:N-1:v1")
    assert life.agreement.phase is Phase.ACTIVE


def test_a_signature_that_was_owed_is_asked_of_the_successor(begun: Lives) -> None:
    """Under an id of its own, in the successor's calendar."""
    life = begun("secondment")
    _reassign(life, "mentor", "P-1107", "N-1")
    asked = {key for key, held in life.agreement.obligations.items() if held.owner_role is Role.MENTOR}
    assert asked == {"signature:mentor:N-1:v1"}
    assert life.refusal("P-1107", "sign_agreement", terms_version=1).code == "not_a_party"


def test_two_host_experts_may_become_one(situation: Situation) -> None:
    """One signature is enough, sessions move, and nothing is asked twice."""
    life = situation("shadowing", [{"answer": "signature:host_expert:P-3202:v1"}])
    _reassign(life, "host_expert", "P-3201", "P-3202")
    assert life.agreement.holding(Role.HOST_EXPERT) == (Party(role=Role.HOST_EXPERT, person_id="P-3202"),)
    assert not [held for held in life.agreement.obligations.values() if held.owner_role is Role.HOST_EXPERT]
    assert {session.host_expert for session in life.agreement.terms.sessions} == {"P-3202"}
    life.live(_closed, patient=True)
    assert life.agreement.outcome is Outcome.COMPLETED


def _told(life: Any) -> dict[tuple[str, str, str], int]:  # noqa: ANN401  the life of the fixtures
    """The sequence of each mail about a meeting that the last event led to, by kind, meeting and reader."""
    before, event = fold_recorded(life.rows[:-1]), read_event(life.rows[-1])
    return {
        (notice.kind, notice.obligation_id or "", notice.recipient_id): notice.meeting.sequence
        for notice in notices_of(before, life.agreement, event, "e1")
        if notice.meeting is not None
    }


def test_calendars_follow_when_a_mentor_hands_over(active: Lives) -> None:
    """The successor and the mentee are invited anew; the predecessor's calendar lets go of the meeting."""
    life = active("secondment")
    mentee, mentor = life.terms.mentee, life.terms.mentor
    sequence = life.agreement.obligations["check_in:1"].sequence
    _reassign(life, "mentor", mentor, "N-1")
    told = {key: at for key, at in _told(life).items() if key[1] == "check_in:1"}
    assert told == {
        ("invite", "check_in:1", mentee): sequence + 2,
        ("invite", "check_in:1", "N-1"): sequence + 2,
        ("invite_cancelled", "check_in:1", mentor): sequence + 1,
    }


def test_calendars_follow_when_a_session_gets_another_host(active: Lives) -> None:
    """The mentee owes the session, and yet it is somebody else who is to be there."""
    life = active("shadowing")

    def planned(agreement: Agreement) -> bool:
        return any(held.kind is ObligationKind.OBSERVATION for held in agreement.obligations.values())

    life.live(planned)
    key, held = next(
        (key, held)
        for key, held in life.agreement.obligations.items()
        if held.kind is ObligationKind.OBSERVATION
    )
    host = next(each.host_expert for each in life.agreement.terms.sessions if each.session_id == held.subject)
    _reassign(life, "host_expert", host, "N-1")
    told = {which: at for which, at in _told(life).items() if which[1] == key}
    assert told == {
        ("invite", key, life.terms.mentee): held.sequence + 2,
        ("invite", key, "N-1"): held.sequence + 2,
        ("invite_cancelled", key, host): held.sequence + 1,
    }
    moved = life.agreement.obligations[key]
    assert (moved.due_at, moved.starts_at) == (held.due_at, held.starts_at)


def test_a_leg_manager_may_take_over_another_leg(active: Lives) -> None:
    """One person in two legs keeps both apart."""
    life = active("rotation")
    _reassign(life, "leg_manager", "P-4202", "P-4201")
    assert life.agreement.holder(Role.LEG_MANAGER, "auckland-product").person_id == "P-4201"
    assert life.agreement.holder(Role.LEG_MANAGER, "melbourne-control").person_id == "P-4201"
    life.live(_closed, patient=True)
    assert life.agreement.outcome is Outcome.COMPLETED


def test_the_annex_of_a_leg_ahead_is_signed_by_whoever_runs_it_then(active: Lives) -> None:
    """A new manager or sponsor is asked again; for a leg that has begun, nobody is."""
    life = active("rotation")
    assert not [key for key in life.agreement.obligations if key.startswith("annex_signature:")]
    _reassign(life, "leg_manager", "P-4202", "N-1")
    _reassign(life, "leg_manager", "P-4201", "N-2")
    asked = [key for key in life.agreement.obligations if key.startswith("annex_signature:")]
    assert asked == ["annex_signature:auckland-product:leg_manager"]
    assert life.agreement.obligations[asked[0]].owner_id == "N-1"


def test_consent_to_a_pivot_is_given_by_the_successor(situation: Situation) -> None:
    """A pivot does not wait for ever for somebody who has left."""
    proposal = {
        "who": "mentee",
        "give": "propose_pivot",
        "pivot_id": "v1",
        "option": "re_scope",
        "reason": "Gone.",
        "terms": {"development_plan_ref": "DP-9"},
    }
    life = situation("secondment:active", [proposal])
    _reassign(life, "mentor", "P-1107", "N-1")
    life.by("mentee", "consent_to_pivot", pivot_id="v1")
    life.by("N-1", "consent_to_pivot", pivot_id="v1")
    assert life.agreement.terms.development_plan_ref == "DP-9"
    assert life.agreement.pivot is None


def test_two_who_owe_consent_may_become_one(situation: Situation) -> None:
    """One yes counts for both."""
    proposal = {
        "who": "mentee",
        "give": "propose_pivot",
        "pivot_id": "v1",
        "option": "re_scope",
        "reason": "Gone.",
        "terms": {
            "focus_tags": ["huddle", "stakeholders", "surge-signs", "bottlenecks", "handover-routine", "x"]
        },
    }
    life = situation("shadowing:active", [proposal])
    _reassign(life, "host_expert", "P-3201", "P-3202")
    for who in ("mentee", "mentor", "P-3202"):
        life.by(who, "consent_to_pivot", pivot_id="v1")
    assert life.agreement.pivot is None
    assert "x" in life.agreement.terms.focus_tags


def test_feedback_on_the_mentoring_goes_to_the_mentor_of_the_day(situation: Situation) -> None:
    """Whoever took over hears what to keep and what to drop."""
    life = situation("secondment:active", [{"answer": "reflective_session:1"}])
    _reassign(life, "mentor", "P-1107", "N-1")
    life.answer("feedback:mentoring")
    assert life.rows[-1].data["receiver_id"] == "N-1"


def test_nobody_comes_to_hear_a_concern_about_themselves(situation: Situation) -> None:
    """Where the role that hears it goes to the person concerned, the next on the route hears it."""
    worry = {
        "who": "mentor",
        "give": "raise_concern",
        "matter_id": "c1",
        "about": "P-2240",
        "what": "Absent.",
    }
    life = situation("secondment:active", [worry])
    assert life.agreement.obligations["concern:c1"].owner_id == "P-1015"
    _reassign(life, "line_manager", "P-1015", "P-2240")
    heard_by = life.agreement.obligations["concern:c1"]
    assert (heard_by.owner_role, heard_by.owner_id) == (Role.HRBP, "P-1300")


def test_a_meeting_that_changes_hands_stays_a_meeting(active: Lives) -> None:
    """It keeps its time while that is ahead, and gets one where it has passed."""
    life = active("secondment")
    before = life.agreement.obligations["check_in:1"]
    _reassign(life, "mentor", "P-1107", "N-1")
    assert life.agreement.obligations["check_in:1"].starts_at == before.starts_at
    life.wait(days=20)
    assert "check_in:1" in life.agreement.obligations
    _reassign(life, "mentor", "N-1", "N-2")
    moved = life.agreement.obligations["check_in:1"]
    assert moved.starts_at is not None
    assert moved.starts_at > life.now
    assert moved.sequence > before.sequence


def test_the_programme_owner_may_change_while_a_choice_is_forced(active: Lives) -> None:
    """The end decision of a rotation is theirs: both it and the choice about it go to the successor."""
    life = active("rotation")
    life.wait(days=330)
    forced = "forced_choice:end_decision:placement"
    assert forced in life.agreement.obligations
    _reassign(life, "programme_owner", "P-4310", "N-1")
    assert life.agreement.obligations["end_decision:placement"].owner_id == "N-1"
    assert forced not in life.agreement.obligations
    assert {
        held.owner_id
        for held in life.agreement.obligations.values()
        if held.kind is ObligationKind.FORCED_CHOICE
    } == {"N-1"}
