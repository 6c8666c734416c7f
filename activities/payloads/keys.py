"""What the payload codec needs of a key ring."""

from __future__ import annotations

from typing import Protocol

PURPOSE = b"temporal-payloads"
"""What the codec's keys are derived for, so that they open nothing else."""
KEY_BYTES = 32


class PayloadKeys(Protocol):
    """Keys by id: one to write with, and every older one that something was written with."""

    @property
    def primary(self) -> str:
        """The id of the key that new payloads are written with."""
        ...

    def subkey(self, key_id: str, purpose: bytes) -> bytes:
        """The key of this id, for one purpose: 32 bytes.

        Raises:
            LookupError: There is no such key.
        """
        ...
