"""The key ring: what one key wraps only it unwraps, and a lost key is named."""

from __future__ import annotations

import os

import pytest

from activities.keys.ring import KeyRing, KeysError, UnknownKeyError, Wrapped, WrongKeyError


def test_what_was_primary_still_reads() -> None:
    """Rotation: a new key wraps, and what the old one wrapped is unwrapped all the same."""
    old, new, data_key = os.urandom(32), os.urandom(32), os.urandom(32)
    wrapped = KeyRing("old", {"old": old}).wrap(data_key, b"p-ada/1")
    rotated = KeyRing("new", {"old": old, "new": new})
    assert rotated.unwrap(wrapped, b"p-ada/1") == data_key
    assert rotated.wrap(data_key, b"p-ada/1").key_id == "new"
    assert rotated.ids == ("new", "old")


def test_a_lost_key_is_named_and_is_no_erasure() -> None:
    """A key that is gone by accident must not look like an erasure: the error says its id."""
    wrapped = KeyRing("lost", {"lost": os.urandom(32)}).wrap(os.urandom(32), b"p-ada/1")
    with pytest.raises(UnknownKeyError, match=r"lost is not on the key ring.*Nothing was erased") as missing:
        KeyRing("other", {"other": os.urandom(32)}).unwrap(wrapped, b"p-ada/1")
    assert missing.value.key_id == "lost"


def test_another_key_of_the_same_name_is_told_from_the_right_one() -> None:
    """Two keys under one id, such as after a restore of the wrong backup, are a wrong key by name."""
    wrapped = KeyRing("main", {"main": os.urandom(32)}).wrap(os.urandom(32), b"p-ada/1")
    with pytest.raises(WrongKeyError, match="main"):
        KeyRing("main", {"main": os.urandom(32)}).unwrap(wrapped, b"p-ada/1")


@pytest.mark.parametrize("spoiled", ["swapped", "truncated", "altered"])
def test_a_spoiled_data_key_is_refused(spoiled: str) -> None:
    """A wrapped key that was moved to another person, cut short or changed opens nothing."""
    ring = KeyRing("main", {"main": os.urandom(32)})
    key_id, content = ring.wrap(os.urandom(32), b"p-ada/1")
    bound_to = b"p-grace/1" if spoiled == "swapped" else b"p-ada/1"
    if spoiled == "truncated":
        content = content[:7]
    if spoiled == "altered":
        content = content[:-1] + bytes([content[-1] ^ 1])
    with pytest.raises(WrongKeyError):
        ring.unwrap(Wrapped(key_id, content), bound_to)


def test_each_purpose_has_a_key_of_its_own() -> None:
    """No two purposes and no two keys share a subkey, and a subkey is not the key itself."""
    one, two = os.urandom(32), os.urandom(32)
    ring = KeyRing("one", {"one": one, "two": two})
    derived = {ring.subkey(key_id, purpose) for key_id in ring.ids for purpose in (b"a", b"b")}
    assert len(derived) == 4
    assert derived.isdisjoint({one, two})
    assert ring.subkey("one", b"a") == KeyRing("one", {"one": one}).subkey("one", b"a")


def test_a_ring_without_its_primary_or_with_a_short_key_is_refused() -> None:
    """A ring that could not seal, or only weakly, is never made."""
    with pytest.raises(KeysError, match="primary key gone"):
        KeyRing("gone", {"main": os.urandom(32)})
    with pytest.raises(KeysError, match="main has 16 bytes"):
        KeyRing("main", {"main": os.urandom(16)})
