"""Explanations of what waits for somebody to be found, to come back or to look again; and of new policies."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from domain.kernel.vocabulary import Health, ObligationKind, Role, StallReason
from domain.views.explain import explain
from domain.views.explanation import Explanation
from domain.views.health import assess, step_ahead

Active = Callable[[str], Any]

MENTOR, DELEGATE = "P-1107", "N-1"
BLOCKER = {"category": "access", "what": "No account.", "needed": "One."}


def _explained(life: Any, key: str) -> Explanation:  # noqa: ANN401  the fixtures' life
    """The explanation at the instant at which an obligation stalls first."""
    held = life.agreement.obligations[key]
    only = life.agreement.model_copy(update={"obligations": {key: held}})
    found = explain(only, life.rows, held.stalled_at)
    assert found.about is not None
    assert found.about.obligation_id == key
    assert found.stall == assess(only, held.stalled_at).stall
    return found


def test_a_missing_successor_names_whom_somebody_proposed(active: Active) -> None:
    """Who left, who could take over, and which event says so."""
    life = active("secondment")
    life.by("operator", "report_departure", person_id=MENTOR, proposed_successor="N-7", reason="Left.")
    found = _explained(life, f"successor:{MENTOR}")
    assert found.about is not None
    assert found.about.proposed is not None
    assert (found.about.proposed.person_id, found.about.proposed.in_place_of) == ("N-7", MENTOR)
    row = life.rows[found.about.proposed.event.version - 1]
    assert (row.type, row.event_id) == ("party.left", found.about.proposed.event.event_id)
    assert f"N-7 could take over from {MENTOR}, as party.left on " in found.paragraph
    assert "Left." not in found.paragraph


def test_what_a_leaver_owed_names_the_proposed_successor_too(active: Active) -> None:
    """The obligation that nobody can fulfil says who could."""
    life = active("secondment")
    life.by("mentee", "raise_blocker", matter_id="b1", **BLOCKER)
    life.by("operator", "report_departure", person_id=MENTOR, proposed_successor="N-7", reason="Left.")
    found = _explained(life, "blocker:b1")
    assert found.stall is not None
    assert found.stall.reason is StallReason.PARTY_LEFT
    assert "somebody else has to take over the role" in found.stall.next
    assert "N-7 could take over" in found.paragraph


def test_nobody_is_named_who_has_left_themselves(active: Active) -> None:
    """A proposal that nobody can follow any more is not repeated."""
    life = active("secondment")
    manager = life.agreement.holder(Role.LINE_MANAGER).person_id
    life.by("operator", "report_departure", person_id=MENTOR, proposed_successor=manager, reason="Left.")
    life.by("operator", "report_departure", person_id=manager, reason="Left, too.")
    found = _explained(life, f"successor:{MENTOR}")
    assert found.about is not None
    assert found.about.proposed is None
    assert "could take over" not in found.paragraph


def test_leave_without_cover_says_what_comes_next_and_who_could(active: Active) -> None:
    """Nobody is reminded who is not there: it waits for cover, and says so in a sentence of its own."""
    life = active("secondment")
    life.by("mentee", "raise_blocker", matter_id="b1", **BLOCKER)
    life.away(MENTOR, 40)
    found = _explained(life, "blocker:b1")
    assert found.stall is not None
    assert found.stall.reason is StallReason.PARTY_ON_LEAVE_UNCOVERED
    assert found.stall.next.startswith("Nothing by itself until they are back: whoever owes it is on leave")
    assert found.stall.next in found.paragraph
    sought = next(row for row in life.rows if row.type == "cover.sought")
    named = f"could take over from {MENTOR}, as cover.sought on "
    assert (named in found.paragraph) is (sought.data["proposed"] is not None)
    [cover] = [key for key in life.agreement.obligations if key.startswith("cover:")]
    asked = _explained(life, cover)
    assert (named in asked.paragraph) is (sought.data["proposed"] is not None)


def test_the_search_for_somebody_climbs_like_anything_else() -> None:
    """Whoever has to find cover or a successor is there: only what the absent owe waits for nothing."""
    for kind, reason in (
        (ObligationKind.COVER, StallReason.PARTY_ON_LEAVE_UNCOVERED),
        (ObligationKind.SUCCESSOR, StallReason.PARTY_LEFT),
    ):
        at_its_end = step_ahead(kind, Role.PROGRAMME_OWNER, reason, 6, None)
        assert at_its_end == "The ladder is at its end; it waits for the programme owner's decision."
        of_the_absent = step_ahead(ObligationKind.FEEDBACK, Role.MENTOR, reason, None, None)
        assert of_the_absent.startswith("Nothing by itself")


def test_a_stand_in_is_named_with_whom_they_stand_in_for(active: Active) -> None:
    """What it waits on is one person; whose it is, another."""
    life = active("secondment")
    life.by("mentee", "raise_blocker", matter_id="b1", **BLOCKER)
    life.away(MENTOR, 40, delegate=DELEGATE)
    found = _explained(life, "blocker:b1")
    assert found.about is not None
    assert (found.about.waiting_on.person_id, found.about.stands_in_for) == (DELEGATE, MENTOR)
    assert f"{DELEGATE} stands in for {MENTOR}, who is on leave." in found.paragraph


def test_a_concern_names_nobody_to_take_it_over(active: Active) -> None:
    """Who takes over a role may be whom the concern is about."""
    life = active("secondment")
    manager = life.agreement.holder(Role.LINE_MANAGER).person_id
    life.by("mentee", "raise_concern", matter_id="w1", about=MENTOR, what="Absent.")
    life.by("operator", "report_departure", person_id=manager, proposed_successor=MENTOR, reason="Left.")
    key = "concern:w1"
    found = _explained(life, key)
    assert found.about is not None
    assert found.about.proposed is None
    assert MENTOR not in found.paragraph


def test_a_hold_says_who_looks_again_and_when(active: Active) -> None:
    """Held for somebody outside: because of which event, and by when it is looked at; without the words."""
    life = active("secondment")
    review = life.agreement.local_date(life.now) + timedelta(days=20)
    life.by("operator", "hold_placement", waits_for="The visa office.", review_on=review.isoformat())
    found = explain(life.agreement, life.rows, life.now + timedelta(days=3))
    assert found.health is Health.EXTERNAL_HOLD
    assert found.cause is not None
    assert found.cause.type == "placement.held"
    assert found.about is not None
    assert found.about.obligation_id == "hold_review:placement"
    assert "is not stalled but on hold because of placement.held on " in found.paragraph
    assert "Whether it can go on, the " in found.paragraph
    assert "hold_review:placement" in found.paragraph
    assert "visa" not in found.paragraph


def test_a_hold_that_is_over_is_not_the_reason_for_another(active: Active) -> None:
    """After a release only what holds it now is named."""
    life = active("secondment")
    review = life.agreement.local_date(life.now) + timedelta(days=20)
    life.by("operator", "hold_placement", waits_for="The visa office.", review_on=review.isoformat())
    life.by("operator", "release_placement", reason="It came.")
    life.by("mentee", "report_breach", matter_id="x1", breaches="ethics", about=MENTOR, what="Copied files.")
    found = explain(life.agreement, life.rows, life.now)
    assert found.cause is not None
    assert found.cause.type == "breach.reported"
    assert "placement.held" not in found.paragraph


@pytest.mark.usefixtures("brisk")
def test_an_adopted_policy_is_the_one_that_is_named(active: Active) -> None:
    """From its adoption on an explanation counts by the new set, and names the event that moved the dates."""
    life = active("secondment")
    milestone = f"milestone:{life.terms.milestones[0].milestone_id}"
    before = _explained(life, milestone)
    assert before.about is not None
    assert "Policy set default version 1 gives" in before.paragraph
    life.by("programme_owner", "adopt_policy", policy_set_id="brisk", version=1, reason="Tighter.")
    after = _explained(life, milestone)
    assert after.about is not None
    line, was = after.about.policy, before.about.policy
    assert (line.policy_set_id, line.version, line.counted_from) == ("brisk", 1, was.counted_from)
    assert line.due is not None
    assert was.due is not None
    assert line.due < was.due
    assert (
        f"Policy set brisk version 1 gives `allowances.milestone` {line.due} working days" in after.paragraph
    )
    assert after.about.moved_by is not None
    assert after.about.moved_by.type == "policy.adopted"
    assert "Its dates are those that it was given by policy.adopted on " in after.paragraph
    assert "Tighter" not in after.paragraph
