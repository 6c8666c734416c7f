"""Folding: what a stream may not say, and what the folded state never holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import pytest
from pydantic import BaseModel, JsonValue

from domain.agreement.commands import COMMANDS, Command
from domain.agreement.events.feedback import NoteKept
from domain.agreement.evolve import evolve, fold
from domain.agreement.state import Agreement
from domain.kernel.model import WITHHELD
from domain.kernel.vocabulary import Kind, ObligationStatus
from domain.ledger.ledger import apply
from domain.ledger.obligation import LedgerChange, Settlement
from domain.stream.serialization import fold_recorded, read_event
from domain.terms import without_words

Lives = Callable[[str], Any]

CANARY = "the canary sings"


Sung = TypeVar("Sung", bound=BaseModel)


def _sung(model: Sung) -> Sung:
    """The same, with the canary in everything that a person wrote."""
    with_words, without = (each.model_dump(mode="json") for each in (model, without_words(model)))
    return type(model).model_validate(_with_canary(with_words, without))


def _with_canary(value: JsonValue, without: JsonValue) -> JsonValue:
    if isinstance(value, dict) and isinstance(without, dict):
        return {key: _with_canary(each, without[key]) for key, each in value.items()}
    if isinstance(value, list) and isinstance(without, list):
        return [_with_canary(each, other) for each, other in zip(value, without, strict=True)]
    return f"{CANARY}: {value}" if without == WITHHELD else value


@pytest.mark.parametrize("kind", list(Kind))
def test_the_folded_state_holds_no_words_that_anybody_wrote(kind: str, begun: Lives) -> None:
    """Names of things and ids, yes; what people wrote stays in the record, all life long."""
    life = begun(kind)

    singing = type(life)(_sung(life.terms))
    take = singing.take

    def take_sung(command: Command, *others: Any) -> list[str]:  # noqa: ANN401  as `take` has them
        return take(_sung(command), *others)

    singing.take = take_sung
    written: list[bool] = []

    def is_over(agreement: Agreement) -> bool:
        written.append(CANARY in agreement.model_dump_json())
        return agreement.closed

    singing.live(is_over, patient=True)
    assert not any(written)
    assert sum(CANARY in row.model_dump_json() for row in singing.rows) > 30


@pytest.mark.parametrize("script", ["secondment", "shadowing", "rotation", "ended_early", "declined"])
def test_a_stream_folds_from_any_snapshot_on(script: str, scripted: Mapping[str, Any]) -> None:
    """The state at any version, as JSON, and the events after it give what the whole stream gives."""
    rows = scripted[script].rows
    whole = fold_recorded(rows)
    for version in range(1, len(rows), 7):
        state = fold_recorded(rows[:version])
        assert state is not None
        restored = Agreement.model_validate_json(state.model_dump_json())
        assert restored == state
        assert fold_recorded(rows[version:], restored) == whole


def test_a_stream_begins_with_its_proposal(begun: Lives) -> None:
    """Another first event, or a second proposal, is a stream that somebody edited."""
    life = begun("secondment")
    proposed = read_event(life.rows[0])
    note = NoteKept.model_validate({"at": life.now, "note": "x", "audience": "author"})
    with pytest.raises(ValueError, match="not with note"):
        evolve(None, note)
    with pytest.raises(ValueError, match="an agreement is proposed once"):
        evolve(life.agreement, proposed)
    assert fold([]) is None
    assert fold([note], life.agreement) == life.agreement.model_copy(update={"version": 2})


def test_the_ledger_refuses_what_contradicts_it(begun: Lives) -> None:
    """What is not open cannot be settled, moved or escalated, and what is open cannot be opened."""
    ledger = begun("secondment").agreement.obligations
    known = next(iter(ledger.values()))
    gone = known.model_copy(update={"obligation_id": "milestone:golf"})
    settlement = Settlement(obligation_id="milestone:golf", status=ObligationStatus.WAIVED)
    for change, sentence in (
        (LedgerChange(settled=(settlement,)), "milestone:golf is settled but was not open"),
        (LedgerChange(opened=(known,)), f"{known.obligation_id} is opened but was open already"),
        (LedgerChange(moved=(gone,)), "milestone:golf is moved but was not open"),
        (
            LedgerChange.model_validate({"escalated": [{"obligation_id": "milestone:golf", "level": 1}]}),
            "milestone:golf is escalated but was not open",
        ),
    ):
        with pytest.raises(ValueError, match=sentence):
            apply(ledger, change)
    assert not LedgerChange()
    assert LedgerChange(settled=(settlement,))


def test_a_refused_command_leaves_no_trace(begun: Lives) -> None:
    """Neither an event nor a change of the state."""
    life = begun("secondment")
    before, rows = life.agreement, list(life.rows)
    life.refusal("mentee", "sign_agreement", **COMMANDS["sign_agreement"].example)
    assert life.agreement is before
    assert life.rows == rows
