"""What is wrong with a request, said field by field in words that a person can act on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from domain.kernel.model import Frozen


class Problem(Frozen):
    """One field and what is to be done about it."""

    field: str
    """The dotted path, as in `milestones.0.due_on`; empty for the request as a whole."""
    sentence: str
    """Reads on from the field's name: `is required`."""

    def __str__(self) -> str:
        return f"{self.field or 'the request'}: {self.sentence}"


class RequestRefused(ValueError):  # noqa: N818  a refusal is an answer, not an error of the program
    """A request that cannot become a placement, with every problem found in it.

    Attributes:
        problems: At least one, in the order of the request's checks.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = tuple(problems)


def path(*steps: str | int) -> str:
    """Return the dotted path of a field: `path("legs", 0, "sponsor")` is `legs.0.sponsor`."""
    return ".".join(map(str, steps))


def problems_of(error: ValidationError, *, under: str = "") -> list[Problem]:
    """Return pydantic's findings as sentences.

    Args:
        error: What pydantic raised.
        under: The path of the validated value within the request, empty for the request itself.
    """
    return [
        Problem(
            field=path(*([under] if under else []), *found["loc"]),
            sentence=_sentence(found["type"], found.get("ctx", {}), found["msg"]),
        )
        for found in error.errors(include_url=False, include_input=False)
    ]


_ID = "must be 1 to 64 letters, digits, '.', '_' or '-', beginning with a letter or a digit"

_DATE = "must be a date such as 2027-01-04"
_INSTANT = "must be an instant such as 2027-01-04T09:00:00+01:00"
_TIME = "must be a time of day such as 09:00"
_WHOLE_NUMBER = "must be a whole number"

_SENTENCES: Mapping[str, str] = {
    "missing": "is required",
    "extra_forbidden": "is not a field of this request; remove it or correct its name",
    "string_type": "must be text",
    "int_type": _WHOLE_NUMBER,
    "int_parsing": _WHOLE_NUMBER,
    "int_from_float": _WHOLE_NUMBER,
    "int_parsing_size": _WHOLE_NUMBER,
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "date_type": _DATE,
    "date_parsing": _DATE,
    "date_from_datetime_parsing": _DATE,
    "date_from_datetime_inexact": _DATE,
    "datetime_type": _INSTANT,
    "datetime_parsing": _INSTANT,
    "datetime_from_date_parsing": _INSTANT,
    "datetime_object_invalid": _INSTANT,
    "time_type": _TIME,
    "time_parsing": _TIME,
    "timezone_aware": "names no time zone; write its offset, as in 2027-01-04T09:00:00+01:00",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "json_invalid": "holds text that is not Unicode",
    "none_required": "must be null",
}

_SENTENCES_WITH_CONTEXT: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "string_pattern_mismatch": lambda found: (
        _ID if "A-Za-z0-9._-" in found["pattern"] else f"must match {found['pattern']}"
    ),
    "string_too_short": lambda found: (
        "must not be blank"
        if found["min_length"] == 1
        else f"must be at least {found['min_length']} characters long"
    ),
    "string_too_long": lambda found: f"must be at most {found['max_length']} characters long",
    "enum": lambda found: f"must be {found['expected']}",
    "literal_error": lambda found: f"must be {found['expected']}",
    "greater_than": lambda found: f"must be more than {_bound(found['gt'])}",
    "greater_than_equal": lambda found: f"must not be less than {_bound(found['ge'])}",
    "less_than": lambda found: f"must be less than {_bound(found['lt'])}",
    "less_than_equal": lambda found: f"must not be more than {_bound(found['le'])}",
    "too_short": lambda found: f"needs at least {_entries(found['min_length'])}",
    "too_long": lambda found: f"takes at most {_entries(found['max_length'])}",
    "union_tag_not_found": lambda found: f"is told apart by {found['discriminator']}, which is missing",
    "union_tag_invalid": lambda found: (
        f"has a {found['discriminator']} that is none of {found['expected_tags']}"
    ),
    "value_error": lambda found: str(found["error"]),
}


def _sentence(kind: str, context: Mapping[str, Any], message: str) -> str:
    if kind in _SENTENCES_WITH_CONTEXT:
        return _SENTENCES_WITH_CONTEXT[kind](context)
    return _SENTENCES.get(kind, message[:1].lower() + message[1:])


def _bound(limit: object) -> str:
    return f"{limit:g}" if isinstance(limit, float) else str(limit)


def _entries(count: int) -> str:
    return "1 entry" if count == 1 else f"{count} entries"


def listed(things: Iterable[str]) -> str:
    """Return names as in a sentence: `mentor, hrbp and sponsor`."""
    *first, last = sorted(things)
    return f"{', '.join(first)} and {last}" if first else last
