"""What crosses the border between the workflow and the record."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import JsonValue

from domain.kernel.model import Frozen, Instant, PersonId
from domain.kernel.vocabulary import Kind, Outcome, Phase, Role
from domain.ledger.notice import Notice

FIRST_VERSION = 1
"""The version of a stream's first event; an empty stream has version 0."""


class NewEvent(Frozen):
    """An event about to be appended."""

    event_id: str
    """A UUID chosen by the workflow, the same on every retry."""
    type: str
    schema_version: int
    data: dict[str, JsonValue]
    """The event without its type; `ledger` inside it holds the LedgerChange."""


class RecordedEvent(Frozen):
    """An event as the record holds it."""

    event_id: str
    agreement_id: str
    version: int
    type: str
    schema_version: int
    occurred_at: Instant
    """When it happened, in the agreement's own time."""
    recorded_at: Instant
    """When PostgreSQL wrote it."""
    actor_id: PersonId
    actor_role: Role
    command_id: str
    data: dict[str, JsonValue]
    previous_hash: str
    hash: str


class PartyRow(Frozen):
    """Who holds which role, for questions that cross agreements."""

    role: Role
    person_id: PersonId
    scope: str = ""
    """The leg that the role belongs to; empty for the whole agreement."""


class Head(Frozen):
    """One row per agreement: the head of its stream and what operators filter by."""

    kind: Kind
    phase: Phase
    outcome: Outcome | None
    tenant: str
    request_id: str
    request_digest: str
    """SHA-256 of the canonical request: the same id with other content is refused."""
    cohort: str | None
    terms_version: int
    starts_on: date
    ends_on: date
    mentor_hours_per_month: float
    last_activity_at: Instant
    """The last meaningful human event."""
    silent_at: Instant | None
    paused_until: Instant | None
    held: bool
    """Waits on a recorded external hold."""
    next_instant: Instant | None
    """When the ledger next changes by itself; None once closed."""
    parties: tuple[PartyRow, ...]


class Append(Frozen):
    """One command's events, their read models and notices: written together or not at all."""

    agreement_id: str
    expected_version: int
    command_id: str
    command_type: str
    command_digest: str
    """SHA-256 of the canonical command: the same id with other content is refused."""
    actor_id: PersonId
    actor_role: Role
    occurred_at: Instant
    events: tuple[NewEvent, ...]
    head: Head
    """As it stands after the events."""
    notices: tuple[Notice, ...]


class Appended(Frozen):
    """What became of an append."""

    outcome: Literal["appended", "duplicate", "conflict", "different_content"]
    """`duplicate`: this command's events are already there, exactly once. `conflict`: the stream is at
    another version. `different_content`: the command id, or the request id, is known with other content."""
    version: int
    """The stream's version now; for a duplicate, the version its events ended at."""
    event_types: tuple[str, ...] = ()
    """For a duplicate: the types of the events that the command wrote the first time."""
