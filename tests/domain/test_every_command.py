"""Every command and every event: described, shown by an example, and lived at least once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from domain.agreement.commands import COMMANDS, Command, ProposeAgreement
from domain.agreement.commands.time import LetTimePass
from domain.agreement.events import EVENTS
from domain.decisions.decide import AREAS
from domain.decisions.registry import rule
from domain.kernel.vocabulary import Kind, Phase, Role


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_rule(name: str) -> None:
    """No command reaches a workflow that does not know what it leads to."""
    assert rule.dispatch(COMMANDS[name]).__module__ in {area.__name__ for area in AREAS}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_says_what_it_is_for_and_who_may_give_it(name: str) -> None:
    """What `sojourn commands` prints is complete: a sentence, roles, phases and kinds that exist."""
    command = COMMANDS[name]
    assert command.__doc__
    assert command.__doc__ != Command.__doc__
    assert command.given_by <= frozenset(Role)
    assert command.given_by
    assert command.phases <= frozenset(Phase) - {Phase.CLOSED}
    assert command.phases
    assert command.kinds <= frozenset(Kind)
    assert command.kinds


@pytest.mark.parametrize(
    "name", [name for name, command in COMMANDS.items() if "terms" not in command.example]
)
def test_every_example_is_a_valid_command(name: str) -> None:
    """Whoever copies an example gets no error about its shape."""
    given = COMMANDS[name].model_validate({"command_id": "c1", "actor_id": "P-1", **COMMANDS[name].example})
    assert given.type == name


def test_every_command_is_accepted_somewhere(scripted: Mapping[str, Any]) -> None:
    """No command is refused in every situation."""
    accepted = {name for life in scripted.values() for name in life.accepted}
    assert set(COMMANDS) - accepted == set()
    assert accepted - set(COMMANDS) == {
        command.model_fields["type"].default for command in (ProposeAgreement, LetTimePass)
    }


def test_every_event_happens_somewhere(scripted: Mapping[str, Any]) -> None:
    """No event is declared that nothing leads to."""
    happened = {row.type for life in scripted.values() for row in life.rows}
    assert happened == set(EVENTS)
