"""What a command reads: JSON documents, arrays and lines, each with a name for where it stood."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from pydantic import JsonValue, TypeAdapter, ValidationError

from domain.kernel.model import Instant
from workers.terminal.failures import ExitCode, Failure

STANDARD_INPUT = "-"

_INSTANT: TypeAdapter[datetime] = TypeAdapter(Instant)


class Found(NamedTuple):
    """One JSON value of a file."""

    where: str
    """Where it stood, as a person would look for it: `line 3`, `entry 2`; empty for the only value of all."""
    value: JsonValue


def read_text(file: str) -> str:
    """Read a file as text, or standard input for `-`.

    Raises:
        Failure: It cannot be read.
    """
    try:
        raw = sys.stdin.buffer.read() if file == STANDARD_INPUT else Path(file).read_bytes()
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Failure(f"{named(file)} is not UTF-8 text (byte {error.start}): save it as UTF-8.") from error
    except OSError as error:
        raise Failure(f"{file} cannot be read: {error.strerror or error}.", ExitCode.USAGE) from error


def read_values(files: Sequence[str]) -> list[Found]:
    """Read the JSON values of files, each with one object, an array of them, or one per line.

    Args:
        files: Paths, or `-` for standard input. Where there are several, `where` begins with the file.

    Raises:
        Failure: One cannot be read, is empty, or holds something that is not JSON; each bad line is named.
    """
    if len(files) == 1:
        return _values_of(files[0])
    return [
        Found(" ".join(filter(None, (named(file), found.where))), found.value)
        for file in files
        for found in _values_of(file)
    ]


def _values_of(file: str) -> list[Found]:
    text = read_text(file)
    if not text.strip():
        raise Failure(f"{named(file)} is empty: give a JSON object, an array, or one object per line.")
    try:
        whole: JsonValue = _parse(text)
    except ValueError as error:
        return _lines(file, text, error)
    if isinstance(whole, list):
        if not whole:
            raise Failure(f"{named(file)} holds an empty array: there is nothing to do.")
        return [Found(f"entry {number}", value) for number, value in enumerate(whole, start=1)]
    return [Found("", whole)]


def read_object(data: str) -> dict[str, JsonValue]:
    """Read the JSON object that an option gives: as text, as `@file`, or as `-` for standard input.

    Raises:
        Failure: It is not a JSON object.
    """
    text = read_text(data.removeprefix("@")) if data == STANDARD_INPUT or data.startswith("@") else data
    try:
        value = _parse(text)
    except ValueError as error:
        raise Failure(
            f"--data is not JSON: {error}. Quote it for the shell, as in --data '{{\"terms_version\": 1}}', "
            "or give a file as --data @command.json.",
            ExitCode.USAGE,
        ) from error
    if not isinstance(value, dict):
        raise Failure("--data must be a JSON object with the fields of the command.", ExitCode.USAGE)
    return value


def read_instant(text: str, option: str) -> datetime:
    """Read an instant as typed on the command line.

    Raises:
        Failure: It is malformed or names no offset.
    """
    problem = (
        f"{option} must be an instant with its offset from UTC, such as 2027-03-01T09:00:00Z or "
        f"2027-03-01T09:00:00+01:00; {text!r} is not."
    )
    # Without this, a bare number would pass as seconds since 1970.
    if "T" not in text.upper():
        raise Failure(problem, ExitCode.USAGE)
    try:
        return _INSTANT.validate_strings(text)
    except ValidationError as error:
        raise Failure(problem, ExitCode.USAGE) from error


def named(file: str) -> str:
    """Name a file in a sentence."""
    return "standard input" if file == STANDARD_INPUT else file


def _lines(file: str, text: str, whole: ValueError) -> list[Found]:
    # Not splitlines(): JSON text may hold other characters that Unicode calls line breaks.
    numbered = [(number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip()]
    found: list[Found] = []
    broken: list[str] = []
    for number, line in numbered:
        try:
            found.append(Found(f"line {number}", _parse(line)))
        except ValueError as error:
            broken.append(f"line {number}: {error}")
    # A document over several lines that is broken somewhere is not meant as lines.
    if not found or found[0].where != f"line {numbered[0][0]}" or not isinstance(found[0].value, dict):
        raise Failure(f"{named(file)} is not JSON: {whole}.")
    if broken:
        raise Failure(f"{named(file)} is not JSON lines:\n" + "\n".join(broken))
    return found


def _parse(text: str) -> JsonValue:
    try:
        return json.loads(text, parse_constant=_no_number)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _no_number(constant: str) -> JsonValue:
    raise ValueError(f"{constant} is not a JSON number")
