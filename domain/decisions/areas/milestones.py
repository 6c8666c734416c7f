"""Rules of milestones: completed with evidence, verified by somebody else, returned, re-planned."""

from __future__ import annotations

from domain.agreement.commands.milestones import (
    CompleteMilestone,
    ReplanMilestone,
    ReturnMilestone,
    VerifyMilestone,
)
from domain.agreement.events.milestones import (
    MilestoneCompleted,
    MilestoneReplanned,
    MilestoneReturned,
    MilestoneVerified,
)
from domain.agreement.state import Party
from domain.decisions.draft import Draft
from domain.decisions.planning import follow_plan
from domain.decisions.registry import rule
from domain.decisions.suspension import not_paused
from domain.kernel.errors import RefusalCode, Refused
from domain.kernel.vocabulary import ObligationKind, Role
from domain.ledger.obligation import LedgerChange
from domain.scheduling.obligations import NewObligation, open_obligation
from domain.terms.parts import Milestone


def _milestone(draft: Draft, milestone_id: str) -> Milestone:
    milestones = {milestone.milestone_id: milestone for milestone in draft.agreement.terms.milestones}
    if milestone_id not in milestones:
        raise Refused(
            RefusalCode.UNKNOWN_REFERENCE,
            f"milestone_id: no milestone {milestone_id}; the agreement has "
            f"{', '.join(milestones) or 'none'}.",
        )
    return milestones[milestone_id]


def _verifier(draft: Draft, milestone: Milestone) -> Party:
    return draft.agreement.holder(milestone.verifier)


@rule.register
def complete_milestone(command: CompleteMilestone, draft: Draft) -> None:
    """Complete it once, with evidence that the terms ask for; its verifier owes a look next."""
    agreement = draft.agreement
    milestone = _milestone(draft, command.milestone_id)
    owners = dict.fromkeys((milestone.owner, Role.MENTEE, Role.MENTOR))
    if not draft.holds(*owners):
        raise Refused(
            RefusalCode.NOT_ALLOWED_FOR_ROLE,
            f"{milestone.milestone_id} is completed by the {' or '.join(owners)}.",
        )
    if milestone.milestone_id in agreement.milestones_completed:
        raise Refused(RefusalCode.ALREADY_DONE, f"{milestone.milestone_id} is completed already.")
    accepted = {str(evidence_type) for evidence_type in milestone.evidence_types}
    if accepted and not accepted & {evidence.evidence_type for evidence in command.evidence}:
        raise Refused(
            RefusalCode.INCOMPLETE,
            f"evidence: {milestone.milestone_id} is shown by {', '.join(sorted(accepted))}; "
            "none of that is given.",
        )
    owed = NewObligation(
        kind=ObligationKind.MILESTONE_VERIFICATION,
        subject=milestone.milestone_id,
        owner=_verifier(draft, milestone),
    )
    draft.add(
        MilestoneCompleted(
            at=draft.at,
            milestone_id=milestone.milestone_id,
            evidence=command.evidence,
            indicator_result=command.indicator_result,
            ledger=LedgerChange(
                settled=draft.fulfilled(ObligationKind.MILESTONE, milestone.milestone_id),
                opened=(open_obligation(agreement, owed, draft.at),),
            ),
        )
    )


def _awaiting_verification(draft: Draft, milestone: Milestone) -> None:
    agreement = draft.agreement
    if milestone.milestone_id in agreement.milestones_verified:
        raise Refused(RefusalCode.ALREADY_DONE, f"{milestone.milestone_id} is verified already.")
    if milestone.milestone_id not in agreement.milestones_completed:
        raise Refused(RefusalCode.OUT_OF_ORDER, f"{milestone.milestone_id} has to be completed first.")
    verifier = _verifier(draft, milestone)
    if not draft.holds(verifier.role, Role.OPERATOR, Role.PROGRAMME_OWNER, Role.HRBP):
        raise Refused(
            RefusalCode.NOT_ALLOWED_FOR_ROLE,
            f"{milestone.milestone_id} is verified by the {milestone.verifier}, "
            f"not by the {draft.actor.role}.",
        )


@rule.register
def verify_milestone(command: VerifyMilestone, draft: Draft) -> None:
    """Accept it by the agreed verifier; feedback to the mentee is owed next."""
    agreement = draft.agreement
    milestone = _milestone(draft, command.milestone_id)
    _awaiting_verification(draft, milestone)
    owed = NewObligation(
        kind=ObligationKind.FEEDBACK,
        subject=f"milestone:{milestone.milestone_id}",
        owner=_verifier(draft, milestone),
    )
    draft.add(
        MilestoneVerified(
            at=draft.at,
            milestone_id=milestone.milestone_id,
            comment=command.comment,
            ledger=LedgerChange(
                settled=draft.fulfilled(ObligationKind.MILESTONE_VERIFICATION, milestone.milestone_id),
                opened=(open_obligation(agreement, owed, draft.at),),
            ),
        )
    )


@rule.register
def return_milestone(command: ReturnMilestone, draft: Draft) -> None:
    """Send the evidence back; the milestone is owed again."""
    agreement = draft.agreement
    milestone = _milestone(draft, command.milestone_id)
    _awaiting_verification(draft, milestone)
    owed = NewObligation(
        kind=ObligationKind.MILESTONE,
        subject=milestone.milestone_id,
        owner=agreement.holder(milestone.owner),
        anchor=milestone.due_on,
    )
    draft.add(
        MilestoneReturned(
            at=draft.at,
            milestone_id=milestone.milestone_id,
            missing=command.missing,
            ledger=LedgerChange(
                settled=draft.fulfilled(ObligationKind.MILESTONE_VERIFICATION, milestone.milestone_id),
                opened=(open_obligation(agreement, owed, draft.at),),
            ),
        )
    )


@rule.register
def replan_milestone(command: ReplanMilestone, draft: Draft) -> None:
    """Give an open milestone another day, ahead and inside the placement."""
    agreement = draft.agreement
    not_paused(agreement)
    milestone = _milestone(draft, command.milestone_id)
    if milestone.milestone_id in agreement.milestones_completed:
        raise Refused(RefusalCode.ALREADY_DONE, f"{milestone.milestone_id} is completed already.")
    today = agreement.local_date(draft.at)
    if not today <= command.due_on <= agreement.ends_on:
        raise Refused(
            RefusalCode.OUTSIDE_THE_PLACEMENT,
            f"due_on: choose a day from {today} to {agreement.ends_on}, not {command.due_on}.",
        )
    if command.due_on == milestone.due_on:
        raise Refused(
            RefusalCode.NO_CHANGE, f"due_on: {milestone.milestone_id} is due on {command.due_on} already."
        )
    if not draft.open(ObligationKind.MILESTONE, milestone.milestone_id):
        raise Refused(
            RefusalCode.NOT_OPEN, f"{milestone.milestone_id} is waived; there is nothing to plan anew."
        )
    follow_plan(
        draft,
        MilestoneReplanned(
            at=draft.at, milestone_id=milestone.milestone_id, due_on=command.due_on, reason=command.reason
        ),
    )
