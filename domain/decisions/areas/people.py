"""Rules about who carries what: reassigning a role, and waiving an obligation."""

from __future__ import annotations

from collections.abc import Container, Iterator
from datetime import datetime

from domain.agreement.audiences import KNOWN_TO
from domain.agreement.commands.course import ReassignRole, WaiveObligation
from domain.agreement.events.course import ObligationWaived, RoleReassigned
from domain.agreement.state import Agreement
from domain.decisions.areas.departures import still_there
from domain.decisions.areas.forming import signature_owed
from domain.decisions.areas.matters import handler
from domain.decisions.consent import PEOPLE
from domain.decisions.draft import Draft
from domain.decisions.planning import FOLLOWS_A_PLAN, follow_plan, planned
from domain.decisions.registry import rule
from domain.decisions.transitions import unsigned
from domain.kernel.errors import RefusalCode, Refused
from domain.kernel.model import PersonId
from domain.kernel.vocabulary import ObligationKind, ObligationStatus, Role
from domain.ledger.obligation import MEETING_KINDS, LedgerChange, Obligation
from domain.privacy.confidentiality import obligations_known_to
from domain.scheduling.attendees import attendees
from domain.scheduling.obligations import SEQUENCE_PAST_A_CANCELLED_INVITE, opened, reopened
from domain.terms.checks import problems

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

NAMES_PEOPLE = PEOPLE | {"legs", "sessions"}
"""Fields of the terms in which a successor may turn up where they must not be."""

NEVER_REASSIGNED = frozenset({Role.MENTEE, Role.SYSTEM, Role.OPERATOR})


@rule.register
def reassign(command: ReassignRole, draft: Draft) -> None:
    """Open work moves to the successor, whose calendar sets new due instants; done work stays.

    A signature is consent and does not move: the successor is asked for one of their own.
    """
    agreement = draft.agreement
    event = RoleReassigned(
        at=draft.at,
        role=command.role,
        from_person=command.from_person,
        to_person=command.to_person,
        reason=command.reason,
    )
    _check_roles(agreement, command)
    after = draft.after(event)
    _check_successor(agreement, after, command)
    theirs = {
        key: held
        for key, held in sorted(agreement.obligations.items())
        if (held.owner_role, held.principal_id) == (command.role, command.from_person)
    }
    signatures = tuple(key for key, held in theirs.items() if held.kind is ObligationKind.SIGNATURE)
    moved = tuple(
        _handed_over(after, held, command.to_person, draft.at)
        for key, held in theirs.items()
        if key not in signatures
    )
    change = LedgerChange(
        settled=draft.settled(signatures),
        opened=tuple(_newly_asked(agreement, after, draft.at)),
        moved=(*moved, *_met_by_somebody_else(agreement, after, draft.at, but_not=theirs)),
    )
    draft.add(event.model_copy(update={"ledger": change}))


def _handed_over(after: Agreement, held: Obligation, to_person: PersonId, at: datetime) -> Obligation:
    """What somebody owed, owed by the successor; but nobody hears a concern about themselves."""
    matter = after.matters.get(held.subject)
    if matter is None or held.kind not in KNOWN_TO or to_person not in {matter.about, matter.raised_by}:
        return reopened(after, held, to_person, at)
    party = handler(after, matter)
    return reopened(after, held.model_copy(update={"owner_role": party.role}), party.person_id, at)


def _met_by_somebody_else(
    before: Agreement, after: Agreement, at: datetime, *, but_not: Container[str]
) -> Iterator[Obligation]:
    """Sessions ahead that the mentee owes and the successor hosts: calendars are to show who comes."""
    for key, held in sorted(before.obligations.items()):
        ahead = key not in but_not and held.starts_at is not None and held.starts_at > at
        if ahead and attendees(before, held) != attendees(after, held):
            yield held.model_copy(update={"sequence": held.sequence + SEQUENCE_PAST_A_CANCELLED_INVITE})


def _newly_asked(before: Agreement, after: Agreement, at: datetime) -> Iterator[Obligation]:
    """Signatures that a change of hands leaves missing: of the agreement, and of annexes of legs ahead."""
    if after.phase not in FOLLOWS_A_PLAN:
        return
    for party in unsigned(after):
        asked = signature_owed(after, party, at)
        if party not in before.parties and asked.obligation_id not in before.obligations:
            yield asked
    for owed in planned(after):
        if owed.kind is ObligationKind.ANNEX_SIGNATURE and owed.obligation_id not in before.obligations:
            yield opened(after, owed, at)


def _check_roles(agreement: Agreement, command: ReassignRole) -> None:
    if command.role in NEVER_REASSIGNED:
        raise Refused(
            RefusalCode.NOT_ALLOWED_FOR_ROLE,
            f"role: the {command.role} cannot be reassigned; place a new request.",
        )
    holders = {party.person_id for party in agreement.holding(command.role)}
    if command.from_person not in holders:
        raise Refused(
            RefusalCode.UNKNOWN_REFERENCE,
            f"from_person: {command.from_person} is not {command.role} here; "
            f"{', '.join(sorted(holders)) or 'nobody'} is.",
        )
    if command.to_person == command.from_person:
        raise Refused(RefusalCode.NO_CHANGE, f"to_person: {command.to_person} is {command.role} already.")
    still_there(agreement, command.to_person)


def _check_successor(before: Agreement, after: Agreement, command: ReassignRole) -> None:
    """Holds the successor to the rules about people that the terms were held to.

    Raises:
        Refused: If the roles that the successor would hold exclude one another.
    """
    known = problems(before.terms)
    clashes = [
        problem
        for problem in problems(after.terms)
        if problem not in known and problem.field.split(".")[0] in NAMES_PEOPLE
    ]
    if command.to_person == after.mentee_id or clashes:
        why = f"{clashes[0].field} {clashes[0].sentence}" if clashes else "the mentee is the one it is for"
        raise Refused(
            RefusalCode.CONFLICT_OF_INTEREST,
            f"to_person: {command.to_person} cannot be {command.role}: {why}.",
        )


@rule.register
def waive(command: WaiveObligation, draft: Draft) -> None:
    """What is neither a gate nor a meeting can be waived."""
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
        draft.add(event.model_copy(update={"ledger": LedgerChange(settled=settled)}))
