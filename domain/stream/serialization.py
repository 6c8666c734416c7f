"""Events to and from JSON, old schema versions included."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pydantic import JsonValue, ValidationError

from domain.agreement.events import EVENTS, Event
from domain.agreement.evolve import evolve
from domain.agreement.state import Agreement
from domain.stream.messages import NewEvent, RecordedEvent
from domain.stream.sealed_values import without_sealed
from domain.stream.upcasting import upcast

ENVELOPE_FIELDS = {"type", "at"}
"""Kept in columns of their own."""


class UnreadableEvent(Exception):  # noqa: N818  named for what it is
    """An event that this release cannot read, such as one written by a newer release."""


class BrokenStream(ValueError):  # noqa: N818  named for what it is
    """A stream that no release wrote like this: it was edited by hand. The text says what to do."""


def to_new_event(event: Event, event_id: str) -> NewEvent:
    """The event as it is appended."""
    return NewEvent(
        event_id=event_id,
        type=event.type,
        schema_version=event.schema_version,
        data=event.model_dump(mode="json", exclude=ENVELOPE_FIELDS),
    )


def read_event(recorded: RecordedEvent) -> Event:
    """The event of a record's row, brought to the current schema; sealed words read `WITHHELD`.

    Raises:
        UnreadableEvent: If the type or its schema version is unknown to this release.
    """
    known = EVENTS.get(recorded.type)
    if known is None or recorded.schema_version > known.schema_version:
        raise UnreadableEvent(
            f"{recorded.agreement_id} version {recorded.version}: {recorded.type} schema "
            f"{recorded.schema_version} is unknown to this release; run a release that knows it."
        )
    data: Mapping[str, JsonValue] = upcast(
        recorded.type, recorded.schema_version, without_sealed(recorded.data)
    )
    return known.model_validate({**data, "at": recorded.occurred_at})


def fold_recorded(recorded: Iterable[RecordedEvent], agreement: Agreement | None = None) -> Agreement | None:
    """The agreement after these rows of its stream, in order.

    Raises:
        UnreadableEvent: As `read_event`.
        BrokenStream: If the rows are not the next versions of the stream, or do not follow from each other.
    """
    for row in recorded:
        expected = 1 if agreement is None else agreement.version + 1
        if row.version != expected:
            raise _broken(row, f"version {expected} is missing before {row.version}")
        try:
            agreement = evolve(agreement, read_event(row))
        except ValidationError as error:
            # What it holds may be what a person wrote.
            raise _broken(row, f"its data are not those of {row.type}") from error
        except (ValueError, LookupError) as error:
            raise _broken(row, str(error) or "it does not follow") from error
    return agreement


def _broken(row: RecordedEvent, problem: str) -> BrokenStream:
    return BrokenStream(
        f"The stream of {row.agreement_id} cannot be folded at version {row.version}: {problem}. It was "
        f"edited by hand: see what `sojourn verify --agreement {row.agreement_id}` says, and restore it from "
        "a backup."
    )
