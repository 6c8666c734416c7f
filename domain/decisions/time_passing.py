"""The passage of time: what becomes due, is missed, climbs the ladder, or moves on by its date."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from domain.agreement.events.operations import ObligationEscalated
from domain.agreement.state import Agreement, Party
from domain.decisions.areas.meetings import missed
from domain.decisions.draft import Draft
from domain.decisions.suspension import is_suspended
from domain.decisions.transitions import advance, end_instant, start_instant
from domain.kernel.vocabulary import ObligationKind, Phase, Role
from domain.ledger.ladder import LAST_LEVEL
from domain.ledger.ledger import instants
from domain.ledger.obligation import Escalation, LedgerChange, Level, Obligation
from domain.privacy.confidentiality import may_know
from domain.scheduling.absence import turns
from domain.scheduling.obligations import NewObligation, open_obligation


def pass_time(draft: Draft) -> None:
    """Add everything that has come of itself by now."""
    advance(draft)
    for obligation in _due_to_act(draft.agreement, draft.at):
        missed(draft, obligation)
    for obligation in tuple(draft.agreement.obligations.values()):
        level = obligation.level_at(draft.at)
        climbed = level is not None and (obligation.reached is None or level > obligation.reached)
        if climbed and level is not None and not is_suspended(draft.agreement, obligation):
            _escalate(draft, obligation, level)
    advance(draft)


def next_instant(agreement: Agreement, after: datetime) -> datetime | None:
    """Return the earliest instant later than `after` at which the agreement changes by itself.

    None for a closed agreement, and for one that waits on people only.
    """
    return min((instant for instant in _instants(agreement) if instant > after), default=None)


def _instants(agreement: Agreement) -> Iterator[datetime]:
    if agreement.closed:
        return
    if agreement.phase is Phase.AGREEMENT:
        yield (agreement.expires_at if agreement.concluded_at is None else start_instant(agreement))
    if agreement.paused_until is not None:
        yield agreement.paused_until
    elif agreement.phase is Phase.ACTIVE:
        yield end_instant(agreement)
        if agreement.silent_at is not None and not agreement.held:
            yield agreement.silent_at
    if agreement.paused_until is None:
        yield from turns(agreement)
    for obligation in agreement.obligations.values():
        if not is_suspended(agreement, obligation):
            yield from instants(obligation)


def _due_to_act(agreement: Agreement, at: datetime) -> list[Obligation]:
    return [
        obligation
        for _, obligation in sorted(agreement.obligations.items())
        if obligation.acts_by_itself_at is not None
        and obligation.acts_by_itself_at <= at
        and not is_suspended(agreement, obligation)
    ]


def _chooser(agreement: Agreement, obligation: Obligation) -> Party:
    """Return the programme owner, or HR: nobody chooses what becomes of a breach of their own."""
    owner = agreement.holder(Role.PROGRAMME_OWNER)
    if may_know(agreement, obligation, owner.person_id, {owner.role}):
        return owner
    return agreement.holder(Role.HRBP)


def _escalate(draft: Draft, obligation: Obligation, level: Level) -> None:
    """Escalate one step, however many rungs were slept through; the last one forces a choice."""
    forced = ()
    if level == LAST_LEVEL:
        owed = NewObligation(
            kind=ObligationKind.FORCED_CHOICE,
            subject=obligation.obligation_id,
            owner=_chooser(draft.agreement, obligation),
            reason=obligation.reason,
        )
        forced = (open_obligation(draft.agreement, owed, draft.at),)
    escalation = Escalation(obligation_id=obligation.obligation_id, level=level)
    draft.add(
        ObligationEscalated(
            at=draft.at,
            obligation_id=obligation.obligation_id,
            level=level,
            ledger=LedgerChange(escalated=(escalation,), opened=forced),
        )
    )
