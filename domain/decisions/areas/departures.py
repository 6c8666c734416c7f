"""Rules about people who leave, or whose working time changes."""

from __future__ import annotations

from domain.agreement.commands.operations import ReadCalendarAgain, ReportDeparture
from domain.agreement.events.operations import CalendarReadAgain, PartyLeft
from domain.agreement.state import Agreement, Party
from domain.decisions.draft import Draft
from domain.decisions.registry import rule
from domain.kernel.errors import RefusalCode, Refused
from domain.kernel.model import PersonId
from domain.kernel.vocabulary import ObligationKind, Role, StallReason
from domain.ledger.obligation import LedgerChange, Obligation
from domain.scheduling.absence import working_time
from domain.scheduling.candidates import proposed_replacement
from domain.scheduling.obligations import Owed, opened, reopened


def somebody_in_charge(agreement: Agreement, *roles: Role, but_not: PersonId | None = None) -> Party:
    """Whoever holds the first of these roles and is there, or covered; the first's holder where nobody is."""
    uncovered = {person for person, absence in agreement.absent.items() if absence.stand_in is None}
    gone = {*agreement.departed, *uncovered, but_not}
    there = (party for role in roles for party in agreement.holding(role) if party.person_id not in gone)
    return next(there, agreement.holder(roles[0]))


def still_there(agreement: Agreement, person_id: PersonId) -> None:
    """Refuses a successor who is known to have left.

    Raises:
        Refused: If this person has left.
    """
    if person_id in agreement.departed:
        raise Refused(
            RefusalCode.UNKNOWN_REFERENCE, f"to_person: {person_id} has left; name somebody who is there."
        )


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
    if command.proposed_successor == command.person_id:
        raise Refused(
            RefusalCode.CONFLICT_OF_INTEREST,
            f"proposed_successor: {command.person_id} is the one who left; name somebody else, or nobody.",
        )
    flagged = tuple(
        held.climbing_no_further(draft.at).model_copy(
            update={"reason": StallReason.PARTY_LEFT, "owner_id": held.principal_id, "stands_in_for": None}
        )
        for _, held in sorted(agreement.obligations.items())
        if held.principal_id == command.person_id
    )
    owed = Owed(
        kind=ObligationKind.SUCCESSOR,
        subject=command.person_id,
        owner=somebody_in_charge(
            agreement, Role.PROGRAMME_OWNER, Role.HRBP, Role.SPONSOR, but_not=command.person_id
        ),
    )
    draft.add(
        PartyLeft(
            at=draft.at,
            person_id=command.person_id,
            roles=roles,
            proposed_successor=command.proposed_successor
            or proposed_replacement(agreement, command.person_id),
            reason=command.reason,
            ledger=LedgerChange(moved=flagged, opened=(opened(agreement, owed, draft.at),)),
        )
    )


@rule.register
def read_calendar_again(command: ReadCalendarAgain, draft: Draft) -> None:
    """Nothing is due on a day on which nobody works on it; nothing becomes due earlier.

    Over a long leave somebody stands in: what they can do stays where it is.
    """
    agreement = draft.agreement
    if not agreement.roles_of(command.person_id):
        raise Refused(
            RefusalCode.NOT_A_PARTY,
            f"person_id: {command.person_id} is no party to {agreement.agreement_id}.",
        )
    moved = tuple(
        reopened(agreement, held, held.principal_id, draft.at)
        for _, held in sorted(agreement.obligations.items())
        if held.owner_id == command.person_id and held.due_at > draft.at and _on_a_free_day(agreement, held)
    )
    draft.add(
        CalendarReadAgain(
            at=draft.at, person_id=command.person_id, reason=command.reason, ledger=LedgerChange(moved=moved)
        )
    )


def _on_a_free_day(agreement: Agreement, held: Obligation) -> bool:
    calendar = working_time(agreement, held.owner_id, held.kind)
    return not calendar.is_working_day(calendar.local_date(held.due_at))
