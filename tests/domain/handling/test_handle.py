"""One command's events become one append, in the workflow and wherever else an agreement is written."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest

from domain.agreement.commands import COMMANDS, Command, ProposeAgreement
from domain.agreement.commands.time import LetTimePass
from domain.agreement.events import Event
from domain.agreement.evolve import evolve, fold
from domain.decisions.decide import SYSTEM_ACTOR, decide
from domain.handling.handle import step
from domain.handling.loaded import head_of
from domain.kernel.vocabulary import Kind, Role
from domain.ledger.notice import Notice
from domain.notifications.derive import notices_of
from domain.stream.serialization import to_new_event

Lives = Callable[[str], Any]


TIME = LetTimePass(command_id="time", actor_id=SYSTEM_ACTOR)
NEGLECT = timedelta(days=60)
"""Nobody does anything: what comes of it at once is more than one event, of which many people are told."""


def _ends_early(life: Any) -> Command:  # noqa: ANN401  the life of the fixtures
    manager = life.agreement.holder(Role.LINE_MANAGER).person_id
    raw = {"command_id": "c-end", "actor_id": manager, "by": "home", "reason": "Two people left."}
    return COMMANDS["end_early"].model_validate_json(json.dumps(raw))


def _ids(events: Sequence[Event]) -> list[str]:
    return [f"e{number}" for number, _ in enumerate(events)]


@pytest.mark.parametrize("kind", list(Kind))
def test_what_is_written_is_what_the_agreement_becomes(kind: Kind, active: Lives) -> None:
    """Events, version and head row are those of the agreement that the command led to."""
    life = active(kind)
    before, at = life.agreement, life.now + NEGLECT
    events = decide(before, TIME, at)
    assert len(events) > 1
    after, append = step(before, TIME, events, _ids(events), at)
    assert after == fold(events, before)
    assert append.events == tuple(map(to_new_event, events, _ids(events)))
    assert append.head == head_of(after, at)
    assert (append.agreement_id, append.expected_version) == (before.agreement_id, before.version)
    assert (append.command_id, append.command_type, append.occurred_at) == ("time", "let_time_pass", at)


def test_every_event_tells_of_itself(active: Lives) -> None:
    """The notices are those of each event as it found the agreement and left it, in order."""
    life = active("secondment")
    before, at = life.agreement, life.now + NEGLECT
    events = decide(before, TIME, at)
    told: list[Notice] = []
    for event, event_id in zip(events, _ids(events), strict=True):
        after = evolve(before, event)
        told += notices_of(before, after, event, event_id)
        before = after
    assert len({notice.notice_id for notice in told}) == len(told) > 1
    assert step(life.agreement, TIME, events, _ids(events), at).append.notices == tuple(told)


def test_each_command_is_written_in_the_role_in_which_it_was_given(begun: Lives, active: Lives) -> None:
    """A person's in theirs; a proposal, whoever approved it, and what time does in the system's."""
    life = begun("shadowing")
    proposal = ProposeAgreement(
        command_id="propose",
        actor_id=life.terms.approved_by,
        agreement_id=life.agreement.agreement_id,
        terms=life.terms,
    )
    calendars = life.calendars_of(party.person_id for party in life.agreement.parties)
    events = decide(None, proposal, life.now, calendars)
    proposed, append = step(None, proposal, events, _ids(events), life.now)
    assert (append.expected_version, append.actor_role) == (0, Role.SYSTEM)
    assert append.actor_id == life.terms.approved_by
    events = decide(proposed, TIME, life.now + NEGLECT)
    assert step(proposed, TIME, events, _ids(events), life.now).append.actor_role is Role.SYSTEM
    later = active("shadowing")
    command = _ends_early(later)
    events = decide(later.agreement, command, later.now)
    append = step(later.agreement, command, events, _ids(events), later.now).append
    assert (append.actor_id, append.actor_role) == (command.actor_id, Role.LINE_MANAGER)


def test_nothing_is_written_where_nothing_happened(active: Lives) -> None:
    """A command without events has no append, and no event goes without an id of its own."""
    life = active("secondment")
    command, at = _ends_early(life), life.now + timedelta(hours=1)
    with pytest.raises(ValueError, match="end_early leads to no event"):
        step(life.agreement, command, [], [], at)
    events = decide(life.agreement, command, at)
    with pytest.raises(ValueError, match="shorter"):
        step(life.agreement, command, events, _ids(events)[1:], at)
