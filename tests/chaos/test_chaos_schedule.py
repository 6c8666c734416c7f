"""What is broken when can be had again, and leaves nothing out."""

from __future__ import annotations

from tests.chaos.schedule import Fault, Plan, schedule


def test_the_same_seed_gives_the_same_strokes() -> None:
    """Whoever is told a seed sees the same things break at the same instants."""
    assert schedule(Plan(7, 100)) == schedule(Plan(7, 100))
    assert schedule(Plan(7, 100)) != schedule(Plan(8, 100))


def test_everything_breaks_before_anything_breaks_again() -> None:
    """However short a run is, it is not all of one fault."""
    for seed in range(20):
        strokes = schedule(Plan(seed, 200))
        assert {stroke.fault for stroke in strokes[: len(Fault)]} == set(Fault)
        assert all(0 <= stroke.at < 200 for stroke in strokes)
        assert [stroke.at for stroke in strokes] == sorted(stroke.at for stroke in strokes)


def test_a_run_of_no_length_breaks_nothing() -> None:
    """Agreements can be played with everything whole, to see what the harness itself does."""
    assert schedule(Plan(1, 0)) == []
