"""People at rest: what says who somebody is stands sealed in the directory, under that person's own key.

Working time, holidays, leave and the last day stay in clear: due instants are computed from them, and without
a name they are nobody's. A row written before there were keys is read as it is, and sealed when next written.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

import asyncpg
from pydantic import JsonValue

from activities.encryption.encrypt import EncryptedField, EncryptedText, FieldEncryption
from activities.keys.envelopes import SubjectKey, encrypt_text, framed
from domain.kernel.person import Person
from domain.stream.sealed_values import ERASED, as_sealed, sealed_text

ENCRYPTED_FIELDS: Final = ("name", "email", "channels", "employee_number")
"""What is sealed of a person."""

_WHEN_ERASED: Mapping[str, JsonValue] = {
    "name": ERASED,
    "email": None,
    "channels": [],
    "employee_number": None,
}

_JSON_COLUMNS: Final = ("channels", "leave", "working_time")

_WORKING_TIME: Final = ("hours", "exceptions", "organisation_calendar", "meets_at")
"""What the column `working_time` holds."""


async def encrypt_people(encryption: FieldEncryption, people: Sequence[Person]) -> list[dict[str, JsonValue]]:
    """Return people as the directory keeps them.

    Raises:
        KeysError: There are no keys to seal with.
    """
    keys = await encryption.keys_for(person.person_id for person in people)
    rows = [_row(person) for person in people]
    return rows if keys is None else [_encrypt_row(row, keys[str(row["person_id"])]) for row in rows]


async def decrypt_people(encryption: FieldEncryption, rows: Sequence[asyncpg.Record]) -> dict[str, Person]:
    """Return people as they were given, by id; of somebody erased, what is not personal.

    Raises:
        KeysError: A key is missing or wrong.
        DecryptionError: A field is not as it was sealed.
    """
    people = [_fields(row) for row in rows]
    found = [
        (person, field, EncryptedText(_field_of(person["person_id"], field), text))
        for person in people
        for field in ENCRYPTED_FIELDS
        if (text := _text_of(person[field])) is not None
    ]
    texts = await encryption.decrypt([sealed for _, _, sealed in found])
    for (person, field, _), text in zip(found, texts, strict=True):
        person[field] = _WHEN_ERASED[field] if text == ERASED else json.loads(text)
    return {person["person_id"]: Person(**person) for person in people}


def _row(person: Person) -> dict[str, JsonValue]:
    fields: dict[str, JsonValue] = person.model_dump(mode="json")
    working_time = {name: fields.pop(name) for name in _WORKING_TIME if name in fields}
    return {**fields, "working_time": working_time}


def _encrypt_row(row: dict[str, JsonValue], key: SubjectKey) -> dict[str, JsonValue]:
    person_id = str(row["person_id"])
    for field in ENCRYPTED_FIELDS:
        if row[field]:
            sealed = as_sealed(
                encrypt_text(key, _field_of(person_id, field).associated_data, json.dumps(row[field]))
            )
            row[field] = sealed if field in _JSON_COLUMNS else json.dumps(sealed)
    return row


def _fields(row: asyncpg.Record) -> dict[str, Any]:
    fields: dict[str, Any] = dict(row)
    for column in _JSON_COLUMNS:
        fields[column] = json.loads(fields[column])
    return fields | fields.pop("working_time")


def _text_of(value: object) -> str | None:
    """Return the encrypted text of a column; None where it was written before there were keys."""
    if isinstance(value, str) and value.startswith("{"):
        try:
            value = cast("object", json.loads(value))
        except ValueError:
            return None
    return sealed_text(value)


def _field_of(person_id: str, field: str) -> EncryptedField:
    return EncryptedField(
        framed("sojourn.person.v1", person_id, field), f"{field} of {person_id} in the directory"
    )
