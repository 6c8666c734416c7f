"""The record: the append-only event log of all agreements, and the read models written with it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import asyncpg
from pydantic import TypeAdapter

from activities.chain import ChainFault, canonical_json, first_fault
from activities.database import Database, DatabaseRefusedError, translated_errors
from activities.opening import digests_opened, sealed_request_digest
from activities.rows import (
    START,
    AgreementRow,
    Cursor,
    KnownRequest,
    KnownValues,
    NoticeRow,
    NoticeState,
    ObligationRow,
    OverdueRow,
    Page,
    StalledFilters,
    StalledPageRow,
    StalledPlace,
    StalledRow,
    StalledTally,
    TakenNotice,
)
from activities.seals import Seals
from activities.statements import STATEMENTS
from domain.discretion import OWED_FOR_ONE, RAISED_BY, STALLED_FOR
from domain.loading import REMEMBERED_COMMANDS, KnownCommand
from domain.model import PersonId
from domain.notices import Notice
from domain.obligations import Obligation
from domain.recording import Append, Appended, Head, NewEvent, RecordedEvent
from domain.vocabulary import Kind, Phase

_NOTICES = TypeAdapter(tuple[Notice, ...])

_BEFORE_ALL = datetime.min.replace(tzinfo=UTC)


class Record:
    """Reads and appends over a pool of connections.

    Every method raises `DatabaseUnavailableError` where trying again may help and `DatabaseRefusedError`
    where it cannot.

    Args:
        pool: Connections to a database at this release's migration.
        seals: Seals what people write on its way in; None keeps it in clear. What is read stays sealed: see
            `activities/opening.py`.
    """

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record], seals: Seals | None = None) -> None:
        self._pool = pool
        self._seals = seals
        self._database = Database(pool)

    async def append(self, append: Append) -> Appended:
        """Writes one command's events, read models and notices in one round trip, or nothing.

        The same append again, from whichever attempt, is a `duplicate` and changes nothing. Racing appends
        are told apart by the lock of the head row.

        Raises:
            DatabaseRefusedError: The append has no events, an event's text cannot be stored, or its ledger
                change does not follow from the stream.
            DatabaseUnavailableError: Unknown whether it landed: send the same append again.
            KeysError: There is no key to seal with; nothing was written.
        """
        sealed = await self._sealed(append)
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
            return await self._told_by_request(append, appended)
        return appended

    async def _told_by_request(self, append: Append, appended: Appended) -> Appended:
        """What is to be said of another proposal of a stream: the statement sees no digest of the request."""
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
        """The digest of a known command as it stands in the record; None where the content was another."""
        row = await self._database.row("command_digest", append.agreement_id, append.command_id)
        if row is None or self._seals is None:
            return None
        digests = await self._seals.digests(append.agreement_id, {append.command_id: row["digest"]})
        return row["digest"] if digests[append.command_id] in {None, append.command_digest} else None

    async def _sealed(self, append: Append) -> Append:
        if self._seals is None:
            return append
        try:
            return await self._seals.sealed_append(append)
        except (ValueError, LookupError) as error:
            # The error of an encoding repeats what it could not encode.
            raise DatabaseRefusedError(
                f"append: command {append.command_id} cannot be sealed: "
                + ("a field holds half a character" if isinstance(error, UnicodeError) else str(error))
            ) from None

    async def stream(self, agreement_id: str, after_version: int = 0) -> list[RecordedEvent]:
        """The events of an agreement after a version, in order; empty where there are none."""
        rows = await self._database.rows("stream", agreement_id, after_version)
        return [_event(row) for row in rows]

    async def stream_to_decide_upon(self, agreement_id: str) -> list[RecordedEvent]:
        """The events of an agreement with the digests of its terms open, by which a change of them is seen.

        Raises:
            KeysError: A key-encryption key is missing or wrong.
        """
        rows = await self.stream(agreement_id)
        return rows if self._seals is None else await digests_opened(self._seals, rows)

    async def read_all(self, after: Cursor = START, limit: int = 1000) -> Page:
        """The next events of all agreements, in an order in which no event ever appears before a cursor.

        An event shows up once every transaction older than its own has ended: usually at once, at the latest
        when the server ends a forgotten transaction.
        """
        rows = await self._database.rows("read_all", after.epoch, str(after.tx), after.position, limit)
        if not rows:
            return Page(events=(), cursor=after)
        last = rows[-1]
        cursor = Cursor(epoch=last["epoch"], tx=int(last["transaction_id"]), position=last["position"])
        return Page(events=tuple(_event(row) for row in rows), cursor=cursor)

    async def agreements(
        self,
        *,
        agreement_ids: Sequence[str] | None = None,
        kinds: Sequence[Kind] | None = None,
        phases: Sequence[Phase] | None = None,
        tenant: str | None = None,
        cohort: str | None = None,
        person_id: str | None = None,
        only_open: bool = False,
        after: str = "",
        limit: int = 1000,
    ) -> list[AgreementRow]:
        """Agreements by id, kind, phase, tenant, cohort or a party in any role; None leaves a filter out.

        Args:
            agreement_ids: Only these.
            kinds: Any of these.
            phases: Any of these.
            tenant: Whose placements.
            cohort: Of which cohort.
            person_id: Somebody who holds a role in it.
            only_open: Leaves out closed ones.
            after: The last id of the page before.
            limit: How many at most.
        """
        rows = await self._database.rows(
            "agreements",
            None if agreement_ids is None else list(agreement_ids),
            None if kinds is None else list(kinds),
            None if phases is None else list(phases),
            tenant,
            cohort,
            person_id,
            only_open,
            after,
            limit,
        )
        return [_agreement(row) for row in rows]

    async def agreement(self, agreement_id: str) -> AgreementRow | None:
        """One agreement; None where it is not known."""
        found = await self.agreements(agreement_ids=[agreement_id])
        return found[0] if found else None

    async def find_request(self, tenant: str, request_id: str) -> KnownRequest | None:
        """Which agreement a request opened; None where it opened none yet.

        Raises:
            KeysError: What it is recognised by is sealed, and there are no keys or wrong ones.
        """
        row = await self._database.row("find_request", tenant, request_id)
        if row is None:
            return None
        digest: str | None = row["request_digest"]
        if (text := row["sealed_digest"]) is not None:
            sealed = sealed_request_digest(row["agreement_id"], row["event_id"], row["event_type"], text)
            [digest] = await (self._seals or Seals(None)).digests_at([sealed])
        return KnownRequest(agreement_id=row["agreement_id"], digest=digest, version=row["version"])

    async def overlapping_agreements(
        self, mentee_id: str, starts_on: date, ends_on: date, excluding: str = ""
    ) -> list[str]:
        """Ids of other open agreements of the same mentee with a day in this stretch, both ends included."""
        rows = await self._database.rows("overlapping_agreements", mentee_id, starts_on, ends_on, excluding)
        return [row["agreement_id"] for row in rows]

    async def mentor_hours(self, mentor_id: str, excluding: str = "") -> float:
        """Hours per month that a mentor has promised over all open agreements but one."""
        row = await self._database.row("mentor_hours", mentor_id, excluding)
        return 0.0 if row is None else row["hours"]

    async def recent_commands(
        self, agreement_id: str, limit: int = REMEMBERED_COMMANDS
    ) -> list[KnownCommand]:
        """An agreement's last commands with what they led to, oldest first."""
        rows = await self._database.rows("recent_commands", agreement_id, limit)
        digests: Mapping[str, str | None] = {row["command_id"]: row["digest"] for row in rows}
        if self._seals is not None:
            digests = await self._seals.digests(
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

    async def obligations(self, agreement_id: str) -> list[ObligationRow]:
        """Every obligation that an agreement ever had, by due instant."""
        return [_obligation(row) for row in await self._database.rows("obligations", agreement_id, False)]

    async def open_obligations(self, agreement_id: str) -> list[Obligation]:
        """What an agreement owes now, by due instant."""
        rows = await self._database.rows("obligations", agreement_id, True)
        return [_obligation(row).obligation for row in rows]

    async def obligation_is_open(self, agreement_id: str, obligation_id: str) -> bool:
        """Whether an obligation still stands: asked right before a notice about it is sent."""
        return await self._database.row("obligation_is_open", agreement_id, obligation_id) is not None

    async def agreement_is_closed(self, agreement_id: str) -> bool:
        """Whether an agreement has ended, one way or another: asked right before a notice is sent."""
        found = await self.agreement(agreement_id)
        return found is not None and found.head.phase is Phase.CLOSED

    async def stalled(self, as_of: datetime) -> list[StalledRow]:
        """What is stalled at an instant, past or future, as the ledger stands now; longest stalled first."""
        return [StalledRow(**dict(row)) for row in await self._database.rows("stalled", as_of)]

    async def stalled_page(
        self,
        as_of: datetime,
        filters: StalledFilters | None = None,
        *,
        after: StalledPlace | None = None,
        limit: int = 50,
    ) -> list[StalledPageRow]:
        """The next of what `stalled` gives, at a cost that depends on the page and not on the record.

        Args:
            as_of: As for `stalled`.
            filters: Which of them.
            after: The last row of the page before; None for the first page.
            limit: How many at most.
        """
        rows = await self._database.rows(
            "stalled_page",
            as_of,
            json.dumps(filters or {}, default=list),
            _BEFORE_ALL if after is None else after.since,
            "" if after is None else after.agreement_id,
            limit,
        )
        return [StalledPageRow(**dict(row)) for row in rows]

    async def stalled_matters_about(self, person_id: PersonId, as_of: datetime) -> list[str]:
        """Agreements that a concern or a breach holds up first, and in which one is or was about somebody.

        Args:
            person_id: Whom.
            as_of: As for `stalled`.
        """
        rows = await self._database.rows(
            "stalled_matters_about", STALLED_FOR, as_of, OWED_FOR_ONE, RAISED_BY, person_id
        )
        return [row["agreement_id"] for row in rows]

    async def stalled_tally(self, as_of: datetime) -> list[StalledTally]:
        """How many agreements `stalled` gives, by kind, reason, role and rung, without reading them.

        Quick about now; the further away the instant, the more it has to look at.
        """
        rows = await self._database.rows("stalled_tally", as_of)
        return [StalledTally(**dict(row)) for row in rows]

    async def agreements_ahead(self, of: datetime) -> list[str]:
        """Ids of open agreements whose last event, in their own time, is later than an instant."""
        return [row["agreement_id"] for row in await self._database.rows("agreements_ahead", of)]

    async def to_be_run(self) -> list[str]:
        """Ids of what needs a workflow: open agreements, and closed ones with notices that were not sent."""
        return [row["agreement_id"] for row in await self._database.rows("to_be_run")]

    async def known_values(self, limit: int) -> KnownValues:
        """What agreements can be filtered by besides words of the vocabulary.

        Args:
            limit: How many of each at most.
        """
        row = await self._database.row("known_values", limit)
        return KnownValues(tenants=(), cohorts=()) if row is None else KnownValues(**dict(row))

    async def overdue(self, as_of: datetime, limit: int) -> list[OverdueRow]:
        """What is overdue and not stalled at an instant as the ledger stands now; longest due first.

        Args:
            as_of: The instant.
            limit: How many agreements at most.
        """
        return [OverdueRow(**dict(row)) for row in await self._database.rows("overdue", as_of, limit)]

    async def notices(self, agreement_id: str) -> list[NoticeRow]:
        """The outbox of an agreement: every notice and what became of it, by the instant it may be sent."""
        return [_notice(row) for row in await self._database.rows("notices", agreement_id, False)]

    async def undelivered_notices(self, agreement_id: str) -> list[Notice]:
        """What still waits to be sent, by the instant it may be sent; given-up ones are not among them.

        What was tried in vain waits for its next try, whichever run of the workflow makes that.
        """
        rows = [_notice(row) for row in await self._database.rows("notices", agreement_id, True)]
        return sorted((_waiting(row) for row in rows), key=lambda notice: notice.not_before)

    async def failed_notices(
        self, agreement_ids: Sequence[str] | None = None, recipient_ids: Sequence[str] | None = None
    ) -> list[NoticeRow]:
        """Notices that were given up; None leaves a filter out."""
        rows = await self._database.rows(
            "failed_notices",
            None if agreement_ids is None else list(agreement_ids),
            None if recipient_ids is None else list(recipient_ids),
        )
        return [_notice(row) for row in rows]

    async def notice_state(self, notice_id: str) -> NoticeState | None:
        """What became of a notice so far; None where it was never queued."""
        row = await self._database.row("notice_state", notice_id)
        return None if row is None else row["state"]

    async def take_notice(
        self, notice_id: str, taken_by: str, *, abandoned_after: timedelta
    ) -> TakenNotice | None:
        """Lets a delivery have a notice, unless another one is at it; None where it was never queued.

        Args:
            notice_id: Which.
            taken_by: The delivery. It has the notice until it settles or defers it, over all of its tries.
            abandoned_after: Another delivery that took it longer ago is dead.
        """
        row = await self._database.row("take_notice", notice_id, taken_by, abandoned_after)
        return None if row is None else TakenNotice(**dict(row))

    async def settle_notice(
        self,
        notice_id: str,
        state: NoticeState,
        *,
        error: str | None = None,
        reason: str | None = None,
        at: datetime | None = None,
        next_try_at: datetime | None = None,
    ) -> bool:
        """Writes down what became of a notice.

        Args:
            notice_id: Which.
            state: `queued` with an error: this attempt failed, another follows.
            error: What went wrong; required where `failed`.
            reason: Why it was not sent; required where `skipped`.
            at: When it was sent; the server's clock where left out.
            next_try_at: Where it stays queued: when another try is to follow.

        Returns:
            Whether this call settled it; False where it was sent or skipped before.

        Raises:
            DatabaseRefusedError: The notice is unknown, or its error or reason is missing.
        """
        settled = await self._database.row("settle_notice", notice_id, state, error, reason, at, next_try_at)
        if settled is not None:
            return True
        if await self._database.row("notice_state", notice_id) is None:
            raise DatabaseRefusedError(f"settle_notice: no notice {notice_id} was ever queued.")
        return False

    async def verify_chain(self, agreement_id: str) -> ChainFault | None:
        """The first version of a stream that is not as it was written; None where it is whole.

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
    fields = _only(row, RecordedEvent.model_fields)
    return RecordedEvent(**{**fields, "data": json.loads(row["data"])})


def _agreement(row: asyncpg.Record) -> AgreementRow:
    head = Head(**{**_only(row, Head.model_fields), "parties": json.loads(row["parties"])})
    return AgreementRow(**_only(row, AgreementRow.model_fields), head=head)


def _obligation(row: asyncpg.Record) -> ObligationRow:
    fields = _only(row, Obligation.model_fields)
    obligation = Obligation(**{**fields, "ladder": json.loads(row["ladder"])})
    return ObligationRow(obligation=obligation, status=row["status"], settled_at=row["settled_at"])


def _notice(row: asyncpg.Record) -> NoticeRow:
    notice = Notice.model_validate_json(row["notice"])
    fields = _only(row, NoticeRow.model_fields)
    fields["notice"] = notice
    return NoticeRow(**fields)


def _waiting(row: NoticeRow) -> Notice:
    """The notice, not before its next try."""
    if row.next_try_at is None:
        return row.notice
    return row.notice.model_copy(update={"not_before": max(row.notice.not_before, row.next_try_at)})


def _only(row: asyncpg.Record, fields: Mapping[str, object]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name in fields}
