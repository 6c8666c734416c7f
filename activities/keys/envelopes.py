"""One sealed value: which key, a nonce, the ciphertext, and what it is bound to.

The text is `1/<subject>/<key version>/<base64 of nonce and ciphertext>`: AES-256-GCM with a random 96-bit
nonce per value. The place where it stands, down to the field, is associated data: a ciphertext moved to
another field, event, agreement or person opens nothing.
"""

from __future__ import annotations

import base64
import binascii
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from activities.keys.nonces import NONCE_BYTES, fresh_nonce

_SCHEME = "1"
_IN = "@"
"""Part of no id: of a person, a tenant or a request."""


class KeyReference(NamedTuple):
    """Which key of which person."""

    subject_id: str
    """A person, or a person in an agreement: see `subject_in`."""
    version: int

    def __str__(self) -> str:
        """Return it as it stands in an encrypted text."""
        return f"{self.subject_id}/{self.version}"


class SubjectKey(NamedTuple):
    """A key of a person, ready for use."""

    reference: KeyReference
    cipher: AESGCM


class InvalidCiphertextError(Exception):
    """A sealed value is not as it was written: altered, cut short, or moved from another place.

    It says nothing about the content. Whoever catches it names the place.
    """


def subject_in(person_id: str, agreement_id: str) -> str:
    """Name the key of what a person writes in an agreement: one that nothing else is under.

    So an agreement's words can expire on their date while its people stay.
    """
    return f"{person_id}{_IN}{agreement_id}"


def named(subject_id: str) -> str:
    """Write a subject for people: `P-1001 in tenant.REQ-1`."""
    return subject_id.replace(_IN, " in ")


def person_of(subject_id: str) -> str:
    """Return whose key it is."""
    return subject_id.partition(_IN)[0]


def agreement_of(subject_id: str) -> str | None:
    """Return the agreement that a key is for; None for the directory's, and for an earlier release's."""
    return subject_id.partition(_IN)[2] or None


def encrypt_text(key: SubjectKey, place: bytes, words: str) -> str:
    """Encrypt words for a place.

    Args:
        key: Of the person whose words they are.
        place: Where they will stand; see `framed`.
        words: What was written.

    Raises:
        ValueError: They are no text that could be encoded.
    """
    nonce = fresh_nonce()
    content = key.cipher.encrypt(nonce, words.encode(), _bound_to(place, key.reference))
    return f"{_SCHEME}/{key.reference}/{base64.urlsafe_b64encode(nonce + content).decode()}"


def reference_of(sealed: str) -> KeyReference:
    """Return which key an encrypted text needs.

    Raises:
        InvalidCiphertextError: It is no sealed text.
    """
    try:
        scheme, subject_id, version, _ = sealed.split("/", 3)
        if scheme == _SCHEME:
            return KeyReference(subject_id, int(version))
    except ValueError:
        pass
    raise InvalidCiphertextError


def is_encrypted_text(text: str) -> bool:
    """Tell whether a text looks like one that was encrypted."""
    try:
        reference_of(text)
    except InvalidCiphertextError:
        return False
    return True


def decrypt_text(key: SubjectKey, place: bytes, sealed: str) -> str:
    """Return the words again.

    Raises:
        InvalidCiphertextError: It was not sealed with this key for this place, or not left as it was.
    """
    try:
        encoded = sealed.rsplit("/", 1)[1]
        content = base64.b64decode(encoded, altchars=b"-_", validate=True)
        # Base64 has several spellings of the same bytes; only the one that was written counts.
        if base64.urlsafe_b64encode(content).decode() != encoded:
            raise InvalidCiphertextError
        opened = key.cipher.decrypt(
            content[:NONCE_BYTES], content[NONCE_BYTES:], _bound_to(place, key.reference)
        )
        return opened.decode()
    except (InvalidTag, ValueError, IndexError, binascii.Error):
        raise InvalidCiphertextError from None


def framed(*parts: str) -> bytes:
    """Return a place as bytes: no two lists of parts frame to the same."""
    encoded = [part.encode() for part in parts]
    return b"".join(len(part).to_bytes(4, "big") + part for part in encoded)


def _bound_to(place: bytes, reference: KeyReference) -> bytes:
    return place + framed(reference.subject_id, str(reference.version))
