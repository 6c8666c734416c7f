"""The payload codec: AES-256-GCM over a whole payload, with the key's id beside the ciphertext.

What a payload looks like, so that it can be read in any language:

- metadata `encoding` is `binary/encrypted`, as in Temporal's own samples;
- metadata `encryption-key-id` names the key;
- metadata `encryption-agreement`, where it was known, is the workflow id, in clear as all of Temporal's ids;
- data is a nonce of 12 bytes, then the ciphertext of the serialised `Payload` with its tag of 16 bytes;
- the associated data is `sojourn-payload-1`, key id and agreement, each preceded by its length in four bytes;
- metadata `encryption-compression`, where it is there, is `zlib`: the serialised `Payload` was compressed
  before it was encrypted, and the associated data begins with `sojourn-payload-2` instead.

Only what activities answer is compressed, where that pays: a run stays on the worker version that began it,
so whoever reads it can. What clients and runs say to each other may have to be read by the release before.

So a ciphertext that was cut, altered, or moved to another agreement or key is refused and never read as
something else. Payloads of any other encoding pass: what was written before there was a codec stays readable.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from google.protobuf.message import DecodeError
from temporalio.api.common.v1 import Payload
from temporalio.converter import (
    ActivitySerializationContext,
    PayloadCodec,
    SerializationContext,
    WithSerializationContext,
    WorkflowSerializationContext,
)

from activities.keys.nonces import NONCE_BYTES, fresh_nonce
from activities.keys.ring import KeyRing, KeysError

ENCODING = b"binary/encrypted"
ENCODING_FIELD = "encoding"
KEY_FIELD = "encryption-key-id"
AGREEMENT_FIELD = "encryption-agreement"

COMPRESSION_FIELD = "encryption-compression"
ZLIB = b"zlib"

PURPOSE = b"temporal-payloads"
"""What the keys are derived for, so that they open nothing else."""

_SCHEME, _SCHEME_COMPRESSED = b"sojourn-payload-1", b"sojourn-payload-2"
_COMPRESSED_FROM = 400
"""Bytes: below that it saves less than the field costs by which it is known."""
_TAG_BYTES = 16


class AlteredPayloadError(KeysError):
    """A payload was cut, altered or moved, or the ring holds another key of its key's id."""


def is_encrypted(payload: Payload) -> bool:
    """Tell whether this codec, or one like it, wrote a payload."""
    return payload.metadata.get(ENCODING_FIELD) == ENCODING


def agreement_of(payload: Payload) -> str | None:
    """Return the agreement that an encrypted payload is bound to. Only decoding proves that it is."""
    bound = payload.metadata.get(AGREEMENT_FIELD)
    return None if bound is None else bound.decode(errors="replace")


@dataclass(frozen=True)
class EncryptingCodec(PayloadCodec, WithSerializationContext):
    """Encrypts with the primary key of a ring, and decrypts with any of its keys.

    It neither waits nor hands work to threads: a payload of a few kilobytes takes microseconds, less than
    the hand-over would. The SDK calls it outside the workflow sandbox and outside workflow threads.
    """

    keys: KeyRing
    agreement_id: str | None = None
    """Whose payloads these are; None where it is not known."""
    ciphers: dict[str, AESGCM] = field(default_factory=dict[str, AESGCM], repr=False, compare=False)
    """By key id: deriving a key costs more than encrypting with it."""
    compresses: bool = False
    """Whether what is encrypted may be compressed. What is decrypted says so itself."""

    def with_context(self, context: SerializationContext) -> EncryptingCodec:
        """Return the codec for one agreement's payloads; called by the SDK."""
        match context:
            case WorkflowSerializationContext() | ActivitySerializationContext():
                agreement_id = context.workflow_id
            case _:
                agreement_id = None
        compresses = isinstance(context, ActivitySerializationContext)
        if (agreement_id, compresses) == (self.agreement_id, self.compresses):
            return self
        return EncryptingCodec(self.keys, agreement_id, self.ciphers, compresses)

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Encrypt payloads."""
        return [self.encrypt(payload) for payload in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Decrypt what is encrypted and pass everything else.

        Raises:
            KeysError: As `decrypt`.
        """
        return [self.decrypt(payload) if is_encrypted(payload) else payload for payload in payloads]

    def encrypt(self, payload: Payload) -> Payload:
        """Return a payload in which everything is encrypted, its metadata too."""
        key_id, agreement_id = self.keys.primary_id, self.agreement_id
        metadata = {ENCODING_FIELD: ENCODING, KEY_FIELD: key_id.encode()}
        if agreement_id is not None:
            metadata[AGREEMENT_FIELD] = agreement_id.encode()
        scheme, content = _SCHEME, payload.SerializeToString()
        if self.compresses and len(content) >= _COMPRESSED_FROM:
            scheme, content = _SCHEME_COMPRESSED, zlib.compress(content)
            metadata[COMPRESSION_FIELD] = ZLIB
        nonce = fresh_nonce()
        sealed = self._cipher(key_id).encrypt(nonce, content, _bound_to(scheme, key_id, agreement_id))
        return Payload(metadata=metadata, data=nonce + sealed)

    def decrypt(self, payload: Payload) -> Payload:
        """Return the payload as it was before it was encrypted.

        Raises:
            UnknownKeyError: Its key is not on the ring.
            AlteredPayloadError: It is not what was written, or not where it was written.
        """
        key_id = payload.metadata.get(KEY_FIELD, b"").decode(errors="replace")
        agreement_id = agreement_of(payload)
        if agreement_id is not None and self.agreement_id not in {None, agreement_id}:
            raise AlteredPayloadError(
                f"a payload of {agreement_id} was found in {self.agreement_id}: it was moved there, and is "
                "not read"
            )
        if len(payload.data) < NONCE_BYTES + _TAG_BYTES:
            raise AlteredPayloadError(
                f"an encrypted payload{_whose(agreement_id)} is cut short: {len(payload.data)} bytes"
            )
        nonce, sealed = payload.data[:NONCE_BYTES], payload.data[NONCE_BYTES:]
        compressed = payload.metadata.get(COMPRESSION_FIELD) == ZLIB
        scheme = _SCHEME_COMPRESSED if compressed else _SCHEME
        try:
            opened = self._cipher(key_id).decrypt(nonce, sealed, _bound_to(scheme, key_id, agreement_id))
            return Payload.FromString(zlib.decompress(opened) if compressed else opened)
        except (InvalidTag, DecodeError):
            # Without the cause: nothing of the content may reach a log.
            raise AlteredPayloadError(
                f"an encrypted payload{_whose(agreement_id)} does not open with key {key_id}: it was "
                "altered or moved, or the ring holds another key under this id"
            ) from None

    def _cipher(self, key_id: str) -> AESGCM:
        cipher = self.ciphers.get(key_id)
        if cipher is None:
            cipher = self.ciphers[key_id] = AESGCM(self.keys.subkey(key_id, PURPOSE))
        return cipher


def _whose(agreement_id: str | None) -> str:
    return "" if agreement_id is None else f" of {agreement_id}"


@lru_cache(maxsize=1024)
def _bound_to(scheme: bytes, key_id: str, agreement_id: str | None) -> bytes:
    """Return what a ciphertext is tied to. Lengths first, so that no two bindings are the same bytes."""
    parts = (scheme, key_id.encode(), (agreement_id or "").encode())
    return b"".join(struct.pack(">I", len(part)) + part for part in parts)
