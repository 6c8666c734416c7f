"""The key ring of this process: as set, else that of the embedded stack whose database it uses."""

from __future__ import annotations

from pathlib import Path

import asyncpg
from pydantic import JsonValue

from activities.encryption.encrypt import FieldEncryption
from activities.keys.ring import KeyRing
from activities.keys.sources import (
    KeyService,
    ensure_key_file,
    load_key_service,
    ring_of_file,
    ring_of_text,
)
from activities.keys.subjects import SubjectKeys
from application.settings import Settings, SettingsError, load_settings
from deploy.addresses import find_running_stack
from domain.kernel.digests import digest_of

KEY_FILE_NAME = "keys.json"
"""Of the embedded stack's key file, in its data folder."""

_HOW_TO = (
    "No keys to seal what people write: make some with `sojourn keys create FILE` and set "
    "SOJOURN_KEY_FILE=FILE, or set SOJOURN_KEYS. To keep everything in clear all the same, "
    "say so: SOJOURN_WITHOUT_KEYS=true"
)


def key_ring(settings: Settings) -> KeyRing | None:
    """Return the keys that encrypt people's words and what Temporal stores.

    Returns:
        None only where the operator chose to do without (SOJOURN_WITHOUT_KEYS).

    Raises:
        SettingsError: No keys are set, and the database is not a running embedded stack's.
        KeysError: Those that are set cannot be used.
    """
    if settings.without_keys:
        return None
    service = key_service(settings)
    if settings.keys is not None:
        return ring_of_text(settings.keys.get_secret_value(), service)
    path = key_file_in_use(settings)
    if path is None:
        raise SettingsError(_HOW_TO)
    return ring_of_file(path, service)


def keyed_digest(content: JsonValue) -> str:
    """Return what content is recognised by in an id that everybody may see, in hexadecimal.

    Raises:
        SettingsError: As `key_ring`; KeysError likewise.
    """
    ring, digest = key_ring(load_settings()), digest_of(content)
    return digest if ring is None else ring.recognised(digest)


def encryption_of(settings: Settings, pool: asyncpg.Pool[asyncpg.Record]) -> FieldEncryption:
    """Return what encrypts and decrypts people's words, over a pool.

    Raises:
        SettingsError: No keys are set, and nobody chose to do without.
        KeysError: Those that are set cannot be used.
    """
    ring = key_ring(settings)
    return FieldEncryption(None if ring is None else SubjectKeys(pool, ring))


def reading_encryption_of(settings: Settings, pool: asyncpg.Pool[asyncpg.Record]) -> FieldEncryption:
    """Return the same for who may only read what is not encrypted: keys are missed when they are needed.

    Raises:
        KeysError: Those that are set cannot be used.
    """
    try:
        return encryption_of(settings, pool)
    except SettingsError as error:
        return FieldEncryption(None, refusal=str(error))


async def checked_encryption_of(settings: Settings, pool: asyncpg.Pool[asyncpg.Record]) -> FieldEncryption:
    """Return the same for a process that will write, refused at once where it cannot open what is there.

    Raises:
        SettingsError: No keys are set, and nobody chose to do without.
        KeysError: Those that are set cannot be used on this database, or it needs some.
    """
    encryption = encryption_of(settings, pool)
    await encryption.check(pool)
    return encryption


def key_service(settings: Settings) -> KeyService | None:
    """Return the key service that wraps the keys; None where they are plain.

    Raises:
        KeysError: What the setting names is none.
    """
    return None if settings.key_service is None else load_key_service(settings.key_service)


def key_file_of(data: Path) -> Path:
    """Return where the embedded stack on a data folder keeps its keys."""
    return data.resolve() / KEY_FILE_NAME


def key_file_in_use(settings: Settings) -> Path | None:
    """Return the file that `key_ring` reads; None where the keys come from elsewhere or there are none."""
    if settings.keys is not None or settings.without_keys:
        return None
    return settings.key_file or _of_the_stack(settings)


def with_keys_of_its_own(settings: Settings, data: Path) -> Settings:
    """Return the settings of an embedded stack's own processes: with its key file, made where it is missing.

    Keys that the operator set, or chose to do without, stay as they are.

    Raises:
        KeysError: The file cannot be written.
    """
    if settings.keys is not None or settings.key_file is not None or settings.without_keys:
        return settings
    return settings.model_copy(update={"key_file": ensure_key_file(key_file_of(data))})


def _of_the_stack(settings: Settings) -> Path | None:
    stack = find_running_stack(settings.data) or find_running_stack()
    if stack is None:
        return None
    address = settings.database_url
    if address is not None and address.get_secret_value() != stack.dsn:
        return None
    path = key_file_of(stack.data)
    return path if path.exists() else None
