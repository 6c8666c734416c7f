"""Canaries: words that stand nowhere else, one of its own in each place where somebody's words may stand."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, cast

from pydantic import BaseModel, JsonValue

from domain.agreement.commands import COMMANDS, Command
from domain.agreement.events import EVENTS
from domain.kernel.model import WITHHELD
from domain.kernel.person import Person
from domain.kernel.vocabulary import Kind
from domain.privacy.free_text import places_of_words, with_words_changed
from domain.terms import RotationTerms, SecondmentTerms, ShadowingTerms, Terms
from domain.terms.words import without_words

SUNG = "canary-of-"
_CANARY = re.compile(rf"{SUNG}\w+-\d{{5}}")

EXAMPLES = Path(__file__).parents[1] / "examples"

_TERMS: Mapping[str, type[BaseModel]] = {
    Kind.SECONDMENT: SecondmentTerms,
    Kind.SHADOWING: ShadowingTerms,
    Kind.ROTATION: RotationTerms,
}
_FILLS_THE_EMPTY: Mapping[str, Mapping[str, JsonValue]] = {
    "check_in.held": {"blockers": [""]},
    "endorsement.revoked": {"reason": ""},
    "observation.logged": {"answers": [{"prompt_id": "where-it-waits", "answer": ""}]},
    "practice.logged": {"notes": [{"about": "routine", "focus": "f", "note": ""}]},
}
"""Fields that lives may leave empty, as they are where they are not; the words are sung over."""


class Place(NamedTuple):
    """A field in which words may stand."""

    of: str
    """The wire type of an event or a command, or the kind of a request."""
    path: str
    """Such as `/terms/objectives/*/statement`."""


def heard_in(text: str) -> set[str]:
    """The canaries in a text, also where a table folded them."""
    return set(_CANARY.findall(re.sub(r"\s+", "", text)))


def places_of_events() -> set[Place]:
    """Every place of every event in which words may stand, as the models say."""
    return _places(EVENTS)


def places_of_commands() -> set[Place]:
    """Likewise of every command."""
    return _places(COMMANDS)


def places_of_requests() -> set[Place]:
    """Likewise of what each kind of placement is requested with."""
    return _places(_TERMS)


def personal_texts() -> list[str]:
    """What the directory knows of everybody in the examples, by which they could be recognised."""
    people = json.loads((EXAMPLES / "people.json").read_text())
    return [
        person[field] for person in people for field in ("name", "email", "employee_number") if person[field]
    ]


class Cage:
    """Lets canaries sing in the place of words, and knows where each did."""

    def __init__(self) -> None:
        self.sung: dict[str, Place] = {}

    @property
    def places(self) -> set[Place]:
        """Where any did."""
        return set(self.sung.values())

    def sing(self, of: str, path: str) -> str:
        """A new canary for a place.

        Args:
            of: See `Place`.
            path: With the numbers of items.
        """
        name = re.sub(r"\W", "_", of)
        canary = f"{SUNG}{name}-{len(self.sung):05}"
        self.sung[canary] = _place(of, path)
        return canary

    def event(self, event_type: str, data: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
        """An event's data with a canary in each place that has words, and in those that are mostly empty."""
        empty = {
            field: words
            for field, words in _FILLS_THE_EMPTY.get(event_type, {}).items()
            if not data.get(field)
        }
        return with_words_changed(event_type, {**data, **empty}, lambda path, _: self.sing(event_type, path))

    def command(self, command: Command, *, naming: Sequence[str] = ()) -> Command:
        """A command with a canary in each field in which it has words.

        Args:
            command: As somebody gives it.
            naming: What the gaps of a synthesis have to name.
        """
        sung = cast(
            "dict[str, Any]", self._over(command.type, without_words(command).model_dump(mode="json"))
        )
        if "synthesis" in sung:
            sung["synthesis"]["gaps"] = [f"{gap} {', '.join(naming)}" for gap in sung["synthesis"]["gaps"]]
        return type(command).model_validate(sung)

    def terms(self, terms: Terms) -> dict[str, Any]:
        """Terms, as JSON, with a canary in each field in which they have words."""
        return cast("dict[str, Any]", self._over(terms.kind, without_words(terms).model_dump(mode="json")))

    def person(self, person: Person) -> Person:
        """A person everything of whom that is sealed is a canary."""
        return person.model_copy(
            update={
                "name": self.sing("person", "/name"),
                "email": f"{self.sing('person', '/email')}@example.com",
                "channels": (f"json://{self.sing('person', '/channels')}.example.com/",),
                "employee_number": self.sing("person", "/employee_number"),
            }
        )

    def _over(self, of: str, value: JsonValue, path: str = "") -> JsonValue:
        if value == WITHHELD:
            return self.sing(of, path)
        if isinstance(value, dict):
            return {name: self._over(of, inner, f"{path}/{name}") for name, inner in value.items()}
        if isinstance(value, list):
            return [self._over(of, inner, f"{path}/{index}") for index, inner in enumerate(value)]
        return value


def _places(models: Mapping[str, type[BaseModel]]) -> set[Place]:
    return {Place(str(name), path) for name, model in models.items() for path in places_of_words(model)}


def _place(of: str, path: str) -> Place:
    for known, pattern in _patterns(of):
        if pattern.fullmatch(path):
            return known
    return Place(of, path)


@cache
def _patterns(of: str) -> list[tuple[Place, re.Pattern[str]]]:
    model = {**EVENTS, **COMMANDS, **_TERMS}.get(of)
    return [] if model is None else list(_compiled(of, places_of_words(model)))


def _compiled(of: str, paths: Iterable[str]) -> Iterator[tuple[Place, re.Pattern[str]]]:
    for path in paths:
        yield Place(of, path), re.compile("[^/]+".join(map(re.escape, path.split("*"))))
