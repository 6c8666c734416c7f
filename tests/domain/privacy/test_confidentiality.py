"""Who may know that a concern or a breach exists, on every way that leads to a reader."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from domain.agreement.evolve import evolve
from domain.kernel.classification import KNOWN_TO
from domain.kernel.errors import RefusalCode
from domain.kernel.vocabulary import Health, ObligationKind, Role, StallReason
from domain.notifications.derive import notices_of
from domain.privacy.confidentiality import (
    OWED_FOR_ONE,
    RAISED_BY,
    STALLED_FOR,
    matters_of,
    obligations_known_to,
)
from domain.privacy.disclosure import OPERATOR, Disclosure, Reader, as_read_by, reader_of
from domain.scheduling.obligations import REASONS
from domain.stream.serialization import fold_recorded, read_event
from domain.views.explain import explain
from domain.views.health import longest_overdue
from domain.views.status import status_view

Active = Callable[[str], Any]


def _concern_about_the_mentor(active: Active) -> Any:  # noqa: ANN401  the fixtures' life
    life = active("secondment")
    life.give(
        "raise_concern", life.terms.mentee, matter_id="matter-71", about=life.terms.mentor, what="Cancelled."
    )
    return life


def _ethics_breach_by_the_mentor(active: Active) -> Any:  # noqa: ANN401  the fixtures' life
    life = active("secondment")
    life.give(
        "report_breach",
        life.terms.mentee,
        matter_id="matter-72",
        breaches="ethics",
        about=life.terms.mentor,
        what="Shared my notes.",
    )
    return life


def _disclosure(life: Any, reader: Reader) -> Disclosure:  # noqa: ANN401
    return Disclosure(reader, [read_event(row) for row in life.rows])


def _texts(life: Any, reader: Reader) -> dict[str, str]:  # noqa: ANN401
    """Everything that a reader can be shown of an agreement, by the way on which it reaches them."""
    at = life.now + timedelta(days=30)
    known = _disclosure(life, reader).agreement(life.agreement)
    return {
        "events": str([row.data for row in as_read_by(life.rows, reader)]),
        "status": status_view(known, at).model_dump_json(),
        "explanation": explain(life.agreement, life.rows, at, reader).model_dump_json(),
    }


def test_the_table_says_who_may_know_of_a_matter() -> None:
    """Concerns and breaches are for HR, the programme owner and operators; the rest every party may know."""
    to_know = {Role.HRBP, Role.PROGRAMME_OWNER, Role.OPERATOR}
    assert {kind: set(roles) for kind, roles in KNOWN_TO.items()} == {
        ObligationKind.CONCERN: to_know,
        ObligationKind.BREACH: to_know,
    }


def test_an_obligations_id_tells_its_matter() -> None:
    """As does the choice that a breach forced; nothing else belongs to a matter."""
    assert matters_of("concern:c1") == {"c1"}
    assert matters_of("forced_choice:breach:b1") == {"b1"}
    assert (
        matters_of("blocker:x") == matters_of("forced_choice:milestone:m") == matters_of("matter-71") == set()
    )


@pytest.mark.parametrize("happened", [_concern_about_the_mentor, _ethics_breach_by_the_mentor])
def test_every_way_to_every_reader_keeps_to_the_table(active: Active, happened: Callable[..., Any]) -> None:
    """Events, status and explanation name the matter to those who may know of it, and to nobody else."""
    life = happened(active)
    (name,) = life.agreement.matters
    matter = life.agreement.matters[name]
    handler = life.agreement.obligations[f"{matter.kind}:{name}"].owner_id
    terms = life.terms
    knowing = {terms.mentee, handler, terms.hrbp, terms.programme_owner}
    everybody = {party.person_id for party in life.agreement.parties}
    assert everybody - knowing >= {terms.mentor, terms.host_manager}
    for person in everybody:
        for way, text in _texts(life, reader_of(life.agreement, person)).items():
            # An explanation names what makes the health, which is the matter in these lives.
            assert (f"{matter.kind}:{name}" in text) == (person in knowing), (person, way)
            if person not in knowing:
                assert name not in text, (person, way)


def test_the_person_concerned_knows_nothing_in_whatever_role(active: Active) -> None:
    """An operator whom a concern is about sees the agreement without it."""
    life = _concern_about_the_mentor(active)
    concerned = reader_of(life.agreement, life.terms.mentor, operator=True)
    assert Role.OPERATOR in concerned.roles
    assert "matter-71" not in str(_texts(life, concerned))


def test_what_is_overdue_goes_round_the_person_concerned(active: Active) -> None:
    """To whom a concern is about, what comes next is overdue for longest, or nothing is."""
    life = _concern_about_the_mentor(active)
    concern = life.agreement.obligations["concern:matter-71"]
    others = [held for held in life.agreement.obligations.values() if held != concern]
    following = min(others, key=lambda held: (held.due_at, held.obligation_id))
    assert concern.due_at < following.due_at

    def told(person: str, at: datetime) -> str | None:
        known = _disclosure(life, reader_of(life.agreement, person)).agreement(life.agreement)
        owed = longest_overdue(known, at)
        return None if owed is None else owed.obligation_id

    assert told(life.terms.mentor, concern.due_at) is None
    assert told(life.terms.mentor, following.due_at) == following.obligation_id
    for at in (concern.due_at, following.due_at):
        assert told(life.terms.mentee, at) == "concern:matter-71"


def test_an_unnamed_operator_sees_what_is_owed_and_not_who_is_in_it(active: Active) -> None:
    """Operators need ids to act on; who raised it, and about whom, is for nobody without a name."""
    life = _concern_about_the_mentor(active)
    at = life.now + timedelta(days=30)
    found = explain(life.agreement, life.rows, at)
    assert found.about is not None
    assert (found.about.obligation_id, found.about.opened_by.type) == ("concern:matter-71", "concern.raised")
    assert (found.about.opened_by.actor_id, found.about.opened_by.actor_role) == (None, None)
    assert found.about.waiting_on.person_id == life.terms.line_manager
    named = explain(life.agreement, life.rows, at, reader_of(life.agreement, life.terms.hrbp))
    assert named.about is not None
    assert named.about.opened_by.actor_id == life.terms.mentee
    assert "concern.raised" not in {row.type for row in as_read_by(life.rows, OPERATOR)}


def test_a_hold_is_seen_by_all_and_its_reason_by_few(active: Active) -> None:
    """That a placement rests is not hidden, for nobody is reminded meanwhile; why it does is."""
    life = _ethics_breach_by_the_mentor(active)
    hers = explain(life.agreement, life.rows, life.now, reader_of(life.agreement, life.terms.mentor))
    assert (hers.health, hers.about, hers.cause) == (Health.EXTERNAL_HOLD, None, None)
    assert "is not stalled but on hold." in hers.paragraph
    theirs = explain(life.agreement, life.rows, life.now, reader_of(life.agreement, life.terms.hrbp))
    assert theirs.about is not None
    assert theirs.about.obligation_id == "breach:matter-72"


def test_what_a_settled_matter_moved_is_shown_without_it(active: Active) -> None:
    """After a hold the dates are new; the event behind them is named to those who may know of it only."""
    life = active("secondment")
    milestone = next(iter(life.terms.milestones)).milestone_id
    life.wait(until=life.agreement.obligations[f"milestone:{milestone}"].due_at - timedelta(days=1))
    life.give(
        "report_breach",
        life.terms.mentee,
        matter_id="matter-72",
        breaches="ethics",
        about=life.terms.mentor,
        what="Shared my notes.",
    )
    life.wait(days=4)
    handler = life.agreement.obligations["breach:matter-72"].owner_id
    life.give("settle_matter", handler, matter_id="matter-72", resolution="Talked.")
    owed = life.agreement.obligations[f"milestone:{milestone}"]
    assert owed.due_at > life.now
    for person, sees in ((life.terms.mentor, False), (life.terms.hrbp, True)):
        found = explain(life.agreement, life.rows, life.now, reader_of(life.agreement, person))
        assert ("matter.settled" in found.model_dump_json()) <= sees
        assert (
            "matter-72" in str([row.data for row in as_read_by(life.rows, reader_of(life.agreement, person))])
        ) is sees


def test_nobody_is_told_of_a_breach_by_the_ladder_but_who_may_know(active: Active) -> None:
    """An overdue breach climbs like anything else, past the person concerned and everybody uninvolved."""
    life = active("secondment")
    life.give(
        "report_breach",
        life.terms.mentor,
        matter_id="matter-72",
        breaches="boundary",
        about=life.terms.mentee,
        what="Worked on Saturday.",
    )
    life.wait(days=60)
    assert "forced_choice:breach:matter-72" in life.agreement.obligations
    told: dict[str, set[str]] = {}
    before = None
    for row in life.rows:
        event = read_event(row)
        after = evolve(before, event)
        for notice in notices_of(before, after, event, row.event_id):
            if notice.obligation_id is not None and matters_of(notice.obligation_id):
                told.setdefault(notice.recipient_id, set()).add(notice.kind)
        before = after
    terms = life.terms
    assert terms.mentee not in told
    assert set(told) <= {terms.mentor, terms.line_manager, terms.hrbp, terms.programme_owner}
    assert "escalation" in told[terms.hrbp]


def test_a_refusal_tells_nobody_of_a_matter(active: Active) -> None:
    """Whoever names a concern about themselves is answered as if it were not there."""
    life = _concern_about_the_mentor(active)
    life.give(
        "raise_blocker", life.terms.mentor, matter_id="x", category="access", what="No key.", needed="A key."
    )
    probed = life.refusal("mentor", "settle_matter", matter_id="matter-71", resolution="Nothing in it.")
    assert probed.code is RefusalCode.NOT_OPEN
    assert probed.sentence == "matter_id: matter-71 is not open; open are x."
    hr = life.refusal("hrbp", "settle_matter", matter_id="c9", resolution="Talked.")
    assert "open are matter-71, x" in hr.sentence


@pytest.mark.parametrize("command", ["raise_concern", "report_breach"])
def test_a_matter_has_an_id_that_nobody_guesses(active: Active, command: str) -> None:
    """An id that is taken is refused: where none is chosen, each is another, and stays it on a repeat."""
    names: list[str] = []
    for _ in range(2):
        life = active("secondment")
        breaches = {"breaches": "boundary"} if command == "report_breach" else {}
        for command_id in ("cli-1", "cli-2"):
            life.give(command, life.terms.mentee, command_id=command_id, what="Cancelled.", **breaches)
        names.append(",".join(sorted(life.agreement.matters)))
        assert len(life.agreement.matters) == 2
    assert names[0] == names[1]


def _settled_when_somebody_had_gone_on_leave(life: Any) -> str:  # noqa: ANN401  the fixtures' life
    """Settles the one open matter by a command that finds somebody away, too; returns by whom."""
    life.away(life.terms.host_manager, 14, after=2)
    (owed,) = (held for held in life.agreement.obligations.values() if matters_of(held.obligation_id))
    life.now += timedelta(days=4)
    settled = {"matter_id": owed.subject, "resolution": "Talked.", "command_id": "settles-it"}
    assert life.give("settle_matter", owed.owner_id, **settled) == ["matter.settled", "party.went_on_leave"]
    return str(owed.owner_id)


def test_what_came_along_with_a_hidden_event_does_not_tell_whose_command_it_was(active: Active) -> None:
    """Neither who gave it nor its id: they would say who handles a concern, and when it was settled."""
    life = _concern_about_the_mentor(active)
    handler = _settled_when_somebody_had_gone_on_leave(life)
    version = len(life.rows)
    for person, knows in ((life.terms.mentor, False), (life.terms.host_manager, False), (handler, True)):
        last = as_read_by(life.rows, reader_of(life.agreement, person))[-1]
        assert (last.version, last.type) == (version, life.rows[-1].type)
        assert ((last.actor_id, last.command_id) == (handler, "settles-it")) is knows
        assert (last.actor_role is Role.SYSTEM) is not knows


def test_a_meeting_asked_for_anew_after_a_breach_does_not_name_what_ended_the_rest(active: Active) -> None:
    """The invites say that the placement goes on: mails carry the event in a header."""
    life = active("secondment")
    check_in = next(held for held in life.agreement.obligations.values() if held.kind == "check_in")
    life.wait(until=check_in.due_at - timedelta(days=3))
    fields = {"matter_id": "matter-72", "breaches": "ethics", "about": life.terms.mentor, "what": "Shared."}
    life.give("report_breach", life.terms.mentee, **fields)
    life.wait(days=10)
    before, handler = life.agreement, life.agreement.obligations["breach:matter-72"].owner_id
    count = len(life.rows)
    life.give("settle_matter", handler, matter_id="matter-72", resolution="Talked.")
    row = life.rows[count]
    event = read_event(row)
    told = notices_of(before, evolve(before, event), event, row.event_id)
    assert row.type == "matter.settled"
    assert {notice.event_type for notice in told if notice.obligation_id == check_in.obligation_id} == {
        "placement.released"
    }


def test_only_what_one_may_know_of_is_open_to_act_on(active: Active) -> None:
    """The ledger as somebody may know it leaves out the concern about them and nothing else."""
    life = _concern_about_the_mentor(active)
    everything = set(life.agreement.obligations)
    mentors = obligations_known_to(life.agreement, life.terms.mentor, {Role.OPERATOR})
    assert everything - set(mentors) == {"concern:matter-71"}
    assert set(obligations_known_to(life.agreement, "P-9001", {Role.OPERATOR})) == everything


def test_closing_does_not_name_what_was_left_open(active: Active) -> None:
    """What a closing event lists as missing is shown without matters that the reader may not know of."""
    life = _concern_about_the_mentor(active)
    life.by("operator", "close_incomplete", reason="The host was sold.")
    folded = fold_recorded(life.rows)
    assert folded is not None
    closed = {row.type: row.data for row in as_read_by(life.rows, reader_of(folded, life.terms.mentor))}
    missing = closed["agreement.closed_incomplete"]["missing"]
    assert missing
    assert "concern:matter-71" not in str(missing)
    knowing = {row.type: row.data for row in as_read_by(life.rows, reader_of(folded, life.terms.hrbp))}
    assert "concern:matter-71" in str(knowing["agreement.closed_incomplete"]["missing"])


def test_an_id_that_is_used_again_hides_what_it_hid(active: Active) -> None:
    """Another concern under the id of a settled one does not show the first to whom it was about."""
    life = _concern_about_the_mentor(active)
    terms = life.terms
    life.give("settle_matter", terms.line_manager, matter_id="matter-71", resolution="Talked.")
    life.give("raise_concern", terms.mentor, matter_id="matter-71", about=terms.mentee, what="Late again.")
    for person in (terms.mentor, terms.mentee):
        rows = as_read_by(life.rows, reader_of(life.agreement, person))
        assert "concern.raised" not in {row.type for row in rows}
    first, second = (
        row.data["what"]
        for row in as_read_by(life.rows, reader_of(life.agreement, terms.line_manager))
        if row.type == "concern.raised"
    )
    assert (first, second) == ("Cancelled.", "Late again.")


@pytest.mark.parametrize(
    "obligation_id",
    [
        "concern:c1",
        "breach:b1",
        "forced_choice:concern:c1",
        "forced_choice:milestone:concern:c1",
        "milestone:concern",
        "blocker:concern:c1",
        "concerned:c1",
    ],
)
def test_sql_tells_a_matter_by_the_same_ids(obligation_id: str) -> None:
    """What the record looks for is what the domain hides, and nothing beside it."""
    assert bool(re.match(OWED_FOR_ONE, obligation_id)) == bool(matters_of(obligation_id))


def test_a_matter_holds_up_for_no_other_reason_than_those_looked_for() -> None:
    """Of whatever kind it is, and whoever is not there."""
    of_matters = {StallReason.BLOCKER_AGING, StallReason.PARTY_LEFT, StallReason.PARTY_ON_LEAVE_UNCOVERED}
    assert set(STALLED_FOR) == of_matters
    assert {REASONS[ObligationKind(kind)] for kind in (*KNOWN_TO, ObligationKind.FORCED_CHOICE)} <= of_matters
    assert set(RAISED_BY) == {"concern.raised", "breach.reported"}
