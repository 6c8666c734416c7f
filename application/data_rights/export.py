"""Export everything held about one person, for them to take away: their own words, and nobody else's.

Words are shown where they are the person's own, or about them and meant for them by the audience table; what
is somebody else's is withheld, and other people are named by their role only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

from pydantic import JsonValue

from activities.data_rights.access_after_close import AccessLog
from activities.data_rights.log import Looked, RightsEvent, RightsLog
from activities.directory.people import Directory
from activities.encryption.decrypt import decrypt_for_reader
from activities.encryption.encrypt import FieldEncryption
from activities.event_store.event_store import EventStore
from activities.integrity.snapshots import count_agreements
from application.container import Container
from application.errors import NothingMatchedError
from application.identity.operators import require_operator
from application.identity.principal import Principal
from application.progress import NO_PROGRESS, Progress
from application.queries.agreements import load_snapshot
from domain.agreement.state import Agreement
from domain.kernel.model import PersonId
from domain.kernel.vocabulary import Role
from domain.privacy.data_subjects import holders_of, subject_of
from domain.privacy.disclosure import Reader
from domain.privacy.free_text import with_words_changed
from domain.stream.messages import RecordedEvent

_NOBODY = frozenset({Role.SYSTEM, "installation"})
"""Who did it where it was no person."""

_OF_A_RIGHT = ("agreement_id", "reference", "keys_destroyed", "runs")
"""What is told of a thing that was done about somebody's rights, where it has it."""

WITHHELD_FROM_EXPORT = "(withheld: somebody else's)"


async def export_person(
    container: Container, principal: Principal, person_id: PersonId, *, progress: Progress = NO_PROGRESS
) -> dict[str, JsonValue]:
    """Return everything held about a person, and note that it was handed out.

    Args:
        container: What it takes.
        principal: The operator who exports.
        person_id: Whom it is for.
        progress: Told of agreements that were looked at, and of how many are left to read.

    Raises:
        NoKeysError: Nothing is encrypted here.
        NotPermittedError: The principal is no operator.
        NothingMatchedError: Nothing is known of such a person.
        KeysError: A key is missing or wrong; SealedWordsError, SettingsError as `collect_export`.
    """
    container.key_ring()
    operator_id = await require_operator(await container.directory(), principal)
    rights = await container.rights()
    progress.start(await count_agreements(await container.pool()))
    found = await collect_export(
        await container.event_store(),
        await container.directory(),
        await container.encryption(),
        rights,
        person_id,
        access_log=await container.access_log(),
        looked=progress.advance,
        read=lambda left: progress.describe(f"Reading, {left} left"),
    )
    if found["directory"] is None and not found["agreements"]:
        raise NothingMatchedError(f"Nothing is known of {person_id}.")
    await rights.note(person_id, "person.exported", operator_id)
    return found


async def collect_export(
    event_store: EventStore,
    directory: Directory,
    encryption: FieldEncryption,
    rights: RightsLog,
    person_id: PersonId,
    *,
    access_log: AccessLog,
    looked: Looked = lambda _: None,
    read: Callable[[int], object] = lambda _: None,
) -> dict[str, JsonValue]:
    """Return what is held about a person, as JSON.

    Args:
        event_store: Where events are.
        directory: Where names are.
        encryption: Opens what is theirs.
        rights: Where they appear, and what was done about their rights.
        person_id: Whom it is for.
        access_log: Who opened what is private since an agreement closed.
        looked: Told how many agreements more were looked at: they may be many.
        read: Told how many agreements of theirs are still to be read, before each.

    Raises:
        KeysError: A key is missing or wrong.
        SealedWordsError: Something of theirs is not as it was sealed.
    """
    person = (await directory.get([person_id])).get(person_id)
    agreements: list[JsonValue] = []
    theirs = await rights.agreements_of(person_id, looked)
    for number, each in enumerate(theirs):
        read(len(theirs) - number)
        agreements.append(
            await _of_agreement(event_store, encryption, access_log, each.agreement_id, person_id)
        )
    return {
        "person_id": person_id,
        "exported_at": datetime.now(UTC).isoformat(),
        "directory": None if person is None else person.model_dump(mode="json"),
        "agreements": agreements,
        "rights": [_right(each, person_id) for each in await rights.events(person_id)],
    }


def as_text(export: Mapping[str, JsonValue]) -> str:
    """Return the same for reading: a heading for each agreement, a line for each value."""
    return "\n".join(_lines("", dict(export))) + "\n"


def _right(event: RightsEvent, person_id: PersonId) -> JsonValue:
    """Return what was done about their rights, with whoever did it by role: ids, dates, no sealed reason."""
    nobody = event.actor_id if event.actor_id in _NOBODY else Role.OPERATOR
    role = str(event.data.get("actor_role") or nobody)
    told = {name: event.data[name] for name in _OF_A_RIGHT if name in event.data}
    by = "you" if event.actor_id == person_id else f"(the {role.replace('_', ' ')})"
    return {"type": event.type, "at": event.at.isoformat(), "by": by, **told}


async def _of_agreement(
    event_store: EventStore,
    encryption: FieldEncryption,
    access_log: AccessLog,
    agreement_id: str,
    person_id: PersonId,
) -> JsonValue:
    snapshot = await load_snapshot(event_store, agreement_id)
    if snapshot is None:
        raise LookupError(agreement_id)
    agreement = snapshot.agreement
    rows = [*snapshot.events, *await access_log.of(agreement)]
    shown = await _readable(encryption, agreement, rows, person_id)
    others = _Others(agreement, rows, person_id)
    holders = holders_of(agreement.parties)
    told: list[JsonValue] = []
    for row in shown:
        data = _own_words(row, person_id, holders)
        opened = row.type.startswith("break_glass.")
        if opened or row.actor_id == person_id or _names(data, person_id):
            told.append(
                {
                    "version": row.version,
                    "type": row.type,
                    "occurred_at": row.occurred_at.isoformat(),
                    "by": "you" if row.actor_id == person_id else others.named(row.actor_id),
                    "data": others.redacted({name: each for name, each in data.items() if name != "ledger"}),
                }
            )
    return {
        "agreement_id": agreement_id,
        "kind": agreement.kind,
        "phase": agreement.phase,
        "your_roles": [role for role in Role if role in agreement.roles_of(person_id)],
        "retention_class": agreement.terms.retention_class,
        "lawful_basis": agreement.terms.lawful_basis,
        "you_owe": [
            owed.obligation_id for owed in agreement.obligations.values() if owed.owner_id == person_id
        ],
        "events": told,
    }


async def _readable(
    encryption: FieldEncryption, agreement: Agreement, rows: Sequence[RecordedEvent], person_id: PersonId
) -> list[RecordedEvent]:
    # Who is no party any more still wrote what they wrote, and what is addressed to them stays so.
    return await decrypt_for_reader(
        encryption, rows, Reader(person_id=person_id, roles=agreement.roles_of(person_id))
    )


def _own_words(
    row: RecordedEvent, person_id: PersonId, holders: Mapping[Role, PersonId]
) -> dict[str, JsonValue]:
    def own(place: str, words: str) -> JsonValue:
        subject = subject_of(row.type, place, row.data, author=row.actor_id, holders=holders)
        return words if person_id in (subject, row.actor_id) else WITHHELD_FROM_EXPORT

    return with_words_changed(row.type, row.data, own)


def _names(value: JsonValue, person_id: PersonId) -> bool:
    if isinstance(value, dict):
        return any(name == person_id or _names(each, person_id) for name, each in value.items())
    if isinstance(value, list):
        return any(_names(each, person_id) for each in value)
    return value == person_id


class _Others:
    """Everybody else in an agreement: named by role, never by id."""

    def __init__(self, agreement: Agreement, rows: Sequence[RecordedEvent], person_id: PersonId) -> None:
        self._roles = {
            party.person_id: f"(the {party.role.replace('_', ' ')})" for party in agreement.parties
        }
        ids = {row.actor_id for row in rows} | set(agreement.calendars) | set(self._roles)
        ids |= {each for row in rows for each in _people_in(row.data)}
        self._ids = ids - {person_id, Role.SYSTEM}
        spelled = "|".join(re.escape(each) for each in sorted(self._ids, key=len, reverse=True))
        self._pattern = re.compile(rf"(?<![\w.-])(?:{spelled})(?![\w-])") if spelled else None

    def named(self, person_id: str) -> str:
        """Return how somebody is called."""
        return self._roles.get(person_id, "(somebody else)") if person_id in self._ids else person_id

    def redacted(self, value: JsonValue) -> JsonValue:
        """Return the same without anybody else's id, and without their calendars."""
        if isinstance(value, dict):
            return {
                name: self.redacted(each)
                for name, each in value.items()
                if name not in self._ids and name not in _OF_NOBODY
            }
        if isinstance(value, list):
            return [self.redacted(each) for each in value]
        if isinstance(value, str) and self._pattern is not None:
            return self._pattern.sub(lambda found: self.named(found.group()), value)
        return value


_OF_NOBODY = frozenset({"policy", "digests", "request_digest"})
"""Of an event's data: thresholds and hashes, which are about nobody."""

_PERSON_FIELDS = frozenset(
    {
        "person_id",
        "owner_id",
        "raised_by",
        "about",
        "receiver_id",
        "from_person",
        "to_person",
        "approver",
        "approved_by",
        "proposed_successor",
        "host_expert",
        "manager",
        "sponsor",
        "mentee",
        "mentor",
        "line_manager",
        "hrbp",
        "programme_owner",
        "host_manager",
        "home_anchor_manager",
    }
)
_PEOPLE_FIELDS = frozenset({"observers", "sponsors", "host_experts", "between", "attendees"})


def _people_in(value: JsonValue) -> Iterator[str]:
    if isinstance(value, dict):
        for name, each in value.items():
            if name in _PERSON_FIELDS and isinstance(each, str):
                yield each
            elif name in _PEOPLE_FIELDS and isinstance(each, list):
                yield from (item for item in each if isinstance(item, str))
            else:
                yield from _people_in(each)
    elif isinstance(value, list):
        for each in value:
            yield from _people_in(each)


def _lines(indent: str, value: JsonValue) -> Iterator[str]:
    if isinstance(value, dict):
        for name, each in value.items():
            label = name.replace("_", " ")
            if isinstance(each, dict | list) and each:
                yield f"{indent}{label}:"
                yield from _lines(indent + "  ", each)
            elif each not in (None, [], {}):
                yield f"{indent}{label}: {each}"
    elif isinstance(value, list):
        for each in value:
            if isinstance(each, dict | list):
                yield f"{indent}-"
                yield from _lines(indent + "  ", each)
            else:
                yield f"{indent}- {each}"
