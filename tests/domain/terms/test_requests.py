"""A request falls apart into people and terms, or is refused with everything that is wrong with it."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from domain.kernel.model import PersonId
from domain.kernel.person import Person
from domain.terms import Terms, digest, parse_terms
from domain.terms.checks import problems, warnings
from domain.terms.problems import Problem, RequestRefused
from domain.terms.requests import request_schema, split
from tests.fixtures.paths import EXAMPLES

KINDS = ("secondment", "shadowing", "rotation")
Request = dict[str, Any]
Altered = Callable[[str, Mapping[str, Any]], Request]


def said(request: Any) -> list[str]:  # noqa: ANN401  also what is no request
    """The problems that a request is refused with."""
    with pytest.raises(RequestRefused) as refused:
        split(request)
    return [str(problem) for problem in refused.value.problems]


@pytest.mark.parametrize("kind", KINDS)
def test_an_example_is_accepted_without_a_warning(kind: str, requests: Mapping[str, Request]) -> None:
    """The examples are requests that HR tooling can copy."""
    people, terms = split(requests[kind])
    assert terms.kind == kind
    assert warnings(terms) == []
    assert len({person.person_id for person in people}) == len(people) > 0


@pytest.mark.parametrize("kind", KINDS)
def test_the_directory_holds_everybody_of_an_example(kind: str, requests: Mapping[str, Request]) -> None:
    """The people file says of each person what the requests say, and knows every delegate."""
    listed = json.loads((EXAMPLES / "people.json").read_text())
    directory = {person.person_id: person for person in TypeAdapter(list[Person]).validate_python(listed)}
    for person in split(requests[kind]).people:
        assert directory[person.person_id] == person
    assert all(person.delegate_id in directory for person in directory.values() if person.delegate_id)
    assert any(person.is_operator for person in directory.values())


def test_terms_name_people_by_id_only(requests: Mapping[str, Request]) -> None:
    """Whoever is described inline leaves no name and no address in the terms."""
    for request in requests.values():
        people, terms = split(request)
        text = terms.model_dump_json()
        for person in people:
            assert person.name not in text
            assert person.email is not None
            assert person.email not in text


def test_a_person_may_be_an_id_or_an_object_anywhere(
    altered: Altered, requests: Mapping[str, Request]
) -> None:
    """In lists and in nested objects too, the same terms come of both."""
    expert = requests["shadowing"]["host_experts"][0]
    by_id, by_object = (
        split(
            altered(
                "shadowing",
                {
                    "host_experts.0": one,
                    "sessions.0.host_expert": other,
                    "approval_chain.0.approver": "P-3020",
                },
            )
        )
        for one, other in ((expert["person_id"], expert), (expert, expert["person_id"]))
    )
    assert by_id.terms == by_object.terms
    assert {person.person_id for person in by_id.people} == {person.person_id for person in by_object.people}


def test_two_descriptions_of_one_person_must_agree(altered: Altered, requests: Mapping[str, Request]) -> None:
    """Which of them is right is for the sender to say."""
    mentor = requests["secondment"]["mentor"]
    request = altered("secondment", {"observers": [{**mentor, "time_zone": "Europe/Paris"}]})
    assert said(request) == ["observers.0: describes P-1107 otherwise than mentor does"]


def test_a_malformed_person_is_told_once_and_by_its_field(altered: Altered) -> None:
    """What is wrong with a person is said of the person, not of the role that names them."""
    request = altered(
        "secondment",
        {"mentor.time_zone": ..., "mentee.person_id": ..., "hrbp.email": "nobody", "hrbp.person_id": "P 1"},
    )
    assert said(request) == [
        "mentee.person_id: is required",
        "mentor.time_zone: is required",
        (
            "hrbp.person_id: must be 1 to 64 letters, digits, '.', '_' or '-', beginning with "
            "a letter or a digit"
        ),
        "hrbp.email: must match ^[^@\\s<>]+@[^@\\s<>]+$",
    ]


def test_malformed_fields_do_not_hide_broken_rules(altered: Altered) -> None:
    """All problems are told at once: of people, of shapes and of what fields are to one another."""
    request = altered(
        "rotation",
        {
            "mentor.time_zone": ...,
            "objectives.0.gap": ...,
            "approved_at": "2026-10-19T16:45:00",
            "legs.1.starts_on": "2027-04-16",
            "milestones.0.verifier": "mentee",
        },
    )
    assert said(request) == [
        "mentor.time_zone: is required",
        "approved_at: names no time zone; write its offset, as in 2027-01-04T09:00:00+01:00",
        "objectives.0.gap: is required",
        "milestones.0.verifier: must be somebody other than the mentee",
        (
            "legs.1.starts_on: is 2027-04-16, but leg 'melbourne-control' lasts until "
            "2027-04-16: legs must not overlap"
        ),
    ]


@pytest.mark.parametrize(
    ("request_", "sentence"),
    [
        ([], "the request: must be a JSON object"),
        ({}, "kind: is required; it must be 'secondment', 'shadowing' or 'rotation'"),
        ({"kind": "sabbatical"}, "kind: must be 'secondment', 'shadowing' or 'rotation'"),
        ({"kind": ["rotation"]}, "kind: must be 'secondment', 'shadowing' or 'rotation'"),
    ],
)
def test_what_is_no_request_is_refused(request_: Any, sentence: str) -> None:  # noqa: ANN401
    """Without a kind there is nothing to check against."""
    assert said(request_) == [sentence]


def test_a_late_approval_with_a_reason_is_accepted(altered: Altered) -> None:
    """HR may record what began before it was approved, if it says why."""
    late = {"approved_at": "2027-02-20T10:00:00Z", "retroactive_reason": "The visa came late."}
    assert split(altered("shadowing", late)).terms.retroactive_reason == "The visa came late."


def test_an_explained_gap_between_legs_is_accepted(altered: Altered) -> None:
    """A gap is refused for want of an explanation, not for being one."""
    gap = {"legs.1.starts_on": "2027-04-26", "legs.1.gap_explanation": "Safety accreditation for Auckland."}
    assert problems(split(altered("rotation", gap)).terms) == []


def test_a_session_on_the_first_morning_far_in_the_east_is_accepted(altered: Altered) -> None:
    """The first day has begun in Auckland while it is the day before in UTC."""
    early = {"sessions.0.starts_at": "2027-02-16T00:30:00+13:00"}
    assert problems(split(altered("shadowing", early)).terms) == []


def test_the_digest_is_of_the_content(requests: Mapping[str, Request], altered: Altered) -> None:
    """Order, spelling of an instant and a default written out change nothing; a word does."""
    original = digest(split(requests["secondment"]).terms)
    same = altered(
        "secondment", {"approved_at": "2026-11-24T16:20:00+01:00", "retroactive_reason": None, "fte": 1}
    )
    assert digest(split(dict(reversed(list(same.items())))).terms) == original
    assert digest(split(altered("secondment", {"rationale": "Another."})).terms) != original
    assert len(original) == 64


@pytest.mark.parametrize("kind", KINDS)
def test_terms_come_back_from_json(kind: str, requests: Mapping[str, Request]) -> None:
    """A stream or a workflow's input gives back what was put in."""
    terms = split(requests[kind]).terms
    assert parse_terms(terms.model_dump(mode="json")) == terms


def test_the_schema_lets_a_person_be_an_object_everywhere() -> None:
    """Wherever terms expect the id of a person, the request's schema takes a person too, and nowhere else."""
    definitions = request_schema()["$defs"]
    either = {"$ref": "#/$defs/Person"}
    for kind in ("SecondmentTerms", "ShadowingTerms", "RotationTerms"):
        assert definitions[kind]["properties"]["mentee"]["anyOf"][1] == either
    assert definitions["Leg"]["properties"]["sponsor"]["anyOf"][1] == either
    assert definitions["ShadowingTerms"]["properties"]["host_experts"]["items"]["anyOf"][1] == either
    assert "anyOf" not in definitions["Person"]["properties"]["person_id"]
    assert "anyOf" not in definitions["RotationTerms"]["properties"]["request_id"]
    assert set(_references(request_schema())) <= {f"#/$defs/{name}" for name in definitions}


def _entries(value: Any) -> list[tuple[str | int, Any]]:  # noqa: ANN401  any part of a JSON value
    if isinstance(value, dict):
        return list(cast("dict[str | int, Any]", value).items())
    return list(enumerate(cast("list[Any]", value))) if isinstance(value, list) else []


def _references(schema: Any) -> Iterator[str]:  # noqa: ANN401  any part of a JSON Schema
    for key, part in _entries(schema):
        if key == "$ref":
            yield part
        yield from _references(part)


def _places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:  # noqa: ANN401
    for key, part in _entries(value):
        yield (*path, key)
        yield from _places(part, (*path, key))


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats()
    | st.text(max_size=10)
    | st.sampled_from(["P-1042", "mentee", "2027-03-01", "9999-12-31", "9999-12-31T23:59:59-12:00"]),
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(st.text(max_size=8), parts, max_size=3),
    max_leaves=5,
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_damage_to_a_request_is_refused_or_accepted_never_a_crash(
    data: st.DataObject, requests: Mapping[str, Request]
) -> None:
    """Whatever stands in whatever place, the sender gets sentences; what passes is complete."""
    request = copy.deepcopy(requests[data.draw(st.sampled_from(KINDS))])
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.sampled_from(list(_places(request))))
        *parents, last = place
        parent: Any = request
        for step in parents:
            parent = parent[step]
        parent[last] = data.draw(JSON)
    refusal, terms = None, None
    try:
        terms = split(request).terms
    except RequestRefused as refused:
        refusal = refused
    if terms is None:
        assert refusal is not None
        assert refusal.problems
        assert all(problem.sentence for problem in refusal.problems)
    else:
        assert problems(terms) == []
        assert TypeAdapter[Terms](Terms).validate_json(terms.model_dump_json()) == terms


NEEDED_BY_OTHERS = {"observers", "sponsors"}
"""Optional, but the example gives their holders something to assess, verify or say."""


@pytest.mark.parametrize("kind", KINDS)
def test_a_field_taken_out_is_named_in_the_refusal(kind: str, requests: Mapping[str, Request]) -> None:
    """Whatever required field is missing, at whatever depth, its dotted path is in the refusal."""
    refused: list[str] = []
    for *parents, last in _places(requests[kind]):
        if isinstance(last, int) or (not parents and last in NEEDED_BY_OTHERS | {"kind"}):
            continue
        request = copy.deepcopy(requests[kind])
        parent: Any = request
        for step in parents:
            parent = parent[step]
        del parent[last]
        try:
            split(request)
        except RequestRefused as refusal:
            missing = ".".join(map(str, [*parents, last]))
            refused.append(missing)
            assert Problem(field=missing, sentence="is required") in refusal.problems, missing  # noqa: PT017
    assert len(refused) > 100


def test_a_person_id_is_marked_wherever_it_is_used() -> None:
    """The mark that tells ids of people from other ids survives in the schema."""
    assert TypeAdapter(PersonId).json_schema()["format"] == "person-id"
