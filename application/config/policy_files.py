"""Read policy sets that operators wrote in YAML, with the line of every problem, and write them out."""

from __future__ import annotations

import re
from collections.abc import Mapping

import yaml
from pydantic import JsonValue
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from domain.policy.documents import PolicyRefused, document_of, policy_set_of
from domain.policy.policy_set import PolicySet
from domain.terms.problems import Problem, path

LONGEST_TEXT = 200_000
"""Characters; a policy set is a few thousand."""

DEEPEST = 12
MOST_NODES = 10_000
"""Aliases can make a small text describe an endless document; a policy set has a few hundred nodes."""

_WHOLE_NUMBER = re.compile(r"[-+]?[0-9]{1,9}")

HEADING = """\
# A policy set: when what is owed is due, when it counts as stalled, and who hears of it meanwhile.
# All figures are working days in the owner's calendar. Allowances count from the day that the terms give, or
# else from the day of asking; negative means before. The ladder counts from the due day.
# To change it: give it the next version, then `sojourn policy check FILE` and `sojourn policy replay FILE`.
"""


def read_policy_set(text: str) -> PolicySet:
    """Return the set that a YAML text describes; JSON is YAML, too.

    Raises:
        PolicyRefused: With every problem; each names its line where it has one.
    """
    document, lines = _parsed(text)
    try:
        return policy_set_of(document)
    except PolicyRefused as refused:
        raise PolicyRefused([_with_line(problem, lines) for problem in refused.problems]) from refused


def policy_set_as_yaml(policies: PolicySet) -> str:
    """Return the set as YAML, to be changed and read again."""
    document = document_of(policies)
    return HEADING + yaml.safe_dump(document, sort_keys=False, default_flow_style=None, width=100)


def _parsed(text: str) -> tuple[JsonValue, Mapping[str, int]]:
    """Return the document, and the line on which each of its fields begins."""
    if len(text) > LONGEST_TEXT:
        raise PolicyRefused([Problem(field="", sentence="is far longer than a policy set can be")])
    try:
        root: Node | None = yaml.SafeLoader(text).get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = "" if mark is None else f"line {mark.line + 1}, column {mark.column + 1}: "
        problem = Problem(field="", sentence=f"{where}is not YAML: {error.problem}")
        raise PolicyRefused([problem]) from error
    except yaml.YAMLError as error:
        raise PolicyRefused([Problem(field="", sentence=f"is not YAML: {error}")]) from error
    except RecursionError:
        raise PolicyRefused([Problem(field="", sentence="is nested too deeply")]) from None
    if root is None:
        raise PolicyRefused([Problem(field="", sentence="is empty")])
    reading = _Reading()
    document = reading.value(root, "", 0)
    if reading.problems:
        raise PolicyRefused(reading.problems)
    return document, reading.lines


class _Reading:
    """Makes values of YAML's nodes: whole numbers, text and nothing; `yes` or a date stays the text it is."""

    def __init__(self) -> None:
        self.lines: dict[str, int] = {}
        self.problems: list[Problem] = []
        self._nodes = 0

    def value(self, node: Node, field: str, depth: int) -> JsonValue:
        """Return the value of a node, and of all within it."""
        self._nodes += 1
        self.lines.setdefault(field, _line(node))
        if depth > DEEPEST or self._nodes > MOST_NODES:
            too_much = Problem(field="", sentence="holds far more than a policy set, or aliases of itself")
            self.problems = [too_much]
            return None
        if isinstance(node, MappingNode):
            return self._mapping(node, field, depth)
        if isinstance(node, SequenceNode):
            return [
                self.value(each, _under(field, index), depth + 1) for index, each in enumerate(node.value)
            ]
        return _scalar(node)

    def _mapping(self, node: MappingNode, field: str, depth: int) -> JsonValue:
        read: dict[str, JsonValue] = {}
        for key, value in node.value:
            name = str(key.value) if isinstance(key, ScalarNode) else "?"
            inner = _under(field, name)
            self.lines.setdefault(inner, _line(key))
            if name in read:
                sentence = (
                    f"line {_line(key)}: is there already in line {self.lines[inner]}; keep one of them"
                )
                self.problems.append(Problem(field=inner, sentence=sentence))
            read[name] = self.value(value, inner, depth + 1)
        return read


def _scalar(node: Node) -> JsonValue:
    if not isinstance(node, ScalarNode):
        return None
    text = str(node.value)
    if node.style is not None:
        return text
    if _WHOLE_NUMBER.fullmatch(text):
        return int(text)
    return None if text in {"", "~", "null"} else text


def _under(field: str, step: str | int) -> str:
    return path(*([field] if field else []), step)


def _line(node: Node) -> int:
    return node.start_mark.line + 1


def _with_line(problem: Problem, lines: Mapping[str, int]) -> Problem:
    """Return the problem with the line of its field, or of the nearest field around it."""
    steps = problem.field.split(".")
    for length in range(len(steps), 0, -1):
        line = lines.get(".".join(steps[:length]))
        if line is not None and problem.field:
            return problem.model_copy(update={"sentence": f"line {line}: {problem.sentence}"})
    return problem
