"""Refusals as tables: a situation, a command, and the rule and the sentence that it is refused with."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from domain.agreement.commands import COMMANDS
from domain.agreement.state import Agreement
from domain.kernel.errors import Refused
from domain.kernel.vocabulary import Phase


@pytest.fixture
def situation(begun: Callable[[str], Any]) -> Callable[[str, Iterable[dict[str, Any]]], Any]:
    """Gives a placement in a situation: `kind`, or `kind:phase` as a cast lives until then, and a script."""

    def lived(name: str, script: Iterable[dict[str, Any]] = ()) -> Any:  # noqa: ANN401  the life of the fixtures
        kind, _, phase = name.partition(":")
        life = begun(kind)
        if phase:

            def is_there(agreement: Agreement) -> bool:
                return agreement.phase is Phase(phase)

            life.live(is_there)
        life.play(script)
        return life

    return lived


@pytest.fixture
def refused(situation: Callable[..., Any]) -> Callable[..., Refused]:
    """Gives the refusal of a row: situation, script, who, command, fields.

    Fields that are not given are the example's; `terms` are changes to the terms of the request.
    """

    def refuse(
        name: str, script: Iterable[dict[str, Any]], who: str, command: str, fields: dict[str, Any]
    ) -> Refused:
        life = situation(name, script)
        before = life.agreement
        given = {**COMMANDS[command].example, **fields}
        if "terms" in fields:
            raw: dict[str, Any] = life.terms.model_dump(mode="json")
            changes: Any = fields["terms"]
            given["terms"] = {**raw, **(changes if isinstance(changes, dict) else changes(raw))}
        refusal: Refused = life.refusal(who, command, **given)
        assert life.agreement is before
        return refusal

    return refuse


@pytest.fixture
def raised_at() -> Callable[[Refused], tuple[str, int]]:
    """Gives the module and the line of the `raise` that a refusal came from."""

    def place(refusal: Refused) -> tuple[str, int]:
        traceback = refusal.__traceback__
        assert traceback is not None
        while traceback.tb_next is not None:
            traceback = traceback.tb_next
        path = Path(traceback.tb_frame.f_code.co_filename)
        lines = [line for line in _refusals_in(path) if line <= traceback.tb_lineno]
        return path.stem, max(lines)

    return place


@pytest.fixture
def refusals_in() -> Callable[[ModuleType], set[tuple[str, int]]]:
    """Gives every place in a module that refuses something."""

    def places(module: ModuleType) -> set[tuple[str, int]]:
        assert module.__file__ is not None
        path = Path(module.__file__)
        return {(path.stem, line) for line in _refusals_in(path)}

    return places


def _refusals_in(path: Path) -> list[int]:
    return [
        node.lineno
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Raise)
        and isinstance(node.exc, ast.Call)
        and isinstance(node.exc.func, ast.Name)
        and node.exc.func.id == "Refused"
    ]
