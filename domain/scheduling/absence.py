"""Who acts for whom while somebody is on leave.

A short leave moves what is due; over a long one, which the policy tells from a short one, somebody stands in:
the delegate, or the delegate's delegate. What only the person themselves can give waits for them. Nobody
stands in for the mentee, whom the placement is for.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from domain.agreement.state import Absence, Agreement
from domain.kernel.calendar import Calendar, Leave
from domain.kernel.classification import KNOWN_TO
from domain.kernel.model import PersonId
from domain.kernel.vocabulary import ObligationKind, StallReason
from domain.ledger.obligation import MEETING_KINDS, Obligation

IN_PERSON = frozenset(
    {
        ObligationKind.SIGNATURE,
        ObligationKind.ANNEX_SIGNATURE,
        ObligationKind.PIVOT_CONSENT,
        ObligationKind.SYNTHESIS_SIGNATURE,
        ObligationKind.FEEDBACK,
        ObligationKind.SELF_ASSESSMENT,
        ObligationKind.SESSION_DEBRIEF,
        ObligationKind.LEG_DEBRIEF,
        ObligationKind.DEBRIEF,
        ObligationKind.SYNTHESIS,
    }
)
"""Consent, and what somebody saw or thinks themselves: no delegate can give it."""

_A_DAY = timedelta(days=1)


def absences(agreement: Agreement, at: datetime) -> dict[PersonId, Absence]:
    """The parties who are on a long leave at an instant, each with whoever stands in."""
    found: dict[PersonId, Absence] = {}
    for person_id in sorted(_whose_leave_counts(agreement)):
        day = agreement.calendar_of(person_id).local_date(at)
        leave = _long_leave(agreement, person_id, day)
        if leave is not None:
            stand_in = stand_in_for(agreement, person_id, day)
            found[person_id] = Absence(first=leave.first, last=leave.last, stand_in=stand_in)
    return found


def turns(agreement: Agreement) -> Iterator[datetime]:
    """The instants at which a long leave of a party, or of somebody who may stand in, begins or ends."""
    people = _whose_leave_counts(agreement)
    for person_id in sorted(people.union(*(_delegates(agreement, each) for each in people))):
        calendar = agreement.calendar_of(person_id)
        for leave in calendar.leave_spans():
            if _is_long(agreement, calendar, leave):
                yield calendar.opening_of(leave.first)
                yield calendar.opening_of(leave.last + _A_DAY)


def back_at(agreement: Agreement, person_id: PersonId) -> datetime | None:
    """When somebody who is away now is back; None where they are not away."""
    absence = agreement.absent.get(person_id)
    if absence is None:
        return None
    return agreement.calendar_of(person_id).opening_of(absence.last + _A_DAY)


def stand_in_for(agreement: Agreement, person_id: PersonId, day: date) -> PersonId | None:
    """The first in the chain of delegates who is known, there on the day, and not the mentee."""
    for delegate in _delegates(agreement, person_id):
        able = delegate in agreement.calendars and delegate not in {agreement.mentee_id, *agreement.departed}
        if able and _long_leave(agreement, delegate, day) is None:
            return delegate
    return None


def who_acts(agreement: Agreement, kind: ObligationKind, subject: str, person_id: PersonId) -> PersonId:
    """Who owes now what is a person's: they themselves, or whoever stands in for them."""
    absence = agreement.absent.get(person_id)
    if absence is None or absence.stand_in is None or kind in IN_PERSON:
        return person_id
    matter = agreement.matters.get(subject) if kind in KNOWN_TO else None
    concerned = matter is not None and absence.stand_in in {matter.about, matter.raised_by}
    return person_id if concerned else absence.stand_in


def working_time(agreement: Agreement, person_id: PersonId, kind: ObligationKind) -> Calendar:
    """The calendar that what somebody owes is counted in.

    A long leave does not stop the clock of what somebody else can do meanwhile; a meeting is moved off it
    all the same where nobody stands in.
    """
    calendar = agreement.calendar_of(person_id)
    if not calendar.leave or kind in IN_PERSON or person_id not in _whose_leave_counts(agreement):
        return calendar
    waits = tuple(
        leave
        for leave in calendar.leave_spans()
        if not _is_long(agreement, calendar, leave)
        or (kind in MEETING_KINDS and stand_in_for(agreement, person_id, leave.first) is None)
    )
    return calendar.model_copy(update={"leave": waits})


def is_uncovered(agreement: Agreement, obligation: Obligation) -> bool:
    """Whether its owner is away, nobody can do it for them, and it cannot wait until they are back."""
    back = back_at(agreement, obligation.owner_id)
    return back is not None and min(obligation.due_at, obligation.stalled_at) < back


def needs_cover(agreement: Agreement, person_id: PersonId) -> bool:
    """Whether somebody on leave owes what cannot wait and nobody does meanwhile."""
    return person_id in agreement.absent and any(
        held.owner_id == person_id
        and held.reason is StallReason.PARTY_ON_LEAVE_UNCOVERED
        and held.kind is not ObligationKind.COVER
        for held in agreement.obligations.values()
    )


def _whose_leave_counts(agreement: Agreement) -> frozenset[PersonId]:
    if agreement.policy.covered_from is None:
        return frozenset()
    parties = {party.person_id for party in agreement.parties}
    return frozenset(parties - {agreement.mentee_id} - agreement.departed)


def _long_leave(agreement: Agreement, person_id: PersonId, day: date) -> Leave | None:
    calendar = agreement.calendar_of(person_id)
    for leave in calendar.leave_spans():
        if leave.covers(day) and _is_long(agreement, calendar, leave):
            return leave
    return None


def _is_long(agreement: Agreement, calendar: Calendar, leave: Leave) -> bool:
    """Whether it takes so many working days that the policy has somebody stand in."""
    least = agreement.policy.covered_from
    if least is None or leave.first > calendar.covers_until:
        return False
    at_work = calendar.model_copy(update={"leave": ()})
    return at_work.working_days_between(leave.first - _A_DAY, leave.last) >= least


def _delegates(agreement: Agreement, person_id: PersonId) -> tuple[PersonId, ...]:
    """A person's delegate, the delegate's delegate, and so on, each once."""
    chain: list[PersonId] = []
    known = agreement.calendars.get(person_id)
    while (
        known is not None and known.delegate_id is not None and known.delegate_id not in {person_id, *chain}
    ):
        chain.append(known.delegate_id)
        known = agreement.calendars.get(known.delegate_id)
    return tuple(chain)
