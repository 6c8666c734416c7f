"""Job swaps, from request to synthesis. Collected where there is such a kind: in the copy of the project."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from domain.agreement.commands.ending import PlanReturn
from domain.agreement.evolve import evolve
from domain.agreement.state import Agreement
from domain.decisions.time_passing import next_instant
from domain.kernel.errors import RefusalCode, Refused
from domain.kernel.vocabulary import Kind, ObligationKind, Outcome, Phase, Role, StallReason
from domain.kinds import kinds_taking
from domain.ledger.notice import Notice, NoticeKind
from domain.notifications.derive import notices_of
from domain.stream.serialization import read_event
from domain.terms.problems import RequestRefused
from domain.terms.requests import split
from domain.views.explain import explain
from domain.views.health import assess
from domain.views.status import status_view
from tests.fixtures.paths import EXAMPLES

Lives = Callable[[str], Any]


def test_a_swap_leads_through_every_phase_to_a_signed_synthesis(begun: Lives) -> None:
    """Both hand their post over, both come back by one plan, and four people sign what was learnt."""
    life = begun("job_swap")
    phases: list[Phase] = []

    def is_over(agreement: Agreement) -> bool:
        if agreement.phase not in phases:
            phases.append(agreement.phase)
        return agreement.closed

    life.live(is_over, patient=True)
    assert phases == list(Phase)
    assert life.agreement.outcome is Outcome.COMPLETED
    assert next_instant(life.agreement, life.now) is None
    view = status_view(life.agreement, life.now)
    assert view.kind is Kind.JOB_SWAP
    assert view.stage_line == (
        "agreement signed 5/5 · milestones 4/4 · check-ins 13/13 · debrief 2/2 · synthesis 4/4"
    )


def test_each_hands_over_the_post_they_leave(active: Lives) -> None:
    """The partner owes one handover and the mentee the other; the post's own manager verifies it."""
    life = active("job_swap")
    owed = life.agreement.obligations
    assert owed["milestone:berlin-handed-over"].owner_id == life.terms.mentee
    assert owed["milestone:lisbon-handed-over"].owner_id == life.terms.partner
    life.answer("milestone:lisbon-handed-over")
    verifies = life.agreement.obligations["milestone_verification:lisbon-handed-over"]
    assert verifies.owner_id == life.terms.partner_manager


def test_a_swap_that_was_never_handed_over_has_no_synthesis(active: Lives) -> None:
    """What the synthesis lacks is said by the kind."""
    life = active("job_swap")
    for post in ("berlin-handed-over", "lisbon-handed-over"):
        life.by("operator", "waive_obligation", obligation_id=f"milestone:{post}", reason="Not possible.")
    life.live(lambda agreement: agreement.phase is Phase.SYNTHESIS, patient=True)
    with pytest.raises(Refused, match="A-77120 was never handed over") as refused:
        life.answer("synthesis:placement")
    assert refused.value.code is RefusalCode.INCOMPLETE


def test_the_return_is_owed_on_the_day_that_the_terms_give_it(active: Lives) -> None:
    """The command of a secondment's return is a swap's too, and moves with a pause that shifts dates."""
    life = active("job_swap")
    owed = life.agreement.obligations["return_plan:home"]
    assert life.agreement.calendar_of(owed.owner_id).local_date(owed.due_at) == date(2027, 5, 28)
    assert kinds_taking(PlanReturn) == {Kind.SECONDMENT, Kind.JOB_SWAP}
    life.by("line_manager", "pause_placement", until="2027-02-15", shifts_dates=True, reason="A strike.")
    life.wait(days=45)
    days = life.agreement.terms.return_agreed_by - date(2027, 5, 28)
    moved = life.agreement.obligations["return_plan:home"]
    assert days > timedelta(days=20)
    assert moved.due_at > owed.due_at + timedelta(days=20)
    life.answer("return_plan:home")
    assert "return_plan:home" not in life.agreement.obligations


def test_somebody_else_can_take_the_partners_place(active: Lives) -> None:
    """Terms, parties and open work name the successor; the rules about people hold for them too."""
    life = active("job_swap")
    partner = life.terms.partner
    change = {"role": "host_expert", "from_person": partner, "reason": "Moved to another region."}
    refused = life.refusal("operator", "reassign_role", to_person=life.terms.mentor, **change)
    assert refused.code is RefusalCode.CONFLICT_OF_INTEREST
    life.by("operator", "reassign_role", to_person="N-1", **change)
    assert life.agreement.terms.partner == "N-1"
    assert life.agreement.holder(Role.HOST_EXPERT).person_id == "N-1"
    assert life.agreement.obligations["milestone:lisbon-handed-over"].owner_id == "N-1"


def test_an_amendment_asks_those_whom_the_kind_says_it_affects(active: Lives) -> None:
    """A later day for the return is signed by both managers, and a partner is not swapped by amending."""
    life = active("job_swap")
    terms = life.terms.model_dump(mode="json")
    life.by("mentor", "amend_terms", terms={**terms, "return_agreed_by": "2027-06-04"}, reason="Later.")
    owed = {held.owner_role for held in life.agreement.obligations.values() if held.kind == "signature"}
    assert owed == {Role.LINE_MANAGER, Role.HOST_MANAGER}
    refused = life.refusal("mentor", "amend_terms", terms={**terms, "partner": "N-1"}, reason="Another.")
    assert "terms: partner name people" in refused.sentence


def test_a_swap_ends_within_a_year_and_takes_no_other_kinds_commands(active: Lives) -> None:
    """How far it can be extended, and what it refuses, follow from the kind."""
    life = active("job_swap")
    refused = life.refusal("line_manager", "extend_placement", ends_on="2028-03-01", reason="Longer.")
    assert "a job_swap that began on 2027-01-11 cannot be extended beyond 2028-01-11" in refused.sentence
    refused = life.refusal("mentee", "start_leg", leg_id="second")
    assert refused.sentence == "start_leg is for rotation only; this is a job_swap."


def test_a_request_says_all_that_is_wrong_with_it() -> None:
    """The kind's own rules are asked with those of every kind."""
    raw = json.loads((EXAMPLES / "job_swap.json").read_text())
    assert split(raw).terms.kind is Kind.JOB_SWAP
    raw["partner_manager"] = raw["line_manager"]["person_id"]
    raw["own_post"]["handover_milestone"] = "one-planning-call"
    raw["return_agreed_by"] = "soon"
    with pytest.raises(RequestRefused) as refused:
        split(raw)
    assert {problem.field for problem in refused.value.problems} == {
        "partner_manager",
        "own_post.handover_milestone",
        "return_agreed_by",
    }


def _notices(life: Any) -> list[Notice]:  # noqa: ANN401  the fixtures' life
    """Return everything that anybody was told, in order."""
    told: list[Notice] = []
    before: Agreement | None = None
    for row in life.rows:
        event = read_event(row)
        after = evolve(before, event)
        told.extend(notices_of(before, after, event, row.event_id))
        before = after
    return told


def test_people_are_told_and_invited_as_in_every_other_kind(active: Lives) -> None:
    """The partner is asked to sign and hears of the start; check-ins have who meets, and their minutes."""
    life = active("job_swap")
    told = _notices(life)
    assert {notice.agreement_kind for notice in told} == {Kind.JOB_SWAP}
    to_partner = [notice for notice in told if notice.recipient_id == life.terms.partner]
    assert next((notice.kind, notice.obligation_kind) for notice in to_partner) == (
        NoticeKind.OBLIGATION_OPENED,
        ObligationKind.SIGNATURE,
    )
    assert {"agreement.concluded", "placement.started"} <= {notice.event_type for notice in to_partner}
    invites = [notice for notice in told if notice.obligation_kind is ObligationKind.CHECK_IN]
    assert {notice.kind for notice in invites} == {NoticeKind.INVITE}
    for notice in invites:
        assert notice.meeting is not None
        assert set(notice.meeting.attendees) == {life.terms.mentee, life.terms.mentor}
        assert notice.meeting.minutes == life.terms.cadence.check_in_minutes


def test_a_stall_is_explained_from_the_day_of_the_terms(active: Lives) -> None:
    """Whoever asks why a swap is held up hears of the return that nobody planned, and of its day."""
    life = active("job_swap")

    def is_stalled(agreement: Agreement) -> bool:
        stall = assess(agreement, life.now).stall
        return stall is not None and stall.reason is StallReason.RETURN_PLAN_MISSING

    life.live(is_stalled, lambda held: held.kind is not ObligationKind.RETURN_PLAN, patient=True)
    found = explain(life.agreement, life.rows, life.now)
    assert found.about is not None
    assert found.about.obligation_id == "return_plan:home"
    assert found.about.policy.counted_from == date(2027, 5, 28)
    assert "return_plan:home" in found.paragraph
