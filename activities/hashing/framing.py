"""How fields become the bytes that hashes are taken over, and what stands before the first of a chain."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

GENESIS = "0" * 64
"""In hexadecimal: the hash before the first of a chain, and in the place of one that is not there."""

_START_OF_TIME = datetime(1970, 1, 1, tzinfo=UTC)


def framed(field: str) -> bytes:
    """Return the length in four bytes, big-endian, then the text in UTF-8: no two lists frame alike."""
    encoded = field.encode()
    return len(encoded).to_bytes(4, "big") + encoded


def microseconds(instant: datetime) -> int:
    """Return the microseconds since 1970, in UTC."""
    return (instant - _START_OF_TIME) // timedelta(microseconds=1)
