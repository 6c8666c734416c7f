"""Who reads what: every kind, every role in it, every field that somebody writes, over whole lives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal, get_args, get_origin

import pytest
from pydantic import BaseModel

from domain.agreement.content import FieldNote, PromptAnswer
from domain.agreement.events import EVENTS, Event
from domain.kernel.classification import ROLES, Audience
from domain.kernel.model import WITHHELD
from domain.kernel.vocabulary import Kind, Role
from domain.privacy.audiences import AUDIENCES, WITHHELD_AS_A_WHOLE
from domain.privacy.disclosure import OPERATOR, Disclosure, Reader, reader_of
from domain.stream.serialization import read_event, to_new_event
from domain.terms.words import without_words

PAIR = {"mentee", "mentor"}
AT_WORK = PAIR | {"line_manager", "host_manager", "host_expert", "leg_manager"}
EVERYBODY = AT_WORK | {"sponsor", "hrbp", "programme_owner"}
READ_BY: Mapping[str, set[str]] = {
    "author": set(),
    "addressee": set(),
    "pair": PAIR,
    "pair_and_host_experts": PAIR | {"host_expert"},
    "close_to_the_work": AT_WORK,
    "in_confidence": PAIR | {"line_manager", "hrbp", "programme_owner"},
    "every_side": EVERYBODY,
}
"""The roles that each audience is promised to, written down once more: a change has to be meant."""
NEVER_HR = {
    "check_in.held/answers",
    "reflective_session.held/answers",
    "debrief.submitted/reflection",
    "leg.debriefed/reflection",
    "self_assessment.recorded/ratings",
    "win_or_setback.recorded/lesson",
    "feedback.given/behaviour",
    "observation.logged/notes",
    "note.kept/note",
}
"""Reflections and feedback: neither HR nor a manager reads them by role."""
HR_AND_MANAGERS = {Role.HRBP, Role.PROGRAMME_OWNER, Role.LINE_MANAGER, Role.HOST_MANAGER, Role.LEG_MANAGER}


WORDS = "Nobody wrote this in the lives that are played."
FILLED: Mapping[str, Mapping[str, Any]] = {
    "check_in.held": {"blockers": (WORDS,)},
    "practice.logged": {"notes": (FieldNote(about="routine", focus="f", note=WORDS),)},
    "observation.logged": {"answers": (PromptAnswer(prompt_id="p", answer=WORDS),)},
    "endorsement.revoked": {"reason": WORDS},
    "feedback.given": {"rating": 4},
}
"""What these lives leave empty, so that every field is looked at."""


def _fields(event: Event) -> Iterator[tuple[str, Audience]]:
    """The fields in which this event holds words, with their audience."""
    bare = without_words(event)
    for field, audience in AUDIENCES.get(event.type, {}).items():
        if getattr(bare, field) != getattr(event, field):
            chosen = getattr(event, "audience", None) if event.type == "note.kept" else None
            yield field, chosen or audience


def _filled(event: Event) -> Event:
    return event.model_copy(update=dict(FILLED.get(event.type, {})))


def test_the_audiences_are_made_of_the_promised_roles() -> None:
    """Operators, time, observers and peers are in none; the rest as promised to each."""
    assert {str(name): {str(role) for role in roles} for name, roles in ROLES.items()} == READ_BY


def test_reflections_and_feedback_are_for_no_manager_and_not_for_hr() -> None:
    """Whatever else changes: HR and managers see progress, never private words."""
    for place in NEVER_HR:
        event_type, _, field = place.partition("/")
        assert not ROLES[AUDIENCES[event_type][field]] & HR_AND_MANAGERS, place


def test_every_party_reads_what_the_table_says_and_nothing_else(scripted: Mapping[str, Any]) -> None:
    """Over whole lives of all kinds: each field of each event, to each party, is theirs or withheld."""
    seen: set[tuple[Kind, Role, str]] = set()
    for life in scripted.values():
        events = [_filled(read_event(row)) for row in life.rows]
        kind = life.agreement.kind
        for person in {party.person_id for party in life.agreement.parties}:
            reader = reader_of(life.agreement, person)
            disclosure = Disclosure(reader, events)
            for row, event in zip(life.rows, events, strict=True):
                shown = disclosure.shown(event, row.actor_id)
                for field, audience in _fields(event):
                    by_role = {str(role) for role in reader.roles} & READ_BY[audience]
                    theirs = row.actor_id == person or bool(by_role)
                    if shown is None or (not theirs and audience is Audience.ADDRESSEE):
                        # Whom something is addressed to is held in tests of its own.
                        continue
                    readable = getattr(shown, field) == getattr(event, field)
                    assert readable == theirs, (kind, person, event.type, field)
                    seen.update((kind, role, f"{event.type}/{field}") for role in reader.roles)
    fields = {place for _, _, place in seen}
    addressed = {
        f"{event_type}/{field}"
        for event_type, by_field in AUDIENCES.items()
        for field, audience in by_field.items()
        if audience is Audience.ADDRESSEE
    }
    every = {f"{event_type}/{field}" for event_type, by_field in AUDIENCES.items() for field in by_field}
    assert fields | addressed == every
    assert {kind for kind, _, _ in seen} == set(Kind)
    assert {role for _, role, _ in seen} >= set(Role) - {Role.OPERATOR, Role.SYSTEM, Role.PEER}


def test_an_operator_reads_no_words_at_all(scripted: Mapping[str, Any]) -> None:
    """Of any event of any life, without a name and without a request that two people approved."""
    for life in scripted.values():
        events = [read_event(row) for row in life.rows]
        disclosure = Disclosure(OPERATOR, events)
        for row, event in zip(life.rows, events, strict=True):
            shown = disclosure.shown(event, row.actor_id)
            if event.type in {"concern.raised", "breach.reported"}:
                assert shown is None, "who raised it, and about whom, is for nobody without a name"
                continue
            assert shown == without_words(event)


PROGRESS = {
    "agreement.expired/missing/role",
    "agreement.proposed/terms",
    "agreement.signed/terms_version",
    "agreement.concluded/terms_version",
    "break_glass.requested/hours",
    "breach.reported/breaches",
    "check_in.held/calls_for",
    "check_in.held/number",
    "check_in.held/progress/status",
    "end.decided/decision",
    "end.brought_forward/by",
    "end.brought_forward/notice_days",
    "entry.corrected/entry",
    "feedback.given/anchor/kind",
    "meeting.excused/meeting",
    "meeting.excused/number",
    "meeting.missed/meeting",
    "meeting.missed/number",
    "meeting.rescheduled/meeting",
    "meeting.rescheduled/number",
    "note.kept/audience",
    "obligation.escalated/level",
    "obligation.snoozed/working_days",
    "observation.logged/notes/about",
    "pivot.adopted/terms_version",
    "pivot.proposed/option",
    "pivot.proposed/terms",
    "placement.paused/shifts_dates",
    "placement.resumed/shifted_days",
    "policy.adopted/policy",
    "agreement.proposed/policy",
    "practice.logged/notes/about",
    "reflective_session.held/number",
    "role.reassigned/role",
    "synthesis.returned/synthesis_version",
    "synthesis.signed/synthesis_version",
    "synthesis.submitted/synthesis_version",
    "terms.amended/terms",
    "terms.amended/terms_version",
}
"""What is no word and is for everybody who sees the event: what happens, how far it is, what follows."""
NEVER_HR_EITHER = {
    "check_in.held/confidence",
    "feedback.given/tone",
    "feedback.given/rating",
    "self_assessment.recorded/ratings",
    "win_or_setback.recorded/is_win",
}
"""How sure somebody is and how they are rated: neither HR nor a manager sees it by role."""


def _measures(annotation: Any, place: str) -> Iterator[str]:  # noqa: ANN401  an annotation can be any object
    """The places below a field where a number, a choice or a yes stands."""
    chosen = isinstance(annotation, type) and issubclass(annotation, StrEnum)
    if chosen or get_origin(annotation) is Literal or annotation in {int, bool, float}:
        yield place
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        if annotation.__module__.startswith("domain.terms") or annotation.__name__ == "KindPolicy":
            yield place
            return
        for name, info in annotation.model_fields.items():
            yield from _measures(info.annotation, f"{place}/{name}")
    else:
        for argument in get_args(annotation):
            yield from _measures(argument, place)


def test_every_measure_of_a_person_is_decided_upon() -> None:
    """Each number, choice and yes of every event is in the table or is progress; a new one is asked about."""
    found = {
        place
        for name, event in EVENTS.items()
        for field, info in event.model_fields.items()
        if field not in {"type", "schema_version", "at", "ledger", "parties", "party", "affected", "roles"}
        for place in _measures(Annotated[info.annotation, None], f"{name}/{field}")
        if not place.endswith(("/endorser/role", "/giver/role", "/handled_by/role", "/peer/role"))
    }
    in_the_table = {f"{name}/{place}" for name, places in WITHHELD_AS_A_WHOLE.items() for place in places}
    undecided = {
        place for place in found - PROGRESS if not any(_within(place, known) for known in in_the_table)
    }
    assert undecided == set()
    assert found >= PROGRESS, "nothing is listed that there is not"


def _within(place: str, known: str) -> bool:
    return place == known or place.startswith(f"{known}/")


def test_ratings_are_for_no_manager_and_not_for_hr() -> None:
    """HR and managers see progress, never how sure somebody is or how they are rated."""
    for place in NEVER_HR_EITHER:
        event_type, _, field = place.partition("/")
        assert not ROLES[WITHHELD_AS_A_WHOLE[event_type][field]] & HR_AND_MANAGERS, place


def test_what_tells_of_a_person_is_withheld_as_the_table_says(scripted: Mapping[str, Any]) -> None:
    """Over whole lives: each place of each event, to each party, is as written or withheld as a whole."""
    seen: set[str] = set()
    for life in scripted.values():
        events = [_filled(read_event(row)) for row in life.rows]
        for person in {party.person_id for party in life.agreement.parties}:
            reader = reader_of(life.agreement, person)
            disclosure = Disclosure(reader, events)
            for row, event in zip(life.rows, events, strict=True):
                shown = disclosure.data(event, row.actor_id)
                for place, audience in WITHHELD_AS_A_WHOLE.get(event.type, {}).items():
                    written = _at(to_new_event(event, "").data, place)
                    if shown is None or written is None:
                        continue
                    by_role = {str(role) for role in reader.roles} & READ_BY[audience]
                    theirs = row.actor_id == person or bool(by_role)
                    if not theirs and audience is Audience.ADDRESSEE:
                        continue
                    assert (_at(shown, place) == WITHHELD) is not theirs, (person, event.type, place)
                    seen.add(f"{event.type}/{place}")
    assert seen >= NEVER_HR_EITHER


def _at(data: Any, place: str) -> Any:  # noqa: ANN401  any JSON
    for name in place.split("/"):
        data = data.get(name)
    return data


def test_the_tone_of_feedback_is_for_giver_and_receiver(scripted: Mapping[str, Any]) -> None:
    """So that nobody counts how often somebody praises but they themselves."""
    for life in scripted.values():
        events = [read_event(row) for row in life.rows]
        for row, event in zip(life.rows, events, strict=True):
            if event.type != "feedback.given":
                continue
            for person in {party.person_id for party in life.agreement.parties}:
                data = Disclosure(reader_of(life.agreement, person), events).data(event, row.actor_id)
                assert data is not None
                between = {row.actor_id, str(data["receiver_id"])}
                assert (data["tone"] != WITHHELD) is (person in between)


def test_an_operator_sees_no_rating_until_two_people_open_it(scripted: Mapping[str, Any]) -> None:
    """Opening one field opens that field."""
    every = [read_event(row) for life in scripted.values() for row in life.rows]
    held = next(event for event in every if event.type == "check_in.held" and getattr(event, "answers", ()))
    events = [held]
    unnamed = Disclosure(OPERATOR, events).data(held, "P-0000")
    assert unnamed is not None
    assert unnamed["confidence"] == WITHHELD
    opened = Reader(
        person_id="P-9001",
        roles=frozenset({Role.OPERATOR}),
        opened=frozenset({"check_in.held/confidence"}),
    )
    seen = Disclosure(opened, events).data(held, "P-0000")
    assert seen is not None
    assert isinstance(seen["confidence"], int)
    assert WITHHELD in str(seen["answers"])


@pytest.mark.parametrize(
    "only",
    [
        "concern.raised/what",
        "matter.settled/resolution",
        "feedback.given/behaviour",
        "note.kept/note",
        "check_in.held/answers",
    ],
)
def test_every_party_sees_that_something_was_opened_and_not_that_it_is_a_concern(only: str) -> None:
    """The name of the field is shown unless it is one for few: a concern's is one among several."""
    asked = EVENTS["break_glass.requested"].model_validate(
        {
            "at": "2027-03-01T09:00:00Z",
            "request_id": "g1",
            "reader_id": "P-1300",
            "only": only,
            "hours": 4,
            "lapses_at": "2027-03-02T09:00:00Z",
            "reason": WORDS,
        }
    )
    delicate = not only.startswith("check_in")
    for role, knows in ((Role.MENTEE, not delicate), (Role.HRBP, True)):
        reader = Reader(person_id="P-1", roles=frozenset({role}))
        data = Disclosure(reader, []).data(asked, "P-1300")
        assert data is not None
        assert (data["only"] == only) is knows
