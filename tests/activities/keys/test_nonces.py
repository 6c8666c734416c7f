"""Nonces, which may never come twice."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

from activities.keys.nonces import NONCE_BYTES, fresh_nonce

_MANY = 5_000


def _several(count: int) -> list[bytes]:
    return [fresh_nonce() for _ in range(count)]


def test_nonces_are_of_the_length_that_the_cipher_is_made_for() -> None:
    """Another length would be hashed down first, and collide sooner."""
    assert {len(each) for each in _several(200)} == {NONCE_BYTES} == {12}


def test_threads_never_share_a_nonce() -> None:
    """Workflow threads and the event loop draw from the same batch."""
    with ThreadPoolExecutor(8) as threads:
        drawn = [each for some in threads.map(_several, [_MANY] * 8) for each in some]
    assert len(set(drawn)) == len(drawn) == 8 * _MANY


def test_a_forked_process_does_not_give_out_the_nonces_of_its_parent() -> None:
    """What was drawn in advance before a fork stays with the parent."""
    fresh_nonce()
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("fork")) as child:
        of_child = child.submit(_several, 200).result(timeout=60)
    assert not set(of_child) & set(_several(200))
