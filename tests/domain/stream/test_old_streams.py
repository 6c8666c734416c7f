"""Whole streams of every release fold for ever, with the steps that bring their events up to date.

Each file under `streams/` is one agreement's events as a release wrote them, and what it made of them. A file
is added when an event's schema version is raised, and never changed. Write those that are missing with

    RECORD_STREAMS=1 .venv/bin/pytest tests/domain/stream/test_old_streams.py
"""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

import pytest
from pydantic import JsonValue

from domain.agreement.events import EVENTS
from domain.agreement.events.forming import AgreementSigned
from domain.agreement.state import Agreement
from domain.stream.messages import RecordedEvent
from domain.stream.serialization import BrokenStream, fold_recorded
from domain.stream.upcasting import UPCASTERS, Data
from tests.fixtures.paths import STREAMS

RELEASE = "0.1.0"
KINDS = ("secondment", "shadowing", "rotation")


class SignedAsItMightBe(AgreementSigned):
    """A later release's idea of a signature: it speaks of the terms' version by another name."""

    schema_version: ClassVar[int] = 3
    type: Literal["agreement.signed"] = "agreement.signed"


@pytest.mark.parametrize("kind", KINDS)
def test_a_stream_of_an_older_release_folds(kind: str, scripted: Mapping[str, Any]) -> None:
    """Every prefix folds, and the whole leads to what the release that wrote it had at the end."""
    file = STREAMS / f"{kind}.{RELEASE}.json.gz"
    if os.environ.get("RECORD_STREAMS") and not file.exists():
        _event_store(file, scripted[kind].rows)
    kept = json.loads(gzip.decompress(file.read_bytes()))
    rows = [RecordedEvent.model_validate(row) for row in kept["rows"]]
    agreement: Agreement | None = None
    for row in rows:
        agreement = fold_recorded([row], agreement)
    assert agreement is not None
    assert _made_of(agreement) == kept["made_of"]
    assert fold_recorded(rows) == agreement


def test_every_old_schema_version_is_in_a_stream() -> None:
    """Raising a schema version without keeping a stream of the one before is found here."""
    kept = {
        (row["type"], row["schema_version"])
        for file in STREAMS.iterdir()
        for row in json.loads(gzip.decompress(file.read_bytes()))["rows"]
    }
    assert kept >= set(UPCASTERS)
    assert {wire_type for wire_type, _ in kept} <= set(EVENTS)


def test_a_stream_of_three_schema_versions_folds_like_one_of_the_newest(
    active: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Upcasters apply in a stream: events of two older versions beside the newest make the same agreement."""
    rows: list[RecordedEvent] = active("secondment").rows
    signed = [number for number, row in enumerate(rows) if row.type == "agreement.signed"]
    assert len(signed) >= 3
    before = fold_recorded(rows)

    def to_second(data: Data) -> Data:
        return {**_without(data, "of_terms"), "terms": data["of_terms"]}

    def to_third(data: Data) -> Data:
        return {**_without(data, "terms"), "terms_version": data["terms"]}

    older = list(rows)
    for number, (schema_version, name) in zip(signed, ((1, "of_terms"), (2, "terms")), strict=False):
        data = {**_without(rows[number].data, "terms_version"), name: rows[number].data["terms_version"]}
        older[number] = rows[number].model_copy(update={"schema_version": schema_version, "data": data})
    for number in signed[2:]:
        older[number] = rows[number].model_copy(update={"schema_version": 3})
    monkeypatch.setitem(EVENTS, "agreement.signed", SignedAsItMightBe)  # pyright: ignore[reportArgumentType]
    with pytest.raises(BrokenStream, match="at version 2"):
        fold_recorded(older)
    monkeypatch.setitem(UPCASTERS, ("agreement.signed", 1), to_second)  # pyright: ignore[reportArgumentType]
    monkeypatch.setitem(UPCASTERS, ("agreement.signed", 2), to_third)  # pyright: ignore[reportArgumentType]
    assert fold_recorded(older) == before


def _without(data: Mapping[str, JsonValue], name: str) -> dict[str, JsonValue]:
    return {key: value for key, value in data.items() if key != name}


def _made_of(agreement: Agreement) -> dict[str, JsonValue]:
    return {
        "version": agreement.version,
        "phase": agreement.phase,
        "outcome": agreement.outcome,
        "terms_version": agreement.terms_version,
        "ends_on": agreement.ends_on.isoformat(),
        "owed": [str(owed) for owed in sorted(agreement.obligations)],
    }


def _event_store(file: Path, rows: list[RecordedEvent]) -> None:
    agreement = fold_recorded(rows)
    assert agreement is not None
    kept = {"made_of": _made_of(agreement), "rows": [row.model_dump(mode="json") for row in rows]}
    STREAMS.mkdir(exist_ok=True)
    file.write_bytes(gzip.compress(json.dumps(kept, separators=(",", ":")).encode(), mtime=0))
