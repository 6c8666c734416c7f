"""Rules by which operators and owners deal with what is held up."""

from __future__ import annotations

from domain.agreement.commands.base import HR
from domain.agreement.commands.operations import (
    AcknowledgeObligation,
    AdoptPolicy,
    CorrectEntry,
    HoldPlacement,
    NudgeObligation,
    ReleasePlacement,
    ResendNotices,
    SnoozeObligation,
    WaiveObligation,
)
from domain.agreement.events.operations import (
    EntryCorrected,
    NoticesResent,
    ObligationAcknowledged,
    ObligationNudged,
    ObligationSnoozed,
    ObligationWaived,
    PlacementHeld,
    PlacementReleased,
    PolicyAdopted,
)
from domain.decisions.draft import Draft
from domain.decisions.planning import days_agreed, follow_plan, planned
from domain.decisions.policy_adoption import policy_to_adopt
from domain.decisions.registry import rule
from domain.decisions.responsibility import available_holder
from domain.decisions.suspension import after_hold, is_suspended, not_paused
from domain.kernel.errors import RefusalCode, Refused
from domain.kernel.vocabulary import ObligationKind, ObligationStatus, Role
from domain.ledger.obligation import MEETING_KINDS, MOST_NUDGES, LedgerChange, Obligation, Settlement
from domain.privacy.confidentiality import obligations_known_to
from domain.scheduling.obligations import NewObligation, open_obligation, postpone_reminders
from domain.scheduling.under_policy import recalculate_obligation

MOST_SNOOZED_DAYS = 3
"""Working days by which reminders of one obligation may be put off, all together."""


LEVELS_THAT_NUDGE_THE_OWNER = frozenset({0, 1, 2})


def _open(draft: Draft, obligation_id: str) -> Obligation:
    """Return the open obligation; what the actor may not know of is not open to them."""
    seen = obligations_known_to(draft.agreement, draft.actor.person_id, {draft.actor.role})
    if obligation_id not in seen:
        known = ", ".join(sorted(seen)) or "none"
        raise Refused(RefusalCode.NOT_OPEN, f"obligation_id: {obligation_id} is not open; open are {known}.")
    return seen[obligation_id]


def _owned(draft: Draft, obligation_id: str) -> Obligation:
    """Return the open obligation, if it is the actor's own or the actor is HR's."""
    found = _open(draft, obligation_id)
    if draft.actor.person_id not in {found.owner_id, found.principal_id} and draft.actor.role not in HR:
        raise Refused(
            RefusalCode.NOT_ALLOWED_FOR_ROLE,
            f"obligation_id: {obligation_id} is owed by the {found.owner_role}, "
            f"not by {draft.actor.person_id}.",
        )
    return found


@rule.register
def nudge(command: NudgeObligation, draft: Draft) -> None:
    """Send a reminder: four in all, and none while the placement is suspended."""
    agreement = draft.agreement
    owed = _open(draft, command.obligation_id)
    if is_suspended(agreement, owed):
        raise Refused(RefusalCode.PAUSED, "The placement rests; nobody is nudged until it goes on.")
    if owed.owner_id in agreement.departed:
        raise Refused(
            RefusalCode.UNKNOWN_REFERENCE,
            f"{owed.owner_id} has left; reassign the {owed.owner_role} first.",
        )
    if owed.owner_id in agreement.absent:
        raise Refused(
            RefusalCode.UNKNOWN_REFERENCE,
            f"{owed.owner_id} is on leave until {agreement.absent[owed.owner_id].last} and nobody can do it "
            f"for them; reassign the {owed.owner_role}, or wait.",
        )
    climbed = range(0 if owed.reached is None else owed.reached + 1)
    by_ladder = len(LEVELS_THAT_NUDGE_THE_OWNER.intersection(climbed))
    if by_ladder + agreement.nudges.get(owed.obligation_id, 0) >= MOST_NUDGES:
        raise Refused(
            RefusalCode.ALREADY_DONE,
            f"{owed.obligation_id} was nudged {MOST_NUDGES} times: speak with {owed.owner_id}.",
        )
    draft.add(ObligationNudged(at=draft.at, obligation_id=owed.obligation_id))


@rule.register
def resend(command: ResendNotices, draft: Draft) -> None:
    """Have given-up notices sent again; what became of each is looked up in the record."""
    notice_ids = tuple(dict.fromkeys(command.notice_ids))
    draft.add(NoticesResent(at=draft.at, notice_ids=notice_ids, reason=command.reason))


@rule.register
def acknowledge(command: AcknowledgeObligation, draft: Draft) -> None:
    """Stop the climb; due and stalled stay where they are."""
    owed = _owned(draft, command.obligation_id)
    if not any(rung.at > draft.at for rung in owed.ladder):
        raise Refused(RefusalCode.NO_CHANGE, f"{owed.obligation_id} climbs no further; fulfil it instead.")
    draft.add(
        ObligationAcknowledged(
            at=draft.at,
            obligation_id=owed.obligation_id,
            plan=command.plan,
            ledger=LedgerChange(moved=(owed.climbing_no_further(draft.at),)),
        )
    )


@rule.register
def snooze(command: SnoozeObligation, draft: Draft) -> None:
    """Move the rungs ahead, three working days in all; due and stalled stay where they are."""
    agreement = draft.agreement
    owed = _owned(draft, command.obligation_id)
    snoozed = agreement.snoozed.get(owed.obligation_id, 0)
    if snoozed + command.working_days > MOST_SNOOZED_DAYS:
        raise Refused(
            RefusalCode.OUTSIDE_THE_PLACEMENT,
            f"working_days: {owed.obligation_id} can be put off by {MOST_SNOOZED_DAYS - snoozed} more, "
            f"not by {command.working_days}.",
        )
    if not any(rung.at > draft.at for rung in owed.ladder):
        raise Refused(
            RefusalCode.NO_CHANGE, f"{owed.obligation_id} climbs no further; there is nothing to put off."
        )
    draft.add(
        ObligationSnoozed(
            at=draft.at,
            obligation_id=owed.obligation_id,
            working_days=command.working_days,
            reason=command.reason,
            ledger=LedgerChange(moved=(postpone_reminders(agreement, owed, command.working_days, draft.at),)),
        )
    )


@rule.register
def hold(command: HoldPlacement, draft: Draft) -> None:
    """Hold once at a time, and have HR look at it by a day, so that it is not forgotten."""
    not_paused(draft.agreement)
    if draft.agreement.held_externally:
        raise Refused(RefusalCode.ALREADY_DONE, "The placement is on hold already; release it first.")
    if command.review_on <= draft.agreement.local_date(draft.at):
        raise Refused(
            RefusalCode.OUTSIDE_THE_PLACEMENT,
            f"review_on: {command.review_on} is not ahead; name a later day.",
        )
    owed = NewObligation(
        kind=ObligationKind.HOLD_REVIEW,
        subject="placement",
        owner=available_holder(draft.agreement, Role.HRBP, Role.PROGRAMME_OWNER),
        anchor=command.review_on,
    )
    ledger = LedgerChange(opened=(open_obligation(draft.agreement, owed, draft.at),))
    event = PlacementHeld(
        at=draft.at, waits_for=command.waits_for, review_on=command.review_on, ledger=ledger
    )
    draft.add(event)


@rule.register
def release(command: ReleasePlacement, draft: Draft) -> None:
    """Release a hold; nobody is late for what fell due while they had to wait."""
    if not draft.agreement.held_externally:
        raise Refused(RefusalCode.NOT_OPEN, "The placement is not on hold.")
    event = PlacementReleased(at=draft.at, reason=command.reason)
    again = after_hold(draft.agreement, draft.after(event), draft.at)
    looked_at = draft.fulfilled(ObligationKind.HOLD_REVIEW, "placement")
    done = {each.obligation_id for each in looked_at}
    change = LedgerChange(
        settled=looked_at, moved=tuple(held for held in again if held.obligation_id not in done)
    )
    draft.add(event.with_ledger(change))


@rule.register
def adopt_policy(command: AdoptPolicy, draft: Draft) -> None:
    """Count open obligations anew; nothing is due earlier than the next working day."""
    agreement = draft.agreement
    policy = policy_to_adopt(agreement, command)
    event = PolicyAdopted(at=draft.at, policy=policy, reason=command.reason)
    after = draft.after(event)
    agreed = days_agreed(agreement)
    moved = tuple(
        again
        for key, held in sorted(agreement.obligations.items())
        if (
            again := recalculate_obligation(
                agreement.policy, after, held, draft.at, keeps_its_day=key in agreed
            )
        )
        != held
    )
    asked = {owed.obligation_id for owed in planned(agreement)}
    wanted = {owed.obligation_id: owed for owed in planned(after)}
    change = LedgerChange(
        settled=draft.settled(tuple(sorted(asked - wanted.keys()))),
        opened=tuple(open_obligation(after, wanted[key], draft.at) for key in sorted(wanted.keys() - asked)),
        moved=tuple(again for again in moved if again.obligation_id not in asked - wanted.keys()),
    )
    draft.add(event.with_ledger(change))


@rule.register
def correct(command: CorrectEntry, draft: Draft) -> None:
    """Take back what was entered; what it had settled is owed again."""
    agreement = draft.agreement
    subject = "placement" if command.entry in {"end.decided", "return.planned"} else command.subject
    entered = {
        "milestone.verified": subject in agreement.milestones_verified,
        "deliverable.accepted": subject in agreement.deliverables_accepted,
        "end.decided": agreement.end_decision is not None and agreement.ended_early_by is None,
        "return.planned": agreement.return_planned,
    }[command.entry]
    if not entered:
        raise Refused(
            RefusalCode.NOT_OPEN, f"subject: there is no {command.entry} of {subject} to take back."
        )
    leg_id = subject.partition("/")[0]
    if (
        command.entry == "deliverable.accepted"
        and leg_id in agreement.legs_debriefed | agreement.legs_handed_over
    ):
        raise Refused(
            RefusalCode.OUT_OF_ORDER,
            f"{leg_id} is debriefed or handed over; its deliverables are past taking back.",
        )
    event = EntryCorrected(at=draft.at, entry=command.entry, subject=subject, explanation=command.explanation)
    follow_plan(draft, event, settled=_undone(draft, command.entry, subject))


def _undone(draft: Draft, entry: str, subject: str) -> tuple[Settlement, ...]:
    """Settle what followed from the entry and is not owed any more."""
    if entry == "milestone.verified":
        return draft.settled((f"{ObligationKind.FEEDBACK}:milestone:{subject}",))
    if entry == "deliverable.accepted":
        leg_id = subject.partition("/")[0]
        return draft.settled(
            (
                f"{ObligationKind.LEG_DEBRIEF}:{leg_id}",
                f"{ObligationKind.HANDOVER}:{leg_id}",
                f"{ObligationKind.FEEDBACK}:leg:{leg_id}",
            )
        )
    return ()


NEVER_WAIVED = frozenset(
    {
        ObligationKind.SIGNATURE,
        ObligationKind.ANNEX_SIGNATURE,
        ObligationKind.END_DECISION,
        ObligationKind.LEG_DELIVERABLE,
        ObligationKind.LEG_START,
        ObligationKind.LEG_DEBRIEF,
        ObligationKind.HANDOVER,
        ObligationKind.DEBRIEF,
        ObligationKind.SYNTHESIS,
        ObligationKind.SYNTHESIS_SIGNATURE,
        ObligationKind.PIVOT_CONSENT,
        ObligationKind.CONCERN,
        ObligationKind.BREACH,
        ObligationKind.BLOCKER,
        ObligationKind.PROPOSAL,
        ObligationKind.FORCED_CHOICE,
        ObligationKind.SUCCESSOR,
        ObligationKind.HOLD_REVIEW,
        ObligationKind.CRITERIA,
    }
)
"""Gates: without them the stages would be labels. They are reassigned, answered, or closed incomplete."""


@rule.register
def waive(command: WaiveObligation, draft: Draft) -> None:
    """Waive what is neither a gate nor a meeting."""
    seen = obligations_known_to(draft.agreement, draft.actor.person_id, {draft.actor.role})
    obligation = seen.get(command.obligation_id)
    if obligation is None:
        known = ", ".join(sorted(seen)) or "none"
        raise Refused(
            RefusalCode.NOT_OPEN, f"obligation_id: {command.obligation_id} is not open; open are {known}."
        )
    if obligation.kind in NEVER_WAIVED:
        raise Refused(
            RefusalCode.NOT_ALLOWED_FOR_ROLE,
            f"{command.obligation_id} is a gate and cannot be waived; reassign it, answer it, "
            "or close incomplete.",
        )
    if obligation.kind in MEETING_KINDS:
        raise Refused(
            RefusalCode.NOT_ALLOWED_FOR_ROLE, f"{command.obligation_id} is a meeting; use excuse_meeting."
        )
    settled = draft.settled((command.obligation_id,), ObligationStatus.WAIVED)
    event = ObligationWaived(at=draft.at, obligation_id=command.obligation_id, reason=command.reason)
    if obligation.kind is ObligationKind.PLAN_REVIEW:
        follow_plan(draft, event, settled=settled)
    else:
        draft.add(event.with_ledger(LedgerChange(settled=settled)))
