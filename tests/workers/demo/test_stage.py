"""The ground of a demonstration: examples always ahead, and folders that are never somebody else's."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from application.placements.named_people import named_people
from deploy.embedded.stack import Stack
from domain.kernel.vocabulary import Kind
from domain.terms import ShadowingTerms
from domain.terms.requests import split
from workers.demo.examples import ExamplesMissingError, read_people, read_request
from workers.demo.stage import StageTakenError, clear, refuse_unless_empty

A_YEAR_OF_DAYS = [date(2026, 11, 22) + timedelta(days=days) for days in range(0, 730, 17)]


@pytest.mark.parametrize("kind", Kind)
def test_examples_are_approved_just_before_they_are_played(kind: Kind) -> None:
    """Whatever the day, the request is in order, approved within the week before, and begins after it."""
    for today in A_YEAR_OF_DAYS:
        _, terms = split(read_request(kind, today))
        assert timedelta(days=1) <= today - terms.approved_at.date() <= timedelta(days=8)
        assert terms.effective_from > today


def test_a_move_in_time_keeps_weekdays_and_distances() -> None:
    """Sessions on Thursdays stay on Thursdays, as far from the first day as the example has them."""
    _, one = split(read_request(Kind.SHADOWING, date(2026, 11, 22)))
    _, other = split(read_request(Kind.SHADOWING, date(2027, 8, 3)))
    assert isinstance(one, ShadowingTerms)
    assert isinstance(other, ShadowingTerms)
    by = other.effective_from - one.effective_from
    assert by.days % 7 == 0
    assert [session.starts_at + by for session in one.sessions] == [
        session.starts_at for session in other.sessions
    ]
    assert other.planned_end - other.effective_from == one.planned_end - one.effective_from


@pytest.mark.parametrize("kind", Kind)
def test_the_directory_has_everybody_the_examples_name(kind: Kind) -> None:
    """Nobody appears in a request, as a party or as a delegate, whom the directory lacks."""
    people = {person.person_id: person for person in read_people()}
    inline, terms = split(read_request(kind, date(2026, 11, 22)))
    assert named_people(terms).keys() <= people.keys()
    delegates = {person.delegate_id for person in (*people.values(), *inline)} - {None}
    assert delegates <= people.keys()


def test_missing_examples_are_told_with_their_place(tmp_path: Path) -> None:
    """An installation without a checkout hears what is missing where."""
    with pytest.raises(ExamplesMissingError, match=r"secondment\.json is not there"):
        read_request(Kind.SECONDMENT, date(2026, 11, 22), tmp_path)


def test_what_an_earlier_demonstration_left_is_removed(tmp_path: Path) -> None:
    """The demonstration's own folder is empty before each performance."""
    folder = tmp_path / "demo"
    (folder / "logs").mkdir(parents=True)
    (folder / "logs" / "worker.log").write_text("old")
    clear(folder)
    assert not folder.exists()
    clear(folder)


async def test_a_stack_that_is_up_is_never_removed(data_folder: Path) -> None:
    """A demonstration that is kept open is safe from the next one, which says what to do."""
    async with Stack(data_folder, headless=True, durable=False):
        with pytest.raises(StageTakenError, match="stop it with Ctrl-C"):
            clear(data_folder)
        assert (data_folder / "stack.json").exists()


def test_a_folder_of_somebody_else_is_refused(tmp_path: Path) -> None:
    """A folder that was named is used only if it is empty or not there yet."""
    refuse_unless_empty(tmp_path / "new")
    refuse_unless_empty(tmp_path)
    (tmp_path / "thesis.txt").write_text("do not delete")
    with pytest.raises(StageTakenError, match="not an empty folder"):
        refuse_unless_empty(tmp_path)
    assert (tmp_path / "thesis.txt").exists()
