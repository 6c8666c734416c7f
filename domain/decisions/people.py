"""Rules about who carries what: reassigning a role, and waiving an obligation."""

from __future__ import annotations

from domain.agreement import Agreement, Party
from domain.commands.course import ReassignRole, WaiveObligation
from domain.decisions.dispatch import rule
from domain.decisions.forming import signature_owed
from domain.decisions.planning import MEETING_KINDS
from domain.draft import Draft
from domain.events.course import ObligationWaived, RoleReassigned
from domain.kinds import KINDS
from domain.obligations import LedgerChange, Obligation
from domain.opening import reopened
from domain.refusals import RefusalCode, Refused
from domain.vocabulary import ObligationKind, ObligationStatus, Phase, Role

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
        ObligationKind.PIVOT_CONSENT,
        ObligationKind.CONCERN,
        ObligationKind.BREACH,
        ObligationKind.BLOCKER,
        ObligationKind.PROPOSAL,
    }
)
"""Gates: without them the stages would be labels. They are reassigned, answered, or closed incomplete."""

NEVER_REASSIGNED = frozenset({Role.MENTEE, Role.SYSTEM, Role.OPERATOR})


@rule.register
def reassign(command: ReassignRole, draft: Draft) -> None:
    """Open work moves to the successor, whose calendar sets new due instants; done work stays."""
    agreement = draft.agreement
    _check_successor(agreement, command)
    event = RoleReassigned(
        at=draft.at,
        role=command.role,
        from_person=command.from_person,
        to_person=command.to_person,
        reason=command.reason,
    )
    trial = Draft(agreement, draft.at, draft.actor)
    trial.add(event)
    after = trial.agreement
    signatures = {
        key
        for key, held in agreement.obligations.items()
        if held.kind is ObligationKind.SIGNATURE and _belongs_to(held, command)
    }
    moved = tuple(
        reopened(after, held, command.to_person, draft.at)
        for key, held in sorted(agreement.obligations.items())
        if _belongs_to(held, command) and key not in signatures
    )
    newly_asked = tuple(
        signature_owed(after, party, draft.at)
        for party in _successors_to_sign(after, command)
        if agreement.phase in {Phase.AGREEMENT, Phase.ACTIVE}
    )
    change = LedgerChange(settled=draft.settled(tuple(sorted(signatures))), opened=newly_asked, moved=moved)
    draft.add(event.model_copy(update={"ledger": change}))


def _belongs_to(obligation: Obligation, command: ReassignRole) -> bool:
    return (obligation.owner_role, obligation.owner_id) == (command.role, command.from_person)


def _successors_to_sign(after: Agreement, command: ReassignRole) -> tuple[Party, ...]:
    signatories = KINDS[after.kind].signatories(after)
    return tuple(
        party for party in signatories if party.role is command.role and party.person_id == command.to_person
    )


def _check_successor(agreement: Agreement, command: ReassignRole) -> None:
    if command.role in NEVER_REASSIGNED:
        raise Refused(
            RefusalCode.NOT_ALLOWED_FOR_ROLE,
            f"role: the {command.role} cannot be reassigned; place a new request.",
        )
    holders = {party.person_id for party in agreement.holding(command.role)}
    if command.from_person not in holders:
        raise Refused(
            RefusalCode.UNKNOWN_REFERENCE,
            f"from_person: {command.from_person} is not {command.role} here; {', '.join(sorted(holders)) or 'nobody'} is.",
        )
    if command.to_person == command.from_person or command.to_person in holders:
        raise Refused(RefusalCode.NO_CHANGE, f"to_person: {command.to_person} is {command.role} already.")
    held = agreement.roles_of(command.to_person)
    clashes = {Role.MENTEE} | ({Role.LINE_MANAGER} if command.role is Role.MENTOR else set())
    clashes |= {Role.MENTOR} if command.role is Role.LINE_MANAGER else set()
    if held & clashes:
        raise Refused(
            RefusalCode.CONFLICT_OF_INTEREST,
            f"to_person: {command.to_person} is {', '.join(sorted(held & clashes))} and cannot be {command.role} too.",
        )


@rule.register
def waive(command: WaiveObligation, draft: Draft) -> None:
    """What is neither a gate nor a meeting can be waived."""
    obligation = draft.agreement.obligations.get(command.obligation_id)
    if obligation is None:
        known = ", ".join(sorted(draft.agreement.obligations)) or "none"
        raise Refused(
            RefusalCode.NOT_OPEN, f"obligation_id: {command.obligation_id} is not open; open are {known}."
        )
    if obligation.kind in NEVER_WAIVED:
        raise Refused(
            RefusalCode.NOT_ALLOWED_FOR_ROLE,
            f"{command.obligation_id} is a gate and cannot be waived; reassign it, answer it, or close incomplete.",
        )
    if obligation.kind in MEETING_KINDS:
        raise Refused(
            RefusalCode.NOT_ALLOWED_FOR_ROLE, f"{command.obligation_id} is a meeting; use excuse_meeting."
        )
    settled = draft.settled((command.obligation_id,), ObligationStatus.WAIVED)
    draft.add(
        ObligationWaived(
            at=draft.at,
            obligation_id=command.obligation_id,
            reason=command.reason,
            ledger=LedgerChange(settled=settled),
        )
    )
