"""Who reads what: every kind, every role in it, every field that somebody writes, over whole lives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from domain.audiences import AUDIENCES, ROLES, Audience
from domain.events import Event
from domain.narratives import FieldNote, PromptAnswer
from domain.readers import OPERATOR, Disclosure, reader_of
from domain.reading import read_event
from domain.terms.words import without_words
from domain.vocabulary import Kind, Role

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
            assert shown is not None
            assert shown == without_words(event)
