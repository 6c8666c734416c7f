"""Where keys come from: files that only their owner reads, texts, and a key service."""

from __future__ import annotations

import base64
import os
import stat
import sys
from pathlib import Path

import pytest

from activities.keys.ring import KeysError
from activities.keys.sources import (
    KeyService,
    add_primary_key,
    create_key_file,
    ensure_key_file,
    load_key_service,
    read_key_file,
    ring_of_file,
    ring_of_text,
)


class XorService:
    """A key service for tests: it turns over every bit and knows which id it did that for."""

    def wrap(self, key_id: str, material: bytes) -> bytes:
        """The id in front of the material turned over."""
        return key_id.encode() + b"|" + bytes(byte ^ 0xFF for byte in material)

    def unwrap(self, key_id: str, wrapped: bytes) -> bytes:
        """The material, if it was wrapped under this id."""
        named, _, turned = wrapped.partition(b"|")
        if named != key_id.encode():
            raise PermissionError("wrapped for another key")
        return bytes(byte ^ 0xFF for byte in turned)


def test_a_created_file_is_for_its_owner_alone_and_never_replaced(tmp_path: Path) -> None:
    """Keys are written with mode 0600, and a second `create` destroys no key."""
    path = tmp_path / "keys.json"
    created = create_key_file(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert ring_of_file(path).ids == (created.primary,)
    with pytest.raises(KeysError, match="there already"):
        create_key_file(path)
    assert read_key_file(path) == created
    assert list(tmp_path.iterdir()) == [path]


def test_rotation_keeps_the_old_keys(tmp_path: Path) -> None:
    """The new key is primary; what the old one wrapped can still be read."""
    path = tmp_path / "keys.json"
    create_key_file(path, key_id="first")
    wrapped = ring_of_file(path).wrap(b"\1" * 32, b"x")
    add_primary_key(path, key_id="second")
    ring = ring_of_file(path)
    assert ring.ids == ("second", "first")
    assert ring.unwrap(wrapped, b"x") == b"\1" * 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(KeysError, match="holds a key first already"):
        add_primary_key(path, key_id="first")


def test_a_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    """A key that everybody on the machine can read is no key."""
    path = tmp_path / "keys.json"
    create_key_file(path)
    path.chmod(0o640)
    with pytest.raises(KeysError, match=r"0640.*chmod 600"):
        ring_of_file(path)


def test_a_file_with_a_mistake_is_named_without_its_content(tmp_path: Path) -> None:
    """The error says which part is wrong and repeats no key."""
    path = tmp_path / "keys.json"
    path.touch(mode=0o600)
    path.write_text('{"primary": "a", "keys": [{"id": "a", "material": "c2VjcmV0"}]}')
    with pytest.raises(KeysError, match=r"keys\.0\.created_at") as told:
        ring_of_file(path)
    assert "c2VjcmV0" not in str(told.value)
    with pytest.raises(KeysError, match=r"cannot be read.*sojourn keys create"):
        ring_of_file(tmp_path / "nowhere.json")


def test_an_embedded_stack_makes_its_keys_once(tmp_path: Path) -> None:
    """Starting again finds the keys of before."""
    path = ensure_key_file(tmp_path / "data" / "keys.json")
    before = path.read_bytes()
    assert ensure_key_file(path).read_bytes() == before


def test_a_text_lists_the_primary_first() -> None:
    """As an environment variable gives them."""
    one, two = (base64.b64encode(os.urandom(32)).decode() for _ in range(2))
    assert ring_of_text(f"new:{one}, old:{two}").ids == ("new", "old")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("c2VjcmV0", "Key 1 of SOJOURN_KEYS is not of the form"),
        ("a:c2VjcmV0!", "Key a is not base64"),
        ("a:c2VjcmV0", "Key a has 6 bytes"),
        (f"a:{'A' * 43}=,a:{'A' * 43}=", "two keys of the id a"),
    ],
)
def test_a_wrong_text_is_told_without_repeating_it(text: str, says: str) -> None:
    """What was typed may be a key with one letter too few: it is never shown."""
    with pytest.raises(KeysError, match=says) as told:
        ring_of_text(text)
    assert "c2VjcmV0" not in str(told.value)


def test_with_a_key_service_the_file_alone_opens_nothing(tmp_path: Path) -> None:
    """The file holds what the service wrapped; another service, or none, is refused or is another key."""
    path, service = tmp_path / "keys.json", XorService()
    create_key_file(path, service, key_id="kms-1")
    wrapped = ring_of_file(path, service).wrap(b"\2" * 32, b"x")
    assert ring_of_file(path, service).unwrap(wrapped, b"x") == b"\2" * 32
    with pytest.raises(KeysError):
        ring_of_file(path)

    class Refuses(XorService):
        def unwrap(self, key_id: str, wrapped: bytes) -> bytes:
            raise PermissionError(f"no access to {key_id}, {len(wrapped)} bytes")

    with pytest.raises(KeysError, match=r"refuses key kms-1 \(PermissionError.*Nothing was erased"):
        ring_of_file(path, Refuses())


def test_a_key_service_is_named_by_its_dotted_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An operator names a function of their own package; what is no key service is refused at once."""
    (tmp_path / "our_kms.py").write_text(
        "class Service:\n"
        "    def wrap(self, key_id, material): return material\n"
        "    def unwrap(self, key_id, wrapped): return wrapped\n"
    )
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    assert isinstance(load_key_service("our_kms:Service"), KeyService)
    with pytest.raises(KeysError, match="nowhere_kms:Service cannot be used"):
        load_key_service("nowhere_kms:Service")
    with pytest.raises(KeysError, match="gave no key service"):
        load_key_service("builtins:dict")
