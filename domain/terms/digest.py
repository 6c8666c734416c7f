"""A fingerprint of terms: what was signed, and whether a repeated request says the same."""

from __future__ import annotations

from domain.kernel.digests import digest_of
from domain.terms.union import Terms


def digest(terms: Terms) -> str:
    """SHA-256, in hexadecimal, of the terms as canonical JSON.

    Fields at their default are left out, so that a field added by a later release changes no digest. Taken
    of the terms with their words: the digest of withheld words says nothing.
    """
    return digest_of(terms.model_dump(mode="json", exclude_defaults=True))
