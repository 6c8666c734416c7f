"""Requests to change and to hold against the rules: the ones under `examples/`."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from domain.kernel.vocabulary import Kind
from domain.terms.problems import RequestRefused
from domain.terms.requests import split
from tests.fixtures.paths import EXAMPLES

Request = dict[str, Any]
Altered = Callable[[str, Mapping[str, Any]], Request]


@pytest.fixture(scope="session")
def requests() -> Mapping[str, Request]:
    """The example request of each kind."""
    return {kind: json.loads((EXAMPLES / f"{kind}.json").read_text()) for kind in Kind}


@pytest.fixture
def altered(requests: Mapping[str, Request]) -> Altered:
    """Gives an example with some fields changed.

    A change is a dotted path and a new value, or `...` to take the field out, or a slice of the list to
    keep. The step `*` is every entry of a list; a last step `+` adds an entry, and with `...` adds the first
    one again.
    """

    def alter(kind: str, changes: Mapping[str, Any]) -> Request:
        request = copy.deepcopy(requests[kind])
        for path, value in changes.items():
            *parents, last = path.split(".")
            for place in _reached(request, parents):
                _change(place, last, value)
        return request

    return alter


def _reached(place: Any, steps: list[str]) -> list[Any]:  # noqa: ANN401  any part of a JSON value
    if not steps:
        return [place]
    step, *further = steps
    parts: list[Any] = place if step == "*" else [place[int(step) if step.isdigit() else step]]
    return [reached for part in parts for reached in _reached(part, further)]


def _change(place: Any, step: str, value: Any) -> None:  # noqa: ANN401  any part of a JSON value
    key = int(step) if step.isdigit() else step
    if step == "+":
        place.append(place[0] if value is ... else value)
    elif value is ...:
        del place[key]
    else:
        place[key] = place[key][value] if isinstance(value, slice) else value


@pytest.fixture
def refusal_of(altered: Altered) -> Callable[[str, Mapping[str, Any]], list[str]]:
    """Gives the problems, as text, that a changed example is refused with."""

    def refuse(kind: str, changes: Mapping[str, Any]) -> list[str]:
        with pytest.raises(RequestRefused) as refused:
            split(altered(kind, changes))
        said = [str(problem) for problem in refused.value.problems]
        assert str(refused.value) == "\n".join(said)
        return said

    return refuse
