"""What a rest does to the ledger: while a placement is paused or on hold, nobody is nudged or late."""

from __future__ import annotations

from datetime import datetime

from domain.agreement.events.course import PlacementResumed
from domain.agreement.state import Agreement
from domain.decisions.draft import Draft, silent_at
from domain.decisions.planning import replanned
from domain.kernel.errors import RefusalCode, Refused
from domain.kernel.vocabulary import ObligationKind
from domain.ledger.obligation import Obligation
from domain.scheduling.obligations import (
    SEQUENCE_PAST_A_CANCELLED_INVITE,
    reopen_obligation,
    shift_obligation,
)

SPOKEN_OF_IN_A_HOLD = frozenset({ObligationKind.BREACH, ObligationKind.HOLD_REVIEW})
"""What a hold is about: somebody has to settle it, or to look whether it can end."""


def is_suspended(agreement: Agreement, obligation: Obligation) -> bool:
    """Return whether nobody is nudged about this: in a pause, and in a hold about all but its cause."""
    if agreement.paused_until is not None:
        return True
    return agreement.held and obligation.kind not in SPOKEN_OF_IN_A_HOLD


def not_paused(agreement: Agreement) -> None:
    """Refuse a change of dates that the end of a pause would move once more.

    Raises:
        Refused: If the placement is paused.
    """
    if agreement.paused_until is not None:
        raise Refused(
            RefusalCode.PAUSED,
            f"The placement is paused until {agreement.local_date(agreement.paused_until)}; resume it first.",
        )


def resume(draft: Draft) -> None:
    """End a pause.

    Where it shifts dates, everything still ahead moves by the days that it lasted. What fell due meanwhile
    gets its allowance anew, meetings that the pause called off are on again, and silence is counted from
    here.
    """
    before, at = draft.agreement, draft.at
    lasted = (before.local_date(at) - before.local_date(before.paused_at or at)).days
    days = lasted if before.pause_shifts_dates else 0
    event = PlacementResumed(at=at, shifted_days=days)
    after = draft.after(event)
    change = replanned(before, after, at)
    arranged = {each.obligation_id for each in (*change.settled, *change.moved)}
    others = tuple(
        again
        for key, held in sorted(before.obligations.items())
        if key not in arranged and (again := _after_pause(before, after, held, days, at)) is not None
    )
    draft.add(event.with_ledger(change.extended(moved=others, silent_at=silent_at(after, at))))


def _after_pause(
    before: Agreement, after: Agreement, held: Obligation, days: int, at: datetime
) -> Obligation | None:
    """Return the obligation as it goes on after a pause; None where nothing about it changes."""
    paused_at, paused_until = before.paused_at or at, before.paused_until or at
    if days > 0 and not held.is_overdue(paused_at):
        held_on = shift_obligation(after, held, days)
        return reopen_obligation(after, held, held.principal_id, at) if held_on.is_overdue(at) else held_on
    if held.is_overdue(at):
        return None if is_suspended(after, held) else reopen_obligation(after, held, held.principal_id, at)
    called_off = held.starts_at is not None and at < held.starts_at < paused_until
    if not called_off:
        return None
    return held.model_copy(update={"sequence": held.sequence + SEQUENCE_PAST_A_CANCELLED_INVITE})


def after_hold(before: Agreement, after: Agreement, at: datetime) -> tuple[Obligation, ...]:
    """Return what fell due in a hold, with its allowance anew; empty while the suspension lasts."""
    if not before.held or after.held or after.paused_until is not None:
        return ()
    return tuple(
        reopen_obligation(after, held, held.principal_id, at)
        for key, held in sorted(after.obligations.items())
        if held.is_overdue(at) and key in before.obligations and is_suspended(before, held)
    )
