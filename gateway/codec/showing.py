"""What a viewer is shown of one payload: no words that are not theirs, no text that is not known to be ours.

Temporal does not say what a payload is, so it is recognised by its shape. What is recognised is shown as the
audiences say; of everything else a viewer sees the shape and no text. No payload is sealed for a person, so
here is where the words of somebody erased end in whatever copy of a history there may be.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast

from pydantic import BaseModel, JsonValue, TypeAdapter, ValidationError
from temporalio.api.common.v1 import Payload

from application.queries.payload_access import PayloadAccess
from domain.agreement.commands import COMMANDS
from domain.agreement.events import EVENTS, Event
from domain.handling.loaded import CalendarsWanted, Delivery, LoadedAgreement
from domain.kernel.classification import KNOWN_TO, Audience
from domain.kernel.model import WITHHELD, PersonId
from domain.kernel.vocabulary import Role
from domain.privacy.audiences import WITHHELD_AS_A_WHOLE
from domain.privacy.data_subjects import subjects_of
from domain.privacy.disclosure import withheld_at
from domain.privacy.free_text import with_words_changed
from domain.stream.messages import Append, Appended, NewEvent
from domain.stream.sealed_values import ERASED
from domain.stream.upcasting import upcast
from domain.terms import parse_terms
from domain.terms.words import without_words
from domain.views.status import ObligationView, StatusView
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
    )
)
"""What workflows and activities pass to each other that holds nobody's words."""

_TELLS_OF_A_PERSON = frozenset(place for by_place in WITHHELD_AS_A_WHOLE.values() for place in by_place)
"""What in a command tells of a person as it does in the events that it leads to."""

_DIGESTS = ("command_digest", "digest", "digests", "request_digest", "head/request_digest")
"""By what commands and parts of the terms are recognised, in whatever holds one."""

_FAILURE = frozenset({"message", "stack_trace"})
_METADATA = frozenset({"definition", "currentDetails"})


class _NotThisError(Exception):
    """A value is not what it was tried as."""


def shown(payload: Payload, access: PayloadAccess) -> Payload:
    """Return a decrypted payload as somebody may see it, in the same encoding.

    Args:
        payload: As it was before it was encrypted.
        access: What whoever looks may see of the agreement that it belongs to.
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
    return _written(shown_value(value, access), payload)


def shown_value(value: JsonValue, access: PayloadAccess) -> JsonValue:
    """Return a value as somebody may see it."""
    for attempt in (_append, _command, _request, _structure):
        try:
            return attempt(value, access)
        except _NotThisError:
            continue
    return without_text(value)


def without_text(value: JsonValue) -> JsonValue:
    """Return the shape of a value: every text in it withheld, whatever it says."""
    match value:
        case str():
            return WITHHELD
        case list():
            return [without_text(each) for each in value]
        case dict():
            return {name: without_text(each) for name, each in value.items()}
        case _:
            return value


def _append(value: JsonValue, access: PayloadAccess) -> JsonValue:
    """Show events on their way to the record: each with the words that are for whoever looks."""
    append = _read(Append.model_validate, value)
    events: list[JsonValue] = [_event(event, append, access) for event in append.events]
    # Beside the events there are notices, and who acted: either may tell of what they may not know of.
    sees_all = access.sees_structure and WITHHELD not in events
    beside: Mapping[str, JsonValue] = _fields(value) if sees_all else {}
    return {**withheld_at(beside, _DIGESTS), "events": events}


def _event(new: NewEvent, append: Append, access: PayloadAccess) -> JsonValue:
    try:
        data = upcast(new.type, new.schema_version, new.data)
        event: Event = EVENTS[new.type].model_validate({**data, "at": append.occurred_at})
    except (KeyError, ValidationError):
        return without_text(new.model_dump(mode="json"))
    shape = access.disclosure.data(event, append.actor_id)
    if shape is None:
        return WITHHELD
    holders = {party.role: party.person_id for party in append.head.parties if not party.scope}
    left = _without_erased(new.type, shape, access, author=append.actor_id, holders=holders)
    return {**new.model_dump(mode="json"), "data": {name: left[name] for name in new.data if name in left}}


def _without_erased(
    event_type: str,
    data: Mapping[str, JsonValue],
    access: PayloadAccess,
    *,
    author: PersonId,
    holders: Mapping[Role, PersonId],
) -> Mapping[str, JsonValue]:
    """Return an event's data as its row reads since the keys of those who were erased are gone."""

    def left(place: str, words: str) -> JsonValue:
        subjects = subjects_of(event_type, place, data, author=author, holders=holders)
        return ERASED if not access.erased.isdisjoint(subjects) and words != WITHHELD else words

    return with_words_changed(event_type, data, left) if access.erased else data


def _command(value: JsonValue, access: PayloadAccess) -> JsonValue:
    """Show a command's words to whoever gives it. To everybody else they are shown with its events.

    A command does not say whose words it holds. Where anybody was erased, its events show what is left.
    """
    fields = _fields(value)
    command_type = COMMANDS.get(str(fields.get("type")))
    if command_type is None:
        raise _NotThisError
    theirs = access.person_id is not None and fields.get("actor_id") == access.person_id
    if theirs and not access.erased:
        return value
    if fields["type"] in _DELICATE and not theirs and (access.person_id is None or not access.sees_structure):
        return WITHHELD
    command = _read(command_type.model_validate, value)
    return withheld_at(without_words(command).model_dump(mode="json"), _TELLS_OF_A_PERSON)


def _request(value: JsonValue, access: PayloadAccess) -> JsonValue:
    """Show what a workflow is started with: the terms are for every side of the agreement."""
    request = _read(AgreementInput.model_validate, value)
    if request.terms is None:
        return value
    fields = dict(_fields(value))
    if not Audience.EVERY_SIDE.is_open_to(access.roles):
        terms = without_words(_read(parse_terms, cast("JsonValue", request.terms)))
        fields["terms"] = terms.model_dump(mode="json")
    elif access.erased:
        terms = _read(parse_terms, cast("JsonValue", request.terms))
        holders = {Role.MENTEE: terms.mentee, Role.MENTOR: terms.mentor}
        fields |= _without_erased(
            "agreement.proposed", {"terms": fields["terms"]}, access, author=terms.mentee, holders=holders
        )
    return withheld_at(fields, _not_for(access, WITHHELD_AS_A_WHOLE["agreement.proposed"]))


def _structure(value: JsonValue, access: PayloadAccess) -> JsonValue:
    """Show what no person wrote: models of ours, summaries and details of the story, errors."""
    if not access.sees_structure:
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
        return _discreet(value, access)
    raise _NotThisError


def _discreet(folded: JsonValue, access: PayloadAccess) -> JsonValue:
    """Return a folded agreement, wherever it is in a value, without what is not for whoever looks.

    That is what its terms and calendars tell of a person and, for an operator without a name, who is in its
    concerns and breaches. Digests of words are for nobody: they would confirm a guess.
    """
    match folded:
        case {"kind": str() as kind, "raised_by": _, "about": _} if kind in KNOWN_TO:
            return (
                {**folded, "raised_by": WITHHELD, "about": WITHHELD} if access.person_id is None else folded
            )
        case dict():
            inner = {name: _discreet(each, access) for name, each in folded.items()}
            return withheld_at(
                inner, [*_DIGESTS, *_not_for(access, WITHHELD_AS_A_WHOLE["agreement.proposed"])]
            )
        case list():
            return [_discreet(each, access) for each in folded]
        case _:
            return folded


def _not_for(access: PayloadAccess, places: Mapping[str, Audience]) -> list[str]:
    return [place for place, audience in places.items() if not audience.is_open_to(access.roles)]


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
