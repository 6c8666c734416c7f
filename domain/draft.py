"""A decision being made: events are folded as they are added, so each next rule sees their effect."""

from __future__ import annotations

from datetime import datetime

from domain.agreement import Agreement, Party
from domain.events import Event
from domain.evolve import evolve
from domain.obligations import LedgerChange, Settlement
from domain.vocabulary import ObligationKind, ObligationStatus, Phase, Role

WORKING_DAYS_PER_WEEK = 5
DAYS_PER_WEEK = 7


class Draft:
    """The events decided so far and the agreement that they lead to.

    What a draft holds is folded already, so whatever `decide` returns, `evolve` accepts.
    """

    def __init__(self, agreement: Agreement | None, at: datetime, actor: Party) -> None:
        self._agreement = agreement
        self.at = at
        self.actor = actor
        self.events: list[Event] = []

    @property
    def agreement(self) -> Agreement:
        """As it stands after the events so far.

        Raises:
            LookupError: If nothing was proposed yet.
        """
        if self._agreement is None:
            raise LookupError("nothing was proposed yet")
        return self._agreement

    def add(self, event: Event) -> None:
        """Adds an event with what follows for the ledger whatever the event is.

        A choice forced by the ladder is made once its obligation is settled or moved, and a meaningful event
        in an active placement starts the silence anew.
        """
        if self._agreement is not None:
            choices = _choices_made(self._agreement, event.ledger)
            event = _with(event, settled=(*event.ledger.settled, *choices))
        folded = evolve(self._agreement, event)
        if folded.phase is Phase.ACTIVE and (event.meaningful or folded.silent_at is None):
            event = _with(event, silent_at=silent_at(folded, self.at))
            folded = evolve(self._agreement, event)
        self._agreement = folded
        self.events.append(event)

    def open(self, kind: ObligationKind, subject: str) -> bool:
        """Whether this is owed."""
        return f"{kind}:{subject}" in self.agreement.obligations

    def fulfilled(self, kind: ObligationKind, subject: str) -> tuple[Settlement, ...]:
        """Settles this as fulfilled where it is owed."""
        return self.settled((f"{kind}:{subject}",), ObligationStatus.FULFILLED)

    def settled(
        self, obligation_ids: tuple[str, ...], status: ObligationStatus = ObligationStatus.SUPERSEDED
    ) -> tuple[Settlement, ...]:
        """Settles those of these that are open."""
        return tuple(
            Settlement.model_validate({"obligation_id": obligation_id, "status": status})
            for obligation_id in obligation_ids
            if obligation_id in self.agreement.obligations
        )

    def everything_settled(self) -> tuple[Settlement, ...]:
        """Settles all that is open as superseded: the agreement closes."""
        return self.settled(tuple(sorted(self.agreement.obligations)))


def _with(event: Event, **changes: object) -> Event:
    return event.model_copy(update={"ledger": event.ledger.model_copy(update=changes)})


def _choices_made(agreement: Agreement, change: LedgerChange) -> tuple[Settlement, ...]:
    """The forced choices that a change of the ledger answers."""
    settled = {settlement.obligation_id for settlement in change.settled}
    answered = settled | {moved.obligation_id for moved in change.moved}
    return tuple(
        Settlement(obligation_id=key, status=ObligationStatus.FULFILLED)
        for key in (f"{ObligationKind.FORCED_CHOICE}:{each}" for each in sorted(answered))
        if key in agreement.obligations and key not in settled
    )


def silent_at(agreement: Agreement, since: datetime) -> datetime:
    """When silence becomes a stall: twice the check-in cadence, within the policy's bounds."""
    cadence = agreement.terms.cadence.check_in_days * WORKING_DAYS_PER_WEEK / DAYS_PER_WEEK
    limit = agreement.policy.silence
    working_days = min(max(round(2 * cadence), limit.least), limit.most)
    calendar = agreement.calendar_of(agreement.holder(Role.MENTEE).person_id)
    return calendar.closing_of(calendar.working_day_from(calendar.local_date(since), working_days))
