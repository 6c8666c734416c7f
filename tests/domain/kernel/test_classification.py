"""What fields say of themselves: who may read them, and whose data they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from domain.kernel.classification import Audience, ChosenIn, Subject, marks
from domain.kernel.model import Frozen, Words


class _Inner(Frozen):
    said: Words
    for_the_pair: Annotated[Words, Audience.PAIR]


class _Outer(Frozen):
    every: Annotated[tuple[_Inner, ...], Audience.EVERY_SIDE, Subject.MENTEE]
    by_name: Mapping[str, _Inner | None]
    own: Annotated[Words | None, Audience.AUTHOR, ChosenIn("audience"), Subject.AUTHOR] = None


def test_marks_are_found_at_fields_and_below_them() -> None:
    """Through lists, mappings and what may be missing; each sort by itself."""
    assert marks(_Outer, Audience) == {
        "every": Audience.EVERY_SIDE,
        "every/for_the_pair": Audience.PAIR,
        "by_name/for_the_pair": Audience.PAIR,
        "own": Audience.AUTHOR,
    }
    assert marks(_Outer, Subject) == {"every": Subject.MENTEE, "own": Subject.AUTHOR}
    assert marks(_Outer, ChosenIn) == {"own": ChosenIn("audience")}


def test_marks_are_no_part_of_the_schema() -> None:
    """Whoever writes a request is shown what to write, not who reads it."""
    bare = _Outer.model_json_schema()["properties"]["own"]
    assert bare["anyOf"] == [{"maxLength": 8000, "minLength": 1, "type": "string"}, {"type": "null"}]
