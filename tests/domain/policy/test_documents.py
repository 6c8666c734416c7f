"""Policy documents: what is written is read again, and whatever is wrong is said by name."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from domain.kernel.vocabulary import Kind, ObligationKind
from domain.policy.documents import PolicyRefused, advice, differences, document_of, policy_set_of
from domain.policy.policy_set import DEFAULT, POLICY_SETS, KindPolicy


@pytest.fixture
def document() -> dict[str, Any]:
    """The default set as a document, to be changed at will."""
    return deepcopy(document_of(DEFAULT))


def _problems(document: Any) -> dict[str, str]:  # noqa: ANN401  anything may be offered
    with pytest.raises(PolicyRefused) as refused:
        policy_set_of(document)
    return {problem.field: problem.sentence for problem in refused.value.problems}


def test_a_set_survives_being_written(document: dict[str, Any]) -> None:
    """What is shown can be read back unchanged, and repeats nothing."""
    assert policy_set_of(document) == DEFAULT
    assert "version" not in document["kinds"]["secondment"]


def test_an_unknown_obligation_names_what_was_meant_and_the_valid_ones(document: dict[str, Any]) -> None:
    """A slip in a name is answered with the likely one, all valid ones, and what is now missing."""
    allowances = document["kinds"]["secondment"]["allowances"]
    allowances["mileston"] = allowances.pop("milestone")
    found = _problems(document)
    sentence = found["kinds.secondment.allowances.mileston"]
    assert "did you mean milestone?" in sentence
    assert all(kind in sentence for kind in ObligationKind)
    assert found["kinds.secondment.allowances"] == "lacks milestone"


@pytest.mark.parametrize(
    "name", [name for name in KindPolicy.model_fields if name not in {"policy_set_id", "version"}]
)
def test_a_missing_threshold_is_named(document: dict[str, Any], name: str) -> None:
    """No threshold is filled in silently: an agreement would live by a figure that nobody chose."""
    del document["kinds"]["rotation"][name]
    assert name in _problems(document)["kinds.rotation"]


def test_every_kind_is_required_and_no_other_known(document: dict[str, Any]) -> None:
    """A set without one kind could not take a placement of it."""
    document["kinds"]["apprenticeship"] = document["kinds"].pop("shadowing")
    found = _problems(document)
    assert found["kinds"] == "lacks shadowing"
    assert "rotation, secondment and shadowing" in found["kinds.apprenticeship"]


@pytest.mark.parametrize(
    ("path", "value", "field", "part"),
    [
        (("allowances", "milestone"), {"due": 9, "stalled": 3}, "allowances.milestone", "before it is due"),
        (("allowances", "check_in"), {"due": 2, "stalled": 5}, "allowances.check_in.due", "must be 0"),
        (("allowances", "feedback"), {"due": -1, "stalled": 5}, "allowances.feedback.due", "less than 0"),
        (("allowances", "feedback"), {"due": True, "stalled": 5}, "allowances.feedback.due", "whole number"),
        (("allowances", "feedback"), {"due": "2", "stalled": 5}, "allowances.feedback.due", "whole number"),
        (("allowances", "feedback"), {"due": 2.5, "stalled": 5}, "allowances.feedback.due", "whole number"),
        (("allowances", "feedback"), {"due": 2}, "allowances.feedback.stalled", "required"),
        (("allowances", "feedback"), {"due": 2, "stalled": 99_999}, "allowances.feedback", "within 1000"),
        (("allowances",), [], "allowances", "mapping"),
        (("first_meeting",), {"due": 5, "stalled": 4}, "first_meeting", "before it is due"),
        (("first_meeting",), {"due": -5, "stalled": 4}, "first_meeting.due", "follows the start"),
        (("silence",), {"least": 9, "most": 5}, "silence", "no more than most"),
        (("missed_running",), 0, "missed_running", "between 1 and"),
        (("signature_before_start",), -1, "signature_before_start", "between 0 and"),
        (("ladder",), [], "ladder", "at least one rung"),
        (("ladder", 3, "level"), 2, "ladder.3", "levels ascend"),
        (("ladder", 3, "working_days"), 2, "ladder.3", "comes later"),
        (("ladder", 0, "working_days"), 1, "ladder.0", "on or before the due day"),
        (("ladder", 6, "level"), 7, "ladder.6.level", "must be 0, 1, 2, 3, 4, 5 or 6"),
    ],
)
def test_senseless_thresholds_are_refused(
    document: dict[str, Any], path: tuple[str | int, ...], value: object, field: str, part: str
) -> None:
    """Each contradiction is named with its field and what it must be."""
    inner: Any = document["kinds"]["secondment"]
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    found = _problems(document)
    assert part in found[f"kinds.secondment.{field}"]


@pytest.mark.parametrize("offered", [None, [], "default", 3, {"kinds": None}, {"kinds": {"rotation": 5}}])
def test_whatever_is_offered_gets_sentences(offered: Any) -> None:  # noqa: ANN401
    """Something that is no policy set at all is refused in words, never with a traceback."""
    assert all(sentence for sentence in _problems(offered).values())


def test_a_wrong_version_is_said_once(document: dict[str, Any]) -> None:
    """Each kind carries the set's version inside; a person wrote it once and reads of it once."""
    document["version"] = "two"
    assert list(_problems(document)) == ["version"]
    document["version"] = 0
    assert list(_problems(document)) == ["version"]


def test_differences_name_each_threshold_with_both_values(document: dict[str, Any]) -> None:
    """Comparing two sets shows what a reader would otherwise look for in two hundred lines."""
    document["version"] = 2
    document["kinds"]["secondment"]["allowances"]["milestone"]["stalled"] = 10
    document["kinds"]["shadowing"]["missed_running"] = 2
    found = differences(DEFAULT, policy_set_of(document))
    assert [(each.field, each.before, each.after) for each in found] == [
        ("kinds.secondment.allowances.milestone.stalled", 15, 10),
        ("kinds.shadowing.missed_running", 1, 2),
    ]
    assert differences(DEFAULT, DEFAULT) == []


def test_a_known_version_with_other_thresholds_is_warned_about(document: dict[str, Any]) -> None:
    """Agreements name a policy by set and version, so one version must not mean two things."""
    assert advice(policy_set_of(document), POLICY_SETS.values()) == []
    document["kinds"]["secondment"]["allowances"]["milestone"]["stalled"] = 10
    [warning] = advice(policy_set_of(document), POLICY_SETS.values())
    assert warning.field == "version"
    assert "call these version 2" in warning.sentence


def test_a_stall_after_the_ladder_is_warned_about(document: dict[str, Any]) -> None:
    """Where the ladder has ended long before the stall, everybody was told before it counts."""
    document["version"] = 2
    document["kinds"]["secondment"]["allowances"]["milestone"]["stalled"] = 40
    [warning] = advice(policy_set_of(document), POLICY_SETS.values())
    assert warning.field == "kinds.secondment.allowances.milestone"
    assert "35 working days" in warning.sentence


def test_the_default_set_is_without_remark() -> None:
    """What the product comes with obeys its own rules."""
    assert set(DEFAULT.kinds) == set(Kind)
    assert advice(DEFAULT, POLICY_SETS.values()) == []
