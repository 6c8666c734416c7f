"""Opening what is sealed, for a reader: only what the audience table lets them read is opened at all.

The rows are shown to the domain with a mark in place of each sealed text; the marks that it leaves standing
are the words that this reader may see, and only those are opened.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, cast

from pydantic import JsonValue

from activities.encryption.encrypt import EncryptedText, FieldEncryption, event_field
from activities.keys.envelopes import is_encrypted_text
from domain.agreement.state import Agreement
from domain.kernel.digests import digest_of
from domain.kernel.model import PersonId
from domain.privacy.disclosure import Reader, as_read_by
from domain.stream.messages import RecordedEvent
from domain.stream.sealed_values import ERASED, as_sealed, holds_sealed, sealed_text, with_sealed_replaced
from domain.views.personal import PersonalView, personal_view

REQUEST_DIGEST: Final = "request_digest"
"""Of an event's data: what the whole request is recognised by, within a seal of each of whom it has words."""

Marks = Mapping[str, EncryptedText]
"""What each mark stands for."""


async def decrypt_events(encryption: FieldEncryption, rows: Sequence[RecordedEvent]) -> list[RecordedEvent]:
    """Decrypt all words of the rows, `(erased)` where the key was destroyed: not for every reader's eyes.

    Raises:
        KeysError: A key is missing or wrong.
        DecryptionError: Something is not as it was sealed.
    """
    marks, marked = _marked(rows)
    return await _with_words(encryption, marks, marked)


async def decrypt_digests(encryption: FieldEncryption, rows: Sequence[RecordedEvent]) -> list[RecordedEvent]:
    """Decrypt the digests of the terms and the request, and leave all words encrypted as before.

    A field of the terms without words stands beside its digest in clear. So where the key is lost or
    destroyed, such a digest is taken anew; those of words stay sealed, or read `ERASED`.

    Raises:
        KeysError: A key-encryption key is missing or wrong.
    """
    sealed = [each for row in rows for each in _digests(row)]
    texts = iter(await encryption.decrypt_for_deciding(sealed))

    def of_fields(row: RecordedEvent) -> RecordedEvent:
        digests, terms = row.data.get("digests"), row.data.get("terms")
        if not isinstance(digests, dict):
            return row
        in_clear = {} if not isinstance(terms, dict) else terms

        def decrypted_or_computed(place: str, text: str) -> JsonValue:
            digest, field = next(texts), place.removeprefix("/")
            if digest in {None, ERASED} and field in in_clear and not holds_sealed(in_clear[field]):
                return digest_of(in_clear[field])
            return digest or as_sealed(text)

        known = with_sealed_replaced(digests, decrypted_or_computed)
        return row.model_copy(update={"data": {**row.data, "digests": known}})

    return [await _decrypt_request_digest(encryption, of_fields(row)) for row in rows]


async def _decrypt_request_digest(encryption: FieldEncryption, row: RecordedEvent) -> RecordedEvent:
    text = sealed_text(row.data.get(REQUEST_DIGEST))
    if text is None:
        return row
    [digest] = await encryption.decrypt_digests(
        [encrypted_request_digest(row.agreement_id, row.event_id, row.type, text)]
    )
    return row if digest is None else row.model_copy(update={"data": {**row.data, REQUEST_DIGEST: digest}})


def encrypted_request_digest(agreement_id: str, event_id: str, event_type: str, text: str) -> EncryptedText:
    """Return what a request is recognised by, as encrypted in the first event of its agreement."""
    return EncryptedText(event_field(agreement_id, event_id, event_type, f"/{REQUEST_DIGEST}"), text)


def _digests(row: RecordedEvent) -> Iterable[EncryptedText]:
    digests = row.data.get("digests")
    if isinstance(digests, dict):
        for name, value in digests.items():
            text = sealed_text(value)
            if text is not None:
                place = event_field(row.agreement_id, row.event_id, row.type, f"/digests/{name}")
                yield EncryptedText(place, text)


async def decrypt_for_reader(
    encryption: FieldEncryption, rows: Sequence[RecordedEvent], reader: Reader
) -> list[RecordedEvent]:
    """Decrypt a stream as somebody may read it; what is not meant for them stays encrypted and withheld.

    Args:
        encryption: Open what they may read.
        rows: The whole stream.
        reader: Who reads.

    Raises:
        KeysError: A key is missing or wrong.
        DecryptionError: Something that they may read is not as it was sealed.
    """
    marks, marked = _marked(rows)
    return await _with_words(encryption, marks, as_read_by(marked, reader))


async def decrypted_personal_view(
    encryption: FieldEncryption,
    agreement: Agreement,
    rows: Sequence[RecordedEvent],
    person_id: PersonId,
    at: datetime,
) -> PersonalView:
    """Return `personal_view` with the words that are in it.

    Raises:
        Refused: This person is no party.
        KeysError: A key is missing or wrong.
        DecryptionError: Something in it is not as it was sealed.
    """
    marks, marked = _marked(rows)
    view = personal_view(agreement, marked, person_id, at).model_dump(mode="json")
    words = await _words(encryption, marks, [view])
    return PersonalView.model_validate(_with(view, words))


async def _with_words(
    encryption: FieldEncryption, marks: Marks, rows: Sequence[RecordedEvent]
) -> list[RecordedEvent]:
    words = await _words(encryption, marks, [row.data for row in rows])
    once = [row.model_copy(update={"data": _with(row.data, words)}) for row in rows]
    return [await _decrypt_inner_request_digest(encryption, row) for row in once]


async def _decrypt_inner_request_digest(encryption: FieldEncryption, row: RecordedEvent) -> RecordedEvent:
    digest = row.data.get(REQUEST_DIGEST)
    if not isinstance(digest, str) or not is_encrypted_text(digest):
        return row
    while is_encrypted_text(digest):
        [digest] = await encryption.decrypt(
            [encrypted_request_digest(row.agreement_id, row.event_id, row.type, digest)]
        )
    return row.model_copy(update={"data": {**row.data, REQUEST_DIGEST: digest}})


async def _words(
    encryption: FieldEncryption, marks: Marks, values: Iterable[JsonValue | Mapping[str, JsonValue]]
) -> dict[str, str]:
    found = [mark for value in values for mark in _marks_in(value, marks)]
    return dict(zip(found, await encryption.decrypt([marks[mark] for mark in found]), strict=True))


def _marked(rows: Sequence[RecordedEvent]) -> tuple[dict[str, EncryptedText], list[RecordedEvent]]:
    marks: dict[str, EncryptedText] = {}
    # Nobody can have typed this: a mark inside somebody's clear words would show others' words there.
    unforeseen = secrets.token_hex(16)

    def marked(row: RecordedEvent) -> RecordedEvent:
        def mark(field: str, text: str) -> JsonValue:
            name = f"{unforeseen}/{len(marks)}"
            marks[name] = EncryptedText(event_field(row.agreement_id, row.event_id, row.type, field), text)
            return name

        return row.model_copy(update={"data": with_sealed_replaced(row.data, mark)})

    return marks, [marked(row) for row in rows]


def _marks_in(value: object, marks: Marks) -> Iterable[str]:
    if isinstance(value, str):
        if value in marks:
            yield value
    elif isinstance(value, Mapping):
        for entry in cast("Mapping[str, object]", value).values():
            yield from _marks_in(entry, marks)
    elif isinstance(value, list):
        for item in cast("list[object]", value):
            yield from _marks_in(item, marks)


def _with(value: JsonValue, words: Mapping[str, str]) -> JsonValue:
    if isinstance(value, str):
        return words.get(value, value)
    if isinstance(value, dict):
        return {name: _with(entry, words) for name, entry in value.items()}
    if isinstance(value, list):
        return [_with(item, words) for item in value]
    return value
