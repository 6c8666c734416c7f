"""The hash chain of a stream: every event carries the hash of the one before it.

The database computes the chain while it appends (`sojourn.chain_hash_v1`); this module computes the same
from what was read, so that an edited, removed, inserted or swapped row is found by code that shares nothing
with the writer but this description. The hash is SHA-256 over these fields, each framed by its length in four
bytes (big-endian), text in UTF-8, numbers in decimal, instants as microseconds since 1970 in UTC:

    "sojourn.event.v1" | previous hash (32 raw bytes, unframed; zeros for the first event) | agreement id |
    version | event id | type | schema version | occurred at | recorded at | actor id | actor role |
    command id | data (canonical JSON)
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

from pydantic import JsonValue

from activities.hashing.framing import GENESIS, framed, microseconds
from domain.kernel.model import Frozen
from domain.stream.messages import FIRST_VERSION, RecordedEvent

_SCHEME = "sojourn.event.v1"


class ChainFault(Frozen):
    """Where a stream stops being the one that was written."""

    agreement_id: str
    version: int
    """The first version that cannot be trusted."""
    problem: str


def canonical_json(data: Mapping[str, JsonValue]) -> str:
    """Return the one text of a JSON object: sorted keys, no spaces, characters as they are.

    Raises:
        ValueError: It holds a number that JSON does not have, such as infinity.
    """
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def chain_hash(
    *,
    previous_hash: str,
    agreement_id: str,
    version: int,
    event_id: str,
    type: str,  # noqa: A002  the column's name
    schema_version: int,
    occurred_at: datetime,
    recorded_at: datetime,
    actor_id: str,
    actor_role: str,
    command_id: str,
    data: str,
) -> str:
    """Return the hash of one event, in hexadecimal, from its columns and the hash before it.

    Args:
        previous_hash: Hexadecimal; `GENESIS` for the first event.
        agreement_id: The stream.
        version: The event's place in it.
        event_id: A UUID.
        type: The event's wire type.
        schema_version: Of its data.
        occurred_at: Aware.
        recorded_at: Aware.
        actor_id: Who did it.
        actor_role: In which capacity.
        command_id: By which command.
        data: The exact text that is stored: canonical JSON.
    """
    fields = (
        agreement_id,
        str(version),
        str(UUID(event_id)),
        type,
        str(schema_version),
        str(microseconds(occurred_at)),
        str(microseconds(recorded_at)),
        actor_id,
        actor_role,
        command_id,
        data,
    )
    digest = hashlib.sha256(framed(_SCHEME) + bytes.fromhex(previous_hash))
    for field in fields:
        digest.update(framed(field))
    return digest.hexdigest()


def hash_of(event: RecordedEvent, *, previous_hash: str, data: str | None = None) -> str:
    """Return what an event's hash must be after this previous hash.

    Args:
        event: As read, from the record or from an export.
        previous_hash: The hash of the event before it.
        data: The stored text where it is at hand; otherwise the canonical text of the event's data.
    """
    return chain_hash(
        previous_hash=previous_hash,
        agreement_id=event.agreement_id,
        version=event.version,
        event_id=event.event_id,
        type=event.type,
        schema_version=event.schema_version,
        occurred_at=event.occurred_at,
        recorded_at=event.recorded_at,
        actor_id=event.actor_id,
        actor_role=event.actor_role,
        command_id=event.command_id,
        data=canonical_json(event.data) if data is None else data,
    )


def first_fault(
    agreement_id: str,
    events: Iterable[tuple[RecordedEvent, str]],
    *,
    head_version: int | None,
    head_hash: str | None,
) -> ChainFault | None:
    """Return the first place where a stream departs from its chain; None where it is whole.

    Args:
        agreement_id: The stream.
        events: Every event in order of version, each with its stored text.
        head_version: The version that the head row knows; None where there is no head row.
        head_hash: The last hash that the head row knows.
    """
    previous, version = GENESIS, FIRST_VERSION - 1
    for event, text in events:
        version += 1
        problem = _problem_of(event, text, version, previous)
        if problem is not None:
            return ChainFault(agreement_id=agreement_id, version=version, problem=problem)
        previous = event.hash
    if head_version is not None and version < head_version:
        problem = f"the tail is missing: the head row knows version {head_version}"
        return ChainFault(agreement_id=agreement_id, version=version + 1, problem=problem)
    if version > 0 and (version, previous) != (head_version, head_hash):
        problem = "the stream has no head row" if head_version is None else "the head row knows another event"
        return ChainFault(agreement_id=agreement_id, version=version, problem=problem)
    return None


def _problem_of(event: RecordedEvent, text: str, version: int, previous: str) -> str | None:
    if event.version != version:
        return "the event is missing from the stream"
    if event.previous_hash != previous:
        return "it does not follow the event before it"
    if event.hash != hash_of(event, previous_hash=previous, data=text):
        return "its content was altered"
    return None
