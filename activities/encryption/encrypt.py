"""Seals at the border of the record: what people write goes in sealed for the person whom it is about.

Everything behind the border, the log, its hashes, folding, read models and verification, handles sealed
values as they are and needs no key. For the way out see `activities/encryption/decrypt.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import asyncpg
import structlog
from pydantic import JsonValue

from activities.keys.envelopes import (
    InvalidCiphertextError,
    KeyReference,
    SubjectKey,
    decrypt_text,
    encrypt_text,
    framed,
    is_encrypted_text,
    reference_of,
    subject_in,
)
from activities.keys.ring import KeysError
from activities.keys.subjects import LostKeyError, SubjectKeys
from activities.postgres.pool import Database
from domain.kernel.model import WITHHELD, PersonId
from domain.kernel.vocabulary import Role
from domain.privacy.data_subjects import holders_of, subjects_of
from domain.privacy.free_text import with_words_changed
from domain.stream.messages import Append, NewEvent
from domain.stream.sealed_values import ERASED, as_sealed

_log = structlog.get_logger(__name__)


class DecryptionError(Exception):
    """Something sealed cannot be opened: it is not as it was written. The text names the place only."""


class EncryptedField(NamedTuple):
    """Where a sealed text stands."""

    associated_data: bytes
    """What the ciphertext is bound to."""
    description: str
    """For errors and logs."""


class EncryptedText(NamedTuple):
    """A sealed text and where it stands."""

    field: EncryptedField
    text: str


def event_field(agreement_id: str, event_id: str, event_type: str, field: str) -> EncryptedField:
    """Name a field of an event, such as `/terms/objectives/0/statement`."""
    return EncryptedField(
        framed("sojourn.event.v1", agreement_id, event_id, field),
        f"{field} of {event_type} (event {event_id}, agreement {agreement_id})",
    )


def command_digest_field(agreement_id: str, command_id: str) -> EncryptedField:
    """Name the digest of a command."""
    return EncryptedField(
        framed("sojourn.command.v1", agreement_id, command_id),
        f"the digest of command {command_id} (agreement {agreement_id})",
    )


class FieldEncryption:
    """Seals and opens texts under people's keys.

    Args:
        keys: People's keys; None where there are none.
        refusal: Why there are none, for whoever wants to write. Without it, nothing is sealed on purpose.
    """

    def __init__(self, keys: SubjectKeys | None, *, refusal: str | None = None) -> None:
        self._keys = keys
        self._refusal = refusal

    @property
    def keys(self) -> SubjectKeys | None:
        """Return people's keys; None where there are none."""
        return self._keys

    async def check(self, pool: asyncpg.Pool[asyncpg.Record]) -> None:
        """Make sure that this process can decrypt what is encrypted in a database.

        Raises:
            KeysError: A key-encryption key is missing or wrong, or something is sealed and there are no keys.
        """
        if self._keys is not None:
            await self._keys.check()
        elif await Database(pool).row("subject_key_samples") is not None:
            raise KeysError(
                "This database holds sealed words, and this process is to run without keys: it would write "
                "in clear beside them and could read nobody anything. Give it the keys (SOJOURN_KEY_FILE or "
                "SOJOURN_KEYS) and take SOJOURN_WITHOUT_KEYS away."
            )

    async def keys_for(self, subject_ids: Iterable[str]) -> Mapping[str, SubjectKey] | None:
        """Return the keys to encrypt with; None where everything is kept in clear, on purpose.

        Raises:
            KeysError: There are no keys, and nobody chose to do without.
        """
        if self._keys is not None:
            return await self._keys.for_encryption(sorted(set(subject_ids)))
        if self._refusal is not None:
            raise KeysError(self._refusal)
        return None

    async def encrypt_events(
        self,
        agreement_id: str,
        events: Sequence[NewEvent],
        *,
        author: PersonId,
        holders: Mapping[Role, PersonId],
    ) -> Sequence[NewEvent]:
        """Encrypt everything that people wrote in events, for whom it is about.

        A retry seals anew, under other nonces: the events keep their ids, and the record keeps the first.

        Args:
            agreement_id: Whose.
            events: About to be written.
            author: Who gave the command that led to them.
            holders: As `domain.privacy.data_subjects.holders_of`.

        Raises:
            KeysError: There are no keys to seal with.
            ValueError: Words that cannot be stored, such as half of a surrogate pair.
            LookupError: Nobody has said whose words some field holds.
        """
        sealed, _ = await self._encrypt_events(agreement_id, events, author, holders)
        return sealed

    async def encrypt_append(self, append: Append) -> Append:
        """Encrypt an append's events, and with them what its command is recognised by.

        That digest is sealed for each of those whose words are in the events, one seal around the other: of
        the words of whom a key is destroyed nothing is left by which a guess could be confirmed. What its
        request is recognised by is in the events, sealed likewise, and so in the head no more.

        Raises:
            KeysError: As `sealed`; ValueError and LookupError likewise.
        """
        holders = holders_of(append.head.parties)
        events, keys = await self._encrypt_events(
            append.agreement_id, append.events, append.actor_id, holders
        )
        field, digest = command_digest_field(append.agreement_id, append.command_id), append.command_digest
        for subject_id in sorted(keys):
            digest = encrypt_text(keys[subject_id], field.associated_data, digest)
        sealed = append.model_copy(update={"events": events, "command_digest": digest})
        if not keys:
            return sealed
        head = append.head.model_copy(update={"request_digest": WITHHELD})
        return sealed.model_copy(update={"head": head})

    async def _encrypt_events(
        self,
        agreement_id: str,
        events: Sequence[NewEvent],
        author: PersonId,
        holders: Mapping[Role, PersonId],
    ) -> tuple[tuple[NewEvent, ...], Mapping[str, SubjectKey]]:
        """Encrypt events; return with them the key of each subject in them, none where all is clear."""
        by_event = [_subjects(agreement_id, event, author, holders) for event in events]
        wanted = {each for subjects in by_event for subject_ids in subjects.values() for each in subject_ids}
        keys = await self.keys_for(wanted) if wanted else None
        if keys is None:
            return tuple(events), {}
        sealed = (
            _encrypt_event(agreement_id, event, subjects, keys)
            for event, subjects in zip(events, by_event, strict=True)
        )
        return tuple(sealed), keys

    async def command_digests(self, agreement_id: str, stored: Mapping[str, str]) -> dict[str, str | None]:
        """Return digests of commands, by command id; None where somebody's words in it are erased.

        A lost key does no more than that to them, and is logged: what was done stays done by its id.

        Args:
            agreement_id: Whose commands.
            stored: As they stand in the record, by command id; what is not sealed passes.

        Raises:
            KeysError: A key-encryption key is missing or wrong.
        """
        sealed = [
            EncryptedText(command_digest_field(agreement_id, command_id), text)
            for command_id, text in stored.items()
        ]
        return dict(zip(stored, await self.decrypt_digests(sealed), strict=True))

    async def decrypt_digests(self, sealed: Sequence[EncryptedText]) -> list[str | None]:
        """Decrypt digests, each under several keys, in order; None where one of the keys is erased or lost.

        Args:
            sealed: What is in clear passes.

        Raises:
            KeysError: As `digests`.
        """
        found = list(sealed)
        # One layer of all of them at a time.
        while shut := [index for index, each in enumerate(found) if is_encrypted_text(each.text)]:
            texts = await self.decrypt_for_deciding([found[index] for index in shut])
            for index, text in zip(shut, texts, strict=True):
                found[index] = found[index]._replace(text=ERASED if text is None else text)
        return [None if each.text == ERASED else each.text for each in found]

    async def decrypt_for_deciding(self, sealed: Sequence[EncryptedText]) -> list[str | None]:
        """Decrypt as `decrypt` does, with None where the key is lost: an agreement goes on without it.

        A key that was made anew over the lost one does not open what that had sealed, which then looks as if
        it were altered: it is logged, counts as lost, and is for `sojourn verify` to tell apart.

        Raises:
            KeysError: There are no keys, or a key-encryption key is missing or wrong.
        """
        try:
            return list(await self.decrypt(sealed))
        except (LostKeyError, DecryptionError):
            return [await self._decrypt_one_for_deciding(each) for each in sealed]

    async def _decrypt_one_for_deciding(self, sealed: EncryptedText) -> str | None:
        try:
            [text] = await self.decrypt([sealed])
        except LostKeyError as lost:
            _log.error("digest_key_lost", place=sealed.field.description, error=str(lost))
            return None
        except DecryptionError:
            # Logged where it was refused.
            return None
        return text

    async def decrypt(self, sealed: Sequence[EncryptedText]) -> list[str]:
        """Return the words of several encrypted texts, in order; `ERASED` where the key was destroyed.

        Raises:
            KeysError: A key is missing or wrong.
            DecryptionError: One of them is not as it was sealed.
        """
        references = [_reference(each) for each in sealed]
        if not references:
            return []
        if self._keys is None:
            raise KeysError(
                "What people wrote is sealed here, and this process has no keys. "
                + (self._refusal or "Set SOJOURN_KEY_FILE or SOJOURN_KEYS instead of SOJOURN_WITHOUT_KEYS.")
            )
        keys = await self._keys.for_decryption(references)
        return [_decrypt_one(each, keys[name]) for each, name in zip(sealed, references, strict=True)]


def _subjects(
    agreement_id: str, event: NewEvent, author: PersonId, holders: Mapping[Role, PersonId]
) -> dict[str, tuple[str, ...]]:
    """Return by place which subjects' words stand there."""
    found: dict[str, tuple[str, ...]] = {}

    def note(field: str, words: str) -> JsonValue:
        people = subjects_of(event.type, field, event.data, author=author, holders=holders)
        found[field] = tuple(subject_in(person_id, agreement_id) for person_id in people)
        return words

    with_words_changed(event.type, event.data, note)
    return found


def _encrypt_event(
    agreement_id: str,
    event: NewEvent,
    subjects: Mapping[str, tuple[str, ...]],
    keys: Mapping[str, SubjectKey],
) -> NewEvent:
    def encrypt(field: str, words: str) -> JsonValue:
        if "\0" in words:
            raise ValueError(f"{field} holds a NUL character")
        associated_data = event_field(agreement_id, event.event_id, event.type, field).associated_data
        for subject_id in subjects[field]:
            words = encrypt_text(keys[subject_id], associated_data, words)
        return as_sealed(words)

    if not subjects:
        return event
    return event.model_copy(update={"data": with_words_changed(event.type, event.data, encrypt)})


def _reference(sealed: EncryptedText) -> KeyReference:
    try:
        return reference_of(sealed.text)
    except InvalidCiphertextError:
        raise _refused(sealed.field) from None


def _decrypt_one(sealed: EncryptedText, key: SubjectKey | None) -> str:
    if key is None:
        return ERASED
    try:
        return decrypt_text(key, sealed.field.associated_data, sealed.text)
    except InvalidCiphertextError:
        raise _refused(sealed.field) from None


def _refused(field: EncryptedField) -> DecryptionError:
    _log.error("sealed_words_refused", place=field.description)
    return DecryptionError(
        f"What is sealed in {field.description} is not as it was written: altered, cut short, or moved there "
        "from elsewhere. Nothing was erased: run `sojourn verify`, and compare with a backup "
        "(docs/restore.md)."
    )
