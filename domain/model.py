"""The base of every value in the domain."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, StringConstraints

WITHHELD = "(in the record)"
"""Stands where a person's words would be: in the folded state, which never holds them."""


class Frozen(BaseModel):
    """An immutable value that refuses fields it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class WrittenByPeople:
    """Marks a field as words that a person wrote: kept in the record only, never in folded state."""


def _on_the_utc_line(instant: datetime) -> datetime:
    return instant.astimezone(UTC)


Instant = Annotated[AwareDatetime, AfterValidator(_on_the_utc_line)]
"""A point in time. Refused when naive; kept as UTC."""

Words = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=8000), WrittenByPeople()
]
"""What a person wrote: never blank, at most 8,000 characters."""

Slug = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
"""An opaque id given by HR tooling; it may be shown in clear, so it must not name a person."""

PersonId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
"""The opaque id of a person in the directory."""
