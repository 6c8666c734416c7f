"""Nonces: the random numbers that no two ciphertexts under one key may share."""

from __future__ import annotations

import os
from collections import deque

NONCE_BYTES = 12
"""96 bits, the length that AES-GCM is made for (NIST SP 800-38D, 8.2)."""

_DRAWN_AT_ONCE = 64

_drawn: deque[bytes] = deque()


def fresh_nonce() -> bytes:
    """Return a random nonce that was never given out before, in whichever thread or process.

    They are drawn in batches: `os.urandom` lets go of the interpreter's lock, and in a worker whose workflow
    threads are busy getting it back takes a hundred times as long as the random bytes themselves.
    """
    while True:
        try:
            return _drawn.popleft()
        except IndexError:
            batch = os.urandom(_DRAWN_AT_ONCE * NONCE_BYTES)
            _drawn.extend(batch[at : at + NONCE_BYTES] for at in range(0, len(batch), NONCE_BYTES))


# A child process would otherwise give out those of its parent once more.
os.register_at_fork(after_in_child=_drawn.clear)
