"""Openings of closed agreements: who asked to read what is private, who approved, until when, who was told.

They stand in the log of people's rights, for the mentee and the mentor, as the events that an open agreement
would have in its stream, sealed in the same way.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from uuid import uuid4

import asyncpg

from activities.encryption.encrypt import FieldEncryption
from activities.postgres.pool import Database
from domain.agreement.commands import Command
from domain.agreement.commands.break_glass import ApproveBreakGlass, RequestBreakGlass
from domain.agreement.events import Event
from domain.agreement.state import Agreement
from domain.decisions.after_close import AfterClose
from domain.kernel.errors import RefusalCode, Refused
from domain.kernel.model import Frozen, PersonId
from domain.kernel.vocabulary import Role
from domain.privacy.data_subjects import holders_of
from domain.stream.messages import RecordedEvent
from domain.stream.serialization import to_new_event

_NOTED_AS = {"break_glass.requested": "glass.requested", "break_glass.approved": "glass.approved"}

CONCERNED = (Role.MENTEE, Role.MENTOR)
"""For whom it is noted: whoever an open agreement tells by notice."""


class Told(Frozen):
    """What became of telling somebody of an opening. It holds no address and no name."""

    agreement_id: str
    event_id: str
    """Of the opening."""
    person_id: PersonId
    """Whom it concerns."""
    delivered_to: PersonId | None = None
    """Who was told: the delegate where they are away; None where nobody was."""
    detail: str = ""
    """Why nobody was, or which channels did not take it."""


class AccessLog:
    """Reads and notes openings, over a pool of connections.

    Args:
        pool: Connections to a database at this release's migration.
        encryption: Seals the reason for whoever gives it.
    """

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record], encryption: FieldEncryption) -> None:
        self._database = Database(pool)
        self._encryption = encryption

    async def given_before(self, agreement: Agreement, command: AfterClose) -> RecordedEvent | None:
        """Return what a command led to where it was given before; None where it was not.

        The reason is not compared: nothing is kept by which a guess at it could be confirmed.

        Raises:
            Refused: Its id was given before with other content.
        """
        rows = await self._database.rows("openings_of", agreement.mentee_id, agreement.agreement_id)
        for row in rows:
            data = json.loads(row["data"])
            if data["command_id"] != command.command_id:
                continue
            if not _is_of(data, row["actor_id"], command):
                raise Refused(
                    RefusalCode.COMMAND_REUSED,
                    f"command_id {command.command_id} was given before with other content; choose another.",
                )
            return _read(data, row["at"], row["actor_id"], row["hash"])
        return None

    async def of(self, agreement: Agreement) -> list[RecordedEvent]:
        """Return what was asked and opened since an agreement closed, in order; encrypted as it was noted."""
        rows = await self._database.rows("openings_of", agreement.mentee_id, agreement.agreement_id)
        return [_read(json.loads(row["data"]), row["at"], row["actor_id"], row["hash"]) for row in rows]

    async def note(
        self, agreement: Agreement, event: Event, command: Command, role: Role, *, known: int
    ) -> str | None:
        """Note that somebody asked or approved.

        Args:
            agreement: Which, closed.
            event: What was decided.
            command: What it was decided upon.
            role: In which the actor gave it.
            known: How much of what `of` gives it was decided upon.

        Returns:
            The id of the event as it is noted; None where more was noted meanwhile, and so nothing now.

        Raises:
            KeysError: There are no keys to seal the reason with.
        """
        [sealed] = await self._encryption.encrypt_events(
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
        row = await self._database.row(
            "note_opening",
            people,
            agreement.agreement_id,
            known,
            _NOTED_AS[event.type],
            command.actor_id,
            json.dumps(data),
        )
        return sealed.event_id if row is not None and row["noted"] else None

    async def note_told(self, told: Told) -> None:
        """Note whether somebody whom an opening concerns could be told of it."""
        await self._database.rows(
            "note_right",
            told.person_id,
            "glass.told",
            Role.SYSTEM,
            told.model_dump_json(exclude={"person_id"}),
        )

    async def told(self, agreement: Agreement) -> list[Told]:
        """Return who was told, or tried to be told, of openings since an agreement closed; in order."""
        people = [agreement.holder(each).person_id for each in CONCERNED]
        rows = await self._database.rows("told_of_openings", people, agreement.agreement_id)
        return [Told(person_id=row["person_id"], **json.loads(row["data"])) for row in rows]


def _is_of(data: dict[str, Any], actor_id: str, command: AfterClose) -> bool:
    match command:
        case RequestBreakGlass():
            asked = ("break_glass.requested", command.request_id, command.hours, command.only)
        case ApproveBreakGlass():
            asked = ("break_glass.approved", command.request_id, None, data["data"].get("only"))
    told = data["data"]
    noted = (data["type"], told["request_id"], told.get("hours"), told.get("only"))
    return actor_id == command.actor_id and noted == asked


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
