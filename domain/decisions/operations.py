"""Rules by which operators and owners deal with what is held up."""

from __future__ import annotations

from domain.agreement import Agreement, Party
from domain.commands.operations import (
    AcknowledgeObligation,
    AdoptPolicy,
    CorrectEntry,
    HoldPlacement,
    NudgeObligation,
    ReadCalendarAgain,
    ReleasePlacement,
    ReportDeparture,
    SnoozeObligation,
)
from domain.decisions.dispatch import rule
from domain.decisions.planning import follow_plan
from domain.decisions.resting import after_hold, muted, not_paused
from domain.draft import Draft
from domain.events.operations import (
    CalendarReadAgain,
    EntryCorrected,
    ObligationAcknowledged,
    ObligationNudged,
    ObligationSnoozed,
    PartyLeft,
    PlacementHeld,
    PlacementReleased,
    PolicyAdopted,
)
from domain.model import PersonId
from domain.obligations import LedgerChange, Obligation, Rung, Settlement
from domain.opening import Owed, opened, recounted, reopened
from domain.policy import POLICY_SETS, KindPolicy
from domain.refusals import RefusalCode, Refused
from domain.vocabulary import ObligationKind, Role, StallReason

MOST_NUDGES = 4
"""Reminders to the owner of one obligation, the ladder's own included: more of them help nobody."""
MOST_SNOOZED_DAYS = 3
"""Working days by which reminders of one obligation may be put off, all together."""
LEVELS_THAT_NUDGE_THE_OWNER = frozenset({0, 1, 2})


def _open(draft: Draft, obligation_id: str) -> Obligation:
    found = draft.agreement.obligations.get(obligation_id)
    if found is None:
        known = ", ".join(sorted(draft.agreement.obligations)) or "none"
        raise Refused(RefusalCode.NOT_OPEN, f"obligation_id: {obligation_id} is not open; open are {known}.")
    return found


def _owned(draft: Draft, obligation_id: str) -> Obligation:
    """The open obligation, if it is the actor's own or the actor is HR's."""
    found = _open(draft, obligation_id)
    hr = {Role.HRBP, Role.PROGRAMME_OWNER, Role.OPERATOR}
    if draft.actor.person_id != found.owner_id and draft.actor.role not in hr:
        raise Refused(
            RefusalCode.NOT_ALLOWED_FOR_ROLE,
            f"obligation_id: {obligation_id} is owed by the {found.owner_role}, not by {draft.actor.person_id}.",
        )
    return found


@rule.register
def nudge(command: NudgeObligation, draft: Draft) -> None:
    """Four reminders in all, and none while the placement rests."""
    agreement = draft.agreement
    owed = _open(draft, command.obligation_id)
    if muted(agreement, owed):
        raise Refused(RefusalCode.PAUSED, "The placement rests; nobody is nudged until it goes on.")
    by_ladder = 0 if owed.reached is None else len(LEVELS_THAT_NUDGE_THE_OWNER & set(range(owed.reached + 1)))
    if by_ladder + agreement.nudges.get(owed.obligation_id, 0) >= MOST_NUDGES:
        raise Refused(
            RefusalCode.ALREADY_DONE,
            f"{owed.obligation_id} was nudged {MOST_NUDGES} times; speak with {owed.owner_id}, or reassign it.",
        )
    draft.add(ObligationNudged(at=draft.at, obligation_id=owed.obligation_id))


@rule.register
def acknowledge(command: AcknowledgeObligation, draft: Draft) -> None:
    """The climb stops; due and stalled stay where they are."""
    owed = _owned(draft, command.obligation_id)
    if not any(rung.at > draft.at for rung in owed.ladder):
        raise Refused(RefusalCode.NO_CHANGE, f"{owed.obligation_id} climbs no further; fulfil it instead.")
    reached = tuple(rung for rung in owed.ladder if rung.at <= draft.at)
    draft.add(
        ObligationAcknowledged(
            at=draft.at,
            obligation_id=owed.obligation_id,
            plan=command.plan,
            ledger=LedgerChange(moved=(owed.model_copy(update={"ladder": reached}),)),
        )
    )


@rule.register
def snooze(command: SnoozeObligation, draft: Draft) -> None:
    """The rungs ahead move, three working days in all; due and stalled stay where they are."""
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
    calendar = agreement.calendar_of(owed.owner_id)
    ladder = tuple(
        rung
        if rung.at <= draft.at
        else rung.model_copy(
            update={
                "at": calendar.opening_of(
                    calendar.working_day_from(calendar.local_date(rung.at), command.working_days)
                )
            }
        )
        for rung in owed.ladder
    )
    draft.add(
        ObligationSnoozed(
            at=draft.at,
            obligation_id=owed.obligation_id,
            working_days=command.working_days,
            reason=command.reason,
            ledger=LedgerChange(moved=(owed.model_copy(update={"ladder": ladder}),)),
        )
    )


@rule.register
def hold(command: HoldPlacement, draft: Draft) -> None:
    """Held once at a time."""
    not_paused(draft.agreement)
    if draft.agreement.held_externally:
        raise Refused(RefusalCode.ON_HOLD, "The placement is on hold already; release it first.")
    draft.add(PlacementHeld(at=draft.at, waits_for=command.waits_for))


@rule.register
def release(command: ReleasePlacement, draft: Draft) -> None:
    """Nobody is late for what fell due while they had to wait."""
    if not draft.agreement.held_externally:
        raise Refused(RefusalCode.NOT_OPEN, "The placement is not on hold.")
    event = PlacementReleased(at=draft.at, reason=command.reason)
    again = after_hold(draft.agreement, draft.after(event), draft.at)
    draft.add(event.model_copy(update={"ledger": LedgerChange(moved=again)}))


@rule.register
def adopt_policy(command: AdoptPolicy, draft: Draft) -> None:
    """Open obligations are counted anew; nothing is due earlier than the next working day."""
    agreement = draft.agreement
    policy = _policy(agreement, command)
    event = PolicyAdopted(at=draft.at, policy=policy, reason=command.reason)
    after = draft.after(event)
    moved = tuple(
        again
        for _, held in sorted(agreement.obligations.items())
        if (again := recounted(agreement.policy, after, held, draft.at)) != held
    )
    draft.add(event.model_copy(update={"ledger": LedgerChange(moved=moved)}))


def _policy(agreement: Agreement, command: AdoptPolicy) -> KindPolicy:
    found = POLICY_SETS.get((command.policy_set_id, command.version))
    if found is None:
        known = ", ".join(f"{name} version {version}" for name, version in POLICY_SETS)
        raise Refused(
            RefusalCode.UNKNOWN_REFERENCE,
            f"policy_set_id: there is no {command.policy_set_id} version {command.version}; there is {known}.",
        )
    policy = found.kinds[agreement.kind]
    if policy == agreement.policy:
        raise Refused(
            RefusalCode.NO_CHANGE, f"It follows {command.policy_set_id} version {command.version} already."
        )
    return policy


@rule.register
def correct(command: CorrectEntry, draft: Draft) -> None:
    """Only what was entered can be taken back; what it had settled is owed again."""
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
    leg_id = subject.split("/")[0]
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
    """What followed from the entry and is not owed any more."""
    if entry == "milestone.verified":
        return draft.settled((f"{ObligationKind.FEEDBACK}:milestone:{subject}",))
    if entry == "deliverable.accepted":
        leg_id = subject.split("/")[0]
        return draft.settled(
            (
                f"{ObligationKind.LEG_DEBRIEF}:{leg_id}",
                f"{ObligationKind.HANDOVER}:{leg_id}",
                f"{ObligationKind.FEEDBACK}:leg:{leg_id}",
            )
        )
    return ()


@rule.register
def departure(command: ReportDeparture, draft: Draft) -> None:
    """What a leaver owes stops climbing after them and says why; a successor is owed instead."""
    agreement = draft.agreement
    roles = tuple(party for party in agreement.parties if party.person_id == command.person_id)
    if not roles:
        raise Refused(
            RefusalCode.NOT_A_PARTY,
            f"person_id: {command.person_id} is no party to {agreement.agreement_id}.",
        )
    if command.person_id in agreement.departed:
        raise Refused(RefusalCode.ALREADY_DONE, f"person_id: {command.person_id} is known to have left.")
    flagged = tuple(
        held.model_copy(update={"reason": StallReason.PARTY_LEFT, "ladder": _reached(held, draft)})
        for _, held in sorted(agreement.obligations.items())
        if held.owner_id == command.person_id
    )
    owed = Owed(
        kind=ObligationKind.SUCCESSOR,
        subject=command.person_id,
        owner=_who_finds_a_successor(agreement, command.person_id),
        allowance=agreement.policy.allowance_for(ObligationKind.FORCED_CHOICE),
    )
    draft.add(
        PartyLeft(
            at=draft.at,
            person_id=command.person_id,
            roles=roles,
            proposed_successor=command.proposed_successor,
            reason=command.reason,
            ledger=LedgerChange(moved=flagged, opened=(opened(agreement, owed, draft.at),)),
        )
    )


def _who_finds_a_successor(agreement: Agreement, leaver: PersonId) -> Party:
    """The programme owner; HR where the programme owner is the one who left."""
    owner = agreement.holder(Role.PROGRAMME_OWNER)
    return agreement.holder(Role.HRBP) if owner.person_id == leaver else owner


def _reached(held: Obligation, draft: Draft) -> tuple[Rung, ...]:
    return tuple(rung for rung in held.ladder if rung.at <= draft.at)


@rule.register
def read_calendar_again(command: ReadCalendarAgain, draft: Draft) -> None:
    """Nothing is due on a day on which its owner does not work; nothing becomes due earlier."""
    agreement = draft.agreement
    if not agreement.roles_of(command.person_id):
        raise Refused(
            RefusalCode.NOT_A_PARTY,
            f"person_id: {command.person_id} is no party to {agreement.agreement_id}.",
        )
    calendar = agreement.calendar_of(command.person_id)
    moved = tuple(
        reopened(agreement, held, held.owner_id, draft.at)
        for _, held in sorted(agreement.obligations.items())
        if held.owner_id == command.person_id
        and held.due_at > draft.at
        and not calendar.is_working_day(calendar.local_date(held.due_at))
    )
    draft.add(
        CalendarReadAgain(
            at=draft.at, person_id=command.person_id, reason=command.reason, ledger=LedgerChange(moved=moved)
        )
    )
