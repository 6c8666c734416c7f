"""Rules about who carries what: roles that change hands, departures, working time read again."""

from __future__ import annotations

from collections.abc import Container, Iterator
from datetime import datetime

from domain.agreement.commands.people import ReadCalendarAgain, ReassignRole, ReportDeparture
from domain.agreement.events.people import CalendarReadAgain, PartyLeft, RoleReassigned
from domain.agreement.state import Agreement
from domain.decisions.areas.forming import signature_owed
from domain.decisions.areas.matters import handler
from domain.decisions.draft import Draft
from domain.decisions.planning import FOLLOWS_A_PLAN, planned
from domain.decisions.registry import rule
from domain.decisions.responsibility import available_holder, refuse_departed
from domain.decisions.transitions import unsigned
from domain.kernel.classification import KNOWN_TO
from domain.kernel.errors import RefusalCode, Refused
from domain.kernel.model import PersonId
from domain.kernel.vocabulary import ObligationKind, Role, StallReason
from domain.kinds import KINDS
from domain.ledger.obligation import LedgerChange, Obligation
from domain.scheduling.absence import working_time
from domain.scheduling.candidates import proposed_replacement
from domain.scheduling.obligations import (
    SEQUENCE_PAST_A_CANCELLED_INVITE,
    NewObligation,
    open_obligation,
    reopen_obligation,
)
from domain.terms.checks import problems
from domain.terms.people import fields_naming_people


@rule.register
def departure(command: ReportDeparture, draft: Draft) -> None:
    """Stop the climb of what a leaver owes, say why, and ask for a successor."""
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
    owed = NewObligation(
        kind=ObligationKind.SUCCESSOR,
        subject=command.person_id,
        owner=available_holder(
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
            ledger=LedgerChange(moved=flagged, opened=(open_obligation(agreement, owed, draft.at),)),
        )
    )


@rule.register
def read_calendar_again(command: ReadCalendarAgain, draft: Draft) -> None:
    """Move what is due on a day on which nobody works on it; nothing becomes due earlier.

    Over a long leave somebody stands in: what they can do stays where it is.
    """
    agreement = draft.agreement
    if not agreement.roles_of(command.person_id):
        raise Refused(
            RefusalCode.NOT_A_PARTY,
            f"person_id: {command.person_id} is no party to {agreement.agreement_id}.",
        )
    moved = tuple(
        reopen_obligation(agreement, held, held.principal_id, draft.at)
        for _, held in sorted(agreement.obligations.items())
        if held.owner_id == command.person_id
        and not held.is_overdue(draft.at)
        and _on_a_free_day(agreement, held)
    )
    draft.add(
        CalendarReadAgain(
            at=draft.at, person_id=command.person_id, reason=command.reason, ledger=LedgerChange(moved=moved)
        )
    )


def _on_a_free_day(agreement: Agreement, held: Obligation) -> bool:
    calendar = working_time(agreement, held.owner_id, held.kind)
    return not calendar.is_working_day(calendar.local_date(held.due_at))


NEVER_REASSIGNED = frozenset({Role.MENTEE, Role.SYSTEM, Role.OPERATOR})


@rule.register
def reassign(command: ReassignRole, draft: Draft) -> None:
    """Move open work to the successor, whose calendar sets new due instants; done work stays.

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
    draft.add(event.with_ledger(change))


def _handed_over(after: Agreement, held: Obligation, to_person: PersonId, at: datetime) -> Obligation:
    """Return what somebody owed, owed by the successor; but nobody hears a concern about themselves."""
    matter = after.matters.get(held.subject)
    if matter is None or held.kind not in KNOWN_TO or to_person not in {matter.about, matter.raised_by}:
        return reopen_obligation(after, held, to_person, at)
    party = handler(after, matter)
    return reopen_obligation(after, held.model_copy(update={"owner_role": party.role}), party.person_id, at)


def _met_by_somebody_else(
    before: Agreement, after: Agreement, at: datetime, *, but_not: Container[str]
) -> Iterator[Obligation]:
    """Yield sessions ahead that the successor hosts, so that calendars show who comes."""
    attendees = KINDS[after.kind].attendees
    for key, held in sorted(before.obligations.items()):
        ahead = key not in but_not and held.starts_at is not None and held.starts_at > at
        if ahead and attendees(before, held) != attendees(after, held):
            yield held.model_copy(update={"sequence": held.sequence + SEQUENCE_PAST_A_CANCELLED_INVITE})


def _newly_asked(before: Agreement, after: Agreement, at: datetime) -> Iterator[Obligation]:
    """Yield signatures that a change of hands leaves missing: of the agreement and annexes ahead."""
    if after.phase not in FOLLOWS_A_PLAN:
        return
    for party in unsigned(after):
        asked = signature_owed(after, party, at)
        if party not in before.parties and asked.obligation_id not in before.obligations:
            yield asked
    for owed in planned(after):
        if owed.kind is ObligationKind.ANNEX_SIGNATURE and owed.obligation_id not in before.obligations:
            yield open_obligation(after, owed, at)


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
    refuse_departed(agreement, command.to_person)


def _check_successor(before: Agreement, after: Agreement, command: ReassignRole) -> None:
    """Hold the successor to the rules about people that the terms were held to.

    Raises:
        Refused: If the roles that the successor would hold exclude one another.
    """
    known = problems(before.terms)
    naming_people = fields_naming_people(type(after.terms), nested=True)
    clashes = [
        problem
        for problem in problems(after.terms)
        if problem not in known and problem.field.split(".")[0] in naming_people
    ]
    if command.to_person == after.mentee_id or clashes:
        why = f"{clashes[0].field} {clashes[0].sentence}" if clashes else "the mentee is the one it is for"
        raise Refused(
            RefusalCode.CONFLICT_OF_INTEREST,
            f"to_person: {command.to_person} cannot be {command.role}: {why}.",
        )
