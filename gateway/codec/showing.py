"""What a viewer is shown of one payload: no words that are not theirs, no text that is not known to be ours.

Temporal does not say what a payload is, so it is recognised by its shape. What is recognised is shown as the
audiences say; of everything else a viewer sees the shape and no text.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast

from pydantic import BaseModel, JsonValue, TypeAdapter, ValidationError
from temporalio.api.common.v1 import Payload

from domain.audiences import Audience
from domain.calendars import Calendar
from domain.commands import COMMANDS
from domain.events import EVENTS, Event
from domain.loading import CalendarsWanted, Delivery, LoadedAgreement
from domain.model import WITHHELD, PersonId
from domain.recording import Append, Appended, NewEvent
from domain.terms import parse_terms
from domain.terms.words import without_words
from domain.upcasting import upcast
from domain.views import ObligationView, StatusView
from gateway.codec.viewers import Viewer
from workflows.contract import AgreementInput, Receipt

Model = TypeVar("Model", bound=BaseModel)

_JSON = frozenset({b"json/plain", b"json/protobuf"})
_NOTHING = b"binary/null"

_DELICATE = frozenset({"raise_concern", "report_breach", "settle_matter"})
"""Commands that not even the name of may reach whom they are about."""

STRUCTURE: tuple[TypeAdapter[Any], ...] = tuple(
    TypeAdapter(shape)
    for shape in (
        Receipt,
        Appended,
        StatusView,
        LoadedAgreement,
        CalendarsWanted,
        Delivery,
        tuple[ObligationView, ...],
        Mapping[PersonId, Calendar],
    )
)
"""What workflows and activities pass to each other that holds nobody's words."""

_FAILURE = frozenset({"message", "stack_trace"})
_METADATA = frozenset({"definition", "currentDetails"})


class _NotThisError(Exception):
    """A value is not what it was tried as."""


def shown(payload: Payload, viewer: Viewer) -> Payload:
    """A decrypted payload as a viewer may see it, in the same encoding.

    Args:
        payload: As it was before it was encrypted.
        viewer: Who looks, at the agreement that it belongs to.
    """
    encoding = payload.metadata.get("encoding", b"")
    if encoding == _NOTHING:
        return payload
    if encoding not in _JSON:
        return _written(WITHHELD, Payload(metadata={"encoding": b"json/plain"}))
    try:
        value: JsonValue = json.loads(payload.data)
    except ValueError:
        return _written(WITHHELD, payload)
    return _written(shown_value(value, viewer), payload)


def shown_value(value: JsonValue, viewer: Viewer) -> JsonValue:
    """A value as a viewer may see it."""
    for attempt in (_append, _command, _request, _structure):
        try:
            return attempt(value, viewer)
        except _NotThisError:
            continue
    return without_text(value)


def without_text(value: JsonValue) -> JsonValue:
    """The shape of a value: every text in it withheld, whatever it says."""
    match value:
        case str():
            return WITHHELD
        case list():
            return [without_text(each) for each in value]
        case dict():
            return {name: without_text(each) for name, each in value.items()}
        case _:
            return value


def _append(value: JsonValue, viewer: Viewer) -> JsonValue:
    """Events on their way to the record: each with the words that are for the viewer."""
    append = _read(Append.model_validate, value)
    events: list[JsonValue] = [_event(event, append, viewer) for event in append.events]
    # Beside the events there are notices, which may tell of what they may not know of.
    beside: Mapping[str, JsonValue] = _fields(value) if viewer.sees_structure else {}
    return {**beside, "events": events}


def _event(new: NewEvent, append: Append, viewer: Viewer) -> JsonValue:
    try:
        data = upcast(new.type, new.schema_version, new.data)
        event: Event = EVENTS[new.type].model_validate({**data, "at": append.occurred_at})
    except (KeyError, ValidationError):
        return without_text(new.model_dump(mode="json"))
    disclosed = viewer.disclosure.shown(event, append.actor_id)
    if disclosed is None:
        return WITHHELD
    shape = disclosed.model_dump(mode="json")
    return {**new.model_dump(mode="json"), "data": {name: shape[name] for name in new.data if name in shape}}


def _command(value: JsonValue, viewer: Viewer) -> JsonValue:
    """A command shows its words to whoever gives it. To everybody else they are shown with its events."""
    fields = _fields(value)
    command_type = COMMANDS.get(str(fields.get("type")))
    if command_type is None:
        raise _NotThisError
    if viewer.person_id is not None and fields.get("actor_id") == viewer.person_id:
        return value
    if fields["type"] in _DELICATE and not viewer.sees_structure:
        return WITHHELD
    command = _read(command_type.model_validate, value)
    return without_words(command).model_dump(mode="json")


def _request(value: JsonValue, viewer: Viewer) -> JsonValue:
    """What a workflow is started with: the terms are for every side of the agreement."""
    request = _read(AgreementInput.model_validate, value)
    if request.terms is None or Audience.EVERY_SIDE.is_open_to(viewer.roles):
        return value
    terms = without_words(_read(parse_terms, cast("JsonValue", request.terms)))
    return {**cast("dict[str, JsonValue]", value), "terms": terms.model_dump(mode="json")}


def _structure(value: JsonValue, viewer: Viewer) -> JsonValue:
    """What no person wrote: models of ours, summaries and details of the story, errors."""
    if not viewer.sees_structure:
        raise _NotThisError
    if isinstance(value, str):
        return value
    if isinstance(value, dict) and (value.keys() == _FAILURE or not value.keys().isdisjoint(_METADATA)):
        return value
    for shape in STRUCTURE:
        try:
            shape.validate_python(value)
        except ValidationError:
            continue
        return value
    raise _NotThisError


def _read(reads: Callable[[Any], Model], value: JsonValue) -> Model:
    try:
        return reads(value)
    except (ValidationError, TypeError, KeyError, ValueError):
        raise _NotThisError from None


def _fields(value: JsonValue) -> Mapping[str, JsonValue]:
    if not isinstance(value, dict):
        raise _NotThisError
    return value


def _written(value: JsonValue, like: Payload) -> Payload:
    data = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return Payload(metadata=like.metadata, data=data)
