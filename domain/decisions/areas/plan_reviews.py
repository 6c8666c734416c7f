"""Rules about reviews of the development plan."""

from __future__ import annotations

from domain.agreement.commands.progress import ReviewPlan
from domain.agreement.events.progress import PlanReviewed
from domain.decisions.draft import Draft
from domain.decisions.planning import follow_plan
from domain.decisions.registry import rule
from domain.kernel.errors import RefusalCode, Refused
from domain.kernel.vocabulary import ObligationKind, ObligationStatus


@rule.register
def review_plan(command: ReviewPlan, draft: Draft) -> None:
    """Whatever review was due is held; the next one is counted from its day."""
    agreement = draft.agreement
    today = agreement.local_date(draft.at)
    held_on = command.held_on or today
    if held_on > today:
        raise Refused(
            RefusalCode.OUTSIDE_THE_PLACEMENT, f"held_on: {held_on} is ahead; record it once it was held."
        )
    last = agreement.plan_reviewed_on
    if last is not None and held_on <= last:
        raise Refused(
            RefusalCode.OUT_OF_ORDER,
            f"held_on: the plan was reviewed on {last}; the next comes after that day.",
        )
    due = tuple(key for key, held in agreement.obligations.items() if held.kind is ObligationKind.PLAN_REVIEW)
    follow_plan(
        draft,
        PlanReviewed(at=draft.at, reviewed_on=held_on, outcome=command.outcome),
        settled=draft.settled(due, ObligationStatus.FULFILLED),
    )
