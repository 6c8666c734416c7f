"""Every command and every event: described, shown by an example, and lived at least once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from domain.agreement import commands, events, evolvers
from domain.agreement.commands import COMMANDS, Command, ProposeAgreement
from domain.agreement.commands.time import LetTimePass
from domain.agreement.events import EVENTS, Event
from domain.agreement.evolvers import changes
from domain.decisions import areas
from domain.decisions.registry import rule
from domain.kernel.areas import AREAS
from domain.kernel.vocabulary import Phase, Role
from domain.kinds import kinds_taking


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_rule(name: str) -> None:
    """No command reaches a workflow without a rule, which stands in the area of its name."""
    assert area_of(rule.dispatch(COMMANDS[name])) == area_of(COMMANDS[name])


@pytest.mark.parametrize("name", EVENTS)
def test_every_event_changes_the_state_in_its_own_area(name: str) -> None:
    """Whoever looks for what an event changes finds it under the name of the event's area, if anywhere."""
    evolver = changes.dispatch(EVENTS[name])
    assert evolver is changes.dispatch(Event) or area_of(evolver) == area_of(EVENTS[name])


@pytest.mark.parametrize("package", [commands, events, evolvers, areas])
def test_every_package_has_the_same_areas(package: ModuleType) -> None:
    """One list of areas says which modules there are, and none is beside it."""
    assert package.__file__ is not None
    modules = {path.stem for path in Path(package.__file__).parent.glob("*.py")}
    assert modules - {"__init__", "base", "registry", "time"} == set(AREAS)


def area_of(declared: Any) -> str:  # noqa: ANN401  a class or a function
    """Return the last part of the name of the module that declares it."""
    return declared.__module__.rpartition(".")[2]


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
    assert kinds_taking(command)


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
