"""A sealed text opens where it was sealed, whole and with its own key, and nowhere else."""

from __future__ import annotations

import os

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as some

from activities.keys.envelopes import (
    InvalidCiphertextError,
    KeyReference,
    SubjectKey,
    decrypt_text,
    encrypt_text,
    framed,
    reference_of,
)

_CIPHER = AESGCM(os.urandom(32))
ADA = SubjectKey(KeyReference("p-ada", 1), _CIPHER)


@given(words=some.text(some.characters(exclude_categories=["Cs"])), place=some.binary())
def test_whatever_people_write_comes_back(words: str, place: bytes) -> None:
    """Any text, sealed for any place, is read again as it was."""
    sealed = encrypt_text(ADA, place, words)
    assert reference_of(sealed) == ADA.reference
    assert decrypt_text(ADA, place, sealed) == words


@given(position=some.integers(min_value=0), flip=some.integers(1, 255))
def test_no_altered_text_opens(position: int, flip: int) -> None:
    """Whichever character is changed or cut off, the text is refused as spoiled."""
    sealed = encrypt_text(ADA, b"here", "They cancelled three times.")
    start = len("1/p-ada/1/")
    at = start + position % (len(sealed) - start)
    altered = sealed[:at] + chr((ord(sealed[at]) ^ flip) & 0x7F) + sealed[at + 1 :]
    for spoiled in (altered, sealed[:at]):
        if spoiled != sealed:
            with pytest.raises(InvalidCiphertextError):
                decrypt_text(ADA, b"here", spoiled)


def test_a_text_moved_elsewhere_is_refused() -> None:
    """Another field, another person of the same key bytes, another version: nothing opens."""
    sealed = encrypt_text(ADA, framed("agreement", "event", "/what"), "Private.")
    with pytest.raises(InvalidCiphertextError):
        decrypt_text(ADA, framed("agreement", "event", "/needed"), sealed)
    for reference in (KeyReference("p-grace", 1), KeyReference("p-ada", 2)):
        with pytest.raises(InvalidCiphertextError):
            decrypt_text(SubjectKey(reference, _CIPHER), framed("agreement", "event", "/what"), sealed)


@pytest.mark.parametrize("text", ["", "words", "1/p-ada/x/abc", "2/p-ada/1/abc", "1/p-ada/1"])
def test_what_is_no_sealed_text_is_told(text: str) -> None:
    """It names no key."""
    with pytest.raises(InvalidCiphertextError):
        reference_of(text)


def test_the_same_words_never_look_the_same() -> None:
    """Nobody learns from two seals that two people wrote the same."""
    assert encrypt_text(ADA, b"here", "No.") != encrypt_text(ADA, b"here", "No.")
    assert framed("a", "bc") != framed("ab", "c")
