"""A decision being made: events are folded as they are added, so each next rule sees their effect."""

from __future__ import annotations

from datetime import datetime

from domain.agreement.events import Event
from domain.agreement.evolve import evolve
from domain.agreement.state import Agreement, Party
from domain.kernel.vocabulary import ObligationKind, ObligationStatus, Phase, Role
from domain.ledger.obligation import LedgerChange, Obligation, Settlement
from domain.scheduling.absence import needs_cover

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
        """Return the agreement as it stands after the events so far.

        Raises:
            LookupError: If nothing was proposed yet.
        """
        if self._agreement is None:
            raise LookupError("nothing was proposed yet")
        return self._agreement

    def after(self, event: Event) -> Agreement:
        """Return the agreement as it would be after this event, which is not added."""
        return evolve(self._agreement, event)

    def add(self, event: Event) -> None:
        """Add an event with what follows for the ledger whatever the event is.

        A successor is found once the leaver holds no role any more, and cover once nothing waits for somebody
        on leave. A choice forced by the ladder is made
        once its obligation is settled or moved. A meaningful event in an active placement starts the silence
        anew.
        """
        if self._agreement is not None:
            change = _with_successors_found(self._agreement, event)
            event = event.with_ledger(_with_choices_made(self._agreement, change))
            event = event.with_ledger(_with_cover_found(self._agreement, event))
        folded = evolve(self._agreement, event)
        if folded.phase is Phase.ACTIVE and (event.meaningful or folded.silent_at is None):
            event = event.with_ledger(event.ledger.extended(silent_at=silent_at(folded, self.at)))
            folded = evolve(self._agreement, event)
        self._agreement = folded
        self.events.append(event)

    def holds(self, *roles: Role) -> bool:
        """Return whether the actor holds one of these roles, beside the one in which they act."""
        return self.actor.role in roles or bool(self.agreement.roles_of(self.actor.person_id) & set(roles))

    def owed_by_actor(self, kind: ObligationKind) -> list[Obligation]:
        """Return what the actor owes of a kind: in the role of this command first, then by due date."""
        owed = [
            held
            for held in self.agreement.obligations.values()
            if held.kind is kind and held.owner_id == self.actor.person_id
        ]
        return sorted(
            owed, key=lambda held: (held.owner_role is not self.actor.role, held.due_at, held.obligation_id)
        )

    def open(self, kind: ObligationKind, subject: str) -> bool:
        """Return whether this is owed."""
        return f"{kind}:{subject}" in self.agreement.obligations

    def fulfilled(self, kind: ObligationKind, subject: str) -> tuple[Settlement, ...]:
        """Settle this as fulfilled where it is owed."""
        return self.settled((f"{kind}:{subject}",), ObligationStatus.FULFILLED)

    def settled(
        self, obligation_ids: tuple[str, ...], status: ObligationStatus = ObligationStatus.SUPERSEDED
    ) -> tuple[Settlement, ...]:
        """Settle those of these that are open."""
        return tuple(
            Settlement.model_validate({"obligation_id": obligation_id, "status": status})
            for obligation_id in obligation_ids
            if obligation_id in self.agreement.obligations
        )

    def choices_made(self) -> tuple[Settlement, ...]:
        """Settle every choice that the ladder forced: this decision is the choice."""
        forced = (
            key
            for key, held in sorted(self.agreement.obligations.items())
            if held.kind is ObligationKind.FORCED_CHOICE
        )
        return self.settled(tuple(forced), ObligationStatus.FULFILLED)

    def everything_settled(self) -> tuple[Settlement, ...]:
        """Settle all that is open as superseded: the agreement closes."""
        return self.settled(tuple(sorted(self.agreement.obligations)))


def _with_successors_found(agreement: Agreement, event: Event) -> LedgerChange:
    """Settle the search for successors of those who are no party after the event."""
    change = event.ledger
    if not agreement.departed:
        return change
    replaced = agreement.departed - evolve(agreement, event).departed
    found = {f"{ObligationKind.SUCCESSOR}:{leaver}" for leaver in replaced} & agreement.obligations.keys()
    return _also_settled(change, found)


def _with_cover_found(agreement: Agreement, event: Event) -> LedgerChange:
    """Settle the search for cover where nothing waits for somebody on leave any more."""
    sought = {key: held for key, held in agreement.obligations.items() if held.kind is ObligationKind.COVER}
    if not sought:
        return event.ledger
    after = evolve(agreement, event)
    found = {
        key
        for key, held in sought.items()
        if key in after.obligations and not needs_cover(after, held.subject.partition(":")[0])
    }
    return _also_settled(event.ledger, found)


def _with_choices_made(agreement: Agreement, change: LedgerChange) -> LedgerChange:
    """Settle the forced choices that the change answers."""
    settled = {settlement.obligation_id for settlement in change.settled}
    answered = settled | {moved.obligation_id for moved in change.moved if _is_replanned(agreement, moved)}
    made = {f"{ObligationKind.FORCED_CHOICE}:{each}" for each in answered} & agreement.obligations.keys()
    return _also_settled(change, made)


def _also_settled(change: LedgerChange, fulfilled: set[str]) -> LedgerChange:
    """Return the change with these fulfilled too, and not moved."""
    more = fulfilled - {settlement.obligation_id for settlement in change.settled}
    if not more:
        return change
    settled = (Settlement(obligation_id=key, status=ObligationStatus.FULFILLED) for key in sorted(more))
    still_moved = tuple(moved for moved in change.moved if moved.obligation_id not in more)
    return change.model_copy(update={"moved": still_moved}).extended(settled=settled)


def _is_replanned(agreement: Agreement, moved: Obligation) -> bool:
    """Return whether an obligation moved in earnest: fewer reminders are no decision."""
    before = agreement.obligations.get(moved.obligation_id)
    return before is None or (before.due_at, before.owner_id) != (moved.due_at, moved.owner_id)


def silent_at(agreement: Agreement, since: datetime) -> datetime:
    """Return when silence becomes a stall: twice the check-in cadence, within the policy's bounds."""
    cadence = agreement.terms.cadence.check_in_days * WORKING_DAYS_PER_WEEK / DAYS_PER_WEEK
    limit = agreement.policy.silence
    working_days = min(max(round(2 * cadence), limit.least), limit.most)
    calendar = agreement.calendar_of(agreement.holder(Role.MENTEE).person_id)
    return calendar.closing_of(calendar.working_day_from(calendar.local_date(since), working_days))
