"""The base of every value in the domain."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Self, dataclass_transform

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    PrivateAttr,
    StringConstraints,
)
from pydantic_core import CoreSchema

from domain.kernel.field_docs import field_meanings

WITHHELD = "(in the record)"
"""Stands where a person's words would be: in the folded state, which never holds them."""


PERSON_ID_FORMAT = "person-id"
"""The `format` by which the JSON Schema shows that an id names a person."""

EARLIEST_YEAR, LATEST_YEAR = 1900, 2199


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(Field, PrivateAttr))
class _FrozenByDefault(type(BaseModel)):
    """A metaclass that tells type checkers that no field is ever assigned, so a subclass may narrow one.

    `frozen=True` on the class would have to be repeated on every subclass.
    """


class Frozen(BaseModel, metaclass=_FrozenByDefault):
    """An immutable value that refuses fields it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy with some fields replaced, unvalidated as with any model of pydantic.

        Raises:
            TypeError: `update` names a field that the model does not have.
        """
        if update and not update.keys() <= vars(self).keys():
            unknown = update.keys() - type(self).model_fields.keys()
            if unknown:
                raise TypeError(f"{type(self).__name__} has no field {', '.join(sorted(unknown))}")
        return super().model_copy(update=update, deep=deep)

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Tell in the JSON Schema what each field means."""
        schema = handler(core_schema)
        properties = handler.resolve_ref_schema(schema).get("properties", {})
        for field, meaning in field_meanings(cls).items():
            properties[field]["description"] = meaning
        return schema


def is_none(value: object) -> bool:
    """Tell that a field that came later is not set, so that JSON leaves it out and digests stay the same."""
    return value is None


def is_empty(value: object) -> bool:
    """Likewise for lists that came later."""
    return value == ()


class WrittenByPeople:
    """Marks a field as words that a person wrote: kept in the record only, never in folded state."""


class NamesAPerson:
    """Marks an id as one of the people directory, where a request may also describe the person inline."""

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Tell an id of a person from any other id in the JSON Schema."""
        return {**handler(schema), "format": PERSON_ID_FORMAT}


def _on_the_utc_line(instant: datetime) -> datetime:
    # At the ends of the calendar, zone and duration arithmetic overflows.
    if not EARLIEST_YEAR <= instant.year <= LATEST_YEAR:
        raise ValueError(f"must lie between the years {EARLIEST_YEAR} and {LATEST_YEAR}")
    return instant.astimezone(UTC)


Instant = Annotated[AwareDatetime, AfterValidator(_on_the_utc_line)]
"""A point in time. Refused when naive; kept as UTC."""

Words = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=8000), WrittenByPeople()
]
"""What a person wrote: never blank, at most 8,000 characters."""

DigestOfWords = Annotated[str, WrittenByPeople()]
"""What words are recognised by without them. Whoever guesses them can tell by it that they guessed right, so
it is sealed and erased as they are."""

Slug = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
"""An opaque id given by HR tooling; it may be shown in clear, so it must not name a person."""

PersonId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"), NamesAPerson()]
"""The opaque id of a person in the directory."""
