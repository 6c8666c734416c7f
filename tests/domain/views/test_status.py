"""The status view: five stages on one line, and who owes what by when."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from domain.agreement.state import Agreement
from domain.kernel.vocabulary import Health, Kind, ObligationKind, Phase
from domain.views.status import Stage, status_view

DASH = "\N{EN DASH}"

Lives = Callable[[str], Any]


def _line(life: Any) -> str:  # noqa: ANN401  the life of the fixtures
    return status_view(life.agreement, life.now).stage_line


def test_the_line_grows_with_the_placement(begun: Lives) -> None:
    """What does not exist yet is a dash; what exists is counted."""
    life = begun("secondment")
    nothing = f"check-ins {DASH} · debrief {DASH} · synthesis {DASH}"
    assert _line(life) == f"agreement signed 0/5 · milestones 0/4 · {nothing}"
    for number, owed in enumerate(sorted(life.agreement.obligations)[:4], start=1):
        life.answer(owed)
        assert _line(life).startswith(f"agreement signed {number}/5 · ")

    def started(agreement: Agreement) -> bool:
        return agreement.phase is Phase.ACTIVE

    life.live(started)
    assert (
        _line(life)
        == f"agreement signed 5/5 · milestones 0/4 · check-ins 0/13 · debrief {DASH} · synthesis {DASH}"
    )
    life.answer("check_in:1")
    life.answer("milestone:charter")
    assert _line(life).startswith("agreement signed 5/5 · milestones 0/4 · check-ins 1/13 · ")
    life.answer("milestone_verification:charter")
    assert _line(life).startswith("agreement signed 5/5 · milestones 1/4 · check-ins 1/13 · ")

    def looks_back(agreement: Agreement) -> bool:
        return agreement.phase is Phase.DEBRIEF

    life.live(looks_back)
    assert _line(life).endswith(f" · debrief 0/2 · synthesis {DASH}")
    life.answer("debrief:mentee")
    assert _line(life).endswith(f" · debrief 1/2 · synthesis {DASH}")

    def is_written(agreement: Agreement) -> bool:
        return agreement.synthesis_versions > 0

    life.live(is_written)
    assert _line(life).endswith(" · debrief 2/2 · synthesis 0/3")


def test_a_rotation_counts_annexes_and_deliverables(begun: Lives) -> None:
    """Each leg has two signatures under its annex, and delivers beside the milestones."""
    life = begun("rotation")
    assert _line(life).startswith("agreement signed 0/10 · milestones 0/8 · ")
    life.answer("annex_signature:melbourne-control:sponsor")
    assert _line(life).startswith("agreement signed 1/10 · milestones 0/8 · ")

    def started(agreement: Agreement) -> bool:
        return agreement.phase is Phase.ACTIVE

    life.live(started)
    life.answer("leg_deliverable:melbourne-control/recovery-playbook")
    assert _line(life).startswith("agreement signed 10/10 · milestones 1/8 · ")


@pytest.mark.parametrize("kind", list(Kind))
def test_the_view_lists_what_is_owed_with_the_first_due_in_front(kind: str, active: Lives) -> None:
    """Ids, owners, instants and how far up the ladder; late is late from its due instant on."""
    life = active(kind)
    life.wait(days=30)
    view = status_view(life.agreement, life.now)
    assert [each.due_at for each in view.obligations] == sorted(each.due_at for each in view.obligations)
    assert {each.id for each in view.obligations} == set(life.agreement.obligations)
    for each in view.obligations:
        held = life.agreement.obligations[each.id]
        assert (each.owner_id, each.due_at, each.status) == (held.owner_id, held.due_at, "open")
        assert each.overdue == (held.due_at <= life.now)
        assert each.level == max((rung.level for rung in held.ladder if rung.at <= life.now), default=None)
    assert view.stall is not None
    assert view.health is Health.STALLED


def test_the_view_shows_what_is_uncovered_and_unsettled(active: Lives) -> None:
    """Focus tags that no observation covered, matters that are open, a pause and its end."""
    life = active("shadowing")
    assert status_view(life.agreement, life.now).focus_uncovered == life.terms.focus_tags
    life.by("mentee", "raise_concern", matter_id="c1", what="Cancelled again.")
    life.wait(days=3)
    life.answer("observation:huddle-watch")
    life.by("operator", "pause_placement", until="2027-03-01", shifts_dates=True, reason="Surge.")
    view = status_view(life.agreement, life.now)
    assert view.focus_uncovered == ("stakeholders", "surge-signs", "bottlenecks", "handover-routine")
    assert view.open_matters == ("c1",)
    assert view.paused_until == life.agreement.paused_until
    assert view.health is Health.PAUSED


def test_the_view_of_a_closed_agreement_says_how_it_ended(scripted: Mapping[str, Any]) -> None:
    """Nothing is owed any more, and the outcome has a name."""
    outcomes = {
        name: status_view(life.agreement, life.now).outcome
        for name, life in scripted.items()
        if life.agreement.closed
    }
    assert outcomes == {
        "closed_incomplete": "closed_incomplete",
        "declined": "declined",
        "ended_early": "ended_early",
        "expired": "expired_unsigned",
        "held_up": "completed",
        "on_leave": "closed_incomplete",
        "rotation": "completed",
        "secondment": "completed",
        "shadowing": "completed",
        "withdrawn": "withdrawn",
    }
    assert all(status_view(life.agreement, life.now).obligations == () for life in scripted.values())


def test_a_milestone_taken_out_no_longer_counts(active: Lives) -> None:
    """The line never says that more is done than is agreed."""
    life = active("secondment")
    for milestone in life.terms.milestones:
        life.answer(f"milestone:{milestone.milestone_id}")
        life.answer(f"milestone_verification:{milestone.milestone_id}")
    assert " · milestones 4/4 · " in _line(life)
    raw = life.terms.model_dump(mode="json")
    raw["milestones"] = raw["milestones"][:-1]
    life.by("operator", "amend_terms", terms=raw, reason="One less.")
    assert " · milestones 3/3 · " in _line(life)
    assert ObligationKind.MILESTONE not in {held.kind for held in life.agreement.obligations.values()}


def test_a_stage_reads_as_one_would_say_it() -> None:
    """Counted out of a total, counted, or not there yet."""
    assert str(Stage(name="milestones", done=1, total=3)) == "milestones 1/3"
    assert str(Stage(name="check-ins", done=4, total=None)) == "check-ins 4"
    assert str(Stage(name="debrief", done=None, total=None)) == f"debrief {DASH}"
