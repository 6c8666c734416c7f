"""The terms of any kind, told apart by `kind`: their models, how they are read, and their digest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, TypeAdapter

from domain.kernel.digests import digest_of
from domain.kernel.vocabulary import Kind
from domain.terms.rotation import RotationTerms
from domain.terms.secondment import SecondmentTerms
from domain.terms.shadowing import ShadowingTerms

OfAnyKind = SecondmentTerms | ShadowingTerms | RotationTerms

Terms = Annotated[OfAnyKind, Field(discriminator="kind")]
"""What the parties agree on, of whichever kind."""

MODELS: Mapping[Kind, type[OfAnyKind]] = {
    Kind.SECONDMENT: SecondmentTerms,
    Kind.SHADOWING: ShadowingTerms,
    Kind.ROTATION: RotationTerms,
}
"""The model of the terms of every kind."""

_TERMS: TypeAdapter[Terms] = TypeAdapter(Terms)


def parse_terms(raw: Any) -> Terms:  # noqa: ANN401  what a payload holds is unknown until it is parsed
    """Read terms that were accepted before, from a stream or a workflow's input.

    It checks the structure only, so that rules that become stricter never make an old stream unreadable.
    New terms are checked with `checks.problems`.

    Args:
        raw: The JSON object, as Python values.

    Raises:
        pydantic.ValidationError: If this is not what terms look like.
    """
    return _TERMS.validate_python(raw)


def digest(terms: Terms) -> str:
    """Return the SHA-256, in hexadecimal, of the terms as canonical JSON.

    It is what was signed, and tells whether a repeated request says the same. Fields at their default are
    left out, so that a field added by a later release changes no digest. It is taken of the terms with their
    words: the digest of withheld words says nothing.
    """
    return digest_of(terms.model_dump(mode="json", exclude_defaults=True))
