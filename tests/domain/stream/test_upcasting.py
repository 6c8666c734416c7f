"""Events written by any release are read for ever.

Each file under `golden/` is one event as a release once wrote it, named by wire type and schema version. A
file is added with a new type or version and never changed: what is in the log cannot be.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import JsonValue

from domain.agreement.events import EVENTS
from domain.kernel.vocabulary import Role
from domain.stream.messages import RecordedEvent
from domain.stream.serialization import UnreadableEvent, fold_recorded, read_event, to_new_event
from domain.stream.upcasting import UPCASTERS, Data, upcast
from tests.fixtures.paths import GOLDEN

GOLDEN_FILES = sorted(GOLDEN.glob("*.json"))


def _row(
    wire_type: str, schema_version: int, data: Mapping[str, JsonValue], version: int = 1
) -> RecordedEvent:
    at = datetime(2027, 3, 1, 9, tzinfo=UTC)
    return RecordedEvent(
        event_id="e1",
        agreement_id="a1",
        version=version,
        type=wire_type,
        schema_version=schema_version,
        occurred_at=at,
        recorded_at=at,
        actor_id="P-1",
        actor_role=Role.MENTEE,
        command_id="c1",
        data=dict(data),
        previous_hash="",
        hash="",
    )


def _named(file: Path) -> tuple[str, int]:
    wire_type, _, schema_version = file.stem.rpartition(".v")
    return wire_type, int(schema_version)


def _within(older: JsonValue, newer: JsonValue) -> bool:
    """Whether everything that was written is still there, whatever newer releases added."""
    if isinstance(older, dict) and isinstance(newer, dict):
        return all(key in newer and _within(value, newer[key]) for key, value in older.items())
    if isinstance(older, list) and isinstance(newer, list):
        return len(older) == len(newer) and all(map(_within, older, newer))
    return older == newer


@pytest.mark.parametrize("file", GOLDEN_FILES, ids=[file.stem for file in GOLDEN_FILES])
def test_what_was_once_written_is_read(file: Path) -> None:
    """An event of any release comes back from its JSON, and loses nothing where its version is the newest."""
    wire_type, schema_version = _named(file)
    data: dict[str, JsonValue] = json.loads(file.read_text())
    event = read_event(_row(wire_type, schema_version, data))
    assert event.type == wire_type
    if schema_version == event.schema_version:
        assert _within(data, to_new_event(event, "e1").data)


def test_every_event_type_has_been_kept_as_it_was_first_written() -> None:
    """A type or schema version without its file would change unseen."""
    kept = {_named(file) for file in GOLDEN_FILES}
    known = {
        (wire_type, version)
        for wire_type, event in EVENTS.items()
        for version in range(1, event.schema_version + 1)
    }
    assert kept == known


def test_every_step_from_an_old_version_leads_to_the_next() -> None:
    """There is an upcaster for each version but the newest, and none for a type that nobody knows."""
    needed = {
        (wire_type, version)
        for wire_type, event in EVENTS.items()
        for version in range(1, event.schema_version)
    }
    assert set(UPCASTERS) == needed


def test_old_data_is_brought_forward_one_version_after_another() -> None:
    """An event two versions old passes through both steps, in order."""

    def with_days(data: Data) -> Data:
        return {**data, "days": data["weeks"]}

    def without_weeks(data: Data) -> Data:
        return {key: value for key, value in data.items() if key != "weeks"}

    steps = {("x", 1): with_days, ("x", 2): without_weeks}
    assert upcast("x", 1, {"weeks": 2}, steps) == {"days": 2}
    assert upcast("x", 2, {"weeks": 2, "days": 9}, steps) == {"days": 9}
    assert upcast("x", 3, {"days": 9}, steps) == {"days": 9}


@pytest.mark.parametrize(("wire_type", "schema_version"), [("nobody.knows", 1), ("note.kept", 99)])
def test_an_event_of_a_newer_release_is_not_guessed_at(wire_type: str, schema_version: int) -> None:
    """An older release stops with a sentence that says what to run."""
    with pytest.raises(UnreadableEvent, match="is unknown to this release; run a release that knows it"):
        read_event(_row(wire_type, schema_version, {}))


def test_a_gap_in_a_stream_is_noticed() -> None:
    """Rows that are not the next versions are not folded into something that never was."""
    with pytest.raises(ValueError, match="version 1 is missing before 2"):
        fold_recorded([_row("note.kept", 1, {"note": "x", "audience": "author"}, version=2)])
