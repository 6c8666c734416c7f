"""What HR tooling sends: terms in which a person may be an id, or an object as the directory knows people."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from types import UnionType
from typing import Annotated, Any, NamedTuple, Union, cast, get_args, get_origin

from pydantic import BaseModel, JsonValue, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from domain.kernel.model import PERSON_ID_FORMAT, NamesAPerson
from domain.kernel.person import Person
from domain.kernel.vocabulary import Kind
from domain.terms import checks
from domain.terms.problems import Problem, RequestRefused, path, problems_of
from domain.terms.union import MODELS, OfAnyKind, Terms


class PlacementRequest(NamedTuple):
    """A request taken apart: the people it describes, and terms that name people by id only."""

    people: list[Person]
    """Those given inline, each once, in the order of the request."""
    terms: Terms


def split(raw: JsonValue) -> PlacementRequest:
    """Take the people out of a request and check what remains.

    Args:
        raw: The request as parsed JSON.

    Raises:
        RequestRefused: With every problem of the request at once, its malformed fields first. Whether the
            people, their time zones and holiday calendars exist is checked where the directory is known.
    """
    if not isinstance(raw, dict):
        raise RequestRefused([Problem(field="", sentence="must be a JSON object")])
    kind = str(raw.get("kind"))
    if kind not in set(Kind):
        raise RequestRefused([_of_no_kind(raw)])
    model = MODELS[Kind(kind)]
    collected = _Collected()
    bare = cast("dict[str, JsonValue]", _without_people(raw, model, "", collected))
    terms, unreadable, malformed = _read(bare, model)
    problems = [
        *collected.problems,
        *(problem for problem in malformed if problem.field not in collected.broken),
        *checks.problems(terms, unreadable=unreadable),
    ]
    if problems:
        raise RequestRefused(problems)
    return PlacementRequest(list(collected.people.values()), terms)


def _of_no_kind(raw: Mapping[str, JsonValue]) -> Problem:
    """Return the problem of a request that says no kind, or one that there is not."""
    *others, last = (f"'{kind}'" for kind in MODELS)
    kinds = f"must be {', '.join(others)} or {last}"
    return Problem(field="kind", sentence=kinds if "kind" in raw else f"is required; it {kinds}")


def request_schema() -> dict[str, Any]:
    """Return the JSON Schema of a placement request, in which every person is an id or an object."""
    schema = TypeAdapter[Terms](Terms).json_schema()
    person = Person.model_json_schema(ref_template="#/$defs/{model}")
    definitions = {**schema["$defs"], **person.pop("$defs", {})}
    widened = {name: _with_inline_people(definition) for name, definition in definitions.items()}
    schema["$defs"] = {**widened, "Person": person}
    return {**schema, "title": "PlacementRequest"}


def _with_inline_people(schema: Any) -> Any:  # noqa: ANN401  any part of a JSON Schema
    if isinstance(schema, list):
        return [_with_inline_people(part) for part in cast("list[Any]", schema)]
    if not isinstance(schema, dict):
        return schema
    parts = cast("dict[str, Any]", schema)
    if parts.get("format") == PERSON_ID_FORMAT:
        return {"anyOf": [parts, {"$ref": "#/$defs/Person"}]}
    return {key: _with_inline_people(part) for key, part in parts.items()}


@dataclass
class _Collected:
    """What the walk over a request has found so far."""

    people: dict[str, Person] = field(default_factory=dict[str, Person])
    described_at: dict[str, str] = field(default_factory=dict[str, str])
    problems: list[Problem] = field(default_factory=list[Problem])
    broken: set[str] = field(default_factory=set[str])
    """Paths of people whose id could not be read: already told, so not told again."""

    def take(self, raw: Mapping[str, JsonValue], where: str) -> JsonValue:
        """Keep an inline person and return the id that stands for it."""
        try:
            person = Person.model_validate_json(json.dumps(raw), strict=True)
        except ValidationError as error:
            self.problems.extend(problems_of(error, under=where))
            self.broken.add(where)
            return raw.get("person_id")
        known = self.people.setdefault(person.person_id, person)
        self.described_at.setdefault(person.person_id, where)
        if known != person:
            self.problems.append(
                Problem(
                    field=where,
                    sentence=f"describes {person.person_id} otherwise than "
                    f"{self.described_at[person.person_id]} does",
                )
            )
        return person.person_id


def _without_people(
    raw: JsonValue,
    annotation: Any,  # noqa: ANN401  an annotation can be any object
    where: str,
    collected: _Collected,
) -> JsonValue:
    """Return the value with each inline person replaced by its id, wherever the model names a person."""
    origin = get_origin(annotation)
    if origin is Annotated:
        marks = annotation.__metadata__
        if any(isinstance(mark, NamesAPerson) for mark in marks) and isinstance(raw, dict):
            return collected.take(raw, where)
        return _without_people(raw, annotation.__origin__, where, collected)
    if origin in {Union, UnionType}:
        (annotation,) = (arm for arm in get_args(annotation) if arm is not type(None))
        return _without_people(raw, annotation, where, collected)
    if origin is tuple and isinstance(raw, list):
        item = get_args(annotation)[0]
        return [_without_people(each, item, path(where, index), collected) for index, each in enumerate(raw)]
    if isinstance(annotation, type) and issubclass(annotation, BaseModel) and isinstance(raw, dict):
        fields = annotation.model_fields
        return {
            name: _without_people(
                value, _annotated(fields[name]), path(*([where] if where else []), name), collected
            )
            if name in fields
            else value
            for name, value in raw.items()
        }
    return raw


def _annotated(field_info: FieldInfo) -> Any:  # noqa: ANN401  an annotation can be any object
    return Annotated[field_info.annotation, field_info, *field_info.metadata]


def _read(
    bare: Mapping[str, JsonValue], model: type[OfAnyKind]
) -> tuple[Terms, frozenset[str], list[Problem]]:
    """Return the terms as far as they can be read, the fields that cannot, and what is wrong with those."""
    try:
        return model.model_validate_json(json.dumps(bare), strict=True), frozenset(), []
    except ValidationError as error:
        malformed = problems_of(error)
    readable: dict[str, Any] = {}
    for name, read in _readers(Kind(str(bare["kind"]))).items():
        if name in bare:
            try:
                readable[name] = read(json.dumps(bare[name]))
            except ValidationError:
                continue
    defaults = {
        name for name, info in model.model_fields.items() if not info.is_required() and name not in bare
    }
    unreadable = frozenset(model.model_fields) - readable.keys() - defaults
    return model.model_construct(**readable), unreadable, malformed


@cache
def _readers(kind: Kind) -> Mapping[str, Callable[[str], Any]]:
    """Return how to read each field of a kind of request on its own."""

    def reader(info: FieldInfo) -> Callable[[str], Any]:
        adapter: TypeAdapter[Any] = TypeAdapter(_annotated(info))
        return lambda text: adapter.validate_json(text, strict=True)

    return {name: reader(info) for name, info in MODELS[kind].model_fields.items()}
