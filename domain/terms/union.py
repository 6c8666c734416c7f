"""The terms of any kind, told apart by `kind`."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, TypeAdapter

from domain.terms.rotation import RotationTerms
from domain.terms.secondment import SecondmentTerms
from domain.terms.shadowing import ShadowingTerms

Terms = Annotated[SecondmentTerms | ShadowingTerms | RotationTerms, Field(discriminator="kind")]

_TERMS: TypeAdapter[Terms] = TypeAdapter(Terms)


def parse_terms(raw: Any) -> Terms:  # noqa: ANN401  what a payload holds is unknown until it is parsed
    """Reads terms that were accepted before, from a stream or a workflow's input.

    It checks the structure only, so that rules that become stricter never make an old stream unreadable.
    New terms are checked with `checks.problems`.

    Args:
        raw: The JSON object, as Python values.

    Raises:
        pydantic.ValidationError: If this is not what terms look like.
    """
    return _TERMS.validate_python(raw)
