"""People's keys on the real PostgreSQL."""

from __future__ import annotations

import os
from collections.abc import Callable

import asyncpg
import pytest

from activities.keys.ring import KeyRing
from activities.keys.subjects import SubjectKeys


@pytest.fixture
def material() -> bytes:
    """A key-encryption key."""
    return os.urandom(32)


@pytest.fixture
def ring(material: bytes) -> KeyRing:
    """A ring with that key."""
    return KeyRing("main", {"main": material})


@pytest.fixture
def keys(pool: asyncpg.Pool[asyncpg.Record], ring: KeyRing) -> SubjectKeys:
    """The keys as one process holds them."""
    return SubjectKeys(pool, ring)


@pytest.fixture
def another_process(pool: asyncpg.Pool[asyncpg.Record], ring: KeyRing) -> Callable[[], SubjectKeys]:
    """Makes the keys as one more process holds them: same ring, same database, nothing in memory."""
    return lambda: SubjectKeys(pool, ring)
