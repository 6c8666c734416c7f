"""Receipts of erasures: signed with Ed25519, so that who was given one can show it years later.

The signing key is derived from a key-encryption key (HKDF), so there is nothing more to keep; its id stands
in the receipt, and whoever holds the key ring can tell whether it is genuine. The public key stands beside it
for those who were told it by another way.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pydantic import JsonValue

from activities.integrity.returned_keys import still_in_use
from activities.keys.envelopes import KeyReference, subject_in
from activities.keys.ring import KeyRing
from application.container import Container
from application.identity.principal import Principal, require_machine
from domain.kernel.model import Frozen

_PURPOSE = b"erasure-receipts"


class SignedReceipt(Frozen):
    """A receipt with its signature."""

    receipt: dict[str, JsonValue]
    key_id: str
    """The key-encryption key that the signing key is derived from."""
    public_key: str
    """Base64, 32 bytes."""
    signature: str
    """Base64, 64 bytes, over the receipt as canonical JSON."""


def sign_receipt(ring: KeyRing, receipt: Mapping[str, JsonValue]) -> SignedReceipt:
    """Sign a receipt under the primary key."""
    key = _key(ring, ring.primary_id)
    return SignedReceipt(
        receipt=dict(receipt),
        key_id=ring.primary_id,
        public_key=_encoded(key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)),
        signature=_encoded(key.sign(_canonical(receipt))),
    )


def is_genuine(ring: KeyRing, receipt: SignedReceipt) -> bool:
    """Tell whether a receipt was signed under a key of this ring and left as it was.

    Raises:
        UnknownKeyError: The ring does not hold the key that it names.
    """
    public = _key(ring, receipt.key_id).public_key()
    try:
        public.verify(base64.b64decode(receipt.signature, validate=True), _canonical(receipt.receipt))
    except (InvalidSignature, ValueError):
        return False
    return receipt.public_key == _encoded(public.public_bytes(Encoding.Raw, PublicFormat.Raw))


def keys_in(receipt: Mapping[str, JsonValue]) -> list[KeyReference]:
    """Return the keys that a receipt says were destroyed."""
    told = receipt.get("keys_destroyed")
    found: list[KeyReference] = []
    for each in told if isinstance(told, list) else ():
        if isinstance(each, dict) and isinstance(each.get("version"), int):
            # Receipts of an earlier release name nobody beside the key: it is of whom the receipt is about.
            person_id = str(each.get("person_id") or receipt.get("person_id"))
            agreement_id = each.get("agreement_id")
            subject_id = person_id if agreement_id is None else subject_in(person_id, str(agreement_id))
            found.append(KeyReference(subject_id, int(str(each["version"]))))
    return found


class CheckedReceipt(NamedTuple):
    """A receipt and what is to be said of it."""

    receipt: SignedReceipt
    genuine: bool
    returned: list[KeyReference]
    """Keys that it says were destroyed, and that are back in this database."""


async def check_receipts(
    container: Container, principal: Principal, receipts: Sequence[SignedReceipt], *, in_record: bool = False
) -> list[CheckedReceipt]:
    """Check whether receipts are genuine and, where asked, whether what was destroyed still is.

    Args:
        container: What it takes.
        principal: Whoever has a machine of the installation.
        receipts: Which.
        in_record: Also look for returned keys in the database, as after a restore.

    Raises:
        NotPermittedError: The principal has no machine of the installation.
        NoKeysError: Nothing is encrypted here.
    """
    require_machine(principal)
    ring = container.key_ring()
    checked: list[CheckedReceipt] = []
    for receipt in receipts:
        genuine = is_genuine(ring, receipt)
        destroyed = keys_in(receipt.receipt) if genuine and in_record else []
        returned = await still_in_use(await container.pool(), destroyed) if destroyed else []
        checked.append(CheckedReceipt(receipt, genuine, returned))
    return checked


def _key(ring: KeyRing, key_id: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(ring.subkey(key_id, _PURPOSE))


def _canonical(receipt: Mapping[str, JsonValue]) -> bytes:
    return json.dumps(receipt, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()
