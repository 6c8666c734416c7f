"""The glossary has each word once, in order, and all of the vocabulary."""

from __future__ import annotations

import re
from enum import Enum

from domain.kernel import vocabulary
from domain.kernel.classification import Audience
from domain.kernel.vocabulary import Kind, Phase, Role
from tests.fixtures.paths import DOCS

GLOSSARY = (DOCS / "glossary.md").read_text()
ROWS = dict(re.findall(r"^\| ([^|]+) \| ([^|]+) \|$", GLOSSARY, re.MULTILINE))
ROWS.pop("Word")


def test_words_are_in_order_and_once() -> None:
    """A word is found where one looks for it."""
    words = re.findall(r"^\| ([^|]+) \| [^|]+ \|$", GLOSSARY, re.MULTILINE)[1:]
    assert words == sorted(set(words), key=str.lower)


def test_every_kind_phase_and_role_has_a_line() -> None:
    """Whoever reads one of these in a list can look it up."""
    words = {value.replace("_", " ") for values in (Kind, Phase, Role) for value in values}
    assert words - set(ROWS) == set()


def test_every_class_of_the_vocabulary_is_named_at_its_word() -> None:
    """A word leads to its class, and so to all its values."""
    classes = {
        name
        for name, member in vars(vocabulary).items()
        if isinstance(member, type) and issubclass(member, Enum)
    } - {"StrEnum"}
    named = set(re.findall(r"`([A-Z]\w+)`", GLOSSARY))
    assert {*classes, Audience.__name__} - named == set()
