"""What the agreement promises: versions, consent, accountability, boundaries, voice, a change of course."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from domain.agreement.state import Agreement
from domain.kernel.errors import RefusalCode, Refused
from domain.kernel.vocabulary import Health, ObligationKind, Role
from domain.ledger.obligation import Obligation
from domain.terms import Terms
from domain.terms.requests import split
from domain.views.status import status_view

Lives = Callable[[str], Any]

KINDS = ("secondment", "shadowing", "rotation")


def _is_closed(agreement: Agreement) -> bool:
    return agreement.closed


def _changed(terms: Terms, **fields: Any) -> dict[str, Any]:  # noqa: ANN401  any field of the terms
    return {**terms.model_dump(mode="json"), **fields}


@pytest.mark.parametrize("kind", KINDS)
def test_each_party_signs_the_version_in_force_once(begun: Lives, kind: str) -> None:
    """One signature per signatory, of the version that was read and with the whole checklist."""
    life = begun(kind)
    mentee, checklist = life.terms.mentee, [item.item_id for item in life.terms.compliance]
    with pytest.raises(Refused) as stale:
        life.give("sign_agreement", mentee, terms_version=2, acknowledged=checklist)
    assert stale.value.code is RefusalCode.VERSION_MISMATCH
    with pytest.raises(Refused, match="of the checklist are not acknowledged"):
        life.give("sign_agreement", mentee, terms_version=1, acknowledged=checklist[:-1])
    life.give("sign_agreement", mentee, terms_version=1, acknowledged=checklist)
    with pytest.raises(Refused) as again:
        life.give("sign_agreement", mentee, terms_version=1, acknowledged=checklist)
    assert again.value.code is RefusalCode.ALREADY_DONE


def test_home_and_host_release_and_sign_a_secondment(begun: Lives) -> None:
    """Nobody is seconded before both managers have said yes."""
    life = begun("secondment")
    asked = {held.owner_role for held in life.agreement.obligations.values()}
    assert {Role.LINE_MANAGER, Role.HOST_MANAGER} <= asked

    def is_not_the_hosts(owed: Obligation) -> bool:
        return owed.owner_role is not Role.HOST_MANAGER

    life.live(_is_closed, is_not_the_hosts)
    assert life.agreement.started_at is None
    assert life.agreement.outcome == "expired_unsigned"


def test_host_experts_consent_to_being_shadowed(begun: Lives) -> None:
    """Every expert is asked to sign, and each session has one of them beside the mentee."""
    life = begun("shadowing")
    asked = {
        held.owner_id
        for held in life.agreement.obligations.values()
        if held.kind is ObligationKind.SIGNATURE and held.owner_role is Role.HOST_EXPERT
    }
    assert asked == set(life.terms.host_experts)
    assert {session.host_expert for session in life.terms.sessions} <= asked


def test_an_amendment_is_a_version_that_those_affected_sign_again(active: Lives) -> None:
    """Another cadence is between mentee and mentor; the managers' signatures stand."""
    life = active("secondment")
    cadence = {**life.terms.cadence.model_dump(), "check_in_days": life.terms.cadence.check_in_days + 1}
    life.give("amend_terms", life.terms.hrbp, terms=_changed(life.terms, cadence=cadence), reason="Travel.")
    assert life.agreement.terms_version == 2
    asked = {
        held.owner_role
        for held in life.agreement.obligations.values()
        if held.kind is ObligationKind.SIGNATURE
    }
    assert asked == {Role.MENTEE, Role.MENTOR}
    amended = next(row for row in life.rows if row.type == "terms.amended").data
    proposed = next(row for row in life.rows if row.type == "agreement.proposed").data
    assert amended["changed"] == ["cadence"]
    assert amended["digests"]["cadence"] != proposed["digests"]["cadence"]
    assert amended["digests"]["objectives"] == proposed["digests"]["objectives"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_obligation_has_one_owner_and_a_due_instant_in_their_calendar(active: Lives, kind: str) -> None:
    """Accountability: who, and by when, for all that is open."""
    life = active(kind)
    agreement: Agreement = life.agreement
    assert agreement.obligations
    for held in agreement.obligations.values():
        assert held.owner_id in {party.person_id for party in agreement.parties}
        calendar = agreement.calendar_of(held.owner_id)
        assert calendar.is_working_day(calendar.local_date(held.due_at))
        assert held.due_at < held.stalled_at


def test_a_boundary_that_is_overstepped_opens_a_conversation(active: Lives) -> None:
    """The home manager owes an answer, and the placement goes on."""
    life = active("secondment")
    life.give("report_breach", life.terms.mentee, matter_id="r1", breaches="boundary", what="Three days.")
    owed = life.agreement.obligations["breach:r1"]
    assert owed.owner_role is Role.LINE_MANAGER
    assert not life.agreement.held


def test_a_breach_of_ethics_holds_the_placement_until_it_is_settled(active: Lives) -> None:
    """HR looks into it; meanwhile nobody else is nudged or late."""
    life = active("rotation")
    terms = life.terms
    life.give("report_breach", terms.mentee, matter_id="r1", breaches="ethics", about=terms.mentor, what="x")
    assert status_view(life.agreement, life.now).health is Health.EXTERNAL_HOLD
    life.now += timedelta(days=60)
    assert status_view(life.agreement, life.now).health is Health.EXTERNAL_HOLD
    life.give("settle_matter", terms.hrbp, matter_id="r1", resolution="Clarified.")
    assert not life.agreement.held


def test_a_concern_goes_round_the_person_concerned(active: Lives) -> None:
    """A concern about the mentor is heard by the line manager, and climbs no ladder."""
    life = active("secondment")
    terms = life.terms
    life.give("raise_concern", terms.mentee, matter_id="k1", about=terms.mentor, what="Three cancelled.")
    owed = life.agreement.obligations["concern:k1"]
    assert (owed.owner_id, owed.ladder) == (terms.line_manager, ())
    with pytest.raises(Refused):
        life.give("settle_matter", terms.mentor, matter_id="k1", resolution="All is well.")


def test_a_blocker_has_an_owner_and_an_age(active: Lives) -> None:
    """Role conflicts and other blockers are on the ledger until they are cleared."""
    life = active("secondment")
    life.give(
        "raise_blocker",
        life.terms.line_manager,
        matter_id="b1",
        category="role_conflict",
        what="Both managers plan the same week.",
        needed="One of them yields.",
    )
    raised = life.now
    owed = life.agreement.obligations["blocker:b1"]
    assert (owed.owner_role, owed.opened_at) == (Role.MENTOR, raised)
    life.now += timedelta(days=3)
    life.give("settle_matter", life.terms.mentor, matter_id="b1", resolution="Home yields.")
    assert "blocker:b1" not in life.agreement.obligations


def test_the_mentee_proposes_and_is_answered(active: Lives) -> None:
    """A proposal is on the ledger until it is accepted or not."""
    life = active("shadowing")
    life.give("make_proposal", life.terms.mentee, matter_id="p1", what="Let me lead.", expected="One led.")
    with pytest.raises(Refused, match="true or false"):
        life.give("settle_matter", life.terms.mentor, matter_id="p1", resolution="Fine.")
    life.give("settle_matter", life.terms.mentor, matter_id="p1", resolution="Fine.", accepted=True)
    settled = next(row for row in life.rows if row.type == "matter.settled")
    assert settled.data["accepted"] is True


@pytest.mark.parametrize("kind", KINDS)
def test_a_pivot_needs_an_agreed_option_and_the_consent_of_those_affected(active: Lives, kind: str) -> None:
    """New criteria count once mentee, mentor and line manager have said yes; one no keeps the old terms."""
    life = active(kind)
    terms = life.terms
    criteria = terms.model_dump(mode="json")["success_criteria"]
    criteria[0]["measure"] = "Counted differently."
    new = _changed(terms, success_criteria=criteria)
    pivot = {"option": "re_scope", "reason": "The programme was stopped.", "terms": new}
    life.give("propose_pivot", terms.mentee, pivot_id="v1", **pivot)
    life.give("refuse_pivot", terms.mentor, pivot_id="v1", reason="Too early.")
    assert (life.agreement.pivot, life.agreement.terms_version) == (None, 1)
    life.give("propose_pivot", terms.mentee, pivot_id="v2", **pivot)
    asked = {party.role for party in life.agreement.pivot.waiting_for}
    assert asked == {Role.MENTEE, Role.MENTOR, Role.LINE_MANAGER}
    for person in (terms.mentee, terms.mentor, terms.line_manager):
        assert life.agreement.terms_version == 1
        life.give("consent_to_pivot", person, pivot_id="v2")
    assert life.agreement.terms_version == 2
    assert life.rows[-1].type == "pivot.adopted"


def test_a_pivot_keeps_to_the_options_agreed_beforehand(active: Lives) -> None:
    """How the course may change was agreed in version 1."""
    life = active("shadowing")
    assert "shorten" not in life.terms.pivot_terms.options
    with pytest.raises(Refused, match="the terms allow"):
        life.give(
            "propose_pivot",
            life.terms.mentee,
            pivot_id="v1",
            option="shorten",
            reason="Enough.",
            terms=_changed(life.terms),
        )


def test_a_request_without_its_words_is_refused(begun: Lives) -> None:
    """A criterion with a blank measure never becomes terms that somebody could sign."""
    raw = begun("secondment").terms.model_dump(mode="json")
    raw["success_criteria"][0]["measure"] = "  "
    with pytest.raises(ValueError, match=r"success_criteria.0.measure: must not be blank"):
        split(raw)
