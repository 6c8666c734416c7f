"""Where key-encryption keys come from: a file, a text such as an environment variable's, or a key service.

A file is JSON, readable by its owner alone:

    {"primary": "2026-11", "keys": [{"id": "2026-11", "created_at": "...", "material": "<base64>"}]}

With a key service (a KMS), `material` is what the service wrapped: the file alone opens nothing, and the
service is asked once per process and key. A text lists the same as `id:base64`, separated by commas, the
primary first.
"""

from __future__ import annotations

import base64
import binascii
import importlib
import os
import stat
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Protocol, cast, runtime_checkable

from pydantic import Field, StringConstraints, ValidationError

from activities.keys.ring import KEY_BYTES, KeyRing, KeysError
from domain.kernel.model import Frozen, Instant

KeyId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
"""Names a key-encryption key for ever: it is written beside everything sealed under it."""

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


@runtime_checkable
class KeyService(Protocol):
    """A key management service that wraps key-encryption keys and never gives its own key away."""

    def wrap(self, key_id: str, material: bytes) -> bytes:
        """Return what only this service can turn back into the key.

        Args:
            key_id: The key's id, to be bound to what comes back.
            material: 32 bytes.
        """
        ...

    def unwrap(self, key_id: str, wrapped: bytes) -> bytes:
        """Return the key again; raises whatever the service's client raises where it is refused."""
        ...


class StoredKey(Frozen):
    """One key of a key file."""

    id: KeyId
    created_at: Instant
    material: str = Field(repr=False)
    """Base64 of the key, or of what the key service wrapped."""


class KeyFile(Frozen):
    """The content of a key file."""

    primary: KeyId
    keys: tuple[StoredKey, ...] = Field(min_length=1)


def read_key_file(path: Path) -> KeyFile:
    """Return what a key file holds.

    Raises:
        KeysError: It is not there, others than its owner may read it, or it is no key file.
    """
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise KeysError(
            f"The key file {path} cannot be read ({getattr(error, 'strerror', None) or 'not text'}): name "
            "the right one in SOJOURN_KEY_FILE, restore it from its backup, or make a first one with "
            "`sojourn keys create`."
        ) from error
    if stat.S_IMODE(mode) & _OTHERS:
        raise KeysError(
            f"The key file {path} can be read by others than its owner (mode {stat.S_IMODE(mode):04o}): "
            f"chmod 600 {path}"
        )
    try:
        content = KeyFile.model_validate_json(text)
    except ValidationError as error:
        # pydantic's own text would repeat the content.
        problems = {
            ".".join(map(str, each["loc"])) or "the file" for each in error.errors(include_input=False)
        }
        raise KeysError(f"{path} is no key file; wrong or missing: {', '.join(sorted(problems))}.") from None
    ids = [key.id for key in content.keys]
    if len(set(ids)) != len(ids):
        raise KeysError(f"The key file {path} holds two keys of one id.")
    return content


def create_key_file(path: Path, service: KeyService | None = None, *, key_id: str | None = None) -> KeyFile:
    """Write a key file with one new key, mode 0600.

    Args:
        path: Where; its folder exists.
        service: Wraps the key where given.
        key_id: Its id; None names it by the instant.

    Raises:
        KeysError: A file is there already, or it cannot be written.
    """
    key = _new_key(service, key_id)
    content = KeyFile(primary=key.id, keys=(key,))
    draft = _draft(path, content)
    try:
        # A link, because renaming would silently replace the keys of whoever was quicker.
        os.link(draft, path)
    except FileExistsError:
        raise KeysError(f"{path} is there already; `sojourn keys rotate` adds a key to it.") from None
    except OSError as error:
        raise KeysError(f"The key file {path} cannot be written: {error.strerror}.") from error
    finally:
        draft.unlink(missing_ok=True)
    return content


def add_primary_key(path: Path, service: KeyService | None = None, *, key_id: str | None = None) -> KeyFile:
    """Add a new key to a key file and make it primary; the old ones stay readable.

    Raises:
        KeysError: As `read_key_file`, or a key of this id is there.
    """
    before = read_key_file(path)
    key = _new_key(service, key_id)
    if key.id in {each.id for each in before.keys}:
        raise KeysError(f"The key file {path} holds a key {key.id} already; choose another id.")
    content = KeyFile(primary=key.id, keys=(*before.keys, key))
    _draft(path, content).replace(path)
    return content


def ensure_key_file(path: Path) -> Path:
    """Return an embedded stack's key file, made where missing by whichever process comes first.

    Raises:
        KeysError: It cannot be written.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            create_key_file(path)
        except KeysError:
            if not path.exists():
                raise
    return path


def ring_of_file(path: Path, service: KeyService | None = None) -> KeyRing:
    """Return the ring of a key file.

    Raises:
        KeysError: As `read_key_file`, or a key cannot be unwrapped.
    """
    content = read_key_file(path)
    return KeyRing(
        content.primary, {key.id: _material(key.id, key.material, service) for key in content.keys}
    )


def ring_of_text(text: str, service: KeyService | None = None) -> KeyRing:
    """Return the ring of a text: `id:base64,id:base64`, the primary first.

    Raises:
        KeysError: It is something else; the text of the error does not repeat it.
    """
    keys: dict[str, bytes] = {}
    for number, entry in enumerate(text.split(","), start=1):
        key_id, colon, material = entry.strip().partition(":")
        if not colon or not key_id:
            raise KeysError(f"Key {number} of SOJOURN_KEYS is not of the form id:base64.")
        if key_id in keys:
            raise KeysError(f"SOJOURN_KEYS holds two keys of the id {key_id}.")
        keys[key_id] = _material(key_id, material, service)
    return KeyRing(next(iter(keys)), keys)


def load_key_service(dotted: str) -> KeyService:
    """Return the key service that a setting names: `package.module:factory`, called without arguments.

    Raises:
        KeysError: There is no such thing, or it makes no key service.
    """
    module, _, name = dotted.partition(":")
    try:
        factory = cast("Callable[[], object]", getattr(importlib.import_module(module), name))
        service = factory()
    except Exception as error:
        raise KeysError(
            f"SOJOURN_KEY_SERVICE={dotted} cannot be used ({type(error).__name__}: {error}): name a function "
            "without arguments as package.module:function."
        ) from error
    if not isinstance(service, KeyService):
        raise KeysError(f"SOJOURN_KEY_SERVICE={dotted} gave no key service: it needs wrap and unwrap.")
    return service


def _new_key(service: KeyService | None, key_id: str | None) -> StoredKey:
    now = datetime.now(UTC)
    named = key_id or f"{now:%Y-%m-%dT%H%M%S}-{os.urandom(2).hex()}"
    material = os.urandom(KEY_BYTES)
    kept = material if service is None else _asked(named, lambda: service.wrap(named, material))
    try:
        return StoredKey(id=named, created_at=now, material=base64.b64encode(kept).decode())
    except ValidationError:
        raise KeysError(
            f"{named!r} is no key id: letters, digits, dots, dashes and underscores, at most 64."
        ) from None


def _material(key_id: str, encoded: str, service: KeyService | None) -> bytes:
    try:
        kept = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise KeysError(f"Key {key_id} is not base64.") from None
    return kept if service is None else _asked(key_id, lambda: service.unwrap(key_id, kept))


def _asked(key_id: str, ask: Callable[[], bytes]) -> bytes:
    try:
        return ask()
    except Exception as error:
        raise KeysError(
            f"The key service refuses key {key_id} ({type(error).__name__}: {error}). Nothing was erased: "
            "check that this process may use the service, and that the key was wrapped by it."
        ) from error


def _draft(path: Path, content: KeyFile) -> Path:
    draft = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    try:
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, stat.S_IRUSR | stat.S_IWUSR)
    except OSError as error:
        raise KeysError(f"The key file {path} cannot be written: {error.strerror}.") from error
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        stream.write(content.model_dump_json(indent=2) + "\n")
        stream.flush()
        os.fsync(stream.fileno())
    return draft
