"""Where the record contradicts itself, said so that an operator knows what to do about it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

import asyncpg
from pydantic import JsonValue, TypeAdapter

from activities.event_store.projection import KEYS, Key, Projection, Row, Table, instant_of
from activities.hashing.command_chain import accepted_commands, command_faults
from activities.hashing.event_chain import ChainFault, first_fault
from domain.kernel.model import Frozen
from domain.stream.messages import RecordedEvent
from domain.stream.serialization import UnreadableEvent

Part = Literal[
    "event",
    "agreement",
    "agreement_party",
    "obligation",
    "command",
    "notice",
    "rights_event",
    "log_epoch",
    "stall",
    "agreement_ahead",
    "stall_tally",
    "subject_key",
    "workflow",
]
"""What differs: a table of the record, or the workflow in Temporal."""

RESTORE = "restore it from a backup (docs/restore.md); nothing can rebuild the log"
UPGRADE = "run a release that knows it"
ANOTHER_HEAD = "the head row knows another event"
NO_HEAD = "the stream has no head row"

_ONLY_SHOWN = ("phase", "obligation_kind", "due_at", "next_level", "next_at")
"""Columns of a stretch that came later: all of them NULL where it was planned before."""


_OTHER_KEYS: Mapping[str, Key] = {"notice": ("notice_id",)}
"""Of tables that do not follow from a stream, by which columns a row of one agreement is found."""


_JSON_OBJECT: TypeAdapter[dict[str, JsonValue]] = TypeAdapter(dict[str, JsonValue])


class Difference(Frozen):
    """One place where something is not as it follows from the log, or from the record."""

    agreement_id: str | None
    """None where it is about all agreements."""
    part: Part
    where: str
    """Version, row or column; empty for the whole."""
    problem: str
    remedy: str
    """What to do, as the end of a sentence."""

    def __str__(self) -> str:
        """Return it in one line."""
        place = " ".join(
            each for each in (self.agreement_id or "all agreements", self.part, self.where) if each
        )
        return f"{place}: {self.problem}; {self.remedy}"


class StoredAgreement(Frozen):
    """Everything that the record holds about one agreement, as of one snapshot, not yet trusted."""

    agreement_id: str
    stored: tuple[Mapping[str, Any], ...]
    """The rows of its stream, with hashes in hexadecimal and data as stored text."""
    tables: Mapping[str, Table]
    """The read models, and `stall_planned` beside `stall`."""
    as_of: datetime
    """The server's clock when the snapshot was taken."""

    @property
    def head(self) -> Row | None:
        """Return the head row."""
        return self.tables["agreement"].get(())


def rebuild(agreement_id: str) -> str:
    """Return the remedy for a read model of one agreement."""
    return f"run `sojourn rebuild --agreement {agreement_id}`"


def differences_of(kept: StoredAgreement) -> Iterator[Difference]:
    """Yield what is wrong with one agreement: its chain, its place in the global order, its read models."""
    fault = chain_fault(kept)
    if fault is not None:
        yield _about_chain(fault)
        if fault.problem not in {ANOTHER_HEAD, NO_HEAD}:
            # What follows from altered events says nothing about the read models.
            return
    yield from _out_of_order(kept)
    projection = Projection()
    for stored in kept.stored:
        try:
            projection.fold(recorded_event(stored))
        except (UnreadableEvent, ValueError, LookupError) as error:
            yield _unfoldable(kept.agreement_id, int(stored["version"]), error)
            return
    for name, expected in projection.tables().items():
        skipped = frozenset({"version", "last_hash"}) if fault is not None else frozenset[str]()
        yield from _between(kept.agreement_id, name, expected, kept.tables[name], skipped)
    yield from _accepted(kept)
    yield from _notices(kept)
    yield from _stalls(kept)
    yield from _ahead(kept)


def chain_fault(kept: StoredAgreement) -> ChainFault | None:
    """Return the first version of the stream that is not as it was written."""
    head = kept.head
    return first_fault(
        kept.agreement_id,
        # Not validated: what was edited may not even be of the right type.
        (
            (RecordedEvent.model_construct(None, **{**stored, "data": {}}), str(stored["data"]))
            for stored in kept.stored
        ),
        head_version=None if head is None else int(str(head["version"])),
        head_hash=None if head is None else str(head["last_hash"]),
    )


def recorded_event(stored: Mapping[str, Any]) -> RecordedEvent:
    """Return a row of the log as a value, what people wrote in it left as it is stored.

    Raises:
        ValueError: It is not what an event looks like.
    """
    fields = {name: stored[name] for name in RecordedEvent.model_fields}
    return RecordedEvent(**{**fields, "data": json.loads(stored["data"])})


def _about_chain(fault: ChainFault) -> Difference:
    return Difference(
        agreement_id=fault.agreement_id,
        part="event",
        where=f"version {fault.version}",
        problem=fault.problem,
        remedy=rebuild(fault.agreement_id) if fault.problem == NO_HEAD else RESTORE,
    )


def _unfoldable(agreement_id: str, version: int, error: Exception) -> Difference:
    newer = isinstance(error, UnreadableEvent)
    return Difference(
        agreement_id=agreement_id,
        part="event",
        where=f"version {version}",
        problem="its type or schema is unknown to this release"
        if newer
        else "it does not follow from the stream",
        remedy=UPGRADE if newer else RESTORE,
    )


def _out_of_order(kept: StoredAgreement) -> Iterator[Difference]:
    """Find what does not ascend: epoch, transaction and position are the cluster's and not hashed."""
    for before, after in zip(kept.stored, kept.stored[1:], strict=False):
        places = [(row["epoch"], int(row["transaction_id"]), row["position"]) for row in (before, after)]
        together = before["command_id"] == after["command_id"]
        if places[0] >= places[1] or (together and places[0][:2] != places[1][:2]):
            yield Difference(
                agreement_id=kept.agreement_id,
                part="event",
                where=f"version {after['version']}",
                problem="its place in the order of all events is not behind that of the event before it",
                remedy=RESTORE,
            )


def _between(
    agreement_id: str, name: str, expected: Table, found: Table, skipped: frozenset[str] = frozenset()
) -> Iterator[Difference]:
    # Commands are part of the log: what no event repeats of them follows from nothing else.
    remedy = RESTORE if name == "command" else rebuild(agreement_id)
    part: Part = name  # pyright: ignore[reportAssignmentType]  its keys are names of parts
    for key in sorted({*expected, *found}, key=str):
        row, should = found.get(key), expected.get(key)
        if row is None or should is None:
            yield Difference(
                agreement_id=agreement_id,
                part=part,
                where=_words(key),
                problem="the row is missing" if row is None else "the row does not follow from the stream",
                remedy=remedy,
            )
            continue
        for column, value in should.items():
            if column not in skipped and row.get(column) != value:
                yield Difference(
                    agreement_id=agreement_id,
                    part=part,
                    where=" ".join(each for each in (_words(key), column) if each),
                    problem=f"is {_shown(row.get(column))} and should be {_shown(value)}",
                    remedy=remedy,
                )


def _accepted(kept: StoredAgreement) -> Iterator[Difference]:
    """Yield what the chain of commands says of those that it holds, and of the notices that they queued."""
    commands = {str(row["command_id"]): row for row in kept.tables["command"].values()}
    if any(stored["command_id"] not in commands for stored in kept.stored):
        # Named already, and nothing behind a missing link can be told from it.
        return
    queued: dict[int, list[str]] = {}
    for row in kept.tables["notice"].values():
        queued.setdefault(int(str(row["version"])), []).append(str(row["lasting"]))
    chained = accepted_commands(kept.stored, commands, queued)
    last = None if kept.head is None else kept.head["last_command_hash"]
    faults = list(command_faults(chained, None if last is None else str(last)))
    for fault in faults:
        yield _of_the_log(kept.agreement_id, fault.part, fault.where, fault.problem)
    if kept.head is not None and not faults and last != (chained[-1].hash if chained else None):
        yield _of_the_log(kept.agreement_id, "command", "", "the head row knows another last command")


def _notices(kept: StoredAgreement) -> Iterator[Difference]:
    """Yield columns of notices that are not what the notice itself says, and notices of no event at all."""
    versions = {stored["version"] for stored in kept.stored}
    for row in kept.tables["notice"].values():
        notice_id = str(row["notice_id"])
        if row["version"] not in versions:
            yield _of_the_log(
                kept.agreement_id, "notice", notice_id, "the row does not follow from the stream"
            )
        try:
            notice = _JSON_OBJECT.validate_json(str(row["notice"]))
        except ValueError:
            yield _of_the_log(kept.agreement_id, "notice", notice_id, "it is no notice at all")
            continue
        for column in ("agreement_id", "notice_id", "recipient_id", "kind", "obligation_id", "not_before"):
            is_, says = {**row, "agreement_id": kept.agreement_id}[column], notice.get(column)
            if is_ != (instant_of(says) if column == "not_before" else says):
                problem = f"is {_shown(is_)} and the notice itself says {says}"
                yield _of_the_log(kept.agreement_id, "notice", f"{notice_id} {column}", problem)


def _of_the_log(agreement_id: str, part: Part, where: str, problem: str) -> Difference:
    return Difference(agreement_id=agreement_id, part=part, where=where, problem=problem, remedy=RESTORE)


def _stalls(kept: StoredAgreement) -> Iterator[Difference]:
    planned = kept.tables["stall_planned"]
    found = {
        key: {**row, **{name: planned[key][name] for name in _ONLY_SHOWN}}
        if _not_filled(row, key, planned)
        else row
        for key, row in kept.tables["stall"].items()
    }
    yield from _between(kept.agreement_id, "stall", planned, found)


def _not_filled(row: Row, key: Key, planned: Table) -> bool:
    """Tell whether a stretch was written before it carried what is only shown; that is no difference."""
    return key in planned and all(row[name] is None for name in _ONLY_SHOWN)


def _ahead(kept: StoredAgreement) -> Iterator[Difference]:
    """Check the row of an agreement ahead of the clock; it is missed only while it still is."""
    head, row = kept.head, kept.tables["agreement_ahead"].get(())
    if head is None:
        may_be, must_be = False, False
    else:
        still_open = head["phase"] != "closed"
        may_be = still_open and _instant(head["updated_at"]) > _instant(head["recorded_at"])
        must_be = still_open and _instant(head["updated_at"]) > kept.as_of
    if row is None and must_be:
        problem = "the row is missing"
    elif row is not None and not may_be:
        problem = "the row does not follow from the stream"
    elif row is not None and head is not None and row["updated_at"] != head["updated_at"]:
        problem = f"updated_at is {_shown(row['updated_at'])} and should be {_shown(head['updated_at'])}"
    else:
        return
    yield Difference(
        agreement_id=kept.agreement_id,
        part="agreement_ahead",
        where="",
        problem=problem,
        remedy=rebuild(kept.agreement_id),
    )


def keyed(name: str, rows: Sequence[asyncpg.Record]) -> Table:
    """Return rows of one agreement by what tells them apart."""
    columns = ("starts_at",) if name.startswith("stall") else _OTHER_KEYS.get(name) or KEYS.get(name, ())
    return {tuple(str(row[column]) for column in columns): _read(row) for row in rows}


def _read(row: asyncpg.Record) -> Row:
    read = {name: value for name, value in row.items() if name != "agreement_id"}
    if "ladder" in read:
        read["ladder"] = [
            {name: instant_of(value) for name, value in rung.items()} for rung in json.loads(read["ladder"])
        ]
    return read


def _instant(value: object) -> datetime:
    if not isinstance(value, datetime):
        raise TypeError(f"{value!r} is no instant")
    return value


def _words(key: Key) -> str:
    return "/".join(each for each in key if each)


def _shown(value: object) -> str:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%dT%H:%M:%S.%fZ}"
    return json.dumps(value, default=str) if isinstance(value, list | dict) else str(value)
