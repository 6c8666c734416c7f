"""Policy sets: allowances, silence limits and the ladder as versioned data that an agreement carries.

The default set, version 1, is the table of working-day allowances per obligation and kind that the product
is judged by. An agreement keeps the policy it was proposed under until an operator moves it.
"""

from __future__ import annotations

from collections.abc import Mapping

from domain.kernel.model import Frozen, Slug
from domain.kernel.vocabulary import Kind, ObligationKind
from domain.ledger.obligation import Level, Obligation


class Allowance(Frozen):
    """Working days after an anchor day, in the owner's calendar; negative means before it."""

    due: int
    stalled: int


class LadderStep(Frozen):
    """When a rung is reached, in working days after the due day; negative means before it."""

    level: Level
    working_days: int


class SilenceLimit(Frozen):
    """Twice the check-in cadence, held between two bounds. Working days."""

    least: int
    most: int


class KindPolicy(Frozen):
    """The thresholds of one kind of placement."""

    policy_set_id: Slug
    version: int
    allowances: Mapping[ObligationKind, Allowance]
    first_meeting: Allowance
    """The first check-in or session after the start."""
    signature_before_start: int
    """An unsigned agreement stalls at the latest so many working days before the start."""
    expires_unsigned_after: int
    """Working days after approval at which an unsigned agreement expires."""
    silence: SilenceLimit
    missed_running: int
    """So many check-ins missed one after another are a stall."""
    missed_after: int
    """Working days after its due day at which a check-in counts as missed."""
    covered_from: int | None = None
    """A leave of so many working days has somebody stand in; None where leave only moves what is due."""
    ladder: tuple[LadderStep, ...]

    def allowance_for(self, kind: ObligationKind) -> Allowance:
        """Return the allowance of an obligation; one younger than the policy counts like a forced choice."""
        return self.allowances.get(kind, self.allowances[ObligationKind.FORCED_CHOICE])

    def allowance_of(self, obligation: Obligation) -> Allowance:
        """Return the line that an obligation falls under."""
        return self.first_meeting if obligation.is_first_check_in else self.allowance_for(obligation.kind)


class PolicySet(Frozen):
    """Thresholds for every kind."""

    policy_set_id: Slug
    version: int
    kinds: Mapping[Kind, KindPolicy]


LADDER = {0: -3, 1: 1, 2: 4, 3: 8, 4: 12, 5: 17, 6: 22}
"""Working days after due for secondments and rotations."""

SHADOWING_PACE = 3
"""A shadowing stint climbs three times as fast, a rung a day at the least."""


def _ladder(pace: int) -> tuple[LadderStep, ...]:
    steps: list[LadderStep] = []
    previous = -1_000
    for level, working_days in LADDER.items():
        paced = -(-working_days // pace) if working_days > 0 else -max(1, -working_days // pace)
        previous = max(paced, previous + 1)
        steps.append(LadderStep.model_validate({"level": level, "working_days": previous}))
    return tuple(steps)


def _allowances(
    base: Mapping[ObligationKind, tuple[int, int]], **others: tuple[int, int]
) -> dict[ObligationKind, Allowance]:
    merged = {**base, **{ObligationKind(kind): days for kind, days in others.items()}}
    return {kind: Allowance(due=due, stalled=stalled) for kind, (due, stalled) in merged.items()}


_MONTHS_LONG: Mapping[ObligationKind, tuple[int, int]] = {
    ObligationKind.SIGNATURE: (10, 20),
    ObligationKind.ANNEX_SIGNATURE: (5, 10),
    ObligationKind.REQUESTED_CHANGES: (5, 10),
    ObligationKind.CHECK_IN: (0, 10),
    ObligationKind.REFLECTIVE_SESSION: (0, 15),
    ObligationKind.MILESTONE: (5, 15),
    ObligationKind.MILESTONE_VERIFICATION: (5, 10),
    ObligationKind.FEEDBACK: (5, 10),
    ObligationKind.SELF_ASSESSMENT: (5, 10),
    ObligationKind.OBSERVATION: (2, 5),
    ObligationKind.PRACTICE: (2, 5),
    ObligationKind.SESSION_DEBRIEF: (2, 5),
    ObligationKind.EXPERIMENT: (0, 5),
    ObligationKind.LEG_DELIVERABLE: (5, 10),
    ObligationKind.LEG_DEBRIEF: (5, 15),
    ObligationKind.HANDOVER: (5, 10),
    ObligationKind.LEG_START: (5, 10),
    ObligationKind.BLOCKER: (5, 10),
    ObligationKind.CONCERN: (2, 5),
    ObligationKind.PROPOSAL: (5, 10),
    ObligationKind.BREACH: (2, 5),
    ObligationKind.COURSE_CORRECTION: (5, 10),
    ObligationKind.PIVOT_CONSENT: (5, 10),
    ObligationKind.RETURN_PLAN: (-20, -10),
    ObligationKind.END_DECISION: (-40, -20),
    ObligationKind.DEBRIEF: (10, 20),
    ObligationKind.SYNTHESIS: (20, 30),
    ObligationKind.SYNTHESIS_SIGNATURE: (5, 10),
    ObligationKind.FORCED_CHOICE: (5, 6),
    ObligationKind.SUCCESSOR: (5, 6),
    ObligationKind.HOLD_REVIEW: (0, 5),
    ObligationKind.COVER: (2, 3),
    ObligationKind.CRITERIA: (5, 10),
    ObligationKind.PLAN_REVIEW: (10, 15),
}


def _months_long(
    *, end_decision: tuple[int, int], milestone: tuple[int, int], silence: SilenceLimit
) -> KindPolicy:
    """Return the thresholds of a placement that takes months, with what differs between such kinds."""
    return KindPolicy(
        policy_set_id="default",
        version=1,
        allowances=_allowances(_MONTHS_LONG, end_decision=end_decision, milestone=milestone),
        first_meeting=Allowance(due=5, stalled=10),
        signature_before_start=5,
        expires_unsigned_after=60,
        silence=silence,
        missed_running=2,
        missed_after=3,
        covered_from=5,
        ladder=_ladder(1),
    )


_SECONDMENT = _months_long(
    end_decision=(-40, -20), milestone=(5, 15), silence=SilenceLimit(least=10, most=20)
)
_ROTATION = _months_long(end_decision=(-60, -40), milestone=(5, 10), silence=SilenceLimit(least=8, most=15))
_SHADOWING = KindPolicy(
    policy_set_id="default",
    version=1,
    allowances=_allowances(
        _MONTHS_LONG,
        signature=(3, 6),
        requested_changes=(2, 4),
        check_in=(0, 2),
        reflective_session=(0, 5),
        milestone=(2, 5),
        milestone_verification=(2, 4),
        feedback=(2, 4),
        self_assessment=(2, 4),
        blocker=(2, 4),
        concern=(1, 2),
        proposal=(2, 4),
        breach=(1, 2),
        course_correction=(2, 4),
        pivot_consent=(2, 4),
        end_decision=(-2, 0),
        debrief=(2, 5),
        synthesis=(5, 8),
        synthesis_signature=(2, 4),
        forced_choice=(2, 3),
        successor=(2, 3),
        hold_review=(0, 2),
        cover=(1, 2),
        criteria=(2, 4),
        plan_review=(3, 5),
    ),
    first_meeting=Allowance(due=1, stalled=3),
    signature_before_start=1,
    expires_unsigned_after=20,
    silence=SilenceLimit(least=3, most=5),
    missed_running=1,
    missed_after=1,
    covered_from=2,
    ladder=_ladder(SHADOWING_PACE),
)

DEFAULT = PolicySet(
    policy_set_id="default",
    version=1,
    kinds={
        Kind.SECONDMENT: _SECONDMENT,
        Kind.SHADOWING: _SHADOWING,
        Kind.ROTATION: _ROTATION,
    },
)
"""Policy set `default`, version 1."""

POLICY_SETS: Mapping[tuple[str, int], PolicySet] = {(DEFAULT.policy_set_id, DEFAULT.version): DEFAULT}
"""The sets an agreement may name."""
