"""The example requests, moved in time so that HR approved them just before the demonstration begins."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import cast

from pydantic import JsonValue, TypeAdapter

from domain.kernel.person import Person
from domain.kernel.vocabulary import Kind

FOLDER = Path(__file__).parents[2] / "examples"
"""Requests as HR tooling would send them, and the directory behind them."""

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}.*")
_PEOPLE = TypeAdapter(list[Person])


class ExamplesMissingError(FileNotFoundError):
    """The examples are not beside the program; the text says where they were looked for."""


def read_people(folder: Path = FOLDER) -> list[Person]:
    """The directory that the examples need.

    Raises:
        ExamplesMissingError: The file is not there.
    """
    return _PEOPLE.validate_json(_text(folder / "people.json"))


def read_request(kind: Kind, today: date, folder: Path = FOLDER) -> dict[str, JsonValue]:
    """The example of a kind, every date moved by the same number of whole weeks.

    Its last approval falls into the seven days up to today: whenever the demonstration is played, its
    placements are ahead, and what happened on a Tuesday still happens on one.

    Raises:
        ExamplesMissingError: The file is not there.
    """
    request = cast("dict[str, JsonValue]", json.loads(_text(folder / f"{kind}.json")))
    approved = datetime.fromisoformat(str(request["approved_at"])).date()
    weeks = (today - timedelta(days=1) - approved).days // 7
    return cast("dict[str, JsonValue]", _moved(request, timedelta(weeks=weeks)))


def _moved(value: JsonValue, by: timedelta) -> JsonValue:
    if isinstance(value, Mapping):
        return {name: _moved(part, by) for name, part in value.items()}
    if isinstance(value, list):
        return [_moved(part, by) for part in value]
    if isinstance(value, str) and _INSTANT.fullmatch(value):
        return (datetime.fromisoformat(value) + by).isoformat()
    if isinstance(value, str) and _DAY.fullmatch(value):
        return (date.fromisoformat(value) + by).isoformat()
    return value


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ExamplesMissingError(
            f"{file} is not there: the demonstration plays the requests under examples/ of a checkout"
        ) from error
