"""What people wrote can be taken out of any value without changing its shape."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from domain.kernel.model import WITHHELD, Frozen, Slug, Words
from domain.terms import parse_terms, without_words
from domain.terms.checks import problems
from domain.terms.requests import split


class Inner(Frozen):
    """Words one level down."""

    inner_id: Slug
    said: Words


class Outer(Frozen):
    """Words in every position that models put them in."""

    outer_id: Slug
    said: Words
    maybe: Words | None = None
    described: Annotated[Words, Field(description="Also words.")] = "nothing"
    several: tuple[Words, ...] = ()
    by_id: Mapping[Slug, Words] = {}
    inner: Inner
    inners: tuple[Inner, ...] = ()
    inner_by_id: Mapping[Slug, Inner] = {}
    maybe_inner: Inner | None = None
    count: int = 0


words = st.text(min_size=1, max_size=20).filter(lambda text: bool(text.strip()))
ids = st.from_regex(r"\A[a-z][a-z0-9-]{0,10}\Z")
inners = st.builds(Inner, inner_id=ids, said=words)
outers = st.builds(
    Outer,
    outer_id=ids,
    said=words,
    maybe=st.none() | words,
    described=words,
    several=st.lists(words, max_size=3).map(tuple),
    by_id=st.dictionaries(ids, words, max_size=3),
    inner=inners,
    inners=st.lists(inners, max_size=3).map(tuple),
    inner_by_id=st.dictionaries(ids, inners, max_size=3),
    maybe_inner=st.none() | inners,
    count=st.integers(),
)


@given(outers)
def test_every_word_goes_and_everything_else_stays(outer: Outer) -> None:
    """Positions, counts, ids and absences stay as they were, and the value is valid as before."""
    bare = without_words(outer)
    assert bare == Outer(
        outer_id=outer.outer_id,
        said=WITHHELD,
        maybe=None if outer.maybe is None else WITHHELD,
        described=WITHHELD,
        several=(WITHHELD,) * len(outer.several),
        by_id=dict.fromkeys(outer.by_id, WITHHELD),
        inner=Inner(inner_id=outer.inner.inner_id, said=WITHHELD),
        inners=tuple(Inner(inner_id=each.inner_id, said=WITHHELD) for each in outer.inners),
        inner_by_id={
            key: Inner(inner_id=each.inner_id, said=WITHHELD) for key, each in outer.inner_by_id.items()
        },
        maybe_inner=None
        if outer.maybe_inner is None
        else Inner(inner_id=outer.maybe_inner.inner_id, said=WITHHELD),
        count=outer.count,
    )
    assert Outer.model_validate_json(bare.model_dump_json()) == bare
    assert without_words(bare) == bare


def _texts(value: Any) -> Iterator[str]:  # noqa: ANN401  any part of a JSON value
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in cast("dict[str, Any]", value).values():
            yield from _texts(part)
    elif isinstance(value, list):
        for part in cast("list[Any]", value):
            yield from _texts(part)


@pytest.mark.parametrize("kind", ["secondment", "shadowing", "rotation"])
def test_terms_without_words_hold_no_prose_and_still_obey_the_rules(
    kind: str, requests: Mapping[str, dict[str, Any]]
) -> None:
    """What folded state keeps of terms has no sentence in it, reads back, and passes the same checks."""
    terms = split(requests[kind]).terms
    bare = without_words(terms)
    dumped = bare.model_dump(mode="json")
    assert parse_terms(dumped) == bare
    assert problems(bare) == []
    prose = {text for text in _texts(dumped) if text.endswith((".", ";")) or text.count(" ") > 6}
    assert prose == set()
    assert terms.objectives[0].statement != WITHHELD
    assert bare.objectives[0].objective_id == terms.objectives[0].objective_id


def test_a_default_that_was_not_given_stays_not_given() -> None:
    """What was left out is left out of the digest and of the JSON, with and without words."""
    outer = Outer(outer_id="a", said="b", inner=Inner(inner_id="c", said="d"))
    assert without_words(outer).model_fields_set == {"outer_id", "said", "inner"}
