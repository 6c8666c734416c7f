"""The ring of key-encryption keys: one seals, all read.

A key-encryption key never touches data. Each purpose gets a subkey of its own (HKDF-SHA256): one wraps
people's data keys, another seals what Temporal stores. A key that was once primary stays on the ring until
nothing is left under it, so rotation is: add a key, make it primary, wrap the data keys anew.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from activities.keys.nonces import NONCE_BYTES, fresh_nonce

KEY_BYTES = 32
"""256 bits: of a key-encryption key and of everything derived or wrapped here."""

_WRAPPING = b"data-keys"
_FINGERPRINT = b"fingerprint"
_RECOGNITION = b"recognition"
_FINGERPRINT_BYTES = 4


class KeysError(Exception):
    """Keys are missing, wrong or unreadable; the text names the key and what to do, never its content."""


class UnknownKeyError(KeysError):
    """Something is sealed under a key that this ring does not hold.

    Attributes:
        key_id: The key's id.
    """

    def __init__(self, key_id: str, held: tuple[str, ...]) -> None:
        super().__init__(
            f"Key {key_id} is not on the key ring, which holds {', '.join(held)}. Nothing was erased: put "
            "the key back into the key source (SOJOURN_KEY_FILE or SOJOURN_KEYS), from its backup if need be."
        )
        self.key_id = key_id


class WrongKeyError(KeysError):
    """A key of this id is on the ring, and it is not the key that sealed.

    Attributes:
        key_id: The key's id.
    """

    def __init__(self, key_id: str) -> None:
        super().__init__(
            f"Key {key_id} on the key ring does not fit what was sealed under this id: it is another key of "
            "the same name, or what it wraps was altered. Nothing was erased: put the right key back."
        )
        self.key_id = key_id


class Wrapped(NamedTuple):
    """A data key that only the holder of a key-encryption key can use."""

    key_id: str
    """The key-encryption key it is wrapped under."""
    content: bytes
    """Nonce and ciphertext."""


class KeyRing:
    """Key-encryption keys by id, one of them primary. Holds material in memory and never shows it."""

    def __init__(self, primary: str, keys: Mapping[str, bytes]) -> None:
        """Take the keys as they are.

        Args:
            primary: The id of the key that seals from now on.
            keys: 32 random bytes by id.

        Raises:
            KeysError: The primary is not among them, or one has another length.
        """
        if primary not in keys:
            raise KeysError(f"The primary key {primary} is not among the keys: {', '.join(keys) or 'none'}.")
        for key_id, material in keys.items():
            if len(material) != KEY_BYTES:
                raise KeysError(f"Key {key_id} has {len(material)} bytes; a key has {KEY_BYTES}.")
        self._keys = dict(keys)
        self._primary = primary
        self._derived: dict[tuple[str, bytes], bytes] = {}

    @property
    def primary_id(self) -> str:
        """Return the id of the key that encrypts."""
        return self._primary

    @property
    def ids(self) -> tuple[str, ...]:
        """Return the ids of all keys, the primary first."""
        return (self._primary, *sorted(self._keys.keys() - {self._primary}))

    def subkey(self, key_id: str, purpose: bytes) -> bytes:
        """Return the key derived from one key-encryption key for one purpose: 32 bytes, always the same.

        Args:
            key_id: A key of this ring.
            purpose: Such as `b"temporal-payloads"`.

        Raises:
            UnknownKeyError: The ring does not hold it.
        """
        known = self._derived.get((key_id, purpose))
        if known is not None:
            return known
        material = self._keys.get(key_id)
        if material is None:
            raise UnknownKeyError(key_id, self.ids)
        derivation = HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=b"sojourn.v1/" + purpose)
        return self._derived.setdefault((key_id, purpose), derivation.derive(material))

    def fingerprint(self, key_id: str) -> str:
        """Return a few characters that tell two keys apart and say nothing of either.

        Raises:
            UnknownKeyError: The ring does not hold it.
        """
        return self.subkey(key_id, _FINGERPRINT)[:_FINGERPRINT_BYTES].hex()

    def recognised(self, content: str) -> str:
        """Return what content is recognised by where everybody may see it, in hexadecimal.

        A plain hash would do, but whoever guesses the content could confirm the guess by it. After a rotation
        the same content is recognised by something else.
        """
        key = self.subkey(self._primary, _RECOGNITION)
        return hmac.digest(key, content.encode(), hashlib.sha256).hex()

    def wrap(self, data_key: bytes, bound_to: bytes) -> Wrapped:
        """Wrap a data key under the primary key.

        Args:
            data_key: What to wrap.
            bound_to: Whose it is: it is unwrapped only with the same.
        """
        nonce = fresh_nonce()
        cipher = AESGCM(self.subkey(self._primary, _WRAPPING))
        return Wrapped(self._primary, nonce + cipher.encrypt(nonce, data_key, bound_to))

    def unwrap(self, wrapped: Wrapped, bound_to: bytes) -> bytes:
        """Return the data key again.

        Raises:
            UnknownKeyError: The ring does not hold the key it is wrapped under.
            WrongKeyError: It was wrapped under another key of this id, for somebody else, or altered.
        """
        cipher = AESGCM(self.subkey(wrapped.key_id, _WRAPPING))
        nonce, content = wrapped.content[:NONCE_BYTES], wrapped.content[NONCE_BYTES:]
        try:
            return cipher.decrypt(nonce, content, bound_to)
        except (InvalidTag, ValueError) as error:
            raise WrongKeyError(wrapped.key_id) from error
