"""Policy sets as documents: what operators write, what is wrong with it, and how two sets differ."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence

from pydantic import JsonValue, ValidationError

from domain.kernel.model import Frozen
from domain.kernel.vocabulary import Kind, ObligationKind
from domain.policy.policy_set import KindPolicy, PolicySet
from domain.policy.validation import odd, senseless
from domain.terms.problems import Problem, listed, path, problems_of

_OF_A_SET = ("policy_set_id", "version", "kinds")
_OF_A_KIND = tuple(name for name in KindPolicy.model_fields if name not in _OF_A_SET)


class PolicyRefused(ValueError):  # noqa: N818  a refusal is an answer, not an error of the program
    """A document that is no policy set, with every problem found in it.

    Attributes:
        problems: At least one, in the order of the document.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = tuple(problems)


class Difference(Frozen):
    """One threshold that two sets have differently."""

    field: str
    """The dotted path, as in `kinds.secondment.allowances.milestone.stalled`."""
    before: JsonValue
    after: JsonValue


def document_of(policies: PolicySet) -> dict[str, JsonValue]:
    """Return a set as operators write it: each kind's thresholds once, without repeating whose they are."""
    whole = policies.model_dump(mode="json")
    for kind in whole["kinds"].values():
        del kind["policy_set_id"], kind["version"]
    return whole


def policy_set_of(document: JsonValue) -> PolicySet:
    """Return the set that a document describes.

    Args:
        document: As read from YAML or JSON.

    Raises:
        PolicyRefused: With every problem and what to do about it.
    """
    found = list(_misshapen(document))
    if found or not isinstance(document, dict):
        raise PolicyRefused(found)
    filled = _with_names(document)
    try:
        # Through JSON, where strict means: no text for a number, no yes for a one.
        policies = PolicySet.model_validate_json(json.dumps(filled), strict=True)
    except ValidationError as error:
        raise PolicyRefused([each for each in problems_of(error) if not _is_repeated(each)]) from error
    if found := list(senseless(policies)):
        raise PolicyRefused(found)
    return policies


def advice(policies: PolicySet, known: Iterable[PolicySet]) -> list[Problem]:
    """Return what is allowed and worth a second look.

    Args:
        policies: The set in question.
        known: Sets that agreements live by.
    """
    namesakes = [
        other
        for other in known
        if (other.policy_set_id, other.version) == (policies.policy_set_id, policies.version)
        and differences(other, policies)
    ]
    taken = (
        Problem(
            field="version",
            sentence=f"{other.policy_set_id} version {other.version} has other thresholds already, and "
            f"agreements live by it: call these version {other.version + 1}",
        )
        for other in namesakes
    )
    return [*taken, *odd(policies)]


def differences(before: PolicySet, after: PolicySet) -> list[Difference]:
    """Return every threshold that differs, in the order of the document; not the version."""
    return [
        each for each in _differences(document_of(before), document_of(after), "") if each.field != "version"
    ]


def _differences(before: JsonValue, after: JsonValue, field: str) -> Iterator[Difference]:
    if isinstance(before, dict) and isinstance(after, dict):
        for key in dict.fromkeys([*before, *after]):
            inner = path(*([field] if field else []), key)
            yield from _differences(before.get(key), after.get(key), inner)
    elif before != after:
        yield Difference(field=field, before=before, after=after)


def _misshapen(document: JsonValue) -> Iterator[Problem]:
    """Yield what keeps a document from being read at all: unknown and missing names, with the valid ones."""
    if not isinstance(document, dict):
        yield Problem(field="", sentence="must be a mapping with policy_set_id, version and kinds")
        return
    yield from _names(document, "", _OF_A_SET, required=_OF_A_SET, called="a field of a policy set")
    kinds = document.get("kinds")
    if "kinds" not in document:
        return
    if not isinstance(kinds, dict):
        yield Problem(field="kinds", sentence=f"must be a mapping with {listed(Kind)}")
        return
    yield from _names(kinds, "kinds", tuple(Kind), required=tuple(Kind), called="a kind of placement")
    for name, thresholds in kinds.items():
        if name in set(Kind):
            yield from _misshapen_kind(path("kinds", name), thresholds)


def _misshapen_kind(field: str, thresholds: JsonValue) -> Iterator[Problem]:
    if not isinstance(thresholds, dict):
        yield Problem(field=field, sentence=f"must be a mapping with {listed(_OF_A_KIND)}")
        return
    yield from _names(thresholds, field, _OF_A_KIND, required=_OF_A_KIND, called="a threshold")
    allowances = thresholds.get("allowances", {})
    where = path(field, "allowances")
    if not isinstance(allowances, dict):
        yield Problem(field=where, sentence="must be a mapping from obligations to due and stalled")
        return
    kinds = tuple(ObligationKind)
    yield from _names(allowances, where, kinds, required=kinds, called="a kind of obligation")


def _names(
    given: Mapping[str, JsonValue], field: str, valid: Sequence[str], *, required: Sequence[str], called: str
) -> Iterator[Problem]:
    under = [field] if field else []
    for name in given:
        if name not in set(valid):
            close = difflib.get_close_matches(name, valid, n=1)
            names = listed(map(str, valid))
            hint = f"did you mean {close[0]}? There are {names}" if close else f"there are {names}"
            yield Problem(field=path(*under, name), sentence=f"is not {called}; {hint}")
    missing = [str(name) for name in required if name not in given]
    if missing:
        yield Problem(field=field, sentence=f"lacks {listed(missing)}")


def _with_names(document: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """Write into each kind's policy whose it is, as an agreement carries it alone."""
    whose = {name: document[name] for name in ("policy_set_id", "version")}
    kinds = document["kinds"]
    each = kinds if isinstance(kinds, dict) else {}
    filled: dict[str, JsonValue] = {
        name: {**thresholds, **whose} for name, thresholds in each.items() if isinstance(thresholds, dict)
    }
    return {**document, "kinds": filled}


def _is_repeated(problem: Problem) -> bool:
    """Return whether it is about the name or version of the set, as each kind carries them."""
    return problem.field.startswith("kinds.") and problem.field.split(".")[2:] in (
        ["policy_set_id"],
        ["version"],
    )
