"""What is private is opened by two people, with a reason, for one reader, one agreement and a time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from domain.kernel.errors import RefusalCode, Refused
from domain.kernel.model import WITHHELD
from domain.notifications.derive import notices_of
from domain.privacy.disclosure import as_read_by, reader_of
from domain.stream.serialization import fold_recorded, read_event

Active = Callable[[str], Any]

NOTE = "I said yes too quickly."
GLASS = "break_glass.approved"


def _with_a_note(active: Active) -> Any:  # noqa: ANN401  a life, which conftest keeps to itself
    life = active("secondment")
    life.give("keep_note", life.terms.mentee, note=NOTE)
    life.give("record_win_or_setback", life.terms.mentee, is_win=True, what="Led a call.", lesson="Ask.")
    return life


def _ask(life: Any, **fields: object) -> None:  # noqa: ANN401  likewise
    life.give("request_break_glass", life.terms.hrbp, request_id="g1", reason="An inquiry.", **fields)


def _read(life: Any, person: str, *, after: timedelta = timedelta()) -> dict[str, dict[str, Any]]:  # noqa: ANN401  likewise
    reader = reader_of(life.agreement, person, at=life.now + after)
    return {row.type: row.data for row in as_read_by(life.rows, reader)}


def test_asking_opens_nothing_and_a_second_person_opens_it_for_a_time(active: Active) -> None:
    """Closed before, closed for everybody else, and closed again once the hours are over."""
    life = _with_a_note(active)
    terms = life.terms
    _ask(life, hours=4)
    assert _read(life, terms.hrbp)["note.kept"]["note"] == WITHHELD
    life.give("approve_break_glass", terms.programme_owner, request_id="g1")
    assert _read(life, terms.hrbp)["note.kept"]["note"] == NOTE
    assert _read(life, terms.programme_owner)["note.kept"]["note"] == WITHHELD
    assert _read(life, terms.line_manager)["note.kept"]["note"] == WITHHELD
    assert _read(life, terms.hrbp, after=timedelta(hours=3, minutes=59))["note.kept"]["note"] == NOTE
    assert _read(life, terms.hrbp, after=timedelta(hours=4))["note.kept"]["note"] == WITHHELD


def test_one_field_is_one_field(active: Active) -> None:
    """A request for a field opens that field and no other."""
    life = _with_a_note(active)
    _ask(life, only="note.kept/note")
    life.give("approve_break_glass", life.terms.programme_owner, request_id="g1")
    read = _read(life, life.terms.hrbp)
    assert read["note.kept"]["note"] == NOTE
    assert read["win_or_setback.recorded"]["what"] == WITHHELD


def test_nobody_approves_their_own_request(active: Active) -> None:
    """It takes another person, not another role of the same one."""
    life = _with_a_note(active)
    life.operators.add(life.terms.hrbp)
    _ask(life)
    for role in (None, "operator"):
        with pytest.raises(Refused) as refused:
            life.give("approve_break_glass", life.terms.hrbp, request_id="g1", acting_as=role)
        assert refused.value.code is RefusalCode.CONFLICT_OF_INTEREST


def test_a_request_lapses_and_is_approved_once(active: Active) -> None:
    """After a day it is too late; a second approval would prolong it unasked."""
    life = _with_a_note(active)
    _ask(life)
    asked = life.now
    life.now = asked + timedelta(hours=24)
    with pytest.raises(Refused, match="lapsed"):
        life.give("approve_break_glass", life.terms.programme_owner, request_id="g1")
    life.now = asked + timedelta(hours=23)
    life.give("approve_break_glass", life.terms.programme_owner, request_id="g1")
    with pytest.raises(Refused, match="approved already"):
        life.give("approve_break_glass", life.terms.programme_owner, request_id="g1")


def test_what_nobody_writes_cannot_be_asked_for(active: Active) -> None:
    """Unknown fields, unknown requests and known ids are refused by name."""
    life = _with_a_note(active)
    with pytest.raises(Refused, match=r"nobody writes check_in\.held/number"):
        _ask(life, only="check_in.held/number")
    with pytest.raises(Refused, match="nobody has made a request g1"):
        life.give("approve_break_glass", life.terms.programme_owner, request_id="g1")
    _ask(life)
    with pytest.raises(Refused, match="choose another id"):
        _ask(life)


def test_only_hr_asks_and_an_operator_reads_with_it(active: Active) -> None:
    """Neither mentor nor manager may ask; an operator who is no party reads while it is open."""
    life = _with_a_note(active)
    for person in (life.terms.mentor, life.terms.line_manager):
        with pytest.raises(Refused):
            life.give("request_break_glass", person, request_id="g0", reason="I wonder.")
    life.operators.add("P-9001")
    life.give("request_break_glass", "P-9001", request_id="g2", reason="An inquiry.", acting_as="operator")
    with pytest.raises(Refused):
        _read(life, "P-9001")
    life.give("approve_break_glass", life.terms.hrbp, request_id="g2")
    assert _read(life, "P-9001")["note.kept"]["note"] == NOTE


def test_a_concern_about_the_reader_stays_hidden(active: Active) -> None:
    """Breaking the glass does not show what goes round oneself."""
    life = _with_a_note(active)
    terms = life.terms
    life.give("raise_concern", terms.mentee, matter_id="k1", about=terms.hrbp, what="She tells everybody.")
    _ask(life)
    life.give("approve_break_glass", terms.programme_owner, request_id="g1")
    assert "concern.raised" not in _read(life, terms.hrbp)


def test_the_person_concerned_sees_it_and_is_told(active: Active) -> None:
    """Who asked, who approved, what for and why is in the mentee's own record; mentee and mentor get word."""
    life = _with_a_note(active)
    terms = life.terms
    _ask(life)
    life.give("approve_break_glass", terms.programme_owner, request_id="g1")
    read = _read(life, terms.mentee)
    assert read["break_glass.requested"]["reason"] == "An inquiry."
    assert (read[GLASS]["reader_id"], read[GLASS]["approved_by"]) == (terms.hrbp, terms.programme_owner)
    before = fold_recorded([row for row in life.rows if row.type != GLASS])
    event = read_event(next(row for row in life.rows if row.type == GLASS))
    told = notices_of(before, life.agreement, event, "e1")
    assert {notice.recipient_id for notice in told} == {terms.mentee, terms.mentor}


def test_hr_whom_a_concern_is_about_is_not_shown_that_it_was_opened(active: Active) -> None:
    """HR read which field it was, so to them there is nothing to be seen; a field of others' they see."""
    life = active("secondment")
    terms = life.terms
    life.give("raise_concern", terms.mentee, about=terms.hrbp, what="Asked what I had said in confidence.")
    for number, only in enumerate(("concern.raised/what", "check_in.held/answers")):
        asked = {"request_id": f"g{number}", "only": only, "reason": "An inquiry."}
        life.give("request_break_glass", terms.programme_owner, **asked)
        life.by("operator", "approve_break_glass", request_id=f"g{number}")
    for person, seen in ((terms.hrbp, 1), ("OP-1", 2), (terms.mentor, 2)):
        reader = reader_of(life.agreement, person, operator=person == "OP-1")
        shown = [row.data["only"] for row in as_read_by(life.rows, reader) if row.type == GLASS]
        assert len(shown) == seen
        assert ("concern.raised/what" in shown) is (person == "OP-1")
