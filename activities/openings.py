"""Openings of closed agreements: who asked to read what is private, who approved, and until when.

They stand in the log of people's rights, for the mentee and the mentor, as the events that an open agreement
would have in its stream, sealed in the same way.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from uuid import uuid4

import asyncpg

from activities.database import Database
from activities.seals import Seals
from domain.agreement import Agreement
from domain.commands import Command
from domain.events import Event
from domain.reading import to_new_event
from domain.recording import RecordedEvent
from domain.subjects import holders_of
from domain.vocabulary import Role

_NOTED_AS = {"break_glass.requested": "glass.requested", "break_glass.approved": "glass.approved"}

CONCERNED = (Role.MENTEE, Role.MENTOR)
"""For whom it is noted: whoever an open agreement tells by notice."""


class Openings:
    """Reads and notes openings, over a pool of connections.

    Args:
        pool: Connections to a database at this release's migration.
        seals: Seals the reason for whoever gives it.
    """

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record], seals: Seals) -> None:
        self._database = Database(pool)
        self._seals = seals

    async def of(self, agreement: Agreement) -> list[RecordedEvent]:
        """What was asked and opened since an agreement closed, in order; sealed as it was noted."""
        rows = await self._database.rows("openings_of", agreement.mentee_id, agreement.agreement_id)
        return [_read(json.loads(row["data"]), row["at"], row["actor_id"], row["hash"]) for row in rows]

    async def note(self, agreement: Agreement, event: Event, command: Command, role: Role) -> None:
        """Notes that somebody asked or approved.

        Args:
            agreement: Which, closed.
            event: What was decided.
            command: What it was decided upon.
            role: In which the actor gave it.

        Raises:
            KeysError: There are no keys to seal the reason with.
        """
        [sealed] = await self._seals.sealed(
            agreement.agreement_id,
            [to_new_event(event, str(uuid4()))],
            author=command.actor_id,
            holders=holders_of(agreement.parties),
        )
        data = {
            **sealed.model_dump(mode="json"),
            "agreement_id": agreement.agreement_id,
            "occurred_at": event.at.isoformat(),
            "actor_role": str(role),
            "command_id": command.command_id,
        }
        people = list(dict.fromkeys(agreement.holder(each).person_id for each in CONCERNED))
        await self._database.rows(
            "note_opening", people, _NOTED_AS[event.type], command.actor_id, json.dumps(data)
        )


def _read(data: dict[str, Any], noted_at: datetime, actor_id: str, hash_: str | None) -> RecordedEvent:
    return RecordedEvent(
        event_id=data["event_id"],
        agreement_id=data["agreement_id"],
        # It stands behind the end of the stream, in a log of its own.
        version=0,
        type=data["type"],
        schema_version=data["schema_version"],
        occurred_at=datetime.fromisoformat(data["occurred_at"]),
        recorded_at=noted_at,
        actor_id=actor_id,
        actor_role=Role(data["actor_role"]),
        command_id=data["command_id"],
        data=data["data"],
        previous_hash="",
        hash=hash_ or "",
    )
