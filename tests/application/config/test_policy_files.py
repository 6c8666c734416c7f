"""Policy sets in YAML: every problem has its line, and no text can harm the reader."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest

from application.config.policy_files import policy_set_as_yaml, read_policy_set
from domain.policy.documents import PolicyRefused, document_of
from domain.policy.policy_set import DEFAULT

YAML = policy_set_as_yaml(DEFAULT)


def _refused(text: str) -> list[tuple[str, str]]:
    with pytest.raises(PolicyRefused) as refused:
        read_policy_set(text)
    return [(problem.field, problem.sentence) for problem in refused.value.problems]


def _line(part: str) -> int:
    return next(number for number, line in enumerate(YAML.splitlines(), start=1) if part in line)


def test_what_is_written_is_read_again() -> None:
    """`show --yaml` gives a file that `check` takes; JSON does as well."""
    assert read_policy_set(YAML) == DEFAULT
    assert read_policy_set(json.dumps(document_of(DEFAULT))) == DEFAULT


def test_a_problem_names_its_line() -> None:
    """Whoever edits two hundred lines is told which."""
    text = YAML.replace("milestone: {due: 5, stalled: 15}", "milestone: {due: 5, stalled: 2}", 1)
    [(field, sentence)] = _refused(text)
    assert field == "kinds.secondment.allowances.milestone"
    assert sentence.startswith(f"line {_line('milestone: {due: 5, stalled: 15}')}: ")


def test_a_threshold_given_twice_is_refused() -> None:
    """YAML would keep the last one without a word."""
    text = YAML.replace("    missed_running: 2\n", "    missed_running: 2\n    missed_running: 3\n", 1)
    [(field, sentence)] = _refused(text)
    assert field == "kinds.secondment.missed_running"
    assert (
        f"line {_line('missed_running') + 1}: is there already in line {_line('missed_running')}" in sentence
    )


@pytest.mark.parametrize(
    "value", ["yes", "2.5", "'2'", "010.0", "2027-01-01", "~", "0x10", "1_0", "99999999999"]
)
def test_only_whole_numbers_are_whole_numbers(value: str) -> None:
    """YAML's other readings of a plain word never become a threshold."""
    text = YAML.replace("missed_running: 2", f"missed_running: {value}", 1)
    [(field, sentence)] = _refused(text)
    assert field == "kinds.secondment.missed_running"
    assert "whole number" in sentence


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "is empty"),
        ("# only a remark\n", "is empty"),
        ("kinds: [", "line 1, column 9: is not YAML"),
        ("a: 1\n---\nb: 2\n", "is not YAML"),
        ("a: \x00", "is not YAML"),
        ("a: &x [*x]", "aliases of itself"),
        ("a: *nowhere", "is not YAML"),
        ("- default", "must be a mapping"),
        ("x" * 200_001, "far longer"),
        ("[" * 5_000, "nested too deeply"),
    ],
)
def test_what_is_no_policy_is_refused_in_words(text: str, part: str) -> None:
    """A broken, foreign or hostile text gets a sentence."""
    assert any(part in sentence for _, sentence in _refused(text))


def test_a_few_lines_cannot_describe_an_endless_document() -> None:
    """Aliases of aliases are not followed beyond what a policy set can hold."""
    lines = ["a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    names = "abcdefghi"
    lines += [f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]" for before, name in pairwise(names)]
    assert "aliases of itself" in str(_refused("\n".join(lines)))


def test_aliases_may_share_a_ladder() -> None:
    """Two kinds with the same ladder may say it once."""
    start = YAML.index("    ladder:\n")
    ladder = YAML[start : YAML.index("  shadowing:")]
    head, tail = YAML.split("  rotation:", 1)
    shared = head.replace(ladder, ladder.replace("ladder:", "ladder: &months", 1), 1)
    assert (
        read_policy_set(f"{shared}  rotation:{tail.replace(ladder, '    ladder: *months' + chr(10))}")
        == DEFAULT
    )
