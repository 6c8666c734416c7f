"""Whose words are whose: every field that people write has a subject, and folding needs none of the words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import JsonValue

from domain.agreement.events import EVENTS
from domain.agreement.state import AgreementChanges
from domain.kernel.classification import Subject, marks
from domain.kernel.model import WITHHELD
from domain.kernel.vocabulary import Role
from domain.privacy.audiences import AUDIENCES
from domain.privacy.data_subjects import SUBJECTS, SUBJECTS_OF_TERMS, subject_of, subjects_of
from domain.privacy.free_text import places_of_words, with_words_changed
from domain.stream.messages import RecordedEvent
from domain.stream.sealed_values import as_sealed, sealed_text, with_sealed_replaced
from domain.stream.serialization import fold_recorded, read_event
from domain.terms import RotationTerms, SecondmentTerms, ShadowingTerms
from domain.terms.words import without_words
from tests.fixtures.paths import GOLDEN

GOLDEN_FILES = sorted(GOLDEN.glob("*.json"))
HOLDERS = {Role.MENTEE: "P-mentee", Role.MENTOR: "P-mentor"}
WRITTEN = [(name, place) for name, event in EVENTS.items() for place in places_of_words(event)]


def _sealed(event_type: str, data: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    # Longer than words may be: ciphertext is.
    return with_words_changed(event_type, data, lambda place, words: as_sealed(f"{place}{words}" * 9000))


@pytest.mark.parametrize(("event_type", "place"), WRITTEN)
def test_every_place_with_words_has_a_subject(event_type: str, place: str) -> None:
    """Nobody forgets to say whose data a new field is: nothing could be sealed, and nothing written."""
    assert subject_of(event_type, place, {}, author="P-author", holders=HOLDERS)


def test_every_place_with_words_says_who_reads_it_and_whose_it_is() -> None:
    """Both stand at the field or at one around it; no field of the terms without words is somebody's."""
    for event_type, place in WRITTEN:
        names = [name for name in place.split("/") if name not in {"", "*"}]
        around = {"/".join(names[:length]) for length in range(1, len(names) + 1)}
        assert around & AUDIENCES[event_type].keys(), (event_type, place)
        assert around & SUBJECTS[event_type].keys(), (event_type, place)
    in_terms = {place.split("/")[2] for _, place in WRITTEN if place.startswith("/terms/")}
    assert set(SUBJECTS_OF_TERMS) == in_terms


def test_kinds_agree_on_whose_a_field_of_the_terms_is() -> None:
    """A field of one name is somebody's by one rule, whatever the kind: the record does not say the kind."""
    kinds = (SecondmentTerms, ShadowingTerms, RotationTerms)
    for field, subject in SUBJECTS_OF_TERMS.items():
        stated = {marks(kind, Subject)[field] for kind in kinds if field in kind.model_fields}
        assert stated == {subject}, field


def test_a_field_without_a_subject_stops_the_append() -> None:
    """Better nothing is written than words that no erasure would reach."""
    with pytest.raises(LookupError, match=r"note\.kept/diary"):
        subject_of("note.kept", "/diary", {}, author="P-author", holders=HOLDERS)


@pytest.mark.parametrize(
    ("event_type", "place", "data", "subject"),
    [
        ("note.kept", "/note", {}, "P-author"),
        ("debrief.submitted", "/reflection/insights/0", {}, "P-author"),
        ("feedback.given", "/behaviour", {"receiver_id": "P-receiver"}, "P-receiver"),
        ("concern.raised", "/what", {"about": "P-about"}, "P-about"),
        ("concern.raised", "/what", {"about": None}, "P-author"),
        ("party.left", "/reason", {"person_id": "P-gone"}, "P-gone"),
        ("role.reassigned", "/reason", {"from_person": "P-gone"}, "P-gone"),
        ("agreement.proposed", "/terms/objectives/0/gap", {}, "P-mentee"),
        ("agreement.proposed", "/terms/mentor_commitment/escalation_triggers/0", {}, "P-mentor"),
        ("synthesis.submitted", "/synthesis/summary", {}, "P-mentee"),
    ],
)
def test_words_belong_to_whom_they_are_about(
    event_type: str, place: str, data: dict[str, JsonValue], subject: str
) -> None:
    """A reflection is its author's, feedback its receiver's, their duties the mentor's."""
    assert subject_of(event_type, place, data, author="P-author", holders=HOLDERS) == subject


def test_a_whole_request_is_known_by_the_words_of_everybody_in_it() -> None:
    """Either erasure takes its digest away; everything else has one subject."""
    of_all = subjects_of("agreement.proposed", "/request_digest", {}, author="P-hr", holders=HOLDERS)
    assert of_all == ("P-mentee", "P-mentor")
    alone = {Role.MENTEE: "P-mentee"}
    of_one = subjects_of("agreement.proposed", "/request_digest", {}, author="P-hr", holders=alone)
    assert of_one == ("P-mentee",)
    of_part = subjects_of("agreement.proposed", "/terms/boundaries", {}, author="P-hr", holders=HOLDERS)
    assert of_part == ("P-mentee",)


def test_words_that_the_system_writes_are_about_the_mentee() -> None:
    """No key is made for the clock."""
    given = subject_of("policy.adopted", "/reason", {}, author="system", holders=HOLDERS)
    assert given == "P-mentee"


@pytest.mark.parametrize("file", GOLDEN_FILES, ids=lambda file: file.stem)
def test_an_event_without_its_words_reads_as_one_with_them_sealed(file: Path) -> None:
    """Whatever an event says beside its words is read with no key at all, and no word is left in clear."""
    event_type, _, schema_version = file.stem.rpartition(".v")
    data = json.loads(file.read_text())
    at = datetime(2027, 3, 1, 9, tzinfo=UTC)
    row = RecordedEvent(
        event_id="e1",
        agreement_id="a1",
        version=1,
        type=event_type,
        schema_version=int(schema_version),
        occurred_at=at,
        recorded_at=at,
        actor_id="P-1",
        actor_role=Role.MENTEE,
        command_id="c1",
        data=data,
        previous_hash="",
        hash="",
    )
    clear = read_event(row)
    sealed = _sealed(event_type, data)
    unread = read_event(row.model_copy(update={"data": sealed}))
    assert unread == without_words(clear)
    in_clear = json.dumps(with_sealed_replaced(sealed, lambda _place, _text: ""))
    words: list[str] = []
    with_words_changed(event_type, data, lambda _place, text: words.append(text))
    # One-word texts such as a name of a tag may also be an id.
    assert [each for each in words if " " in each and json.dumps(each) in in_clear] == []


def test_a_sealed_life_folds_to_the_same_agreement(scripted: Mapping[str, Any]) -> None:
    """Erased or merely sealed, all the words may be missing: nothing differs but what they are known by."""
    for life in scripted.values():
        rows = [row.model_copy(update={"data": _sealed(row.type, row.data)}) for row in life.rows]
        folded, of_words = fold_recorded(rows), fold_recorded(life.rows)
        assert folded is not None
        assert of_words is not None
        digests: AgreementChanges = {
            "request_digest": of_words.request_digest,
            "digests": of_words.digests,
            "pivot": of_words.pivot,
        }
        assert folded.model_copy(update=digests) == of_words


def test_nothing_that_people_type_looks_sealed() -> None:
    """A seal is an object where the model has a text: words that spell one out are words."""
    typed = '{"$sealed": "1/p-ada/1/xyz"}'
    assert sealed_text(typed) is None
    assert sealed_text({"$sealed": "x", "more": "y"}) is None
    assert with_sealed_replaced({"note": typed}, lambda _place, _text: WITHHELD) == {"note": typed}
    replaced = with_sealed_replaced({"a": [{"b": as_sealed("x")}]}, lambda place, text: f"{place}={text}")
    assert replaced == {"a": [{"b": "/a/0/b=x"}]}


def test_only_words_are_changed() -> None:
    """Ids, codes, ratings and the ledger stand as they were."""
    data: dict[str, JsonValue] = {
        "ratings": [{"criterion_id": "c", "because": "Led two."}],
        "ledger": {"opened": []},
    }
    changed = with_words_changed("self_assessment.recorded", data, lambda place, _: place)
    assert changed == {
        "ratings": [{"criterion_id": "c", "because": "/ratings/0/because"}],
        "ledger": {"opened": []},
    }
