"""Whole lives, from request to close, and every way out."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest

from activities.directory.calendars import CalendarSources
from domain.agreement.state import Agreement
from domain.decisions.areas.ending import SIDES
from domain.decisions.areas.forming import parties_of
from domain.decisions.time_passing import next_instant
from domain.kernel.calendar import Calendar
from domain.kernel.person import Person
from domain.kernel.vocabulary import Health, Kind, ObligationKind, Outcome, Phase
from domain.terms.requests import split
from domain.views.status import status_view
from tests.fixtures.paths import EXAMPLES

Begun = Callable[[str], Any]


COMPLETED = {
    "secondment": "agreement signed 5/5 · milestones 4/4 · check-ins 12/13 · debrief 2/2 · synthesis 3/3",
    "shadowing": "agreement signed 5/5 · milestones 1/1 · check-ins 8/8 · debrief 2/2 · synthesis 3/3",
    "rotation": "agreement signed 10/10 · milestones 8/8 · check-ins 20/20 · debrief 2/2 · synthesis 4/4",
}


def _closed(agreement: Agreement) -> bool:
    return agreement.closed


def _concluded(agreement: Agreement) -> bool:
    return agreement.concluded_at is not None


def _calendars(kind: str) -> Mapping[str, Calendar]:
    """The calendars of everybody in an example, as the directory behind it gives them."""
    request = split(json.loads((EXAMPLES / f"{kind}.json").read_text()))
    known = [Person.model_validate(raw) for raw in json.loads((EXAMPLES / "people.json").read_text())]
    people = {person.person_id: person for person in (*known, *request.people)}
    sources, terms = CalendarSources(), request.terms
    last = terms.planned_end + timedelta(days=730)
    return {
        party.person_id: sources.resolve(people[party.person_id], terms.approved_at.date(), last)
        for party in parties_of(terms)
    }


@pytest.mark.parametrize("kind", list(Kind))
def test_a_life_leads_through_every_phase_to_a_signed_synthesis(kind: str, begun: Begun) -> None:
    """In everybody's own zone and with their holidays, a placement that people care for completes."""
    life = begun(kind)
    life.propose(_calendars(kind))
    phases: list[Phase] = []

    def is_over(agreement: Agreement) -> bool:
        if agreement.phase not in phases:
            phases.append(agreement.phase)
        return agreement.closed

    life.live(is_over, patient=True)
    agreement = life.agreement
    assert phases == list(Phase)
    assert agreement.outcome is Outcome.COMPLETED
    assert status_view(agreement, life.now).stage_line == COMPLETED[kind]
    assert status_view(agreement, life.now).health is Health.CLOSED
    assert next_instant(agreement, life.now) is None


@pytest.mark.parametrize("kind", list(Kind))
def test_a_party_may_decline_instead_of_signing(kind: str, begun: Begun) -> None:
    """One refusal closes the agreement, and nobody is asked for anything any more."""
    life = begun(kind)
    life.by("line_manager", "decline_agreement", reason="No cover.")
    assert (life.agreement.phase, life.agreement.outcome) == (Phase.CLOSED, Outcome.DECLINED)
    assert not life.agreement.obligations


@pytest.mark.parametrize("kind", list(Kind))
def test_a_placement_may_be_withdrawn_before_it_starts(kind: str, begun: Begun) -> None:
    """Even once everybody has signed, as long as the first day is ahead."""
    life = begun(kind)
    life.live(_concluded)
    assert status_view(life.agreement, life.now).health in {Health.TOO_EARLY, Health.DUE_SOON}
    life.by("hrbp", "withdraw_agreement", reason="The post was filled.")
    assert life.agreement.outcome is Outcome.WITHDRAWN


@pytest.mark.parametrize("kind", list(Kind))
def test_an_agreement_that_nobody_finishes_signing_expires(kind: str, begun: Begun) -> None:
    """After the time that the policy gives, and not a moment earlier."""
    life = begun(kind)
    life.answer(next(iter(life.agreement.obligations)))
    life.wait(until=life.agreement.expires_at - timedelta(seconds=1))
    assert life.agreement.phase is Phase.AGREEMENT
    assert status_view(life.agreement, life.now).health is Health.STALLED
    life.wait(until=life.agreement.expires_at)
    assert life.agreement.outcome is Outcome.EXPIRED_UNSIGNED


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize(
    ("side", "by"), [("home", "line_manager"), ("mentee", "mentee"), ("host", "the host's own")]
)
def test_each_side_may_end_early_with_its_notice(kind: str, side: str, by: str, active: Begun) -> None:
    """It ends that many days later, with debrief and synthesis, and counts as ended early."""
    life = active(kind)
    host = min(life.terms.own_roles & SIDES["host"])
    today = life.agreement.local_date(life.now)
    life.by(host if side == "host" else by, "end_early", by=side, reason="Two people left.")
    notice = getattr(life.terms.early_end_notice_days, side)
    assert life.agreement.ends_on == today + timedelta(days=notice)
    assert life.agreement.ended_early_by == side
    life.live(_closed, patient=True)
    assert life.agreement.outcome is Outcome.ENDED_EARLY
    assert life.agreement.ended_at is not None
    assert life.agreement.local_date(life.agreement.ended_at) == today + timedelta(days=notice)
    assert len(life.agreement.debriefs) == 2


@pytest.mark.parametrize("kind", list(Kind))
def test_a_date_alone_completes_nothing(kind: str, active: Begun) -> None:
    """A year after the last day an undecided placement is still active, and stalled with a name."""
    life = active(kind)
    life.wait(until=life.now + timedelta(days=800))
    view = status_view(life.agreement, life.now)
    assert (view.phase, view.health) == (Phase.ACTIVE, Health.STALLED)
    assert view.stall is not None
    assert "end_decision:placement" in life.agreement.obligations
    life.by("operator", "decide_end", decision="end", reason="Long over.")
    assert life.agreement.phase is Phase.DEBRIEF
    life.wait(days=400)
    assert life.agreement.phase is Phase.DEBRIEF
    assert {held.kind for held in life.agreement.obligations.values()} >= {ObligationKind.DEBRIEF}


@pytest.mark.parametrize("kind", list(Kind))
def test_a_placement_without_synthesis_is_closed_incomplete(kind: str, active: Begun) -> None:
    """With a reason and a name, and never called complete."""
    life = active(kind)
    owed = set(life.agreement.obligations)
    life.by("operator", "close_incomplete", reason="The mentee left.")
    assert life.agreement.outcome is Outcome.CLOSED_INCOMPLETE
    assert set(life.rows[-1].data["missing"]) == owed
