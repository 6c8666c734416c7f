"""What the parties agree on: the terms of each kind, and how a request for a placement becomes terms."""

from domain.terms.common import CommonTerms
from domain.terms.rotation import RotationTerms
from domain.terms.secondment import SecondmentTerms
from domain.terms.shadowing import ShadowingTerms
from domain.terms.union import Terms, digest, parse_terms
from domain.terms.words import without_words

__all__ = [
    "CommonTerms",
    "RotationTerms",
    "SecondmentTerms",
    "ShadowingTerms",
    "Terms",
    "digest",
    "parse_terms",
    "without_words",
]
