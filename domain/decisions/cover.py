"""Rules about leave: work passes to whoever stands in and comes back, or it is said that nobody covers."""

from __future__ import annotations

from datetime import datetime

from domain.agreement.events.people import CoverSought, PartyCameBack, PartyWentOnLeave
from domain.agreement.state import Absence, Agreement
from domain.decisions.draft import Draft
from domain.decisions.responsibility import available_holder
from domain.kernel.model import PersonId
from domain.kernel.vocabulary import ObligationKind, Role, StallReason
from domain.ledger.obligation import LedgerChange, Obligation
from domain.scheduling.absence import absences, is_uncovered, needs_cover, who_acts
from domain.scheduling.candidates import proposed_replacement
from domain.scheduling.obligations import NewObligation, open_obligation, reopen_obligation


def follow_leave(draft: Draft) -> bool:
    """Add what somebody's leave leads to now, and return whether that was anything.

    Nothing passes from one to another while the placement is paused: nobody acts then.
    """
    agreement = draft.agreement
    if agreement.closed or agreement.paused_until is not None:
        return False
    away = absences(agreement, draft.at)
    for person_id in sorted(away.keys() | agreement.absent.keys()):
        if away.get(person_id) != agreement.absent.get(person_id):
            _follow(draft, person_id, away.get(person_id))
            return True
    return _seek_cover(draft)


def _follow(draft: Draft, person_id: PersonId, absence: Absence | None) -> None:
    if absence is None:
        event = PartyCameBack(at=draft.at, person_id=person_id)
    else:
        event = PartyWentOnLeave(
            at=draft.at,
            person_id=person_id,
            first=absence.first,
            last=absence.last,
            stand_in=absence.stand_in,
        )
    after = draft.after(event)
    moved = tuple(
        again
        for _, held in sorted(after.obligations.items())
        if held.principal_id == person_id and (again := passed_on(after, held, draft.at)) != held
    )
    draft.add(event.with_ledger(LedgerChange(moved=moved)))


def passed_on(after: Agreement, held: Obligation, at: datetime) -> Obligation:
    """Return what somebody owes whose leave begins, ends or is covered otherwise.

    Whoever does it from here on has its days in their own calendar. What nobody can do meanwhile keeps its
    dates; it says why it stalls, and nobody is reminded who is away.
    """
    acting = who_acts(after, held.kind, held.subject, held.principal_id)
    if acting != held.owner_id:
        return reopen_obligation(after, held, held.principal_id, at)
    flagged = held.reason is StallReason.PARTY_ON_LEAVE_UNCOVERED and held.kind is not ObligationKind.COVER
    if is_uncovered(after, held):
        unreminded = held.climbing_no_further(at)
        return unreminded.model_copy(update={"reason": StallReason.PARTY_ON_LEAVE_UNCOVERED})
    return reopen_obligation(after, held, held.principal_id, at) if flagged else held


def _seek_cover(draft: Draft) -> bool:
    """Ask somebody in charge for a stand-in, once for each leave in which one is lacking."""
    agreement = draft.agreement
    for person_id, absence in sorted(agreement.absent.items()):
        owed = NewObligation(
            kind=ObligationKind.COVER,
            subject=f"{person_id}:{absence.first}",
            owner=available_holder(
                agreement, Role.PROGRAMME_OWNER, Role.HRBP, Role.SPONSOR, but_not=person_id
            ),
        )
        asked = agreement.obligations.keys() | agreement.waived
        if owed.obligation_id not in asked and needs_cover(agreement, person_id):
            event = CoverSought(
                at=draft.at,
                person_id=person_id,
                proposed=proposed_replacement(agreement, person_id),
                ledger=LedgerChange(opened=(open_obligation(agreement, owed, draft.at),)),
            )
            draft.add(event)
            return True
    return False
