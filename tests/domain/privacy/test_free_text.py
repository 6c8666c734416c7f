"""What people write: who may read it, what it is tied to, and what it adds up to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from domain.agreement.events import EVENTS
from domain.agreement.state import Agreement
from domain.kernel.errors import RefusalCode, Refused
from domain.kernel.model import WITHHELD, WrittenByPeople
from domain.kernel.vocabulary import ObligationKind
from domain.ledger.obligation import Obligation
from domain.privacy.audiences import AUDIENCES
from domain.privacy.disclosure import OPERATOR, as_read_by, reader_of
from domain.views.personal import personal_view

Active = Callable[[str], Any]

FEEDBACK = {
    "behaviour": "You sent the agenda a day before.",
    "effect": "We closed two points.",
    "next_step": "Do it again.",
    "tone": "praise",
}


def _holds_words(annotation: Any) -> bool:  # noqa: ANN401  any annotation
    if any(isinstance(mark, WrittenByPeople) for mark in getattr(annotation, "__metadata__", ())):
        return True
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return any(
            _holds_words(field.annotation)
            or any(isinstance(mark, WrittenByPeople) for mark in field.metadata)
            for field in annotation.model_fields.values()
        )
    return any(_holds_words(part) for part in get_args(annotation))


def test_every_field_with_words_has_an_audience() -> None:
    """Nobody forgets to say who may read what people write in a new event."""
    written = {
        name: {
            field
            for field, info in event.model_fields.items()
            if field != "ledger"
            and (
                _holds_words(info.annotation)
                or any(isinstance(mark, WrittenByPeople) for mark in info.metadata)
            )
        }
        for name, event in EVENTS.items()
    }
    stated = {name: set(AUDIENCES.get(name, {})) for name in EVENTS}
    assert stated == written


def _read(life: Any, person_id: str, event_type: str) -> dict[str, Any]:  # noqa: ANN401
    rows = as_read_by(life.rows, reader_of(life.agreement, person_id))
    return next(row.data for row in reversed(rows) if row.type == event_type)


def test_a_note_is_private_unless_its_author_says_otherwise(active: Active) -> None:
    """A note kept without more is for its author alone, and ends no silence."""
    life = active("secondment")
    terms, before = life.terms, life.agreement.last_activity_at
    life.give("keep_note", terms.mentee, note="I said yes too quickly.")
    assert _read(life, terms.mentee, "note.kept")["note"] == "I said yes too quickly."
    for reader in (terms.mentor, terms.line_manager, terms.hrbp):
        assert _read(life, reader, "note.kept")["note"] == WITHHELD
    life.give("keep_note", terms.mentee, note="Let us talk about this.", audience="pair")
    assert _read(life, terms.mentor, "note.kept")["note"] == "Let us talk about this."
    assert _read(life, terms.line_manager, "note.kept")["note"] == WITHHELD
    assert life.agreement.last_activity_at == before


def test_reflections_stay_with_the_pair_and_progress_reaches_the_managers(active: Active) -> None:
    """Answers to prompts are for mentee and mentor; progress and next steps for both managers too."""
    life = active("secondment")
    terms = life.terms
    life.give(
        "record_check_in",
        terms.mentor,
        progress=[{"objective_id": terms.objectives[0].objective_id, "status": "in_progress", "note": "On."}],
        confidence=4,
        answers=[{"prompt_id": "what-changed", "answer": "I ask first."}],
        next_steps=["Map three suppliers."],
        skills=[{"skill_uri": terms.objectives[0].skill.uri, "seen": "Asked before deciding."}],
    )
    for reader in (terms.line_manager, terms.host_manager):
        held = _read(life, reader, "check_in.held")
        assert held["answers"] == [{"prompt_id": "what-changed", "answer": WITHHELD}]
        assert held["next_steps"] == ["Map three suppliers."]
        assert held["progress"][0]["note"] == "On."
    assert _read(life, terms.mentee, "check_in.held")["answers"][0]["answer"] == "I ask first."
    assert _read(life, terms.mentee, "check_in.held")["prompt_bank"] == "1"


def test_a_concern_is_read_by_who_handles_it_and_never_by_whom_it_is_about(active: Active) -> None:
    """A concern and its settlement pass by the person concerned."""
    life = active("secondment")
    terms = life.terms
    life.give("raise_concern", terms.mentee, matter_id="k1", about=terms.mentor, what="Three cancelled.")
    life.give("settle_matter", terms.line_manager, matter_id="k1", resolution="Spoke with them.")
    assert _read(life, terms.line_manager, "concern.raised")["what"] == "Three cancelled."
    assert _read(life, terms.mentee, "matter.settled")["resolution"] == "Spoke with them."
    for unknowing in (terms.mentor, terms.host_manager):
        rows = as_read_by(life.rows, reader_of(life.agreement, unknowing))
        assert not {"concern.raised", "matter.settled"} & {row.type for row in rows}
        assert "k1" not in str([row.data for row in rows])
    read = {row.type: row.data for row in as_read_by(life.rows, reader_of(life.agreement, terms.hrbp))}
    assert read["concern.raised"]["what"] == WITHHELD
    assert read["matter.settled"]["resolution"] == WITHHELD
    unnamed = {row.type: row.data for row in as_read_by(life.rows, OPERATOR)}
    assert "concern.raised" not in unnamed, "it says by and about whom, and nobody knows who looks"
    assert unnamed["matter.settled"]["resolution"] == WITHHELD


def test_a_stranger_reads_nothing(active: Active) -> None:
    """Who is no party is refused, so an agreement cannot be read by guessing."""
    life = active("shadowing")
    with pytest.raises(Refused) as refused:
        reader_of(life.agreement, "P-0000")
    assert refused.value.code is RefusalCode.NOT_A_PARTY
    with pytest.raises(Refused):
        personal_view(life.agreement, life.rows, "P-0000", life.now)


def test_the_balance_of_feedback_is_the_givers_own(active: Active) -> None:
    """Each giver sees how often they praised and criticised, and nobody else's balance."""
    life = active("secondment")
    terms = life.terms
    anchor = {"kind": "criterion", "reference": terms.success_criteria[0].criterion_id}
    for tone in ("praise", "praise", "critique"):
        life.give(
            "give_feedback",
            terms.mentor,
            **{**FEEDBACK, "tone": tone},
            receiver_id=terms.mentee,
            anchor=anchor,
        )
    given = personal_view(life.agreement, life.rows, terms.mentor, life.now).feedback_given
    assert (given.praise, given.critique) == (2, 1)
    others = personal_view(life.agreement, life.rows, terms.mentee, life.now).feedback_given
    assert (others.praise, others.critique) == (0, 0)


def test_own_ratings_stand_beside_those_of_others(active: Active) -> None:
    """The gap is the mentee's latest rating less the mean of everybody else's latest, for the pair only."""
    life = active("secondment")
    terms = life.terms
    criterion = terms.success_criteria[0].criterion_id
    life.give(
        "record_self_assessment",
        terms.mentee,
        ratings=[{"criterion_id": criterion, "rating": 4, "because": "Led two calls."}],
    )
    anchor = {"kind": "criterion", "reference": criterion}
    for giver, rating in ((terms.mentor, 1), (terms.mentor, 3), (terms.host_manager, 2)):
        life.give("give_feedback", giver, **FEEDBACK, receiver_id=terms.mentee, anchor=anchor, rating=rating)
    first = personal_view(life.agreement, life.rows, terms.mentee, life.now).ratings[0]
    assert (first.own, first.others, first.raters, first.gap) == (4, 2.5, 2, 1.5)
    assert personal_view(life.agreement, life.rows, terms.line_manager, life.now).ratings == ()


def test_a_rating_belongs_to_a_criterion(active: Active) -> None:
    """A skill has no agreed measure to be rated by."""
    life = active("secondment")
    with pytest.raises(Refused, match="rating"):
        life.give(
            "give_feedback",
            life.terms.mentor,
            **FEEDBACK,
            receiver_id=life.terms.mentee,
            anchor={"kind": "skill", "reference": "urn:skill:negotiation"},
            rating=3,
        )


def test_wins_and_setbacks_are_offered_to_the_debrief(active: Active) -> None:
    """What was kept along the way is there, in order, when the pair looks back."""
    life = active("rotation")
    life.give(
        "record_win_or_setback", life.terms.mentee, is_win=True, what="The pilot runs.", lesson="Pilot."
    )
    life.give("record_win_or_setback", life.terms.mentor, is_win=False, what="Few came.", lesson="Invite.")
    for person in (life.terms.mentee, life.terms.mentor):
        kept = personal_view(life.agreement, life.rows, person, life.now).for_the_debrief
        assert [(each.is_win, each.lesson) for each in kept] == [(True, "Pilot."), (False, "Invite.")]
    assert personal_view(life.agreement, life.rows, life.terms.hrbp, life.now).for_the_debrief == ()


def test_owed_feedback_is_settled_by_feedback_to_the_right_person(active: Active) -> None:
    """Word to the line manager does not answer what the mentee owes the mentor."""
    life = active("secondment")
    terms = life.terms

    def feedback_on_the_mentoring_is_owed(agreement: Agreement) -> bool:
        return "feedback:mentoring" in agreement.obligations

    def is_no_feedback(owed: Obligation) -> bool:
        return owed.kind is not ObligationKind.FEEDBACK

    life.live(feedback_on_the_mentoring_is_owed, is_no_feedback)
    anchor = {"kind": "criterion", "reference": terms.success_criteria[0].criterion_id}
    life.give("give_feedback", terms.mentee, **FEEDBACK, receiver_id=terms.line_manager, anchor=anchor)
    assert "feedback:mentoring" in life.agreement.obligations
    with pytest.raises(Refused, match="is not feedback to"):
        life.give(
            "give_feedback",
            terms.mentee,
            **FEEDBACK,
            receiver_id=terms.line_manager,
            anchor=anchor,
            about="feedback:mentoring",
        )
    life.give("give_feedback", terms.mentee, **FEEDBACK, receiver_id=terms.mentor, anchor=anchor)
    assert "feedback:mentoring" not in life.agreement.obligations


def test_an_observation_answers_questions_of_the_bank(active: Active) -> None:
    """Questions asked of a host come from a versioned bank, or are refused by name."""
    life = active("shadowing")

    def an_observation_has_begun(agreement: Agreement) -> bool:
        return any(
            held.kind is ObligationKind.OBSERVATION and held.starts_at and held.starts_at <= life.now
            for held in agreement.obligations.values()
        )

    life.live(an_observation_has_begun)
    agreement: Agreement = life.agreement
    owed = next(held for held in agreement.obligations.values() if held.kind is ObligationKind.OBSERVATION)
    session = next(each for each in life.terms.sessions if each.session_id == owed.subject)
    log = {
        "session_id": session.session_id,
        "notes": [{"about": "routine", "focus": session.focus[0], "note": "Blockers first."}],
        "questions": ["Who may sign instead?"],
    }
    with pytest.raises(Refused, match="no question nonsense; the bank has where-it-waits"):
        life.give(
            "log_observation", life.terms.mentee, **log, answers=[{"prompt_id": "nonsense", "answer": "?"}]
        )
    life.give(
        "log_observation",
        life.terms.mentee,
        **log,
        answers=[{"prompt_id": "where-it-waits", "answer": "At the sign-off."}],
    )
    logged = next(row for row in life.rows if row.type == "observation.logged")
    assert logged.data["question_bank"] == "1"


@pytest.mark.parametrize(
    ("kind", "too_late"),
    [("secondment", "2028-01-12"), ("shadowing", "2027-12-31"), ("rotation", "2031-01-01")],
)
def test_no_kind_is_extended_beyond_its_longest_length(active: Active, kind: str, too_late: str) -> None:
    """An extension cannot make of a placement what its terms could not have been."""
    life = active(kind)
    with pytest.raises(Refused, match="cannot be extended beyond"):
        life.give("extend_placement", life.terms.hrbp, ends_on=too_late, reason="More time.")
