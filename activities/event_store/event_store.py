"""The record: the append-only event log of all agreements, and what is written together with it."""

from __future__ import annotations

import json
from collections.abc import Mapping

import asyncpg
from pydantic import TypeAdapter

from activities.encryption.decrypt import decrypt_digests, encrypted_request_digest
from activities.encryption.encrypt import FieldEncryption
from activities.event_store.notice_outbox import NoticeOutbox
from activities.event_store.read_models import ReadModels
from activities.hashing.event_chain import ChainFault, canonical_json, first_fault
from activities.postgres.pool import Database, DatabaseRefusedError, columns_of, translated_errors
from activities.postgres.rows import START, Cursor, KnownRequest, Page
from activities.postgres.statements import STATEMENTS
from domain.handling.loaded import REMEMBERED_COMMANDS, KnownCommand
from domain.ledger.notice import Notice
from domain.stream.messages import Append, Appended, NewEvent, RecordedEvent

_NOTICES = TypeAdapter(tuple[Notice, ...])


class EventStore:
    """Appends to the log and reads it, over a pool of connections.

    Every method raises `DatabaseUnavailableError` where trying again may help and `DatabaseRefusedError`
    where it cannot.

    Args:
        pool: Connections to a database at this release's migration.
        encryption: Encrypts what people write on its way in; None keeps it in clear. What is read stays
            encrypted: see `activities/encryption/decrypt.py`.

    Attributes:
        read_models: How agreements stand after what the log holds.
        notices: What the log has people told.
    """

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record], encryption: FieldEncryption | None = None) -> None:
        self._pool = pool
        self._encryption = encryption
        self._database = Database(pool)
        self.read_models = ReadModels(pool)
        self.notices = NoticeOutbox(pool)

    async def append(self, append: Append) -> Appended:
        """Write one command's events, read models and notices in one round trip, or nothing.

        The same append again, from whichever attempt, is a `duplicate` and changes nothing. Racing appends
        are told apart by the lock of the head row.

        Raises:
            DatabaseRefusedError: The append has no events, an event's text cannot be stored, or its ledger
                change does not follow from the stream.
            DatabaseUnavailableError: Unknown whether it landed: send the same append again.
            KeysError: There is no key to seal with; nothing was written.
        """
        sealed = await self._encrypt(append)
        try:
            appended = await self._append(sealed)
        except DatabaseRefusedError as refused:
            # The command was written between the look at it and the lock: look again.
            if getattr(refused.__cause__, "constraint_name", None) != "command_pkey":
                raise
            appended = await self._append(sealed)
        if appended.outcome in {"appended", "duplicate"}:
            return appended
        if appended.outcome == "different_content":
            # Two seals of the same digest differ: what is stored decides, once it is open.
            stored = await self._stored_digest(append)
            if stored is not None:
                return await self._append(_with_digest(sealed, stored))
        if append.expected_version == 0 and sealed.head != append.head:
            return await self._judge_by_request(append, appended)
        return appended

    async def _judge_by_request(self, append: Append, appended: Appended) -> Appended:
        """Judge another proposal of a stream: the statement sees no digest of the request."""
        known = await self.find_request(append.head.tenant, append.head.request_id)
        taken = await self._database.row("command_digest", append.agreement_id, append.command_id)
        if known is None or taken is not None:
            return appended
        same = known.agreement_id == append.agreement_id and known.is_of(append.head.request_digest)
        return appended.model_copy(update={"outcome": "conflict" if same else "different_content"})

    async def _append(self, sealed: Append) -> Appended:
        row = await self._database.row("append", *_append_arguments(sealed))
        if row is None:
            raise DatabaseRefusedError(
                "append: the function answered nothing; is this the database of this release?"
            )
        duplicate = row["verdict"] == "duplicate"
        return Appended(
            outcome=row["verdict"],
            version=row["stream_version"],
            event_types=tuple(row["written_types"]) if duplicate else (),
        )

    async def _stored_digest(self, append: Append) -> str | None:
        """Return a known command's digest as it is stored; None where the content was another."""
        row = await self._database.row("command_digest", append.agreement_id, append.command_id)
        if row is None or self._encryption is None:
            return None
        digests = await self._encryption.command_digests(
            append.agreement_id, {append.command_id: row["digest"]}
        )
        return row["digest"] if digests[append.command_id] in {None, append.command_digest} else None

    async def _encrypt(self, append: Append) -> Append:
        if self._encryption is None:
            return append
        try:
            return await self._encryption.encrypt_append(append)
        except (ValueError, LookupError) as error:
            # The error of an encoding repeats what it could not encode.
            raise DatabaseRefusedError(
                f"append: command {append.command_id} cannot be sealed: "
                + ("a field holds half a character" if isinstance(error, UnicodeError) else str(error))
            ) from None

    async def stream(self, agreement_id: str, after_version: int = 0) -> list[RecordedEvent]:
        """Return the events of an agreement after a version, in order; empty where there are none."""
        rows = await self._database.rows("stream", agreement_id, after_version)
        return [_event(row) for row in rows]

    async def stream_to_decide_upon(self, agreement_id: str) -> list[RecordedEvent]:
        """Return an agreement's events with the digests of its terms in clear, by which changes are seen.

        Raises:
            KeysError: A key-encryption key is missing or wrong.
        """
        rows = await self.stream(agreement_id)
        return rows if self._encryption is None else await decrypt_digests(self._encryption, rows)

    async def read_all(self, after: Cursor = START, limit: int = 1000) -> Page:
        """Return the next events of all agreements, in an order where none ever appears before a cursor.

        An event shows up once every transaction older than its own has ended: usually at once, at the latest
        when the server ends a forgotten transaction.
        """
        rows = await self._database.rows("read_all", after.epoch, str(after.tx), after.position, limit)
        if not rows:
            return Page(events=(), cursor=after)
        last = rows[-1]
        cursor = Cursor(epoch=last["epoch"], tx=int(last["transaction_id"]), position=last["position"])
        return Page(events=tuple(_event(row) for row in rows), cursor=cursor)

    async def find_request(self, tenant: str, request_id: str) -> KnownRequest | None:
        """Return which agreement a request opened; None where it opened none yet.

        Raises:
            KeysError: What it is recognised by is sealed, and there are no keys or wrong ones.
        """
        row = await self._database.row("find_request", tenant, request_id)
        if row is None:
            return None
        digest: str | None = row["request_digest"]
        if (text := row["sealed_digest"]) is not None:
            sealed = encrypted_request_digest(row["agreement_id"], row["event_id"], row["event_type"], text)
            [digest] = await (self._encryption or FieldEncryption(None)).decrypt_digests([sealed])
        return KnownRequest(agreement_id=row["agreement_id"], digest=digest, version=row["version"])

    async def recent_commands(
        self, agreement_id: str, limit: int = REMEMBERED_COMMANDS
    ) -> list[KnownCommand]:
        """Return an agreement's last commands with what they led to, oldest first."""
        rows = await self._database.rows("recent_commands", agreement_id, limit)
        digests: Mapping[str, str | None] = {row["command_id"]: row["digest"] for row in rows}
        if self._encryption is not None:
            digests = await self._encryption.command_digests(
                agreement_id, {row["command_id"]: row["digest"] for row in rows}
            )
        return [
            KnownCommand(
                command_id=row["command_id"],
                digest=digests[row["command_id"]],
                version=row["version"],
                event_types=tuple(row["event_types"]),
            )
            for row in rows
        ]

    async def verify_chain(self, agreement_id: str) -> ChainFault | None:
        """Return the first version of a stream that is not as it was written; None where it is whole.

        Raises:
            DatabaseRefusedError: The agreement is not in the record at all.
        """
        with translated_errors("verify_chain"):
            async with (
                self._pool.acquire() as connection,
                connection.transaction(isolation="repeatable_read", readonly=True),
            ):
                head = await connection.fetchrow(STATEMENTS["chain_head"], agreement_id)
                rows = await connection.fetch(STATEMENTS["stream"], agreement_id, 0)
        if head is None and not rows:
            raise DatabaseRefusedError(f"verify_chain: no agreement {agreement_id} is in the record.")
        return first_fault(
            agreement_id,
            ((_event(row), row["data"]) for row in rows),
            head_version=None if head is None else head["version"],
            head_hash=None if head is None else head["last_hash"],
        )


def _with_digest(append: Append, digest: str) -> Append:
    return append.model_copy(update={"command_digest": digest})


def _append_arguments(append: Append) -> tuple[object, ...]:
    events = append.events
    if not events:
        raise DatabaseRefusedError(f"append: command {append.command_id} brings no events; do not append it.")
    return (
        append.agreement_id,
        append.expected_version,
        append.command_id,
        append.command_type,
        append.command_digest,
        append.actor_id,
        append.actor_role,
        append.occurred_at,
        [event.event_id for event in events],
        [event.type for event in events],
        [event.schema_version for event in events],
        [_stored_text(event) for event in events],
        append.head.model_dump_json(),
        _NOTICES.dump_json(append.notices).decode(),
    )


def _stored_text(event: NewEvent) -> str:
    try:
        text = canonical_json(event.data)
        text.encode()
    except ValueError as error:
        raise DatabaseRefusedError(
            f"append: event {event.type} cannot be written as JSON: {error}"
        ) from error
    # Once escaped backslashes are out of the way, the escape of NUL is nothing but that.
    if "\\u0000" in text.replace("\\\\", ""):
        raise DatabaseRefusedError(
            f"append: event {event.type} holds a NUL character, which PostgreSQL cannot store."
        )
    return text


def _event(row: asyncpg.Record) -> RecordedEvent:
    fields = columns_of(row, RecordedEvent.model_fields)
    return RecordedEvent(**{**fields, "data": json.loads(row["data"])})
