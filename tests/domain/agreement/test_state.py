"""The state of an agreement: what a change of it may name."""

# pyright: reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_type_hints

import pytest

from domain.agreement.state import Agreement, AgreementChanges

Lives = Callable[[str], Any]


def test_changes_name_the_fields_of_the_agreement_with_their_types() -> None:
    """Type checkers hold a change to the state by the same names and types as the state itself."""
    hints = get_type_hints(Agreement, include_extras=True)
    expected = {name: hints[name] for name in Agreement.model_fields}
    assert get_type_hints(AgreementChanges, include_extras=True) == expected


def test_a_misspelt_field_changes_nothing(begun: Lives) -> None:
    """It fails the type check, and where nobody ran one, it fails at once."""
    agreement: Agreement = begun("secondment").agreement
    with pytest.raises(TypeError, match="Agreement has no field obligatons"):
        agreement.model_copy(update={"obligatons": {}})  # pyright: ignore[reportArgumentType]
