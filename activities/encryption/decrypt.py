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

from activities.encryption.encrypt import Sealed, Seals, place_in_event
from activities.keys.envelopes import is_sealed
from domain.agreement.state import Agreement
from domain.kernel.digests import digest_of
from domain.kernel.model import PersonId
from domain.privacy.disclosure import Reader, as_read_by
from domain.stream.messages import RecordedEvent
from domain.stream.sealed_values import ERASED, as_sealed, holds_sealed, sealed_text, with_sealed_replaced
from domain.views.personal import PersonalView, personal_view

REQUEST_DIGEST: Final = "request_digest"
"""Of an event's data: what the whole request is recognised by, within a seal of each of whom it has words."""

Marks = Mapping[str, Sealed]
"""What each mark stands for."""


async def opened(seals: Seals, rows: Sequence[RecordedEvent]) -> list[RecordedEvent]:
    """The rows with all words readable, `(erased)` where the key was destroyed: not for every reader's eyes.

    Raises:
        KeysError: A key is missing or wrong.
        SealedWordsError: Something is not as it was sealed.
    """
    marks, marked = _marked(rows)
    return await _with_words(seals, marks, marked)


async def digests_opened(seals: Seals, rows: Sequence[RecordedEvent]) -> list[RecordedEvent]:
    """The rows with the digests of the terms and the request readable, and all words as sealed as before.

    A field of the terms without words stands beside its digest in clear. So where the key is lost or
    destroyed, such a digest is taken anew; those of words stay sealed, or read `ERASED`.

    Raises:
        KeysError: A key-encryption key is missing or wrong.
    """
    sealed = [each for row in rows for each in _digests(row)]
    texts = iter(await seals.texts_for_deciding(sealed))

    def of_fields(row: RecordedEvent) -> RecordedEvent:
        digests, terms = row.data.get("digests"), row.data.get("terms")
        if not isinstance(digests, dict):
            return row
        in_clear = {} if not isinstance(terms, dict) else terms

        def opened_or_taken_anew(place: str, text: str) -> JsonValue:
            digest, field = next(texts), place.removeprefix("/")
            if digest in {None, ERASED} and field in in_clear and not holds_sealed(in_clear[field]):
                return digest_of(in_clear[field])
            return digest or as_sealed(text)

        known = with_sealed_replaced(digests, opened_or_taken_anew)
        return row.model_copy(update={"data": {**row.data, "digests": known}})

    return [await _request_digest_opened(seals, of_fields(row)) for row in rows]


async def _request_digest_opened(seals: Seals, row: RecordedEvent) -> RecordedEvent:
    text = sealed_text(row.data.get(REQUEST_DIGEST))
    if text is None:
        return row
    [digest] = await seals.digests_at([sealed_request_digest(row.agreement_id, row.event_id, row.type, text)])
    return row if digest is None else row.model_copy(update={"data": {**row.data, REQUEST_DIGEST: digest}})


def sealed_request_digest(agreement_id: str, event_id: str, event_type: str, text: str) -> Sealed:
    """What a request is recognised by, as it is sealed in the first event of its agreement."""
    return Sealed(place_in_event(agreement_id, event_id, event_type, f"/{REQUEST_DIGEST}"), text)


def _digests(row: RecordedEvent) -> Iterable[Sealed]:
    digests = row.data.get("digests")
    if isinstance(digests, dict):
        for name, value in digests.items():
            text = sealed_text(value)
            if text is not None:
                place = place_in_event(row.agreement_id, row.event_id, row.type, f"/digests/{name}")
                yield Sealed(place, text)


async def opened_for(seals: Seals, rows: Sequence[RecordedEvent], reader: Reader) -> list[RecordedEvent]:
    """The stream as somebody may read it; words that are not meant for them stay sealed and are withheld.

    Args:
        seals: Open what they may read.
        rows: The whole stream.
        reader: Who reads.

    Raises:
        KeysError: A key is missing or wrong.
        SealedWordsError: Something that they may read is not as it was sealed.
    """
    marks, marked = _marked(rows)
    return await _with_words(seals, marks, as_read_by(marked, reader))


async def personal_view_opened(
    seals: Seals, agreement: Agreement, rows: Sequence[RecordedEvent], person_id: PersonId, at: datetime
) -> PersonalView:
    """`personal_view` with the words that are in it.

    Raises:
        Refused: This person is no party.
        KeysError: A key is missing or wrong.
        SealedWordsError: Something in it is not as it was sealed.
    """
    marks, marked = _marked(rows)
    view = personal_view(agreement, marked, person_id, at).model_dump(mode="json")
    words = await _words(seals, marks, [view])
    return PersonalView.model_validate(_with(view, words))


async def _with_words(seals: Seals, marks: Marks, rows: Sequence[RecordedEvent]) -> list[RecordedEvent]:
    words = await _words(seals, marks, [row.data for row in rows])
    once = [row.model_copy(update={"data": _with(row.data, words)}) for row in rows]
    return [await _opened_within(seals, row) for row in once]


async def _opened_within(seals: Seals, row: RecordedEvent) -> RecordedEvent:
    digest = row.data.get(REQUEST_DIGEST)
    if not isinstance(digest, str) or not is_sealed(digest):
        return row
    while is_sealed(digest):
        [digest] = await seals.texts(
            [sealed_request_digest(row.agreement_id, row.event_id, row.type, digest)]
        )
    return row.model_copy(update={"data": {**row.data, REQUEST_DIGEST: digest}})


async def _words(
    seals: Seals, marks: Marks, values: Iterable[JsonValue | Mapping[str, JsonValue]]
) -> dict[str, str]:
    standing = [mark for value in values for mark in _standing(value, marks)]
    return dict(zip(standing, await seals.texts([marks[mark] for mark in standing]), strict=True))


def _marked(rows: Sequence[RecordedEvent]) -> tuple[dict[str, Sealed], list[RecordedEvent]]:
    marks: dict[str, Sealed] = {}
    # Nobody can have typed this: a mark inside somebody's clear words would show others' words there.
    unforeseen = secrets.token_hex(16)

    def marked(row: RecordedEvent) -> RecordedEvent:
        def mark(field: str, text: str) -> JsonValue:
            name = f"{unforeseen}/{len(marks)}"
            marks[name] = Sealed(place_in_event(row.agreement_id, row.event_id, row.type, field), text)
            return name

        return row.model_copy(update={"data": with_sealed_replaced(row.data, mark)})

    return marks, [marked(row) for row in rows]


def _standing(value: object, marks: Marks) -> Iterable[str]:
    if isinstance(value, str):
        if value in marks:
            yield value
    elif isinstance(value, Mapping):
        for entry in cast("Mapping[str, object]", value).values():
            yield from _standing(entry, marks)
    elif isinstance(value, list):
        for item in cast("list[object]", value):
            yield from _standing(item, marks)


def _with(value: JsonValue, words: Mapping[str, str]) -> JsonValue:
    if isinstance(value, str):
        return words.get(value, value)
    if isinstance(value, dict):
        return {name: _with(entry, words) for name, entry in value.items()}
    if isinstance(value, list):
        return [_with(item, words) for item in value]
    return value
